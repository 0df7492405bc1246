//! Accounts: who may sign in, and the sources that vouch for them. Start from [`Directory`].
//!
//! A source is looked up by name or address; the first that knows the name decides. This module never sees a
//! session or a request.

mod address;
mod canonical;
pub mod database;
mod file;
mod hasher;
pub mod import;
mod labels;
mod letters;
mod name;
pub mod password;
mod reason;
mod username;

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;

use crate::secret::{self, Secret};
use crate::subject::{AccountId, Person};
pub use address::{Address, AddressError, Domain};
pub use canonical::canonical;
use database::Place;
pub use database::{Database, DatabaseError};
pub use file::FileDirectory;
pub use hasher::{Busy, Hasher, HasherError};
pub use labels::{Attributes, Groups, LabelError};
pub use name::{FullName, NameError};
pub use reason::{Reason, ReasonTooLong};
pub use username::{Username, UsernameError};

/// An account source as configured.
#[derive(Clone, Debug)]
pub enum SourceSettings {
    File(PathBuf),
    Database(DatabaseSettings),
}

/// The accounts database as configured.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    pub place: Place,
    pub registration: Registration,
    /// The domains whose people may register, in ASCII and lower case; empty: any.
    pub domains: Vec<String>,
}

/// Whether people may register, and what that gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    #[default]
    Closed,
    /// An account that waits for an administrator.
    Approval,
    /// An account that can be used at once.
    Open,
}

/// What today's password hashes cost (argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    /// In KiB.
    pub memory: u32,
    pub iterations: u32,
    /// In characters; for passwords set from now on.
    pub minimum_length: usize,
}

impl PasswordSettings {
    /// OWASP's minimum (Password Storage Cheat Sheet).
    pub const DEFAULT: Self = Self { memory: 19 << 10, iterations: 2, minimum_length: 12 };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    Pending,
    Approved,
    Rejected,
}

/// What an account may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Good,
    Pending,
    /// Rejected, or disabled.
    Barred,
}

/// A password hash in any of the accepted formats, never printed.
#[derive(Clone)]
pub struct StoredHash(pub Secret<String>);

impl StoredHash {
    /// An [`Account::fingerprint`] where nothing but the hash tells passwords apart.
    pub fn fingerprint(&self) -> [u8; 8] {
        secret::sha256(self.0.expose().as_bytes()).first_chunk().copied().unwrap_or_default()
    }
}

/// Reads, and is written, as the [`Person`] whose it is, and has what decides whether they may come in besides.
#[derive(Clone)]
pub struct Account {
    pub person: Arc<Person>,
    /// The source that vouches: `file` or `database`.
    pub source: &'static str,
    pub approval: Approval,
    pub disabled: bool,
    /// `None`: nobody can sign in before one was set.
    pub password: Option<StoredHash>,
    /// A few bytes that change with the password, and not with a new hash of the same one.
    pub fingerprint: [u8; 8],
}

impl Deref for Account {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

impl DerefMut for Account {
    fn deref_mut(&mut self) -> &mut Person {
        Arc::make_mut(&mut self.person)
    }
}

impl Account {
    pub fn standing(&self) -> Standing {
        match (self.approval, self.disabled) {
            (_, true) | (Approval::Rejected, _) => Standing::Barred,
            (Approval::Pending, false) => Standing::Pending,
            (Approval::Approved, false) => Standing::Good,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// One place where accounts are kept. The `match`es on it stand in this file alone.
#[derive(Clone)]
pub enum Source {
    File(FileDirectory),
    Database(Database),
}

/// All account sources, in the order in which they are asked: the first that knows a name decides.
#[derive(Clone, Default)]
pub struct Directory {
    sources: Vec<Source>,
}

impl Directory {
    pub fn new(sources: Vec<Source>) -> Self {
        Self { sources }
    }

    /// The account with this username or e-mail address, compared as [`canonical`] has it.
    pub async fn find(&self, login: &str) -> Result<Option<Arc<Account>>, DirectoryError> {
        let login = canonical(login);
        for source in &self.sources {
            let found = match source {
                Source::File(file) => file.find(&login),
                Source::Database(database) => {
                    database.find(&login).await?.map(|entry| Arc::new(entry.account))
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The account with this id, as it stands now.
    pub async fn by_id(&self, id: &AccountId) -> Result<Option<Arc<Account>>, DirectoryError> {
        for source in &self.sources {
            let found = match source {
                Source::File(file) => file.by_id(id),
                Source::Database(database) => {
                    // In a box: whose account stands in a file is to carry little along.
                    let asking = Box::pin(database.by_id(id));
                    asking.await?.map(|entry| Arc::new(entry.account))
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether some file has this username or address: the database cannot give it to anybody.
    pub fn a_file_knows(&self, login: &str) -> bool {
        let login = canonical(login);
        self.sources.iter().any(|source| matches!(source, Source::File(file) if file.find(&login).is_some()))
    }

    /// All approved accounts with one of these groups that may sign in, each address once: whom to tell of something.
    pub async fn members(&self, groups: &[String]) -> Result<Vec<Account>, DirectoryError> {
        let mut members: Vec<Account> = Vec::new();
        for source in &self.sources {
            let found = match source {
                Source::File(file) => file.members(groups),
                Source::Database(database) => {
                    let entries = database.members(groups).await?;
                    entries.iter().map(|entry| entry.account.clone()).collect()
                }
            };
            for account in found {
                let address = canonical(&account.email);
                if members.iter().all(|known| canonical(&known.email) != address) {
                    members.push(account);
                }
            }
        }
        Ok(members)
    }

    /// The database among the sources, if there is one.
    pub fn database(&self) -> Option<&Database> {
        self.sources.iter().find_map(|source| match source {
            Source::Database(database) => Some(database),
            Source::File(_) => None,
        })
    }

    /// Changes whenever any account of a file may have changed; what changes in the database is told to the sessions.
    /// Read it before the account: what is kept beside it is then at worst looked up once too often, never once too
    /// seldom.
    pub fn generation(&self) -> u64 {
        let generations = self.sources.iter().map(|source| match source {
            Source::File(file) => file.generation(),
            Source::Database(_) => 0,
        });
        generations.fold(0, u64::wrapping_add)
    }
}
