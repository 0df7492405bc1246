//! The audit trail: who signed in, who failed to, and who changed what, as JSON lines appended to a file, and as
//! events of the log at target `audit`.
//!
//! A thread of its own writes, so that no request waits for a disk. A trail that cannot be written stops nobody from
//! signing in; the log says so once a minute.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::escape::{capped, push_json};
use crate::clock::{Timestamp, stopwatch};

/// Lines that may wait for the disk.
const WAITING: usize = 4096;

/// How often it is said that the trail cannot be written.
const COMPLAIN: Duration = Duration::from_mins(1);

/// The longest value that goes into the trail, in bytes.
const LONGEST: usize = 1024;

/// Something that operators may have to account for. Never holds a secret, nor anything that was typed as one.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub at: Timestamp,
    /// What happened, as `signed_in`.
    pub what: &'static str,
    /// Who did it, if somebody else than the account it was done to: an account's id, or `command line`.
    pub by: Option<&'a str>,
    /// The account's id, as `file:alice`.
    pub account: Option<&'a str>,
    /// The visitor's.
    pub address: Option<IpAddr>,
    pub request_id: Option<&'a str>,
    /// What else there is to say.
    pub detail: Option<&'a str>,
}

/// An event as a table keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub at: Timestamp,
    pub event: String,
    pub by: Option<String>,
    pub account: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub detail: Option<String>,
}

impl From<&Event<'_>> for Line {
    fn from(event: &Event<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(|text| capped(text, LONGEST).to_owned());
        Self {
            at: event.at,
            event: event.what.to_owned(),
            by: owned(event.by),
            account: owned(event.account),
            address: event.address.map(|address| address.to_string()),
            request_id: owned(event.request_id),
            detail: owned(event.detail),
        }
    }
}

/// The trail. Dropping the last of its handles writes what is left.
#[derive(Clone)]
pub struct Audit {
    file: Option<Arc<Trail>>,
    /// Whoever keeps the trail in a table besides.
    table: Option<Sender<Line>>,
}

struct Trail {
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
}

impl Audit {
    /// Opens the file, or makes it with mode 0600.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = Destination::open(path.to_owned())?;
        let (sender, receiver) = sync_channel(WAITING);
        let writer = thread::Builder::new().name("audit".into()).spawn(move || write_out(file, &receiver))?;
        let trail = Trail { lines: Some(sender), writer: Some(writer) };
        Ok(Self { file: Some(Arc::new(trail)), table: None })
    }

    /// Only the log hears of events.
    pub fn off() -> Self {
        Self { file: None, table: None }
    }

    /// Sends each event there as well, for a table.
    #[must_use]
    pub fn with_table(self, table: Sender<Line>) -> Self {
        Self { table: Some(table), ..self }
    }

    pub fn record(&self, event: &Event<'_>) {
        self.note(event);
        if self.table.as_ref().is_some_and(|table| table.try_send(event.into()).is_err()) {
            tracing::error!(
                "the audit trail's table cannot keep up; this event is in the log and the file alone"
            );
        }
    }

    /// Records an event whose line in the table is written already, with what it tells of.
    pub fn note(&self, event: &Event<'_>) {
        let address = event.address.map(tracing::field::display);
        let Event { what, by, account, request_id, detail, .. } = *event;
        tracing::info!(target: "audit", by, account, address, request_id, detail, "{what}");
        let line = line(event);
        let lines = self.file.as_ref().and_then(|trail| trail.lines.as_ref());
        if lines.is_some_and(|lines| lines.try_send(line).is_err()) {
            tracing::error!("the audit trail cannot keep up; this event is in the log alone");
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            writer.join().ok();
        }
    }
}

fn line(event: &Event<'_>) -> String {
    let mut line = format!("{{\"time\":\"{}\",\"event\":\"{}\"", event.at, event.what);
    let address = event.address.map(|address| address.to_string());
    let values = [
        ("by", event.by),
        ("account", event.account),
        ("address", address.as_deref()),
        ("request_id", event.request_id),
        ("detail", event.detail),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            line.push_str(",\"");
            line.push_str(name);
            line.push_str("\":");
            push_json(&mut line, capped(value, LONGEST));
        }
    }
    line.push_str("}\n");
    line
}

fn write_out(mut file: Destination, lines: &Receiver<String>) {
    let mut complained: Option<Instant> = None;
    for line in lines {
        let Err(error) = file.append(&line) else { continue };
        let now = stopwatch();
        if complained.is_none_or(|before| now.duration_since(before) >= COMPLAIN) {
            complained = Some(now);
            tracing::error!(path = %file.path.display(), %error, "the audit trail cannot be written");
        }
    }
}

/// The file, which may be moved away by those who rotate logs.
struct Destination {
    path: PathBuf,
    file: File,
}

impl Destination {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        Ok(Self { path, file })
    }

    /// One write a line: lines of several processes stand one after the other.
    fn append(&mut self, line: &str) -> io::Result<()> {
        if !self.is_in_place() {
            *self = Self::open(self.path.clone())?;
        }
        self.file.write_all(line.as_bytes())
    }

    fn is_in_place(&self) -> bool {
        match (std::fs::metadata(&self.path), self.file.metadata()) {
            (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const EVENT: Event<'_> = Event {
        at: Timestamp::from_millis(0),
        what: "wrong_password",
        by: None,
        account: Some("file:alice"),
        address: Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        request_id: None,
        detail: Some("typed \"\n"),
    };

    #[test]
    fn events_are_appended_as_json_lines_for_the_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("audit.log");
        for _ in 0..2 {
            Audit::open(&path).expect("opened").record(&EVENT);
        }
        let text = std::fs::read_to_string(&path).expect("read");
        let first = text.lines().next().expect("a line");
        assert_eq!(text.lines().count(), 2);
        assert_eq!(
            first,
            r#"{"time":"1970-01-01T00:00:00.000Z","event":"wrong_password","account":"file:alice","address":"127.0.0.1","detail":"typed \"\u000a"}"#
        );
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_trail_that_was_moved_away_begins_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, old) = (directory.path().join("audit.log"), directory.path().join("audit.log.1"));
        let mut file = Destination::open(path.clone()).expect("opened");
        file.append("1\n").expect("written");
        std::fs::rename(&path, &old).expect("moved");
        file.append("2\n").expect("written");
        assert_eq!(std::fs::read_to_string(&old).expect("read"), "1\n");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "2\n");
    }

    #[test]
    fn a_full_disk_stops_nobody() {
        Audit::open(Path::new("/dev/full")).expect("opened").record(&EVENT);
    }
}
