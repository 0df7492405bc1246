//! What was ended stays ended: a server that takes over may not have heard that a record was taken, so it is told again.
//!
//! Only what this process took of late, or heard that another did, and only while it runs; what is used once needs none of this (see
//! [`super::Redis`]). Ids are random and never given twice, so telling once too often does no harm.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::super::change::{About, Change, Changes, News};
use super::super::{Key, Space};
use super::lines::{Aim, Lines};
use crate::clock::{Clock, Timestamp};

/// Far longer than a replica that may take over is behind.
const REMEMBERED: Duration = Duration::from_mins(1);

/// How many are remembered at most; more are ended at once only where somebody ends everything.
const MOST: usize = 10_000;

/// How often, and how many times, a server is told that does not take it.
const PAUSE: Duration = Duration::from_millis(200);
const TRIES: u32 = 10;

/// The records that were taken, and when.
#[derive(Default)]
pub struct Taken {
    recent: Mutex<VecDeque<(Key, Timestamp)>>,
}

impl Taken {
    pub fn note(&self, key: Key, now: Timestamp) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MOST {
            recent.pop_front();
        }
        recent.push_back((key, now));
    }

    fn since(&self, begin: Duration, now: Timestamp) -> Vec<Key> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(_, when)| now.since(*when) < begin);
        recent.iter().map(|(key, _)| *key).collect()
    }
}

/// Takes everything again whenever a server may have been replaced, for ever. `name` is a record's name there.
pub async fn take_again(
    taken: Arc<Taken>,
    mut changes: Changes,
    lines: Weak<Lines>,
    clock: Clock,
    name: impl Fn(Key) -> String,
) {
    while let Some(news) = changes.next().await {
        if let News::Change(Change { about, id }) = news {
            // By another process, which may not live as long as it takes: a command, or a gateway that is stopped.
            if about == About::SignOnEnded {
                taken.note(Key { space: Space::SignOn, digest: id }, clock.now());
            }
            continue;
        }
        for key in taken.since(REMEMBERED, clock.now()) {
            let name = name(key);
            for _ in 0..TRIES {
                let Some(lines) = lines.upgrade() else { return };
                let delete = |_| redis::cmd("DEL").arg(&name).clone().into();
                if lines.ask::<()>(Aim::Place(key.place()), delete).await.is_ok() {
                    break;
                }
                drop(lines);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
