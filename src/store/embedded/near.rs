//! Reading records on the thread that asks.
//!
//! A look takes a few microseconds here; handing it to another thread and waking up again takes several times that.
//! Nothing is waited for: whatever does not go well at once (a lock, an error) is `None`, and is asked of the pool,
//! which may wait and knows what to say.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

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

/// A value and its version.
type Found = (Vec<u8>, Vec<u8>);

impl Near {
    pub fn new(file: Option<&Path>) -> Self {
        Self { state: Mutex::new(State { file: file.map(Path::to_owned), idle: Vec::new() }) }
    }

    /// The records under these names that have not ended.
    pub fn read(&self, names: [&[u8]; 2], now: i64) -> Option<Result<[Option<Record>; 2], StoreError>> {
        let connection = self.connection()?;
        let found = read(&connection, names, now).ok()?;
        self.keep(connection);
        let record =
            |found: Option<Found>| found.map(|(value, version)| super::record(value, version)).transpose();
        let [one, other] = found.map(record);
        Some(one.and_then(|one| Ok([one, other?])))
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

fn read(connection: &Connection, names: [&[u8]; 2], now: i64) -> rusqlite::Result<[Option<Found>; 2]> {
    const QUERY: &str = "SELECT key, value, version FROM records WHERE key IN (?1, ?2) AND ends > ?3";
    let mut query = connection.prepare_cached(QUERY)?;
    let [one, other] = names;
    let mut rows = query.query((one, other, now))?;
    let mut found = [None, None];
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_blob()?;
        let record: Found = (row.get(1)?, row.get(2)?);
        for (place, wanted) in found.iter_mut().zip(names) {
            if wanted == name {
                *place = Some(record.clone());
            }
        }
    }
    Ok(found)
}
