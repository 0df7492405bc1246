//! SQLite as this program uses it: how a file is made and opened, and what its errors mean.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// Makes the file and its directory where they are missing, for this user alone. SQLite gives the files beside the
/// database (`-wal`, `-shm`) the mode of the database itself.
pub fn make(file: &Path) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(file).map(drop)
}

/// A file with a write-ahead log: readers and the one writer do not wait for each other. `busy` is how long another
/// process's lock is waited for.
pub fn options(file: &Path, thread: &'static str, busy: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(busy)
        .foreign_keys(true)
        .thread_name(move |id| format!("{thread}-{id}"))
        .pragma("journal_size_limit", "16777216")
        .disable_statement_logging()
}

/// Connections are opened when first needed, and again after one is lost; none is ever retired, so the pool needs
/// no task of its own on whichever runtime called it first.
pub fn pool(connections: u32, patience: Duration) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// What an error of SQLite comes down to. <https://sqlite.org/rescode.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Somebody else holds the lock.
    Busy,
    /// The file or the disk does not do as it is told.
    Unreachable,
    /// The file is broken, or no database.
    Corrupt,
    /// Anything else: a full disk, a file that cannot be written, a mistake.
    Refused,
}

impl Fault {
    /// By the code that [`sqlx::error::DatabaseError::code`] gives: the primary one is its low byte.
    pub fn of(code: Option<&str>) -> Self {
        let primary = code.and_then(|code| code.parse::<u32>().ok()).map(|extended| extended & 0xff);
        match primary {
            Some(5 | 6) => Self::Busy,
            Some(10 | 14) => Self::Unreachable,
            Some(11 | 26) => Self::Corrupt,
            _ => Self::Refused,
        }
    }
}
