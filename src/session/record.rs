//! What the store keeps of a sign-on. Of a session it keeps that it is there: its key says whose it is.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Begin, Locator, Settings};
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::subject::{AccountId, Proofs};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOnRecord {
    pub locator: Locator,
    pub account: AccountId,
    pub source: String,
    pub password: [u8; 8],
    pub proofs: Proofs,
    pub remember: bool,
    pub last_seen: Timestamp,
    started: Timestamp,
    /// In milliseconds, as configured when it began.
    idle: u64,
    lifetime: u64,
}

impl SignOnRecord {
    pub fn new(locator: Locator, with: &Begin<'_>, settings: &Settings, now: Timestamp) -> Self {
        let remember = with.remember && !settings.remember.is_zero();
        let (idle, lifetime) = if remember {
            (settings.remember, settings.remember)
        } else {
            (settings.idle, settings.lifetime)
        };
        Self {
            locator,
            account: with.account.clone(),
            source: with.source.to_owned(),
            password: with.password,
            proofs: with.proofs,
            remember,
            last_seen: now,
            started: now,
            idle: millis(idle),
            lifetime: millis(lifetime),
        }
    }

    /// When it ends whatever happens.
    pub fn latest_end(&self) -> Timestamp {
        self.started.plus(Duration::from_millis(self.lifetime))
    }

    pub fn ends_if_last_used(&self, last_seen: Timestamp) -> Timestamp {
        last_seen.max(self.last_seen).plus(self.idle()).min(self.latest_end())
    }

    /// How often its use is written down.
    pub fn touch_every(&self) -> Duration {
        (self.idle() / 4).min(Duration::from_mins(1))
    }

    /// When the store may forget it: a use that was not written down yet is allowed for.
    pub fn kept_until(&self) -> Timestamp {
        self.last_seen.plus(self.idle()).plus(self.touch_every()).plus(super::TRUSTED).min(self.latest_end())
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.idle)
    }
}

pub fn write<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
