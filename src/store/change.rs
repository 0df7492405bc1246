//! How those who share a store tell each other what has changed: small messages to every gateway and the command line.
//!
//! Nothing here is kept: a message says "look again", and the truth stands in the records. Whoever remembers records
//! notes the [`Run`] of the channel *before* it reads them, and believes them without a look only while that very run
//! goes on: whatever was written since has then been told. Start from [`Changes`].

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How many messages a listener may be behind; one that falls further back is told that it missed some.
const BEHIND: usize = 4096;

/// No run ever has this number.
const CLOSED: u64 = u64::MAX;

/// Something that everybody who remembers it should look at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub about: About,
    pub id: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A sign-on is over.
    SignOnEnded,
    /// A sign-on's record was changed.
    SignOnChanged,
    /// An account allows something else than before.
    AccountChanged,
}

/// What a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Change(Change),
    /// Messages may have been lost until now: anything may have changed.
    Missed,
}

/// A time during which every change was heard. No two have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(NonZeroU64);

impl Run {
    /// Never zero.
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

/// One listener. It hears what is told from its making on.
pub struct Changes {
    news: broadcast::Receiver<News>,
    channel: Weak<Channel>,
}

impl Changes {
    /// The next news; `None` once the store is gone.
    pub async fn next(&mut self) -> Option<News> {
        match self.news.recv().await {
            Ok(news) => Some(news),
            Err(RecvError::Lagged(_)) => {
                if let Some(channel) = self.channel.upgrade() {
                    channel.lost_some();
                }
                Some(News::Missed)
            }
            Err(RecvError::Closed) => None,
        }
    }
}

/// What a back end hears, on its way to the listeners of this process.
pub struct Channel {
    news: broadcast::Sender<News>,
    /// The present run's number; zero while the channel is down, [`CLOSED`] for good.
    run: AtomicU64,
    runs: AtomicU64,
}

impl Channel {
    /// Down until somebody says otherwise.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            news: broadcast::Sender::new(BEHIND),
            run: AtomicU64::new(0),
            runs: AtomicU64::new(0),
        })
    }

    pub fn listen(self: &Arc<Self>) -> Changes {
        Changes { news: self.news.subscribe(), channel: Arc::downgrade(self) }
    }

    pub fn run(&self) -> Option<Run> {
        match self.run.load(Ordering::Acquire) {
            CLOSED => None,
            number => NonZeroU64::new(number).map(Run),
        }
    }

    pub fn tell(&self, change: Change) {
        // An error says that nobody listens.
        let _ = self.news.send(News::Change(change));
    }

    /// From now on every change is heard.
    pub fn is_up(&self) {
        let number = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        self.turn(number);
        let _ = self.news.send(News::Missed);
    }

    pub fn is_down(&self) {
        self.turn(0);
    }

    /// Down for good, whatever those who listen say that are still about to stop.
    pub fn close(&self) {
        self.run.store(CLOSED, Ordering::Release);
    }

    fn turn(&self, to: u64) {
        let open = |run| (run != CLOSED).then_some(to);
        // An error says that it is closed.
        let _ = self.run.fetch_update(Ordering::AcqRel, Ordering::Acquire, open);
    }

    /// Ends the present run; the next begins at once, if the channel is up.
    pub fn lost_some(&self) {
        let number = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let renew = |run| (run != 0 && run != CLOSED).then_some(number);
        // An error says that the channel is down, and the next run will be another one anyway.
        let _ = self.run.fetch_update(Ordering::AcqRel, Ordering::Acquire, renew);
    }
}

impl About {
    const ALL: [Self; 3] = [Self::SignOnEnded, Self::SignOnChanged, Self::AccountChanged];

    /// Stands in every message; other versions of this program read it.
    const fn letter(self) -> u8 {
        match self {
            Self::SignOnEnded => b'e',
            Self::SignOnChanged => b'c',
            Self::AccountChanged => b'a',
        }
    }
}

impl Change {
    pub fn to_bytes(self) -> [u8; 33] {
        let mut bytes = [self.about.letter(); 33];
        if let Some(id) = bytes.get_mut(1..) {
            id.copy_from_slice(&self.id);
        }
        bytes
    }

    /// `None` for what another version of this program may say.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (letter, id) = bytes.split_first()?;
        let about = About::ALL.into_iter().find(|about| about.letter() == *letter)?;
        Some(Self { about, id: id.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: Change = Change { about: About::SignOnEnded, id: [7; 32] };

    #[test]
    fn a_message_reads_back() {
        for about in About::ALL {
            let change = Change { about, id: [9; 32] };
            assert_eq!(Change::from_bytes(&change.to_bytes()), Some(change));
        }
        for strange in [&b""[..], b"e", b"z01234567890123456789012345678901", &[b'e'; 34]] {
            assert_eq!(Change::from_bytes(strange), None);
        }
    }

    #[tokio::test]
    async fn no_run_is_ever_taken_for_another() {
        let channel = Channel::new();
        assert_eq!(channel.run(), None);
        let mut changes = channel.listen();
        channel.is_up();
        let first = channel.run();
        assert!(first.is_some());
        assert_eq!(changes.next().await, Some(News::Missed), "before, nobody listened");
        channel.is_down();
        assert_eq!(channel.run(), None);
        channel.lost_some();
        assert_eq!(channel.run(), None, "a channel that is down stays down");
        channel.is_up();
        assert!(channel.run().is_some() && channel.run() != first);
        channel.close();
        channel.is_up();
        channel.lost_some();
        assert_eq!(channel.run(), None, "a channel that is closed stays closed");
    }

    #[tokio::test]
    async fn one_who_falls_behind_is_told() {
        let channel = Channel::new();
        channel.is_up();
        let before = channel.run();
        let mut changes = channel.listen();
        for _ in 0..=BEHIND {
            channel.tell(CHANGE);
        }
        assert_eq!(changes.next().await, Some(News::Missed));
        assert!(channel.run().is_some() && channel.run() != before, "what is remembered is not believed");
        assert_eq!(changes.next().await, Some(News::Change(CHANGE)));
        drop(channel);
        while changes.next().await.is_some() {}
    }
}
