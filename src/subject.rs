//! Who is asking: the account that signed in, its groups, and the factors proved and when.
//!
//! A [`Subject`] is plain data, made by `session` out of a sign-on and the account behind it. Nothing here decides
//! anything.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// An account for life: the source that vouches for it and its immutable id there, as `file:alice`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(Arc<str>);

impl AccountId {
    pub fn new(source: &str, id: &str) -> Self {
        Self(format!("{source}:{id}").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The factors proved in a sign-on, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    pub password: Timestamp,
    pub email_code: Option<Timestamp>,
}

impl Proofs {
    /// `["password"]` or `["password", "email_code"]`, as `whoami` shows them.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = vec!["password"];
        names.extend(self.email_code.map(|_| "email_code"));
        names
    }

    pub fn two_factors(&self) -> bool {
        self.email_code.is_some()
    }
}

/// Whom an account belongs to, as apps are told and rules judge: one for the account and all its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Of the account.
    pub id: AccountId,
    pub username: String,
    pub name: String,
    pub email: String,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    /// In which pages and mails are written to them, as `de`; `None`: as their browser asks.
    pub language: Option<String>,
}

/// Somebody who has proved at least a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub person: Arc<Person>,
    pub proofs: Proofs,
    pub stamps: Stamps,
}

impl Deref for Subject {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

/// The values of the headers that say who this is, kept from one request to the next. They follow from the rest: a copy
/// begins without, and one subject is like another whether it has them or not.
#[derive(Default)]
pub struct Stamps(OnceLock<(u64, Arc<[HeaderValue]>)>);

/// Headers, shared by all requests that carry them: the names are everybody's, the values one person's.
pub struct Written {
    names: Arc<[HeaderName]>,
    values: Arc<[HeaderValue]>,
}

impl Written {
    /// A value for each name.
    pub fn new(names: &Arc<[HeaderName]>, values: Arc<[HeaderValue]>) -> Self {
        Self { names: Arc::clone(names), values }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.names.iter().zip(self.values.iter())
    }
}

impl Stamps {
    /// The values made for the settings with this number: kept ones, or what `make` makes. Only the first settings' are
    /// kept; a session belongs to one host, and so nearly always to one app.
    pub fn get_or_make<E>(
        &self,
        number: u64,
        make: impl FnOnce() -> Result<Arc<[HeaderValue]>, E>,
    ) -> Result<Arc<[HeaderValue]>, E> {
        if let Some((of, values)) = self.0.get()
            && *of == number
        {
            return Ok(Arc::clone(values));
        }
        let values = make()?;
        self.0.set((number, Arc::clone(&values))).ok();
        Ok(values)
    }
}

impl Clone for Stamps {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Stamps {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Stamps {}

impl fmt::Debug for Stamps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Stamps")
    }
}
