//! The access log: one line a request, on standard error.
//!
//! It is on by default and so on the path of every request: a line is put together by hand and added to a shared
//! buffer, which a thread of its own writes out. A request never waits for the disk or the pipe.

use std::cell::RefCell;
use std::io::Write as _;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::escape::{capped, push, push_json};
use super::{Format, Settings};
use crate::clock::{Timestamp, push_number};

/// Lines that are held while the other end of the pipe does not read; beyond it lines are dropped and counted.
const HELD_BYTES: usize = 8 * 1024 * 1024;

/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(5);

/// What is written at one go, in bytes: a thread that has its turn keeps it until then.
const PIECE: usize = 16 * 1024;

/// What is said about a request. The path comes without its query, which may hold secrets.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub at: Timestamp,
    pub request_id: &'a str,
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    pub status: u16,
    /// From the request's head to the answer's.
    pub elapsed: Duration,
    /// Of the answer's body, where its length is known.
    pub bytes: Option<u64>,
    pub app: Option<&'a str>,
    pub username: Option<&'a str>,
    /// The visitor's address.
    pub client: &'a str,
}

/// Where the lines go. Shared by all workers; dropping the last of its handles writes out what is left.
#[derive(Clone)]
pub struct AccessLog(Option<Arc<Log>>);

struct Log {
    format: Format,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    held: Mutex<Held>,
    filled: Condvar,
}

#[derive(Default)]
struct Held {
    lines: String,
    dropped: u64,
    closed: bool,
}

impl AccessLog {
    /// Starts the writer, if `log.access` is on.
    pub fn start(settings: &Settings) -> std::io::Result<Self> {
        if !settings.access {
            return Ok(Self::off());
        }
        let shared = Arc::new(Shared::default());
        let of_writer = Arc::clone(&shared);
        let writer = thread::Builder::new().name("access-log".into()).spawn(move || {
            give_way();
            of_writer.write_out(|lines| std::io::stderr().lock().write_all(lines).is_ok());
        })?;
        Ok(Self(Some(Arc::new(Log { format: settings.format, shared, writer: Some(writer) }))))
    }

    /// Writes nothing.
    pub fn off() -> Self {
        Self(None)
    }

    pub fn record(&self, entry: &Entry<'_>) {
        thread_local! {
            static LINE: RefCell<Line> = RefCell::default();
        }
        let Some(log) = &self.0 else { return };
        LINE.with_borrow_mut(|Line { text: line, time }| {
            line.clear();
            let at = time.of(entry.at);
            match log.format {
                Format::Text => text(line, at, entry),
                Format::Json => json(line, at, entry),
            }
            log.shared.add(line);
        });
    }
}

/// A thread's line in the making.
#[derive(Default)]
struct Line {
    text: String,
    time: Time,
}

/// A time in text. Many lines fall into one second and differ in the last digits alone.
#[derive(Default)]
struct Time {
    at: Option<Timestamp>,
    text: String,
}

impl Time {
    fn of(&mut self, at: Timestamp) -> &str {
        if self.at != Some(at) {
            let second = |at: Timestamp| at.millis().div_euclid(1000);
            if self.at.map(second) == Some(second(at)) && at.millis() >= 0 {
                self.text.truncate(self.text.len() - "123Z".len());
                push_number(&mut self.text, at.millis().unsigned_abs() % 1000, 3);
                self.text.push('Z');
            } else {
                self.text.clear();
                at.push_to(&mut self.text);
            }
            self.at = Some(at);
        }
        &self.text
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_one();
        if let Some(writer) = self.writer.take() {
            writer.join().ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &str) {
        let mut held = self.lock();
        if held.lines.len() + line.len() > HELD_BYTES {
            held.dropped += 1;
            return;
        }
        let was_empty = held.lines.is_empty();
        held.lines.push_str(line);
        drop(held);
        // Only the first line of a batch wakes the writer; to wake it is a system call.
        if was_empty {
            self.filled.notify_one();
        }
    }

    fn write_out(&self, write: impl Fn(&[u8]) -> bool) {
        let mut lines = String::new();
        loop {
            let mut held = self.lock();
            while held.lines.is_empty() && !held.closed {
                held = self.filled.wait(held).unwrap_or_else(PoisonError::into_inner);
            }
            if !held.closed {
                drop(held);
                thread::sleep(GATHER);
                held = self.lock();
            }
            let (closed, dropped) = (held.closed, mem::take(&mut held.dropped));
            mem::swap(&mut lines, &mut held.lines);
            drop(held);
            for piece in pieces(&lines) {
                write(piece.as_bytes());
            }
            lines.clear();
            if dropped > 0 {
                tracing::warn!(lines = dropped, "the access log could not keep up; lines were dropped");
            }
            if closed {
                return;
            }
        }
    }
}

/// Lets the threads that answer requests go first: lines can wait, visitors should not have to.
fn give_way() {
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "the access log is written at the same priority as all else");
    }
}

/// All of it in whole lines, as many at a time as make up a [`PIECE`]: others write to the same place between two of them.
fn pieces(mut lines: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let most = lines.len().min(PIECE);
        let within = lines.as_bytes().get(..most).unwrap_or_default();
        let end = memchr::memrchr(b'\n', within).or_else(|| memchr::memchr(b'\n', lines.as_bytes()));
        let (piece, rest) = lines.split_at_checked(end? + 1)?;
        lines = rest;
        Some(piece)
    })
}

/// As the rest of the log has it in text.
fn text(line: &mut String, at: &str, entry: &Entry<'_>) {
    line.push_str(at);
    line.push_str("  INFO access: ");
    push(line, capped(entry.method, 32));
    line.push(' ');
    push(line, capped(entry.host, 255));
    push(line, capped(entry.path, 2048));
    line.push(' ');
    push_number(line, u64::from(entry.status), 1);
    line.push(' ');
    push_milliseconds(line, entry.elapsed);
    line.push_str("ms");
    if let Some(bytes) = entry.bytes {
        line.push_str(" bytes=");
        push_number(line, bytes, 1);
    }
    for (name, word) in [(" app=", entry.app), (" user=", entry.username)] {
        if let Some(word) = word {
            line.push_str(name);
            push(line, capped(word, 128));
        }
    }
    line.push_str(" client=");
    push(line, entry.client);
    line.push_str(" request_id=");
    push(line, capped(entry.request_id, 128));
    line.push('\n');
}

/// As the rest of the log has it in JSON.
fn json(line: &mut String, at: &str, entry: &Entry<'_>) {
    line.push_str("{\"timestamp\":\"");
    line.push_str(at);
    line.push_str("\",\"level\":\"INFO\",\"target\":\"access\",\"status\":");
    push_number(line, u64::from(entry.status), 1);
    line.push_str(",\"ms\":");
    push_milliseconds(line, entry.elapsed);
    if let Some(bytes) = entry.bytes {
        line.push_str(",\"bytes\":");
        push_number(line, bytes, 1);
    }
    let words = [
        ("client", Some(entry.client)),
        ("method", Some(capped(entry.method, 32))),
        ("host", Some(capped(entry.host, 255))),
        ("path", Some(capped(entry.path, 2048))),
        ("app", entry.app),
        ("user", entry.username),
        ("request_id", Some(capped(entry.request_id, 128))),
    ];
    for (name, word) in words {
        if let Some(word) = word {
            line.push_str(",\"");
            line.push_str(name);
            line.push_str("\":");
            push_json(line, word);
        }
    }
    line.push_str("}\n");
}

/// To the nearest microsecond: `1.500`.
fn push_milliseconds(line: &mut String, elapsed: Duration) {
    let microseconds = u64::try_from((elapsed.as_nanos() + 500) / 1000).unwrap_or(u64::MAX);
    push_number(line, microseconds / 1000, 1);
    line.push('.');
    push_number(line, microseconds % 1000, 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry<'_> = Entry {
        at: Timestamp::from_millis(0),
        request_id: "r-1",
        method: "GET",
        host: "wiki.example.com",
        path: "/page",
        status: 200,
        elapsed: Duration::from_micros(1500),
        bytes: Some(12),
        app: Some("wiki"),
        username: Some("alice"),
        client: "127.0.0.1",
    };

    fn line(format: fn(&mut String, &str, &Entry<'_>), entry: &Entry<'_>) -> String {
        let mut line = String::new();
        format(&mut line, Time::default().of(entry.at), entry);
        line
    }

    #[test]
    fn times_are_written_as_they_are_displayed() {
        let mut time = Time::default();
        for millis in [0, 7, 7, 999, 1000, 1_795_338_300_120, 1_795_338_300_999, 1_795_338_299_001, -1, -999]
        {
            let at = Timestamp::from_millis(millis);
            assert_eq!(time.of(at), at.to_string());
        }
    }

    #[test]
    fn a_line_says_who_asked_for_what_and_got_what() {
        assert_eq!(
            line(text, &ENTRY),
            "1970-01-01T00:00:00.000Z  INFO access: GET wiki.example.com/page 200 1.500ms bytes=12 app=wiki \
             user=alice client=127.0.0.1 request_id=r-1\n"
        );
        let json: serde_json::Value = serde_json::from_str(&line(json, &ENTRY)).expect("JSON");
        assert_eq!(json["path"], "/page");
        assert_eq!(json["status"], 200);
        assert_eq!(json["user"], "alice");
    }

    #[test]
    fn times_are_rounded_to_microseconds() {
        for (nanoseconds, written) in [(0, "0.000"), (499, "0.000"), (500, "0.001"), (12_345_678, "12.346")] {
            let mut line = String::new();
            push_milliseconds(&mut line, Duration::from_nanos(nanoseconds));
            assert_eq!(line, written);
        }
    }

    #[test]
    fn nobody_can_forge_a_line() {
        let entry = Entry { path: "/\n{\"level\":\"ERROR\"}\u{202e}", username: None, app: None, ..ENTRY };
        assert_eq!(line(text, &entry).lines().count(), 1);
        let json = line(json, &entry);
        assert_eq!(json.lines().count(), 1);
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read["level"], "INFO");
    }

    #[test]
    fn all_lines_are_written_before_the_writer_ends() {
        let shared = Arc::new(Shared::default());
        for number in 0..3 {
            shared.add(&format!("{number}\n"));
        }
        shared.lock().closed = true;
        let written = Mutex::new(String::new());
        shared.write_out(|lines| {
            written.lock().expect("one thread").push_str(std::str::from_utf8(lines).expect("text"));
            true
        });
        assert_eq!(written.into_inner().expect("one thread"), "0\n1\n2\n");
    }

    #[test]
    fn they_are_written_in_pieces_of_whole_lines() {
        let long = format!("{}\n", "x".repeat(PIECE));
        let lines = format!("{}{long}{}", "short\n".repeat(PIECE / 4), "last\n".repeat(2));
        let pieces: Vec<_> = pieces(&lines).collect();
        assert_eq!(pieces.concat(), lines);
        assert!(pieces.iter().all(|piece| piece.ends_with('\n')));
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE || *piece == long), "{}", pieces.len());
        assert_eq!(pieces.len(), 4);
    }

    #[test]
    fn lines_beyond_the_bound_are_counted_and_not_kept() {
        let shared = Shared::default();
        shared.add(&"x".repeat(HELD_BYTES));
        shared.add("one more");
        assert_eq!(shared.lock().dropped, 1);
    }
}
