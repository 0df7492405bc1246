//! Short-lived shared state: sessions, sign-ins under way, tickets, counters.
//!
//! The store is five small primitives and a set index; all domain logic stands above it, written once. Every record
//! holds its own end, judged by the gateway's [`Clock`]; the back end's own expiry only cleans up. Start from
//! [`Store`]. It never sees a cookie value: every [`Key`] is a hash or MAC of what the browser or the person holds.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::secret::Secret;

/// Where the short-lived state lives.
#[derive(Clone)]
pub enum Settings {
    /// SQLite in `data_dir/state.db`.
    Embedded {
        file: PathBuf,
    },
    Redis(RedisSettings),
}

#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://`, `rediss://` or `redis+unix://`, with user and password.
    pub url: Secret<String>,
    /// PEM of a private CA, besides the system's roots.
    pub ca: Option<PathBuf>,
    pub prefix: String,
}

/// What a record is; a letter of its own in every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    Session,
    SignOn,
    SignIn,
    Ticket,
    Device,
    Counter,
    Lock,
    /// Set indexes: what belongs to an account.
    Index,
}

/// The name of a record: its space and a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub space: Space,
    pub digest: [u8; 32],
}

/// Changes at every write of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub [u8; 8]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub value: Vec<u8>,
    pub version: Version,
}

/// What a counter stands at after a [`Store::bump`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub value: i64,
    /// When its window ends and it starts anew.
    pub ends: Timestamp,
}

/// The store did not do what was asked. Nobody is let in, and nobody is signed out, because of it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
    #[error("the store did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the store refused: {0}")]
    Refused(String),
    #[error("a record in the store cannot be read: {0}")]
    Corrupt(String),
}

/// The closed set of back ends; this file holds the one `match` on it.
pub enum Store {}

impl Store {
    /// Makes the store ready without waiting for it: a store that is down now is found down at the first use.
    /// Only what cannot mend itself is an error here (a directory that cannot be made, a CA that cannot be read).
    pub async fn open(_settings: &Settings, _clock: Clock) -> Result<Self, StoreError> {
        Err(StoreError::Refused("not built yet".into()))
    }

    /// The record, unless it has ended.
    pub async fn get(&self, _key: Key) -> Result<Option<Record>, StoreError> {
        match *self {}
    }

    /// Writes the record, whatever stood there; it ends at `ends`.
    pub async fn put(&self, _key: Key, _value: &[u8], _ends: Timestamp) -> Result<(), StoreError> {
        match *self {}
    }

    /// Reads and deletes in one step: of many that take the same record, one gets it.
    pub async fn take(&self, _key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        match *self {}
    }

    /// Writes the record only if its version is still `expected` (`None`: only if there is none). Whether it did.
    pub async fn swap(
        &self,
        _key: Key,
        _expected: Option<Version>,
        _value: &[u8],
        _ends: Timestamp,
    ) -> Result<bool, StoreError> {
        match *self {}
    }

    /// Adds `by` to a counter and says where it stands. The first bump opens a window of this length, after which
    /// the counter starts anew; `by` zero reads without opening one. It never falls below zero.
    pub async fn bump(&self, _key: Key, _by: i64, _window: Duration) -> Result<Count, StoreError> {
        match *self {}
    }

    /// Adds a member to a set index; the member ends at `ends`, the index with its last member.
    pub async fn index_add(&self, _index: Key, _member: &[u8], _ends: Timestamp) -> Result<(), StoreError> {
        match *self {}
    }

    pub async fn index_remove(&self, _index: Key, _member: &[u8]) -> Result<(), StoreError> {
        match *self {}
    }

    /// The members that have not ended, in no order.
    pub async fn index_members(&self, _index: Key) -> Result<Vec<Vec<u8>>, StoreError> {
        match *self {}
    }

    /// Asks the back end whether it would serve now, for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match *self {}
    }

    /// `embedded` or `redis`, for logs.
    pub fn kind(&self) -> &'static str {
        match *self {}
    }
}
