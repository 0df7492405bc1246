//! What this process knows of a sign-on ahead of the store.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::clock::Timestamp;

/// One for all cached sessions of a sign-on.
pub struct Shared {
    ended: AtomicBool,
    /// Wakes those who wait for the end. No cancellation token: there is one of these for each cached sign-on, and a
    /// token keeps a tree.
    ending: Notify,
    changes: AtomicU64,
    last_seen: AtomicI64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            ended: AtomicBool::new(false),
            ending: Notify::new(),
            changes: AtomicU64::new(0),
            last_seen: AtomicI64::new(i64::MIN),
        }
    }
}

impl Shared {
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits until this process learns of the end.
    pub async fn ended(&self) {
        let ending = self.ending.notified();
        // Asked for before the look, so that an end between the two is not missed.
        if !self.has_ended() {
            ending.await;
        }
    }

    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.ending.notify_waiters();
    }

    /// Counts the changes; an entry read before the last one is not to be trusted.
    pub fn change(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    pub fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen.load(Ordering::Relaxed))
    }

    pub fn saw(&self, at: Timestamp) {
        self.last_seen.fetch_max(at.millis(), Ordering::Relaxed);
    }
}
