//! Making, changing and deleting accounts.

use sqlx::error::ErrorKind;

use super::entry::{columns, key};
use super::trail::Line;
use super::{Database, DatabaseError, Entry, writing};
use crate::account::StoredHash;
use crate::clock::Timestamp;
use crate::subject::AccountId;

/// Whose a name or an address is already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Username,
    Email,
    /// One of the two was an account's that was deleted: it is never handed to somebody else unasked.
    Retired,
}

pub enum Inserted {
    Made,
    Taken(Taken),
}

/// What came of [`Database::change`].
pub enum Changed<R> {
    /// The account as it is now.
    Done(Box<Entry>),
    /// The change does not apply to the account as it stands; nothing was written.
    Refused(R),
    /// There is no such account.
    Gone,
    /// The name or address that it was to get is somebody's.
    Taken(Taken),
}

pub enum Deleted {
    Done(Box<Entry>),
    Gone,
}

/// How often a change looks again that others came ahead of.
const TRIES: usize = 16;

pub(super) const INSERT: &str = "INSERT INTO accounts (id, username, email, email_canonical, name, member_of, attributes, \
     approval, decided_at, decided_by, decision_reason, disabled, email_verified, password, credential, language, \
     created, last_sign_in, revision, search) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
     ON CONFLICT DO NOTHING";

const UPDATE: &str = "UPDATE accounts SET username = $2, email = $3, email_canonical = $4, name = $5, member_of = $6, \
     attributes = $7, approval = $8, decided_at = $9, decided_by = $10, decision_reason = $11, disabled = $12, \
     email_verified = $13, password = $14, credential = $15, language = $16, created = $17, last_sign_in = $18, \
     revision = $19 + 1, search = $20 WHERE id = $1 AND revision = $19";

/// Binds every column of an [`Entry`], in the order of [`INSERT`] and [`UPDATE`].
macro_rules! bound {
    ($statement:expr, $entry:expr) => {{
        let entry: &Entry = $entry;
        let decision = entry.decision.as_ref();
        sqlx::query($statement)
            .bind(entry.key().to_owned())
            .bind(entry.account.username.clone())
            .bind(entry.account.email.clone())
            .bind(entry.email_canonical())
            .bind(entry.account.name.clone())
            .bind(entry.member_of())
            .bind(entry.attributes())
            .bind(entry.account.approval.as_str())
            .bind(decision.map(|decision| decision.at.millis()))
            .bind(decision.map(|decision| decision.by.clone()))
            .bind(decision.and_then(|decision| decision.reason.clone()))
            .bind(entry.account.disabled)
            .bind(entry.email_verified.map($crate::clock::Timestamp::millis))
            .bind(entry.account.password.as_ref().map(|hash| hash.0.expose().clone()))
            .bind(entry.credential())
            .bind(entry.account.language.clone())
            .bind(entry.created.millis())
            .bind(entry.last_sign_in.map($crate::clock::Timestamp::millis))
            .bind(entry.revision)
            .bind(entry.search())
    }};
}

/// Inserts one account in a transaction, unless its name or address is taken; evaluates to that.
macro_rules! insert_in {
    ($transaction:expr, $entry:expr, $reuse:expr) => {{
        let entry: &Entry = $entry;
        let logins = (entry.account.username.clone(), entry.email_canonical());
        let retired: i64 = sqlx::query_scalar("SELECT count(*) FROM retired WHERE login IN ($1, $2)")
            .bind(logins.0.clone())
            .bind(logins.1.clone())
            .fetch_one(&mut *$transaction)
            .await?;
        if retired > 0 && !$reuse {
            Some($crate::account::database::Taken::Retired)
        } else {
            let inserted =
                bound!($crate::account::database::change::INSERT, entry).execute(&mut *$transaction).await?;
            if inserted.rows_affected() == 1 {
                if retired > 0 {
                    sqlx::query("DELETE FROM retired WHERE login IN ($1, $2)")
                        .bind(logins.0)
                        .bind(logins.1)
                        .execute(&mut *$transaction)
                        .await?;
                }
                None
            } else {
                let names: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts WHERE username = $1")
                    .bind(logins.0)
                    .fetch_one(&mut *$transaction)
                    .await?;
                Some(if names > 0 {
                    $crate::account::database::Taken::Username
                } else {
                    $crate::account::database::Taken::Email
                })
            }
        }
    }};
}

/// Keeps the address that an account had out of others' reach, as a deleted account's; what it gets may be one that it
/// had before, but nobody else. Evaluates to whether it may have it.
macro_rules! retire_in {
    ($transaction:expr, $before:expr, $entry:expr, $at:expr) => {{
        let (entry, at): (&Entry, Timestamp) = ($entry, $at);
        let (key, now) = (entry.key().to_owned(), entry.email_canonical());
        let others: i64 =
            sqlx::query_scalar("SELECT count(*) FROM retired WHERE login = $1 AND account <> $2")
                .bind(now.clone())
                .bind(key.clone())
                .fetch_one(&mut *$transaction)
                .await?;
        sqlx::query("DELETE FROM retired WHERE login = $1 AND account = $2")
            .bind(now)
            .bind(key.clone())
            .execute(&mut *$transaction)
            .await?;
        sqlx::query("INSERT INTO retired (login, account, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind($before)
            .bind(key)
            .bind(at.millis())
            .execute(&mut *$transaction)
            .await?;
        others == 0
    }};
}

pub(super) use {bound, insert_in};

impl Database {
    /// Makes an account. A name or address of a deleted one is refused, unless it is to be used again on purpose.
    pub async fn insert(&self, entry: Entry, reuse: bool, line: Line) -> Result<Inserted, DatabaseError> {
        self.run(async move |engine| {
            writing!(&engine, transaction => {
                if let Some(taken) = insert_in!(transaction, &entry, reuse) {
                    return Ok(Inserted::Taken(taken));
                }
                line.write_in(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(Inserted::Made)
            })
        })
        .await
    }

    /// Changes an account: `apply` gets it as it stands, and says what the trail is to tell, or why not. It may be
    /// called more than once, if others change the account at the same time.
    pub async fn change<R, A>(&self, id: &AccountId, apply: A) -> Result<Changed<R>, DatabaseError>
    where
        R: Send + 'static,
        A: Fn(&mut Entry) -> Result<Line, R> + Send + Sync + 'static,
    {
        let Some(key) = key(id).map(str::to_owned) else { return Ok(Changed::Gone) };
        self.run(async move |engine| {
            for _ in 0..TRIES {
                if let Some(changed) = try_change(&engine, &key, &apply).await? {
                    return Ok(changed);
                }
            }
            Err(DatabaseError::Refused("an account is changed by too many at once".into()))
        })
        .await
    }

    /// Deletes an account. Its name and address stay out of others' reach.
    pub async fn delete(&self, id: &AccountId, line: Line) -> Result<Deleted, DatabaseError> {
        let Some(key) = key(id).map(str::to_owned) else { return Ok(Deleted::Gone) };
        self.run(async move |engine| {
            writing!(&engine, transaction => {
                let deleted: Option<Entry> =
                    sqlx::query_as(concat!("DELETE FROM accounts WHERE id = $1 RETURNING ", columns!()))
                        .bind(key.clone())
                        .fetch_optional(&mut *transaction)
                        .await?;
                let Some(entry) = deleted else { return Ok(Deleted::Gone) };
                for login in [entry.account.username.clone(), entry.email_canonical()] {
                    sqlx::query("INSERT INTO retired (login, account, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                        .bind(login)
                        .bind(key.clone())
                        .bind(line.at.millis())
                        .execute(&mut *transaction)
                        .await?;
                }
                line.write_in(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(Deleted::Done(Box::new(entry)))
            })
        })
        .await
    }

    /// Notes that somebody signed in, which is no change of the account. A later note stands over an earlier one.
    pub async fn note_sign_in(&self, id: &AccountId, at: Timestamp) -> Result<(), DatabaseError> {
        let Some(key) = key(id).map(str::to_owned) else { return Ok(()) };
        self.run(async move |engine| {
            writing!(&engine, transaction => {
                sqlx::query(
                    "UPDATE accounts SET last_sign_in = $2 WHERE id = $1 AND (last_sign_in IS NULL OR last_sign_in < $2)",
                )
                .bind(key)
                .bind(at.millis())
                .execute(&mut *transaction)
                .await?;
                Ok(transaction.commit().await?)
            })
        })
        .await
    }

    /// Puts a new hash of the same password in the place of an old one, if that still stands; whether it did.
    pub async fn rehash(
        &self,
        id: &AccountId,
        old: &StoredHash,
        new: &StoredHash,
    ) -> Result<bool, DatabaseError> {
        let Some(key) = key(id).map(str::to_owned) else { return Ok(false) };
        let (old, new) = (old.0.expose().clone(), new.0.expose().clone());
        self.run(async move |engine| {
            writing!(&engine, transaction => {
                let done = sqlx::query(
                    "UPDATE accounts SET password = $3, revision = revision + 1 WHERE id = $1 AND password = $2",
                )
                .bind(key)
                .bind(old)
                .bind(new)
                .execute(&mut *transaction)
                .await?;
                transaction.commit().await?;
                Ok(done.rows_affected() == 1)
            })
        })
        .await
    }
}

/// `None`: others came ahead.
async fn try_change<R>(
    engine: &super::Engine,
    key: &str,
    apply: &(impl Fn(&mut Entry) -> Result<Line, R> + Sync),
) -> Result<Option<Changed<R>>, DatabaseError> {
    writing!(engine, transaction => {
        let found: Option<Entry> = sqlx::query_as(concat!("SELECT ", columns!(), " FROM accounts WHERE id = $1"))
            .bind(key.to_owned())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(mut entry) = found else { return Ok(Some(Changed::Gone)) };
        let before = entry.email_canonical();
        let line = match apply(&mut entry) {
            Ok(line) => line,
            Err(refused) => return Ok(Some(Changed::Refused(refused))),
        };
        if before != entry.email_canonical() && !retire_in!(transaction, before, &entry, line.at) {
            return Ok(Some(Changed::Taken(Taken::Retired)));
        }
        match bound!(UPDATE, &entry).execute(&mut *transaction).await {
            Ok(updated) if updated.rows_affected() == 1 => {}
            Ok(_) => return Ok(None),
            Err(error) => return taken(error).map(|taken| Some(Changed::Taken(taken))),
        }
        line.write_in(&mut *transaction).await?;
        transaction.commit().await?;
        entry.revision += 1;
        Ok(Some(Changed::Done(Box::new(entry))))
    })
}

/// Whose the name or address is that stands in the way, if that is what an error says.
fn taken(error: sqlx::Error) -> Result<Taken, DatabaseError> {
    let unique = error.as_database_error().filter(|error| error.kind() == ErrorKind::UniqueViolation);
    // SQLite names the column in its message, PostgreSQL the constraint, which it named after the column.
    let names = unique.map(|error| format!("{} {}", error.message(), error.constraint().unwrap_or_default()));
    match names {
        Some(names) if names.contains("username") => Ok(Taken::Username),
        Some(names) if names.contains("email") => Ok(Taken::Email),
        _ => Err(error.into()),
    }
}
