//! What this process knows of a sign-on ahead of the store: that it ended, that it changed, when it was used.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::SignOnId;
use crate::clock::Timestamp;

/// Those of all sign-ons that somebody here holds a session of, or reads at this moment: of the others there is nothing
/// to be known ahead.
#[derive(Default)]
pub struct AllShared {
    shards: [Mutex<Shard>; 16],
}

#[derive(Default)]
struct Shard {
    /// By half of the id, which is a hash.
    held: HashMap<[u8; 16], Weak<Shared>>,
    /// How many there may be before those that nobody holds any more are cleared away.
    room: usize,
}

impl AllShared {
    pub fn get(&self, id: &SignOnId) -> Option<Arc<Shared>> {
        let (key, shard) = self.shard(id);
        shard.held.get(&key)?.upgrade()
    }

    pub fn get_or_make(&self, id: &SignOnId) -> Arc<Shared> {
        let (key, mut shard) = self.shard(id);
        if let Some(held) = shard.held.get(&key).and_then(Weak::upgrade) {
            return held;
        }
        if shard.held.len() >= shard.room {
            shard.held.retain(|_, shared| shared.strong_count() > 0);
            shard.room = 64.max(2 * shard.held.len());
        }
        let made = Arc::default();
        shard.held.insert(key, Arc::downgrade(&made));
        made
    }

    fn shard(&self, id: &SignOnId) -> ([u8; 16], MutexGuard<'_, Shard>) {
        let (key, [first, rest @ ..]) = (*id.first_chunk().unwrap_or(&[0; 16]), &self.shards);
        let place = usize::from(key[0] % 16);
        let shard = place.checked_sub(1).and_then(|place| rest.get(place)).unwrap_or(first);
        (key, shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One for all cached sessions of a sign-on.
pub struct Shared {
    ended: AtomicBool,
    /// Wakes those who wait for the end. No cancellation token: there is one of these for each cached sign-on, and a
    /// token keeps a tree.
    ending: Notify,
    changes: AtomicU32,
    last_seen: AtomicI64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            ended: AtomicBool::new(false),
            ending: Notify::new(),
            changes: AtomicU32::new(0),
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
    pub fn change(&self) -> u32 {
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
