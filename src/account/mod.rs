//! Accounts: who may sign in, and the sources that vouch for them. Start from [`Directory`].
//!
//! A source is looked up by name or address; the first that knows the name decides. This module never sees a
//! session or a request.

mod address;
mod canonical;
mod file;
mod hasher;
mod labels;
mod letters;
mod name;
pub mod password;
mod username;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::secret::Secret;
use crate::subject::AccountId;
pub use address::{Address, AddressError, Domain};
pub use canonical::canonical;
pub use file::FileDirectory;
pub use hasher::{Busy, Hasher, HasherError};
pub use labels::{Attributes, Groups, LabelError};
pub use name::{FullName, NameError};
pub use username::{Username, UsernameError};

/// An account source as configured.
#[derive(Clone, Debug)]
pub enum SourceSettings {
    File(PathBuf),
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

#[derive(Clone)]
pub struct Account {
    pub id: AccountId,
    /// The source that vouches: `file` now.
    pub source: &'static str,
    pub username: String,
    pub name: String,
    pub email: String,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub approval: Approval,
    pub disabled: bool,
    pub password: StoredHash,
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
    #[error("the accounts cannot be read: {0}")]
    Unreachable(String),
}

/// One place where accounts are kept. The `match`es on it stand in this file alone.
#[derive(Clone)]
pub enum Source {
    File(FileDirectory),
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
    #[expect(clippy::unused_async, reason = "a source may be a database")]
    pub async fn find(&self, login: &str) -> Result<Option<Arc<Account>>, DirectoryError> {
        let login = canonical(login);
        Ok(self.sources.iter().find_map(|source| match source {
            Source::File(file) => file.find(&login),
        }))
    }

    /// The account with this id, as it stands now.
    #[expect(clippy::unused_async, reason = "a source may be a database")]
    pub async fn by_id(&self, id: &AccountId) -> Result<Option<Arc<Account>>, DirectoryError> {
        Ok(self.sources.iter().find_map(|source| match source {
            Source::File(file) => file.by_id(id),
        }))
    }

    /// Changes whenever any account may have changed. Read it before the account: what is kept beside it is then at
    /// worst looked up once too often, never once too seldom.
    pub fn generation(&self) -> u64 {
        let generations = self.sources.iter().map(|source| match source {
            Source::File(file) => file.generation(),
        });
        generations.fold(0, u64::wrapping_add)
    }
}
