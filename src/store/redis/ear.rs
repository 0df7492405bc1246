//! Whether every change is heard: one server is listened to, or each primary of a cluster.
//!
//! A change is published where its record lies, and every primary is listened to; so what is heard does not depend on
//! how a cluster's nodes pass messages on among themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::change::{Change, Channel};

/// All who have to be listened to, and whether they are.
pub struct Ears {
    channel: Arc<Channel>,
    /// The name of the channel on the servers.
    topic: String,
    heard: Mutex<BTreeMap<String, bool>>,
}

/// What listens to one server.
#[derive(Clone)]
pub struct Ear {
    ears: Arc<Ears>,
    server: String,
}

impl Ears {
    pub fn new(channel: Arc<Channel>, topic: String) -> Arc<Self> {
        Arc::new(Self { channel, topic, heard: Mutex::default() })
    }

    /// From now on these servers have to be listened to, and no others.
    pub fn expect(&self, servers: impl Iterator<Item = String>) {
        self.change(|heard| {
            let before = std::mem::take(heard);
            heard.extend(servers.map(|server| {
                let known = before.get(&server).copied().unwrap_or_default();
                (server, known)
            }));
        });
    }

    pub fn ear(self: &Arc<Self>, server: &str) -> Ear {
        Ear { ears: Arc::clone(self), server: server.to_owned() }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, bool>)) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut heard);
        // With the lock held, so that the channel follows in this order.
        let all = !heard.is_empty() && heard.values().all(|heard| *heard);
        match (all, self.channel.run().is_some()) {
            (true, false) => self.channel.is_up(),
            (false, true) => self.channel.is_down(),
            _ => {}
        }
    }
}

impl Ear {
    pub fn topic(&self) -> &str {
        &self.ears.topic
    }

    pub fn hears(&self, hears: bool) {
        self.ears.change(|heard| {
            if let Some(server) = heard.get_mut(&self.server) {
                *server = hears;
            }
        });
    }

    pub fn heard(&self, change: Change) {
        self.ears.channel.tell(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_is_up_while_every_server_is_heard() {
        let channel = Channel::new();
        let ears = Ears::new(Arc::clone(&channel), String::new());
        let (one, two) = (ears.ear("one"), ears.ear("two"));
        one.hears(true);
        assert!(channel.run().is_none(), "nobody is expected yet");
        ears.expect(["one".to_owned(), "two".to_owned()].into_iter());
        one.hears(true);
        assert!(channel.run().is_none());
        two.hears(true);
        let run = channel.run();
        assert!(run.is_some());
        ears.expect(["one".to_owned(), "two".to_owned()].into_iter());
        assert_eq!(channel.run(), run, "the same servers, the same run");
        ears.expect(["one".to_owned(), "three".to_owned()].into_iter());
        assert!(channel.run().is_none(), "a server that is not heard yet");
        ears.ear("three").hears(true);
        assert!(channel.run().is_some() && channel.run() != run);
        two.hears(false);
        assert!(channel.run().is_some(), "nobody listens there any more");
        one.hears(false);
        assert!(channel.run().is_none());
    }
}
