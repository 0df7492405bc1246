//! Many accounts at once, in one transaction.

use super::change::{bound, insert_in};
use super::trail::Line;
use super::{Database, DatabaseError, Entry, Taken, writing};

/// An account to be imported.
pub struct Row {
    pub entry: Entry,
    pub line: Line,
}

/// What came of an import.
#[derive(Debug, PartialEq, Eq)]
pub enum Imported {
    /// All were made; or, in a dry run, all could be.
    All,
    /// The rows, by their index, whose name or address is taken. Nothing was written.
    Refused(Vec<(usize, Taken)>),
}

impl Database {
    /// Imports all rows or none. A dry run does the same work and takes it back. `progress` is called with the number
    /// of rows done, now and then.
    pub async fn import(
        &self,
        rows: Vec<Row>,
        apply: bool,
        progress: impl Fn(usize) + Send + Sync + 'static,
    ) -> Result<Imported, DatabaseError> {
        self.prepare().await?;
        let engine = self.shared.engine.clone();
        let work = async move {
            writing!(&engine, transaction => {
                let mut refused = Vec::new();
                for (index, row) in rows.iter().enumerate() {
                    match insert_in!(transaction, &row.entry, false) {
                        Some(taken) => refused.push((index, taken)),
                        None => row.line.write_in(&mut *transaction).await?,
                    }
                    if index % EVERY == EVERY - 1 {
                        progress(index + 1);
                    }
                }
                progress(rows.len());
                if refused.is_empty() && apply {
                    transaction.commit().await?;
                } else {
                    transaction.rollback().await?;
                }
                Ok(if refused.is_empty() { Imported::All } else { Imported::Refused(refused) })
            })
        };
        self.on_services(LONGEST, work).await
    }
}

/// Rows between two calls of `progress`.
const EVERY: usize = 256;

/// No import takes longer.
const LONGEST: std::time::Duration = std::time::Duration::from_hours(1);
