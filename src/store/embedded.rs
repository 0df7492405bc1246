//! The store on one machine: a SQLite file in `data_dir`, shared with the command line.
//!
//! Every primitive is one SQL statement, so each is atomic by itself, among processes too. Writes queue for one
//! connection (SQLite has one writer anyway, and waiting in our own queue is cheaper than in its busy handler);
//! reads go past them, as WAL allows, and records are read on the thread that asks ([`Near`]). Whether a record has ended is judged by the [`Clock`] in each statement;
//! [`Embedded::sweep`] only cleans up. Nothing here panics over a full disk or a broken file: each becomes a
//! [`StoreError`]. Start from [`Embedded`].

mod channel;
mod near;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteQueryResult;

use tokio_util::sync::DropGuard;

use super::change::{Change, Channel};
use super::scan::{Cursor, Page, Position};
use super::{Count, Key, Record, Space, Store, StoreError, Version};
use crate::clock::{Clock, Timestamp};
use crate::tasks::Tasks;
use near::Near;

/// No primitive takes longer, waiting for the writer's turn included; a healthy one takes well under a millisecond.
const DEADLINE: Duration = Duration::from_secs(2);

/// How many ended rows of a table one sweep deletes: the writer is held for a few milliseconds.
const SWEEP_BATCH: i64 = 1_000;

/// How many records are on a page of [`Embedded::scan`].
const PAGE: i64 = 500;

pub struct Embedded {
    writer: SqlitePool,
    readers: SqlitePool,
    near: Near,
    clock: Clock,
    channel: Arc<Channel>,
    /// Ends what listens to other processes.
    _listening: Option<DropGuard>,
}

impl Embedded {
    /// Opens the file, making it and its directory where they are missing (modes 0600 and 0700).
    pub async fn open(file: &Path, clock: Clock, tasks: &Tasks) -> Result<Self, StoreError> {
        let (writer, readers) = schema::open(file).await?;
        let channel = Channel::new();
        let listening = channel::listen(&channel, readers.clone(), tasks);
        let near = Near::new(Some(file));
        Ok(Self { writer, readers, near, clock, channel, _listening: Some(listening) })
    }

    pub async fn in_memory(clock: Clock) -> Result<Self, StoreError> {
        let only = schema::in_memory().await?;
        let channel = Channel::new();
        // No other process can change anything in it.
        channel.is_up();
        let near = Near::new(None);
        Ok(Self { writer: only.clone(), readers: only, near, clock, channel, _listening: None })
    }

    pub async fn get(&self, key: Key) -> Result<Option<Record>, StoreError> {
        let own = name(key);
        if let Some(found) = self.near.get(&own, self.now()) {
            return found;
        }
        let query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(
            "SELECT value, version FROM records WHERE key = ? AND ends > ?",
        );
        let row = query.bind(own).bind(self.now()).fetch_optional(&self.readers);
        let Some((value, version)) = within_deadline(row).await? else { return Ok(None) };
        record(value, &version).map(Some)
    }

    pub async fn get_pair(&self, keys: [Key; 2]) -> Result<[Option<Record>; 2], StoreError> {
        let names = keys.map(name);
        let [one, other] = &names;
        if let Some(found) = self.near.get_pair([one, other], self.now()) {
            return found;
        }
        let query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, Vec<u8>)>(
            "SELECT key, value, version FROM records WHERE key IN (?, ?) AND ends > ?",
        );
        let rows = query.bind(one.as_slice()).bind(other.as_slice()).bind(self.now());
        let mut found = [None, None];
        for (key, value, version) in within_deadline(rows.fetch_all(&self.readers)).await? {
            let record = record(value, &version)?;
            for (place, name) in found.iter_mut().zip(&names) {
                if *name == key {
                    *place = Some(record.clone());
                }
            }
        }
        Ok(found)
    }

    pub async fn scan(&self, space: Space, after: Option<Cursor>) -> Result<Page, StoreError> {
        let after = match after {
            Some(Cursor(Position::After(name))) => name,
            Some(Cursor(Position::Server { .. })) | None => vec![space.letter()],
        };
        let query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, Vec<u8>)>(
            "SELECT key, value, version FROM records WHERE key > ? AND key < ? AND ends > ? ORDER BY key LIMIT ?",
        );
        let end = vec![space.letter() + 1];
        let rows = query.bind(after).bind(end).bind(self.now()).bind(PAGE).fetch_all(&self.readers);
        let rows = within_deadline(rows).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|found| found == PAGE);
        let last = rows.last().map(|(name, ..)| Cursor(Position::After(name.clone())));
        let mut records = Vec::with_capacity(rows.len());
        for (name, value, version) in rows {
            if let Some(key) = name.get(1..).and_then(|digest| Key::named(space, digest)) {
                records.push((key, record(value, &version)?));
            }
        }
        Ok(Page { records, next: last.filter(|_| full) })
    }

    pub async fn publish(&self, change: Change) -> Result<(), StoreError> {
        // In this process at once; the others, and this one once more, find it in the file.
        self.channel.tell(change);
        let query = sqlx::query("INSERT INTO changes (message, ends) VALUES (?, ?)");
        let query =
            query.bind(change.to_bytes().to_vec()).bind(self.clock.now().plus(channel::KEPT).millis());
        within_deadline(query.execute(&self.writer)).await.map(drop)
    }

    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    pub async fn put(&self, key: Key, value: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO records (key, value, version, ends) VALUES (?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, ends = excluded.ends",
        );
        let query = query.bind(name(key)).bind(value).bind(fresh_version()).bind(ends.millis());
        within_deadline(query.execute(&self.writer)).await.map(drop)
    }

    pub async fn take(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let query =
            sqlx::query_as::<_, (Vec<u8>, i64)>("DELETE FROM records WHERE key = ? RETURNING value, ends");
        let rows = within_deadline(query.bind(name(key)).fetch_all(&self.writer)).await?;
        let now = self.now();
        Ok(rows.into_iter().find_map(|(value, ends)| (ends > now).then_some(value)))
    }

    pub async fn swap(
        &self,
        key: Key,
        expected: Option<Version>,
        value: &[u8],
        ends: Timestamp,
    ) -> Result<bool, StoreError> {
        let query = match expected {
            Some(Version(version)) => sqlx::query(
                "UPDATE records SET value = ?2, version = ?3, ends = ?4 WHERE key = ?1 AND ends > ?5 AND version = ?6",
            )
            .bind(name(key))
            .bind(value)
            .bind(fresh_version())
            .bind(ends.millis())
            .bind(self.now())
            .bind(version.to_vec()),
            None => sqlx::query(
                "INSERT INTO records (key, value, version, ends) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (key) DO UPDATE SET value = ?2, version = ?3, ends = ?4 WHERE records.ends <= ?5",
            )
            .bind(name(key))
            .bind(value)
            .bind(fresh_version())
            .bind(ends.millis())
            .bind(self.now()),
        };
        let done: SqliteQueryResult = within_deadline(query.execute(&self.writer)).await?;
        Ok(done.rows_affected() == 1)
    }

    pub async fn bump(&self, key: Key, by: i64, window: Duration) -> Result<Count, StoreError> {
        let now = self.clock.now();
        let (query, pool) = match by {
            0 => (
                sqlx::query_as::<_, (i64, i64)>("SELECT value, ends FROM counters WHERE key = ?1 AND ends > ?2")
                    .bind(name(key))
                    .bind(now.millis()),
                &self.readers,
            ),
            ..0 => (
                sqlx::query_as(
                    "UPDATE counters SET value = max(0, value + ?3) WHERE key = ?1 AND ends > ?2 RETURNING value, ends",
                )
                .bind(name(key))
                .bind(now.millis())
                .bind(by),
                &self.writer,
            ),
            1.. => (
                sqlx::query_as(
                    "INSERT INTO counters (key, value, ends) VALUES (?1, ?3, ?4)
                     ON CONFLICT (key) DO UPDATE SET
                       value = iif(ends > ?2, min(value + ?3, ?5), ?3), ends = iif(ends > ?2, ends, ?4)
                     RETURNING value, ends",
                )
                .bind(name(key))
                .bind(now.millis())
                .bind(by)
                .bind(now.plus(window).millis())
                .bind(Store::COUNT_MAX),
                &self.writer,
            ),
        };
        // All rows, not the first: a statement with RETURNING has done its work only when it is run to its end.
        let rows = within_deadline(query.fetch_all(pool)).await?;
        Ok(rows.first().map_or(Count { value: 0, ends: now }, |&(value, ends)| Count {
            value,
            ends: Timestamp::from_millis(ends),
        }))
    }

    pub async fn reset(&self, counter: Key) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM counters WHERE key = ?");
        within_deadline(query.bind(name(counter)).execute(&self.writer)).await.map(drop)
    }

    pub async fn index_add(&self, index: Key, member: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO members (key, member, ends) VALUES (?, ?, ?)
             ON CONFLICT (key, member) DO UPDATE SET ends = excluded.ends",
        );
        let query = query.bind(name(index)).bind(member).bind(ends.millis());
        within_deadline(query.execute(&self.writer)).await.map(drop)
    }

    pub async fn index_remove(&self, index: Key, member: &[u8]) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM members WHERE key = ? AND member = ?");
        within_deadline(query.bind(name(index)).bind(member).execute(&self.writer)).await.map(drop)
    }

    pub async fn index_members(&self, index: Key) -> Result<Vec<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT member FROM members WHERE key = ? AND ends > ?");
        within_deadline(query.bind(name(index)).bind(self.now()).fetch_all(&self.readers)).await
    }

    /// Takes the write lock and lets it go: a full disk, a read-only file and a held lock all show here.
    pub async fn ping(&self) -> Result<(), StoreError> {
        within_deadline(async {
            let write = self.writer.begin_with("BEGIN IMMEDIATE").await?;
            write.rollback().await
        })
        .await
    }

    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let mut swept = 0;
        for statement in [
            "DELETE FROM records WHERE key IN (SELECT key FROM records WHERE ends <= ? LIMIT ?)",
            "DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE ends <= ? LIMIT ?)",
            "DELETE FROM members WHERE (key, member) IN (SELECT key, member FROM members WHERE ends <= ? LIMIT ?)",
            "DELETE FROM changes WHERE number IN (SELECT number FROM changes WHERE ends <= ? LIMIT ?)",
        ] {
            let query = sqlx::query(statement).bind(self.now()).bind(SWEEP_BATCH);
            swept += within_deadline(query.execute(&self.writer)).await?.rows_affected();
        }
        Ok(swept)
    }

    pub async fn close(&self) {
        self.near.close();
        self.channel.close();
        self.readers.close().await;
        self.writer.close().await;
    }

    fn now(&self) -> i64 {
        self.clock.now().millis()
    }
}

fn name(key: Key) -> Vec<u8> {
    let mut name = Vec::with_capacity(33);
    name.push(key.space.letter());
    name.extend_from_slice(&key.digest);
    name
}

fn record(value: Vec<u8>, version: &[u8]) -> Result<Record, StoreError> {
    let version =
        version.try_into().map_err(|_| StoreError::Corrupt("a version has another length".into()))?;
    Ok(Record { value, version: Version(version) })
}

fn fresh_version() -> Vec<u8> {
    Version::fresh().0.to_vec()
}

async fn within_deadline<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done.map_err(schema::store_error),
        Err(_) => Err(StoreError::Timeout(DEADLINE)),
    }
}
