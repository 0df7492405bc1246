//! An account as the database keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{ColumnIndex, Database, Decode, FromRow, Row, Type};

use super::SOURCE;
use crate::account::{Account, Approval, StoredHash, canonical};
use crate::clock::Timestamp;
use crate::secret::{self, Secret};
use crate::subject::{AccountId, Person};

/// What every source knows of an account, and its life.
#[derive(Clone)]
pub struct Entry {
    pub account: Account,
    pub email_verified: Option<Timestamp>,
    /// Who approved or rejected it, when and why; `None` for one that nobody has decided on.
    pub decision: Option<Decision>,
    pub created: Timestamp,
    pub last_sign_in: Option<Timestamp>,
    pub(super) revision: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub at: Timestamp,
    /// An account's id, or what the command line calls itself.
    pub by: String,
    pub reason: Option<String>,
}

/// An account to be made. Names and addresses are checked already.
#[derive(Clone)]
pub struct New {
    pub username: String,
    /// As its owner writes it.
    pub email: String,
    pub name: String,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub approval: Approval,
    pub decision: Option<Decision>,
    pub disabled: bool,
    pub email_verified: Option<Timestamp>,
    /// `None`: nobody can sign in before it was set.
    pub password: Option<StoredHash>,
    pub language: Option<String>,
}

impl Entry {
    /// The account, with an id that no other ever had.
    pub fn new(new: New, now: Timestamp) -> Self {
        let New { username, email, name, groups, attributes, approval, decision, disabled, .. } = new;
        let person = Person {
            id: AccountId::new(SOURCE, &hex(&secret::random::<16>())),
            username,
            name,
            email,
            groups,
            attributes,
            language: new.language,
        };
        let account = Account {
            person: Arc::new(person),
            source: SOURCE,
            approval,
            disabled,
            password: new.password,
            fingerprint: secret::random(),
        };
        let email_verified = new.email_verified;
        Self { account, email_verified, decision, created: now, last_sign_in: None, revision: 1 }
    }

    /// Gives the account another password: what the old one opened is worth nothing any more.
    pub fn set_password(&mut self, hash: Option<StoredHash>) {
        self.set_password_known_as(hash, secret::random());
    }

    /// The same with a fingerprint that was chosen before, at random.
    pub fn set_password_known_as(&mut self, hash: Option<StoredHash>, fingerprint: [u8; 8]) {
        self.account.password = hash;
        self.account.fingerprint = fingerprint;
    }

    /// The id without the name of the source.
    pub(super) fn key(&self) -> &str {
        key(&self.account.id).unwrap_or_default()
    }

    pub(super) fn email_canonical(&self) -> String {
        canonical(&self.account.email)
    }

    pub(super) fn member_of(&self) -> String {
        let groups = &self.account.groups;
        if groups.is_empty() { String::new() } else { format!(",{},", groups.join(",")) }
    }

    pub(super) fn attributes(&self) -> String {
        serde_json::to_string(&self.account.attributes).unwrap_or_default()
    }

    pub(super) fn credential(&self) -> String {
        hex(&self.account.fingerprint)
    }

    pub(super) fn search(&self) -> String {
        let Person { username, name, .. } = &*self.account;
        format!("{username}\n{}\n{}", self.email_canonical(), canonical(name))
    }
}

/// The key in the database of an account of ours.
pub(super) fn key(id: &AccountId) -> Option<&str> {
    id.as_str().strip_prefix(SOURCE)?.strip_prefix(':')
}

impl Approval {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Rejected].into_iter().find(|approval| approval.as_str() == text)
    }
}

/// The columns of [`Entry`], as every statement that reads one names them.
macro_rules! columns {
    () => {
        "id, username, email, name, member_of, attributes, approval, decided_at, decided_by, decision_reason, \
         disabled, email_verified, password, credential, language, created, last_sign_in, revision"
    };
}

pub(super) use columns;

impl<'r, R: Row> FromRow<'r, R> for Entry
where
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let attributes: String = row.try_get("attributes")?;
        let attributes = serde_json::from_str(&attributes).map_err(|error| wrong("attributes", error))?;
        let approval: String = row.try_get("approval")?;
        let approval = Approval::parse(&approval).ok_or_else(|| wrong("approval", approval))?;
        let credential: String = row.try_get("credential")?;
        let fingerprint = unhex(&credential).ok_or_else(|| wrong("credential", "is no number"))?;
        let member_of: String = row.try_get("member_of")?;
        let at = time::<R>(row, "decided_at")?;
        let decision = match (at, row.try_get("decided_by")?) {
            (Some(at), Some(by)) => Some(Decision { at, by, reason: row.try_get("decision_reason")? }),
            _ => None,
        };
        let password: Option<String> = row.try_get("password")?;
        let person = Person {
            id: AccountId::new(SOURCE, &row.try_get::<String, _>("id")?),
            username: row.try_get("username")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            groups: member_of.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
            attributes,
            language: row.try_get("language")?,
        };
        Ok(Self {
            account: Account {
                person: Arc::new(person),
                source: SOURCE,
                approval,
                disabled: row.try_get("disabled")?,
                password: password.map(|hash| StoredHash(Secret::new(hash))),
                fingerprint,
            },
            email_verified: time::<R>(row, "email_verified")?,
            decision,
            created: Timestamp::from_millis(row.try_get("created")?),
            last_sign_in: time::<R>(row, "last_sign_in")?,
            revision: row.try_get("revision")?,
        })
    }
}

fn time<'r, R: Row>(row: &'r R, column: &'static str) -> Result<Option<Timestamp>, sqlx::Error>
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, <R as Row>::Database> + Type<<R as Row>::Database>,
    R::Database: Database,
{
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}

fn wrong(column: &str, what: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::Decode(format!("the column {column} holds something else: {what}").into())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Option<[u8; 8]> {
    (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten().map(u64::to_be_bytes)
}
