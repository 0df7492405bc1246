//! Accounts in a database: SQLite in `data_dir`, or PostgreSQL. Start from [`Database`].
//!
//! Both are asked the same statements, written once; what differs is how a connection is made and a transaction
//! begun. Every change of an account stands in one transaction with the entry in the audit trail that tells of it,
//! and gives the account another revision: of two who change it at once, the second looks again.

mod change;
mod entry;
mod import;
mod list;
mod names;
mod schema;
#[cfg(test)]
mod suite;
mod trail;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, SqlitePool};
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, oneshot};

use crate::secret::Secret;
use crate::sqlite::Fault;
use crate::tasks::Tasks;
pub use change::{Changed, Deleted, Inserted, Taken};
pub use entry::{Decision, Entry, New};
pub use import::{Imported, Row};
pub use list::Filter;
pub use names::Named;
pub use schema::Layout;
pub use trail::{Line, Trace, keep_trail};

/// What an account of the database is vouched for by.
pub const SOURCE: &str = "database";

/// No operation takes longer, imports and migrations apart.
const DEADLINE: Duration = Duration::from_secs(3);

/// Migrations of a large database take their time.
const MIGRATION: Duration = Duration::from_mins(2);

/// Where the accounts are.
#[derive(Clone)]
pub enum Place {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// `postgres://...`, with user and password.
    Postgres(Secret<String>),
}

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It may come back by itself.
    #[error("the accounts database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the accounts database did not answer in time")]
    Timeout,
    /// A full disk, a file that cannot be written, a missing right.
    #[error("the accounts database refused: {0}")]
    Refused(String),
    /// The file is damaged, or something else.
    #[error("the accounts database is damaged, or the file is something else: {0}")]
    Broken(String),
    #[error("an account in the database cannot be read: {0}")]
    Corrupt(String),
    /// The layout could not be brought up to date; it is as it was before.
    #[error("the accounts database could not be brought up to date, and was left as it was: {0}")]
    Migration(String),
}

/// The accounts database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    /// Set once the layout is known to be today's.
    ready: OnceCell<()>,
    /// Connections to PostgreSQL live on this runtime, whoever asks.
    services: Handle,
    tasks: Tasks,
}

#[derive(Clone)]
enum Engine {
    /// SQLite has one writer, and waiting in our own queue is cheaper than in its busy handler.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// Runs the same code with a pool of either kind, for reading.
macro_rules! reading {
    ($engine:expr, $pool:ident => $work:expr) => {
        match $engine {
            $crate::account::database::Engine::Sqlite { readers: $pool, .. } => $work,
            $crate::account::database::Engine::Postgres($pool) => $work,
        }
    };
}

/// Runs the same code in a transaction of either kind. What the code returns early rolls back.
macro_rules! writing {
    ($engine:expr, $transaction:ident => $work:expr) => {
        match $engine {
            $crate::account::database::Engine::Sqlite { writer, .. } => {
                let mut $transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                $work
            }
            $crate::account::database::Engine::Postgres(pool) => {
                let mut $transaction = pool.begin().await?;
                $work
            }
        }
    };
}

use {reading, writing};

impl Database {
    /// Makes the database ready without waiting for it; what is wrong is found at the first use, or by
    /// [`prepare`](Self::prepare). Connections live on `services`.
    pub fn open(place: &Place, services: Handle, tasks: Tasks) -> Result<Self, DatabaseError> {
        let engine = schema::open(place)?;
        Ok(Self { shared: Arc::new(Shared { engine, ready: OnceCell::new(), services, tasks }) })
    }

    /// Brings the layout up to date, if that has not been done yet; several may do so at once.
    pub async fn prepare(&self) -> Result<(), DatabaseError> {
        let prepare = async |shared: &Shared| {
            shared.ready.get_or_try_init(|| schema::migrate(&shared.engine)).await.copied()
        };
        let shared = Arc::clone(&self.shared);
        self.on_services(MIGRATION, async move { prepare(&shared).await }).await
    }

    /// Asks what is there, and changes nothing.
    pub async fn look(&self) -> Result<Layout, DatabaseError> {
        let engine = self.shared.engine.clone();
        self.on_services(DEADLINE, async move { schema::look(&engine).await }).await
    }

    /// `sqlite` or `postgres`, for logs.
    pub fn kind(&self) -> &'static str {
        match self.shared.engine {
            Engine::Sqlite { .. } => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }

    /// Waits for what is being written and lets go of files and connections.
    pub async fn close(&self) {
        match &self.shared.engine {
            Engine::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => {
                // A server that says nothing keeps nobody.
                tokio::time::timeout(DEADLINE, pool.close()).await.ok();
            }
        }
    }

    /// Runs one operation, to its end even if nobody waits for the answer any more.
    async fn run<T, W, F>(&self, work: W) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        W: FnOnce(Engine) -> F + Send + 'static,
        F: Future<Output = Result<T, DatabaseError>> + Send,
    {
        if self.shared.ready.get().is_none() {
            // One looks at a time, and a server that says nothing would hold each of them up for as long.
            tokio::time::timeout(DEADLINE, self.prepare()).await.unwrap_or(Err(DatabaseError::Timeout))?;
        }
        let engine = self.shared.engine.clone();
        self.on_services(DEADLINE, async move { work(engine).await }).await
    }

    async fn on_services<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, DatabaseError>> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (answer, answered) = oneshot::channel();
        self.shared.tasks.spawn_on(&self.shared.services, "accounts database", async move {
            let done = tokio::time::timeout(deadline, work).await;
            // Nobody may be waiting any more.
            answer.send(done.unwrap_or(Err(DatabaseError::Timeout))).ok();
        });
        answered.await.unwrap_or_else(|_| Err(DatabaseError::Unreachable("it was closed".into())))
    }
}

/// What somebody typed, as it may be asked for. PostgreSQL has no text with a NUL in it and takes none, so that nothing
/// has one anywhere: in its place stands a letter that is in no name and no address.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Timeout,
            sqlx::Error::Io(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unreachable(error.to_string()),
            sqlx::Error::Tls(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            sqlx::Error::Database(error) => {
                let message = error.message().to_owned();
                match error.code().as_deref() {
                    // Class 53 is a lack of means, 57 an operator's hand, 08 a broken connection.
                    Some(code) if code.len() == 5 => match code.get(..2) {
                        Some("08" | "57") => Self::Unreachable(message),
                        _ => Self::Refused(message),
                    },
                    code => match Fault::of(code) {
                        Fault::Busy => Self::Timeout,
                        Fault::Unreachable => Self::Unreachable(message),
                        Fault::Corrupt => Self::Broken(message),
                        Fault::Refused => Self::Refused(message),
                    },
                }
            }
            error => Self::Refused(error.to_string()),
        }
    }
}

/// Without the password in the URL.
impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(file) => formatter.debug_tuple("Sqlite").field(file).finish(),
            Self::Postgres(_) => formatter.write_str("Postgres"),
        }
    }
}
