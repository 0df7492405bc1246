//! Limits on guessing and on mail, kept in the store, so that they hold over restarts and replicas.
//!
//! A try is counted before its password is looked at: of many at once no more than the limit are. Names are stored as
//! MACs, and names that no account has are counted alike. Start from [`Throttle::admit`].

mod mail;
mod proof;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::secret::{Keys, Purpose};
use crate::store::{Key, Space, Store, StoreError};
pub use mail::{MailBudget, MailPurpose};

/// The longest a lock lasts.
const LONGEST_LOCK: Duration = Duration::from_hours(1);

/// For how long after a lock the next one is twice as long.
const MEMORY: Duration = Duration::from_hours(24);

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Wrong codes are remembered for this long; see [`Throttle::quarantine`].
const QUARANTINE: Duration = Duration::from_hours(24 * 365);

/// `limits` of the configuration, as far as it is about guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub failures: i64,
    pub within: Duration,
    pub lock: Duration,
    pub device_failures: i64,
}

/// What wrong passwords are counted by.
#[derive(Clone, Copy, Debug)]
pub enum Gate<'a> {
    /// A name, known or not, tried from a network.
    Network { name: &'a str, address: IpAddr },
    /// An account on a device that has signed in to it before: strangers cannot hold it up.
    Device { name: &'a str, device: &'a [u8; 32] },
}

impl<'a> Gate<'a> {
    const fn name(&self) -> &'a str {
        match self {
            Self::Network { name, .. } | Self::Device { name, .. } => name,
        }
    }
}

/// What strangers may ask for, counted by network: each has a mail sent to an address of their choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    Registration,
    Reset,
}

/// How many of these one network may ask for in an hour: enough for an office on its first day.
const ERRANDS: i64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Counted; the password may be looked at.
    Admitted,
    Locked(Duration),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    until: Timestamp,
    /// How many locks there have been lately, this one included.
    times: u32,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Throttle {
    store: Arc<Store>,
    keys: Arc<Keys>,
    settings: Settings,
}

impl Throttle {
    pub fn new(store: Arc<Store>, keys: Arc<Keys>, settings: Settings) -> Self {
        Self { store, keys, settings }
    }

    /// Counts a try, unless the gate is locked.
    pub async fn admit(&self, gate: Gate<'_>, now: Timestamp) -> Result<Admission, StoreError> {
        if let Some(wait) = self.locked(gate, now).await? {
            return Ok(Admission::Locked(wait));
        }
        self.count(gate, now).await
    }

    /// Counts a try at a gate that was open a moment ago. It may have been locked since, which begins a new count, so
    /// the lock is looked at once more: else a burst would get the tries of two windows.
    async fn count(&self, gate: Gate<'_>, now: Timestamp) -> Result<Admission, StoreError> {
        let count = self.store.bump(self.key(Space::Counter, gate), 1, self.settings.within).await?;
        if count.value > self.limit(gate) {
            // The tries before this one are being looked at right now; the last of them locks the gate.
            return Ok(Admission::Locked(self.settings.lock));
        }
        let Some(wait) = self.locked(gate, now).await? else { return Ok(Admission::Admitted) };
        self.undo(gate).await?;
        Ok(Admission::Locked(wait))
    }

    /// For how long the gate is locked, if it is; nothing is counted.
    pub async fn locked(&self, gate: Gate<'_>, now: Timestamp) -> Result<Option<Duration>, StoreError> {
        let lock = self.lock(gate).await?;
        Ok(lock.filter(|lock| lock.until > now).map(|lock| now.until(lock.until)))
    }

    /// After a wrong password: locks the gate if that was the last try of its window.
    pub async fn failed(&self, gate: Gate<'_>, now: Timestamp) -> Result<(), StoreError> {
        let count = self.store.bump(self.key(Space::Counter, gate), 0, self.settings.within).await?;
        if count.value >= self.limit(gate) {
            self.close(gate, now).await?;
        }
        Ok(())
    }

    /// After a right password: forgets the tries.
    pub async fn passed(&self, gate: Gate<'_>) -> Result<(), StoreError> {
        self.store.reset(self.key(Space::Counter, gate)).await?;
        self.store.take(self.key(Space::Lock, gate)).await?;
        Ok(())
    }

    /// Takes a counted try back: its password was never looked at.
    pub async fn undo(&self, gate: Gate<'_>) -> Result<(), StoreError> {
        self.store.bump(self.key(Space::Counter, gate), -1, self.settings.within).await.map(drop)
    }

    /// Locks the gate and says for how long: twice as long as the last time, an hour at most. The tries of one window
    /// lock it once, though several at once may each have been the last.
    pub async fn close(&self, gate: Gate<'_>, now: Timestamp) -> Result<Duration, StoreError> {
        let before = self.lock(gate).await?;
        if let Some(lock) = before.as_ref().filter(|lock| lock.until > now) {
            return Ok(now.until(lock.until));
        }
        let times = before.map_or(0, |lock| lock.times);
        let factor = 2_u32.saturating_pow(times.min(16));
        let wait = self.settings.lock.saturating_mul(factor).min(LONGEST_LOCK.max(self.settings.lock));
        let lock = Lock { until: now.plus(wait), times: times.saturating_add(1) };
        let value = serde_json::to_vec(&lock).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let (key, ends) = (self.key(Space::Lock, gate), lock.until.plus(MEMORY));
        // First, so that a lock can be found by whoever is to open it.
        self.store.index_add(self.locks(gate.name()), &key.digest, ends).await?;
        self.store.put(key, &value, ends).await?;
        self.store.reset(self.key(Space::Counter, gate)).await?;
        Ok(wait)
    }

    /// Opens every gate of an account that is locked, and forgets its wrong codes. `fingerprint` is of its present
    /// password, as for [`quarantine`](Self::quarantine).
    pub async fn unlock(&self, name: &str, fingerprint: &[u8]) -> Result<(), StoreError> {
        let locks = self.locks(name);
        for member in self.store.index_members(locks).await? {
            if let Ok(digest) = member.as_slice().try_into() {
                self.store.take(Key { space: Space::Lock, digest }).await?;
            }
            self.store.index_remove(locks, &member).await?;
        }
        self.forgive_proofs(name).await?;
        self.store.reset(self.quarantine_key(name, fingerprint)).await
    }

    /// Counts what somebody asks for from a network. If that has been too much: how long it waits.
    pub async fn errand(
        &self,
        errand: Errand,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        let name: &[u8] = match errand {
            Errand::Registration => b"registration",
            Errand::Reset => b"reset",
        };
        let key = self.named(Space::Counter, &[b"errand", name, &network(address)]);
        let count = self.store.bump(key, 1, HOUR).await?;
        Ok((count.value > ERRANDS).then(|| now.until(count.ends)))
    }

    /// Adds to the wrong codes of an account on unknown devices, and says how many there are. `fingerprint` is of the
    /// present password hash, so that a new password starts anew.
    pub async fn quarantine(&self, name: &str, fingerprint: &[u8], by: i64) -> Result<i64, StoreError> {
        let key = self.quarantine_key(name, fingerprint);
        self.store.bump(key, by, QUARANTINE).await.map(|count| count.value)
    }

    fn quarantine_key(&self, name: &str, fingerprint: &[u8]) -> Key {
        self.named(Space::Counter, &[b"quarantine", name.as_bytes(), fingerprint])
    }

    /// What is locked for a name: digests of locks.
    fn locks(&self, name: &str) -> Key {
        self.named(Space::Index, &[b"locks", name.as_bytes()])
    }

    async fn lock(&self, gate: Gate<'_>) -> Result<Option<Lock>, StoreError> {
        let Some(record) = self.store.get(self.key(Space::Lock, gate)).await? else { return Ok(None) };
        serde_json::from_slice(&record.value)
            .map(Some)
            .map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    fn limit(&self, gate: Gate<'_>) -> i64 {
        match gate {
            Gate::Network { .. } => self.settings.failures,
            Gate::Device { .. } => self.settings.device_failures,
        }
    }

    fn key(&self, space: Space, gate: Gate<'_>) -> Key {
        match gate {
            Gate::Network { name, address } => {
                self.named(space, &[b"network", name.as_bytes(), &network(address)])
            }
            Gate::Device { name, device } => self.named(space, &[b"device", name.as_bytes(), device]),
        }
    }

    fn named(&self, space: Space, parts: &[&[u8]]) -> Key {
        Key { space, digest: self.keys.sign(Purpose::StoreName, parts) }
    }
}

/// The network that an address counts for: itself in IPv4, its /64 in IPv6.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::clock::Clock;
    use crate::secret::Secret;

    const SETTINGS: Settings = Settings {
        failures: 5,
        within: Duration::from_mins(10),
        lock: Duration::from_mins(5),
        device_failures: 10,
    };

    const GATE: Gate<'_> = Gate::Network { name: "file:alice", address: IpAddr::V4(Ipv4Addr::LOCALHOST) };

    pub(super) async fn throttle(now: Timestamp) -> Throttle {
        let store = Arc::new(Store::temporary(Clock::manual(now)).await.unwrap());
        let keys = Arc::new(Keys::derive(&[Secret::new(vec![7; 32])]).unwrap());
        Throttle::new(store, keys, SETTINGS)
    }

    /// Of several wrong passwords at once each may find the window full.
    #[tokio::test]
    async fn one_window_locks_once() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let throttle = throttle(now).await;
        assert_eq!(throttle.close(GATE, now).await.unwrap(), SETTINGS.lock);
        assert_eq!(throttle.close(GATE, now).await.unwrap(), SETTINGS.lock);
        let later = now.plus(SETTINGS.lock);
        assert_eq!(throttle.close(GATE, later).await.unwrap(), 2 * SETTINGS.lock);
    }

    #[tokio::test]
    async fn an_unlocked_account_is_open_from_everywhere() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let throttle = throttle(now).await;
        let device = Gate::Device { name: "file:alice", device: &[7; 32] };
        let elsewhere = Gate::Network { name: "file:bob", address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
        for gate in [GATE, device, elsewhere] {
            throttle.close(gate, now).await.unwrap();
        }
        throttle.quarantine("file:alice", b"first", 15).await.unwrap();
        throttle.unlock("file:alice", b"first").await.unwrap();
        assert_eq!(throttle.locked(GATE, now).await.unwrap(), None);
        assert_eq!(throttle.locked(device, now).await.unwrap(), None);
        assert_eq!(throttle.quarantine("file:alice", b"first", 0).await.unwrap(), 0);
        assert!(throttle.locked(elsewhere, now).await.unwrap().is_some(), "somebody else's");
        assert_eq!(throttle.close(GATE, now).await.unwrap(), SETTINGS.lock, "what was before is forgotten");
    }

    /// As in a burst, or at a gateway far from the store.
    #[tokio::test]
    async fn a_try_that_saw_no_lock_and_is_counted_after_it_is_not_admitted() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (throttle, gate) = (throttle(now).await, GATE);
        assert_eq!(throttle.locked(gate, now).await.unwrap(), None);
        for _ in 0..5 {
            assert_eq!(throttle.admit(gate, now).await.unwrap(), Admission::Admitted);
        }
        for _ in 0..5 {
            throttle.failed(gate, now).await.unwrap();
        }
        assert_eq!(throttle.count(gate, now).await.unwrap(), Admission::Locked(SETTINGS.lock));
        let later = now.plus(SETTINGS.lock);
        for _ in 0..5 {
            assert_eq!(
                throttle.admit(gate, later).await.unwrap(),
                Admission::Admitted,
                "counted while locked"
            );
        }
    }

    #[tokio::test]
    async fn a_network_asks_for_sixty_mails_to_others_in_an_hour() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let throttle = throttle(now).await;
        let ask = async |errand, last| {
            let address = IpAddr::from([192, 0, 2, last]);
            throttle.errand(errand, address, now).await.unwrap()
        };
        for _ in 0..ERRANDS {
            assert_eq!(ask(Errand::Reset, 1).await, None);
        }
        assert_eq!(ask(Errand::Reset, 1).await, Some(HOUR));
        assert_eq!(ask(Errand::Reset, 2).await, None);
        assert_eq!(ask(Errand::Registration, 1).await, None);
    }
}
