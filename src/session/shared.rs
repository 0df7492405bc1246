//! What this process knows of a sign-on ahead of the store.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;

/// One for all cached sessions of a sign-on.
pub struct Shared {
    ended: CancellationToken,
    changes: AtomicU64,
    last_seen: AtomicI64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            ended: CancellationToken::new(),
            changes: AtomicU64::new(0),
            last_seen: AtomicI64::new(i64::MIN),
        }
    }
}

impl Shared {
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    pub fn end(&self) {
        self.ended.cancel();
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
