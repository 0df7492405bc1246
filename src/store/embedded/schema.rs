//! The file behind the embedded store: how it is made and opened, and what SQLite's errors mean.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};

use super::{DEADLINE, StoreError};
use crate::sqlite::{self, Fault};

/// How long SQLite waits for another process's lock before it gives up; inside [`DEADLINE`].
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
const READERS: u32 = 2;

/// Raised with every change below that an older program could not live with.
const SCHEMA_VERSION: i64 = 2;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS records (
        key BLOB PRIMARY KEY, value BLOB NOT NULL, version BLOB NOT NULL, ends INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS counters (
        key BLOB PRIMARY KEY, value INTEGER NOT NULL, ends INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS members (
        key BLOB NOT NULL, member BLOB NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (key, member)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT, message BLOB NOT NULL, ends INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS records_by_end ON records (ends);
    CREATE INDEX IF NOT EXISTS counters_by_end ON counters (ends);
    CREATE INDEX IF NOT EXISTS members_by_end ON members (ends);
    PRAGMA user_version = 2;
";

/// The writer's pool of one connection, and the readers'.
pub async fn open(file: &Path) -> Result<(SqlitePool, SqlitePool), StoreError> {
    sqlite::make(file).map_err(|error| StoreError::Refused(format!("{}: {error}", file.display())))?;
    let named = |error: StoreError| named(file, error);
    let options = options().filename(file).journal_mode(SqliteJournalMode::Wal);
    let writer = sqlite::pool(1, DEADLINE).connect_lazy_with(options.clone());
    prepare(&writer).await.map_err(named)?;
    let readers = sqlite::pool(READERS, DEADLINE).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok((writer, readers))
}

/// A pool of one connection, which reads and writes: each further one would be a database of its own.
pub async fn in_memory() -> Result<SqlitePool, StoreError> {
    let only = sqlite::pool(1, DEADLINE).connect_lazy_with(options().in_memory(true));
    prepare(&only).await?;
    Ok(only)
}

/// What a failure of SQLite means to those who asked the store.
pub fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => StoreError::Timeout(DEADLINE),
        sqlx::Error::Io(error) => StoreError::Unreachable(error.to_string()),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => StoreError::Unreachable(error.to_string()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::Corrupt(error.to_string()),
        sqlx::Error::Database(error) => match Fault::of(error.code().as_deref()) {
            Fault::Busy => StoreError::Timeout(BUSY_TIMEOUT),
            Fault::Corrupt => StoreError::Corrupt(error.message().to_owned()),
            Fault::Unreachable => StoreError::Unreachable(error.message().to_owned()),
            Fault::Refused => StoreError::Refused(error.message().to_owned()),
        },
        error => StoreError::Refused(error.to_string()),
    }
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .thread_name(|id| format!("store-{id}"))
        .pragma("journal_size_limit", "16777216")
        .disable_statement_logging()
}

/// Lays out the tables. Turning to WAL takes a lock for which SQLite does not wait (<https://sqlite.org/wal.html>),
/// so a second process opening a new file at the same moment is tried again.
async fn prepare(writer: &SqlitePool) -> Result<(), StoreError> {
    let tries = async {
        loop {
            match lay_out(writer).await.map_err(store_error) {
                Err(StoreError::Timeout(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => break Err(error),
                Ok(found) if found > SCHEMA_VERSION => {
                    break Err(StoreError::Refused(format!(
                        "written by a newer version of this program (layout {found}, known {SCHEMA_VERSION})"
                    )));
                }
                Ok(_) => break Ok(()),
            }
        }
    };
    tokio::time::timeout(2 * DEADLINE, tries).await.unwrap_or(Err(StoreError::Timeout(2 * DEADLINE)))
}

/// The version of the layout that was found, zero for a new file.
async fn lay_out(writer: &SqlitePool) -> Result<i64, sqlx::Error> {
    let mut write = writer.begin_with("BEGIN IMMEDIATE").await?;
    let found = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *write).await?;
    if found < SCHEMA_VERSION {
        sqlx::raw_sql(SCHEMA).execute(&mut *write).await?;
        write.commit().await?;
    }
    Ok(found)
}

fn named(file: &Path, error: StoreError) -> StoreError {
    let at = |text: String| format!("{}: {text}", file.display());
    match error {
        StoreError::Unreachable(text) => StoreError::Unreachable(at(text)),
        StoreError::Refused(text) => StoreError::Refused(at(text)),
        StoreError::Corrupt(text) => StoreError::Corrupt(at(text)),
        timeout @ StoreError::Timeout(_) => timeout,
    }
}
