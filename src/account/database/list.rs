//! Finding accounts: one by its name, or many by what they have in common.

use std::sync::Arc;

use super::entry::{columns, key};
use super::{Database, DatabaseError, Entry, reading};
use crate::account::{Approval, canonical};
use crate::clock::Timestamp;
use crate::subject::AccountId;

/// Which accounts to list; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub approval: Option<Approval>,
    pub disabled: Option<bool>,
    pub group: Option<String>,
    /// A part of the username, address or name.
    pub search: Option<String>,
}

/// `$1` to `$4` are those of [`Filter`]. The casts tell PostgreSQL the type of a value that may be missing.
macro_rules! matching {
    () => {
        "(CAST($1 AS TEXT) IS NULL OR approval = $1) AND (CAST($2 AS TEXT) IS NULL OR replace(member_of, $2, '') <> member_of) \
         AND (CAST($3 AS TEXT) IS NULL OR search LIKE $3 ESCAPE '\\') \
         AND (CAST($4 AS TEXT) IS NULL OR (disabled AND $4 = 'yes') OR (NOT disabled AND $4 = 'no'))"
    };
}

macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let filter: &Filter = $filter;
        $query
            .bind(filter.approval.map(Approval::as_str))
            .bind(filter.group.as_deref().map(|group| format!(",{group},")))
            .bind(filter.search.as_deref().map(|text| format!("%{}%", escaped(&canonical(text)))))
            .bind(filter.disabled.map(|disabled| if disabled { "yes" } else { "no" }))
    }};
}

impl Database {
    /// By username or address in [`canonical`] form.
    pub async fn find(&self, login: &str) -> Result<Option<Entry>, DatabaseError> {
        let statement = if login.contains('@') {
            concat!("SELECT ", columns!(), " FROM accounts WHERE email_canonical = $1")
        } else {
            concat!("SELECT ", columns!(), " FROM accounts WHERE username = $1")
        };
        self.one(statement, login.to_owned()).await
    }

    pub async fn by_id(&self, id: &AccountId) -> Result<Option<Entry>, DatabaseError> {
        let Some(key) = key(id) else { return Ok(None) };
        self.one(concat!("SELECT ", columns!(), " FROM accounts WHERE id = $1"), key.to_owned()).await
    }

    /// At most `limit` accounts in the order of their usernames, those after `after`.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, DatabaseError> {
        let (filter, after) = (filter.clone(), after.unwrap_or_default().to_owned());
        self.run(async move |engine| {
            const STATEMENT: &str = concat!(
                "SELECT ",
                columns!(),
                " FROM accounts WHERE ",
                matching!(),
                " AND username > $5 ORDER BY username LIMIT $6"
            );
            reading!(&engine, pool => {
                let query = filtered!(sqlx::query_as(STATEMENT), &filter);
                Ok(query.bind(after).bind(i64::from(limit)).fetch_all(pool).await?)
            })
        })
        .await
    }

    /// As [`list`](Self::list), going backwards: those before `before`, still in the order of their usernames.
    pub async fn list_before(
        &self,
        filter: &Filter,
        before: &str,
        limit: u32,
    ) -> Result<Vec<Entry>, DatabaseError> {
        let (filter, before) = (filter.clone(), before.to_owned());
        let mut found: Vec<Entry> = self
            .run(async move |engine| {
                const STATEMENT: &str = concat!(
                    "SELECT ",
                    columns!(),
                    " FROM accounts WHERE ",
                    matching!(),
                    " AND username < $5 ORDER BY username DESC LIMIT $6"
                );
                reading!(&engine, pool => {
                    let query = filtered!(sqlx::query_as(STATEMENT), &filter);
                    Ok(query.bind(before).bind(i64::from(limit)).fetch_all(pool).await?)
                })
            })
            .await?;
        found.reverse();
        Ok(found)
    }

    /// How many accounts match.
    pub async fn count(&self, filter: &Filter) -> Result<i64, DatabaseError> {
        // Without a condition an index is counted, and not the accounts read.
        if *filter == Filter::default() {
            return self.counted("SELECT count(*) FROM accounts").await;
        }
        let filter = filter.clone();
        self.run(async move |engine| {
            const STATEMENT: &str = concat!("SELECT count(*) FROM accounts WHERE ", matching!());
            reading!(&engine, pool => {
                Ok(filtered!(sqlx::query_scalar(STATEMENT), &filter).fetch_one(pool).await?)
            })
        })
        .await
    }

    /// Those who wait for a decision, who waits longest first; those after the one that has waited since `after`.
    pub async fn queue(
        &self,
        after: Option<(Timestamp, AccountId)>,
        limit: u32,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.run(async move |engine| {
            const STATEMENT: &str = concat!(
                "SELECT ",
                columns!(),
                " FROM accounts WHERE approval = 'pending' AND (created, id) > ($1, $2) ORDER BY created, id LIMIT $3"
            );
            let since = after.as_ref().map_or(i64::MIN, |(since, _)| since.millis());
            let id = after.as_ref().and_then(|(_, id)| key(id)).unwrap_or_default().to_owned();
            reading!(&engine, pool => {
                let query = sqlx::query_as(STATEMENT).bind(since).bind(id).bind(i64::from(limit));
                Ok(query.fetch_all(pool).await?)
            })
        })
        .await
    }

    /// How many wait for a decision.
    pub async fn waiting(&self) -> Result<i64, DatabaseError> {
        self.counted("SELECT count(*) FROM accounts WHERE approval = 'pending'").await
    }

    /// Whether a deleted account had this username or address, in [`canonical`] form.
    pub async fn is_retired(&self, login: &str) -> Result<bool, DatabaseError> {
        let login = login.to_owned();
        self.run(async move |engine| {
            reading!(&engine, pool => {
                let found: i64 = sqlx::query_scalar("SELECT count(*) FROM retired WHERE login = $1")
                    .bind(login)
                    .fetch_one(pool)
                    .await?;
                Ok(found > 0)
            })
        })
        .await
    }

    /// The addresses of all approved members of these groups who may sign in: whom to tell of a request.
    pub async fn members(&self, groups: &[String]) -> Result<Vec<Arc<Entry>>, DatabaseError> {
        let mut members: Vec<Arc<Entry>> = Vec::new();
        for group in groups {
            let filter = Filter {
                approval: Some(Approval::Approved),
                disabled: Some(false),
                group: Some(group.clone()),
                search: None,
            };
            for entry in self.list(&filter, None, MOST_MEMBERS).await? {
                if members.iter().all(|known| known.account.id != entry.account.id) {
                    members.push(Arc::new(entry));
                }
            }
        }
        Ok(members)
    }

    async fn counted(&self, statement: &'static str) -> Result<i64, DatabaseError> {
        self.run(async move |engine| {
            reading!(&engine, pool => Ok(sqlx::query_scalar(statement).fetch_one(pool).await?))
        })
        .await
    }

    async fn one(&self, statement: &'static str, value: String) -> Result<Option<Entry>, DatabaseError> {
        self.run(async move |engine| {
            reading!(&engine, pool => Ok(sqlx::query_as(statement).bind(value).fetch_optional(pool).await?))
        })
        .await
    }
}

/// How many members of one group are told of something.
const MOST_MEMBERS: u32 = 100;

/// For `LIKE`.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
