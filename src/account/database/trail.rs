//! The audit trail as a table.
//!
//! What changes an account writes its line in the same transaction. Everything else that is worth a line (sign-ins,
//! codes, limits) comes by a channel, and is written by [`keep_trail`] aside of the request.

use std::time::Duration;

use sqlx::{Database as Driver, Encode, Executor, IntoArguments, Type};
use tokio::sync::mpsc::Receiver;

use super::{Database, DatabaseError, reading, without_nul, writing};
use crate::clock::Timestamp;
pub use crate::observe::audit::Line;
use crate::tasks::Shutdown;

const INSERT: &str = "INSERT INTO trail (at, event, by_whom, account, address, request_id, detail) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// What [`Trace`] asks besides for the account. The casts tell PostgreSQL the type of a value that may be missing.
macro_rules! when {
    () => {
        " AND (CAST($3 AS BIGINT) IS NULL OR at >= $3) AND (CAST($4 AS BIGINT) IS NULL OR at < $4) \
         AND (CAST($5 AS BIGINT) IS NULL OR id < $5) ORDER BY id DESC LIMIT $6"
    };
}

macro_rules! select {
    ($which:expr) => {
        concat!(
            "SELECT id, at, event, by_whom, account, address, request_id, detail FROM trail WHERE ",
            $which
        )
    };
}

const OF_ALL: &str = select!(concat!("CAST($1 AS TEXT) IS NULL AND CAST($2 AS TEXT) IS NULL", when!()));

const OF_EVENT: &str = select!(concat!("CAST($1 AS TEXT) IS NULL AND event = $2", when!()));

/// What was done to it, and what it did, each found by its index.
const OF_ACCOUNT: &str = select!(concat!(
    "id IN (SELECT id FROM (SELECT id FROM trail WHERE account = $1 AND (CAST($2 AS TEXT) IS NULL OR event = $2)",
    when!(),
    ") AS suffered UNION SELECT id FROM (SELECT id FROM trail WHERE by_whom = $1 \
     AND (CAST($2 AS TEXT) IS NULL OR event = $2)",
    when!(),
    ") AS done) ORDER BY id DESC LIMIT $6"
));

/// How many lines are written at once.
const BATCH: usize = 256;

/// How long a database that does not take them is left alone. What comes meanwhile waits in the channel; what does not
/// fit there is in the file alone.
const PAUSE: Duration = Duration::from_secs(1);

/// A line as it is read: its number, its time, and its texts in the order of [`Line`].
type Row = (i64, i64, String, Text, Text, Text, Text, Text);
type Text = Option<String>;

/// Which lines to show; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Who did it, or to whom it was done.
    pub account: Option<String>,
    pub event: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Before the line of this number: for the next page.
    pub before: Option<i64>,
}

impl Line {
    /// Writes the line within a transaction.
    pub(super) async fn write_in<'c, D, E>(&self, executor: E) -> Result<(), DatabaseError>
    where
        D: Driver,
        E: Executor<'c, Database = D>,
        D::Arguments: IntoArguments<D>,
        i64: for<'q> Encode<'q, D> + Type<D>,
        String: for<'q> Encode<'q, D> + Type<D>,
        Option<String>: for<'q> Encode<'q, D> + Type<D>,
    {
        sqlx::query(INSERT)
            .bind(self.at.millis())
            .bind(self.event.clone())
            .bind(self.by.clone())
            .bind(self.account.as_deref().map(without_nul))
            .bind(self.address.clone())
            .bind(self.request_id.clone())
            .bind(self.detail.as_deref().map(without_nul))
            .execute(executor)
            .await?;
        Ok(())
    }
}

impl Database {
    /// Appends lines, all or none.
    pub async fn append(&self, lines: Vec<Line>) -> Result<(), DatabaseError> {
        self.run(async move |engine| {
            writing!(&engine, transaction => {
                for line in &lines {
                    line.write_in(&mut *transaction).await?;
                }
                Ok(transaction.commit().await?)
            })
        })
        .await
    }

    /// At most `limit` lines with their numbers, the latest first.
    pub async fn trail(&self, trace: &Trace, limit: u32) -> Result<Vec<(i64, Line)>, DatabaseError> {
        let trace = trace.clone();
        self.run(async move |engine| {
            // Each way to ask has an index of its own, which no statement for all of them would use.
            let statement = match (&trace.account, &trace.event) {
                (Some(_), _) => OF_ACCOUNT,
                (None, Some(_)) => OF_EVENT,
                (None, None) => OF_ALL,
            };
            reading!(&engine, pool => {
                let rows: Vec<Row> =
                    sqlx::query_as(statement)
                        .bind(trace.account.as_deref().map(without_nul))
                        .bind(trace.event.as_deref().map(without_nul))
                        .bind(trace.since.map(Timestamp::millis))
                        .bind(trace.until.map(Timestamp::millis))
                        .bind(trace.before)
                        .bind(i64::from(limit))
                        .fetch_all(pool)
                        .await?;
                let line = |(id, at, event, by, account, address, request_id, detail)| {
                    (id, Line { at: Timestamp::from_millis(at), event, by, account, address, request_id, detail })
                };
                Ok(rows.into_iter().map(line).collect())
            })
        })
        .await
    }
}

/// Writes the lines that come until the hard shutdown, and then those that are left.
pub async fn keep_trail(database: Database, mut lines: Receiver<Line>, shutdown: Shutdown) {
    let mut batch = Vec::new();
    loop {
        if batch.is_empty() {
            tokio::select! {
                received = lines.recv_many(&mut batch, BATCH) => if received == 0 { return },
                () = shutdown.aborted() => break,
            }
        }
        match database.append(batch.clone()).await {
            Ok(()) => batch.clear(),
            Err(error) => {
                tracing::error!(%error, "the audit trail's table cannot be written; its file goes on");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.aborted() => break,
                }
            }
        }
    }
    lines.close();
    while let Ok(line) = lines.try_recv() {
        batch.push(line);
    }
    if !batch.is_empty()
        && let Err(error) = database.append(batch).await
    {
        tracing::error!(%error, "the last lines of the audit trail are in its file alone");
    }
}
