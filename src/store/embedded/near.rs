//! Reading records on the thread that asks.
//!
//! A look takes a few microseconds here; handing it to another thread and waking up again takes several times that.
//! Nothing is waited for: whatever does not go well at once (a lock, an error) is `None`, and is asked of the pool,
//! which may wait and knows what to say.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row};

use super::super::{Record, StoreError};

/// Connections that nobody uses at this moment are kept up to this number: one for each thread that reads at once.
const KEPT: usize = 16;

pub struct Near {
    state: Mutex<State>,
}

struct State {
    /// `None`: a database in memory, which one connection alone can see, or one that was closed.
    file: Option<PathBuf>,
    idle: Vec<Connection>,
}

impl Near {
    pub fn new(file: Option<&Path>) -> Self {
        Self { state: Mutex::new(State { file: file.map(Path::to_owned), idle: Vec::new() }) }
    }

    /// The record under this name, unless it has ended.
    pub fn get(&self, name: &[u8], now: i64) -> Option<Result<Option<Record>, StoreError>> {
        const QUERY: &str = "SELECT value, version FROM records WHERE key = ?1 AND ends > ?2";
        let connection = self.connection()?;
        let found = (|| {
            let mut query = connection.prepare_cached(QUERY)?;
            let mut rows = query.query((name, now))?;
            rows.next()?.map(|row| record(row, 0)).transpose()
        })();
        let found = found.ok()?;
        self.keep(connection);
        Some(found.transpose())
    }

    /// Both at one moment. Not by `IN`, for which SQLite would build a table of its own each time.
    pub fn get_pair(&self, names: [&[u8]; 2], now: i64) -> Option<Result<[Option<Record>; 2], StoreError>> {
        const QUERY: &str = "SELECT 0, value, version FROM records WHERE key = ?1 AND ends > ?3
             UNION ALL SELECT 1, value, version FROM records WHERE key = ?2 AND ends > ?3";
        let connection = self.connection()?;
        let found = (|| {
            let mut query = connection.prepare_cached(QUERY)?;
            let [one, other] = names;
            let mut rows = query.query((one, other, now))?;
            let mut found = [None, None];
            while let Some(row) = rows.next()? {
                let place = usize::from(row.get::<_, bool>(0)?);
                if let Some(place) = found.get_mut(place) {
                    *place = Some(record(row, 1)?);
                }
            }
            Ok::<_, rusqlite::Error>(found)
        })();
        let [one, other] = found.ok()?;
        self.keep(connection);
        Some(one.transpose().and_then(|one| Ok([one, other.transpose()?])))
    }

    pub fn close(&self) {
        *self.lock() = State { file: None, idle: Vec::new() };
    }

    fn connection(&self) -> Option<Connection> {
        let file = {
            let mut state = self.lock();
            if let Some(connection) = state.idle.pop() {
                return Some(connection);
            }
            state.file.clone()?
        };
        open(&file).ok()
    }

    fn keep(&self, connection: Connection) {
        let mut state = self.lock();
        if state.file.is_some() && state.idle.len() < KEPT {
            state.idle.push(connection);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Readers have to write beside the database too, to say what they read, so it is not opened for reading alone.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A value, and its version in the next column.
fn record(row: &Row<'_>, first: usize) -> rusqlite::Result<Result<Record, StoreError>> {
    let version = row.get_ref(first + 1)?.as_blob()?;
    Ok(super::record(row.get(first)?, version))
}
