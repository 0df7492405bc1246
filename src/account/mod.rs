//! Accounts: who may sign in, and the sources that vouch for them. Start from [`Directory`].
//!
//! A source is looked up by name or address; the first that knows the name decides. This module never sees a
//! session or a request.

pub mod password;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::secret::Secret;
use crate::subject::AccountId;

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

/// All account sources, in the order in which they are asked.
pub struct Directory {}

impl Directory {
    /// The account with this username or e-mail address, compared as [`canonical`] has it.
    pub async fn find(&self, _login: &str) -> Result<Option<Arc<Account>>, DirectoryError> {
        Ok(None)
    }

    /// The account with this id, as it stands now.
    pub async fn by_id(&self, _id: &AccountId) -> Result<Option<Arc<Account>>, DirectoryError> {
        Ok(None)
    }
}

/// A username or e-mail address in the form in which it is compared and counted: trimmed, lower case.
pub fn canonical(login: &str) -> String {
    login.trim().to_lowercase()
}
