//! The log: `tracing` events as lines on standard error, which leaves standard output to what was asked for.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{Format, Settings, escape};

/// Libraries that have much to say about their own insides, some of it close to what visitors send; each can be
/// asked for by name (`hyper=debug,info`).
const QUIET: &str =
    "hyper=warn,hyper_util=warn,h2=warn,rustls=warn,tokio_rustls=warn,sqlx=warn,redis=warn,lettre=warn";

#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error("log.level {level:?} is none: {error} (a level such as info, or target=level pairs)")]
    Level { level: String, error: tracing_subscriber::filter::ParseError },
    #[error("a log has been set up before")]
    Twice,
}

/// Whether `level` can be used as `log.level`.
pub fn check_level(level: &str) -> Result<(), LoggingError> {
    filter(level).map(drop)
}

/// Sets up the log of this process. Once.
pub fn init(settings: &Settings) -> Result<(), LoggingError> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.level)?)
        .with_writer(Stderr)
        // It would say so on standard error, and panic when that is what has gone.
        .log_internal_errors(false)
        .with_ansi(false);
    match settings.format {
        Format::Text => log.try_init(),
        Format::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        }
    }
    .map_err(|_| LoggingError::Twice)
}

fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    // Of two directives for one target the later stands.
    EnvFilter::builder()
        .parse(format!("{QUIET},{level}"))
        .map_err(|error| LoggingError::Level { level: level.to_owned(), error })
}

/// Gets each event in one piece, and writes it as one line.
struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl io::Write for Stderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(one_line(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The event with its only line end at its end: whatever a visitor sent, an event cannot look like two.
fn one_line(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut line = String::with_capacity(text.len() + 1);
    escape::push(&mut line, text);
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        assert_eq!(one_line(b"sign-in of eve\n INFO forged\n"), "sign-in of eve\\u000a INFO forged\n");
    }

    #[test]
    fn levels_are_checked_before_they_are_used() {
        for level in ["info", "debug", "vestibule=debug,info", "hyper=trace,warn", "off"] {
            assert!(check_level(level).is_ok(), "{level}");
        }
        assert!(check_level("vestibule=loud").is_err());
    }
}
