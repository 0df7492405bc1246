//! How the database is opened, and how its layout is brought up to date.
//!
//! All missing migrations run in one transaction: several gateways that start at once wait for one another, and one
//! that fails leaves everything as it was.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor, PgConnection, PgPool, SqliteConnection};
use tokio::time::timeout;

use super::{DEADLINE, DatabaseError, Engine, Place, writing};
use crate::sqlite;

/// What each layout adds to the one before, in both dialects. Never changed once released: a new one is appended.
const MIGRATIONS: &[Migration] = &[Migration {
    sqlite: include_str!("migrations/0001.sqlite.sql"),
    postgres: include_str!("migrations/0001.postgres.sql"),
}];

struct Migration {
    sqlite: &'static str,
    postgres: &'static str,
}

/// How long SQLite waits for another process's lock; inside [`DEADLINE`].
const BUSY: Duration = Duration::from_secs(2);
const READERS: u32 = 2;

/// Enough for every worker to ask at once; PostgreSQL allows a hundred in all by default.
const CONNECTIONS: u32 = 8;

/// How long a connection may have been idle to be used without asking whether it is still good.
const UNASKED: Duration = Duration::from_secs(1);

/// What a connection gets to answer in: all of them could be tried within [`DEADLINE`].
const PATIENCE: Duration = Duration::from_millis(300);

/// Held while the layout is changed. Any number will do that nobody else takes.
const LOCK: i64 = 0x5645_5354_4942_554c;

pub fn open(place: &Place) -> Result<Engine, DatabaseError> {
    match place {
        Place::Sqlite(file) => {
            sqlite::make(file)
                .map_err(|error| DatabaseError::Refused(format!("{}: {error}", file.display())))?;
            let options = sqlite::options(file, "accounts", BUSY);
            let writer = sqlite::pool(1, DEADLINE).connect_lazy_with(options.clone());
            let readers =
                sqlite::pool(READERS, DEADLINE).connect_lazy_with(options.pragma("query_only", "ON"));
            Ok(Engine::Sqlite { writer, readers })
        }
        Place::Postgres(url) => {
            // The error would repeat the URL.
            let options = PgConnectOptions::from_str(url.expose())
                .map_err(|_| DatabaseError::Refused("its URL cannot be read".into()))?
                .application_name("vestibule")
                .disable_statement_logging();
            Ok(Engine::Postgres(postgres_pool().connect_lazy_with(options)))
        }
    }
}

/// A server may fall silent without closing anything: the machine is gone, or another has taken its place. TCP would
/// hold on to the old connections for a quarter of an hour, so those that give no answer are left.
fn postgres_pool() -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(DEADLINE)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < UNASKED || answers(connection).await) })
        })
        .after_release(|connection, _| Box::pin(async move { Ok(answers(connection).await) }))
}

/// An operation that was given up leaves its answer unread, which this waits for too.
async fn answers(connection: &mut PgConnection) -> bool {
    timeout(PATIENCE, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
}

/// Finds out why a server cannot be reached. The pool would try again until its time is over, and say no more than that.
async fn reach(pool: &PgPool) -> Result<(), DatabaseError> {
    let options = pool.connect_options();
    let reached = async { PgConnection::connect_with(&options).await?.close().await };
    Ok(timeout(DEADLINE, reached).await.map_err(|_| DatabaseError::Timeout)??)
}

pub async fn migrate(engine: &Engine) -> Result<(), DatabaseError> {
    match engine {
        Engine::Sqlite { writer, .. } => migrate_sqlite(writer).await,
        Engine::Postgres(pool) => {
            reach(pool).await?;
            let mut transaction = pool.begin().await?;
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
            postgres(&mut transaction).await?;
            Ok(transaction.commit().await?)
        }
    }
}

/// Turning to the write-ahead log takes a lock for which SQLite does not wait (<https://sqlite.org/wal.html>), so a
/// second process opening a new file at the same moment is tried again.
async fn migrate_sqlite(writer: &sqlx::SqlitePool) -> Result<(), DatabaseError> {
    loop {
        let begun = writer.begin_with("BEGIN IMMEDIATE").await.map_err(DatabaseError::from);
        let mut transaction = match begun {
            Err(DatabaseError::Timeout) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            begun => begun?,
        };
        sqlite_layout(&mut transaction).await?;
        return Ok(transaction.commit().await?);
    }
}

async fn sqlite_layout(connection: &mut SqliteConnection) -> Result<(), DatabaseError> {
    connection.execute("CREATE TABLE IF NOT EXISTS layout (version INTEGER NOT NULL) STRICT").await?;
    let found: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM layout").fetch_one(&mut *connection).await?;
    for (number, migration) in missing(found)? {
        let done = sqlx::raw_sql(migration.sqlite).execute(&mut *connection).await;
        done.map_err(|error| failed(number, &error))?;
        let noted = sqlx::query("INSERT INTO layout (version) VALUES ($1)").bind(number);
        noted.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn postgres(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    connection.execute("CREATE TABLE IF NOT EXISTS layout (version BIGINT NOT NULL)").await?;
    let found: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM layout").fetch_one(&mut *connection).await?;
    for (number, migration) in missing(found)? {
        let done = sqlx::raw_sql(migration.postgres).execute(&mut *connection).await;
        done.map_err(|error| failed(number, &error))?;
        let noted = sqlx::query("INSERT INTO layout (version) VALUES ($1)").bind(number);
        noted.execute(&mut *connection).await?;
    }
    Ok(())
}

/// How the layout of a database stands to today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Missing,
    Older,
    Todays,
}

/// Begins to write, too, so that a full disk, a read-only file and a held lock show.
pub async fn look(engine: &Engine) -> Result<Layout, DatabaseError> {
    if let Engine::Postgres(pool) = engine {
        reach(pool).await?;
    }
    writing!(engine, transaction => {
        // What fails in a transaction of PostgreSQL ends it, so the table is looked for before it is read.
        let there: i64 = match engine {
            Engine::Sqlite { .. } => {
                sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'layout'").fetch_one(&mut *transaction).await?
            }
            Engine::Postgres(_) => {
                sqlx::query_scalar("SELECT count(to_regclass('layout'))").fetch_one(&mut *transaction).await?
            }
        };
        let found: Option<i64> = if there == 0 {
            None
        } else {
            sqlx::query_scalar("SELECT max(version) FROM layout").fetch_one(&mut *transaction).await?
        };
        transaction.rollback().await?;
        let todays = missing(found)?.next().is_none();
        Ok(match found {
            None => Layout::Missing,
            Some(_) if todays => Layout::Todays,
            Some(_) => Layout::Older,
        })
    })
}

/// The migrations that a database of this layout has not seen, with the number that each leads to.
fn missing(found: Option<i64>) -> Result<impl Iterator<Item = (i64, &'static Migration)>, DatabaseError> {
    let found = found.unwrap_or(0);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(DatabaseError::Migration(format!(
            "it was written by a newer version of this program (layout {found}, known {known})"
        )));
    }
    Ok((1..).zip(MIGRATIONS).filter(move |(number, _)| *number > found))
}

fn failed(number: i64, error: &sqlx::Error) -> DatabaseError {
    DatabaseError::Migration(format!("step {number}: {error}"))
}
