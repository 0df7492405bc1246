//! Registrations under way in the store.

use serde::{Deserialize, Serialize};

use super::super::FlowError;
use crate::app::Exchange;
use crate::secret::{self, Purpose};
use crate::session::cookie;
use crate::sign_in::Codes;
use crate::sign_in::code::For;
use crate::store::{Key, Space, Store, StoreError, Version};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub name: String,
    pub email: String,
    pub username: Option<String>,
    /// A hash.
    pub password: String,
    pub language: Option<String>,
    pub host: String,
    pub codes: Codes,
    /// The code was right.
    pub proved: bool,
}

#[derive(Clone)]
pub struct Stored {
    pub key: Key,
    pub version: Version,
    pub application: Application,
}

pub async fn find(x: &Exchange<'_>, cookie: Option<&str>) -> Result<Option<Stored>, FlowError> {
    let opened =
        cookie.and_then(|value| cookie::open(&x.app.keys, Purpose::RegistrationCookie, x.host(), value));
    let Some(id) = opened else { return Ok(None) };
    let found = load(&x.app.store, Key { space: Space::Registration, digest: secret::sha256(&id) }).await?;
    Ok(found.filter(|stored| stored.application.host == x.host().as_str()))
}

pub async fn load(store: &Store, key: Key) -> Result<Option<Stored>, StoreError> {
    let Some(record) = store.get(key).await? else { return Ok(None) };
    match serde_json::from_slice(&record.value) {
        Ok(application) => Ok(Some(Stored { key, version: record.version, application })),
        Err(error) => {
            tracing::warn!(%error, "a registration under way cannot be read and has to start over");
            Ok(None)
        }
    }
}

pub async fn put(store: &Store, key: Key, application: &Application) -> Result<(), StoreError> {
    store.put(key, &write(application)?, application.codes.ends()).await
}

/// Has a code be good for nothing, since the mail with it never left.
pub async fn void(store: &Store, key: Key, number: u32) -> Result<(), StoreError> {
    while let Some(mut stored) = load(store, key).await? {
        stored.application.codes.void(number);
        let (value, ends) = (write(&stored.application)?, stored.application.codes.ends());
        if store.swap(key, Some(stored.version), &value, ends).await? {
            break;
        }
    }
    Ok(())
}

pub fn is_for(email: &str) -> For<'_> {
    For { purpose: Purpose::RegistrationCode, whom: email }
}

/// Counts the tries of one registration.
pub fn counter(stored: &Stored, of: &[u8]) -> Key {
    Key { space: Space::Counter, digest: secret::sha256(&[of, &stored.key.digest].concat()) }
}

pub fn write(application: &Application) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(application).map_err(|error| StoreError::Corrupt(error.to_string()))
}
