//! What accounts are called, those that were deleted too: an id alone says nothing to who reads the trail.

use std::collections::BTreeMap;

use super::entry::key;
use super::{Database, DatabaseError, SOURCE, reading, without_nul};
use crate::subject::AccountId;

/// What an account is called, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub username: String,
    pub deleted: bool,
}

impl Database {
    /// The names of those of these accounts that are, or once were, in the database.
    pub async fn names(&self, ids: Vec<AccountId>) -> Result<BTreeMap<AccountId, Named>, DatabaseError> {
        self.run(async move |engine| {
            const NOW: &str = "SELECT username FROM accounts WHERE id = $1";
            // An address has an @ in it, and a username has none.
            const ONCE: &str = "SELECT login FROM retired WHERE account = $1 AND login NOT LIKE '%@%'";
            reading!(&engine, pool => {
                let (mut connection, mut found) = (pool.acquire().await?, BTreeMap::new());
                for id in ids {
                    let Some(key) = key(&id).map(str::to_owned) else { continue };
                    for (statement, deleted) in [(NOW, false), (ONCE, true)] {
                        let name: Option<String> =
                            sqlx::query_scalar(statement).bind(key.clone()).fetch_optional(&mut *connection).await?;
                        if let Some(username) = name {
                            found.insert(id, Named { username, deleted });
                            break;
                        }
                    }
                }
                Ok(found)
            })
        })
        .await
    }

    /// The account that had this username or address, in [`canonical`](crate::account::canonical) form, when it was
    /// deleted.
    pub async fn once(&self, login: &str) -> Result<Option<AccountId>, DatabaseError> {
        let login = without_nul(login);
        self.run(async move |engine| {
            const STATEMENT: &str = "SELECT account FROM retired WHERE login = $1";
            reading!(&engine, pool => {
                let key: Option<String> = sqlx::query_scalar(STATEMENT).bind(login).fetch_optional(pool).await?;
                Ok(key.map(|key| AccountId::new(SOURCE, &key)))
            })
        })
        .await
    }
}
