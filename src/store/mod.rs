//! Short-lived shared state: sessions, sign-ins under way, tickets, counters.
//!
//! The store is five small primitives, a set index and a channel that tells what changed; all domain logic stands above
//! it, written once. Every record holds its own end, judged by the gateway's [`Clock`]; the back end's own expiry only
//! cleans up. Start from [`Store`]. It never sees a cookie value: every [`Key`] is a hash or MAC of what the browser or
//! the person holds.

mod change;
mod embedded;
mod inspect;
mod redis;
mod scan;
mod settings;
#[cfg(test)]
mod suite;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::secret;
use crate::tasks::Tasks;
use change::Channel;
pub use change::{About, Change, Changes, News, Run};
use embedded::Embedded;
use redis::Redis;
pub use redis::check_url as check_redis_url;
pub use scan::{Cursor, Page};
pub use settings::{ClientCertificate, RedisSettings, RedisUrl, Sentinel, Servers, Settings};

/// What a record is; a letter of its own in every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    Session,
    SignOn,
    SignIn,
    Ticket,
    Device,
    /// Somebody asks for an account.
    Registration,
    /// A link with which a password can be set.
    Reset,
    Counter,
    Lock,
    /// A change of address under way.
    Address,
    /// Set indexes: what belongs to an account.
    Index,
}

impl Space {
    const fn kind(self) -> Kind {
        match self {
            Self::Counter => Kind::Counter,
            Self::Index => Kind::Index,
            Self::Session
            | Self::SignOn
            | Self::SignIn
            | Self::Ticket
            | Self::Device
            | Self::Registration
            | Self::Reset
            | Self::Lock
            | Self::Address => Kind::Record,
        }
    }

    /// Whether a record is used up at its first right use, and nobody loses much who has to begin anew.
    const fn is_used_once(self) -> bool {
        matches!(self, Self::SignIn | Self::Ticket)
    }

    /// Whether nothing is ever written again under a key once its record was taken.
    const fn ends_for_good(self) -> bool {
        matches!(self, Self::Session | Self::SignOn)
    }

    /// Stands in every key that is written: letters are never changed or used twice.
    const fn letter(self) -> u8 {
        match self {
            Self::Session => b's',
            Self::SignOn => b'o',
            Self::SignIn => b'i',
            Self::Ticket => b't',
            Self::Device => b'd',
            Self::Registration => b'r',
            Self::Reset => b'w',
            Self::Counter => b'c',
            Self::Lock => b'l',
            Self::Address => b'a',
            Self::Index => b'x',
        }
    }
}

/// What may stand under a key. They are kept apart, so that no back end has to answer what the value of a counter
/// is, or its version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Record,
    Counter,
    Index,
}

/// The name of a record, a counter or a set index: its space and a digest. The first half of the digest is its *place*:
/// what has one place is kept on one machine of a cluster, and can be read in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub space: Space,
    pub digest: [u8; 32],
}

impl Key {
    /// The key of something that is read together with what stands under this one.
    #[must_use]
    pub fn beside(self, space: Space, digest: &[u8; 32]) -> Self {
        let ([place, _], [_, rest]) = (halves(&self.digest), halves(digest));
        Self { space, digest: whole(place, rest) }
    }

    fn place(&self) -> &[u8; 16] {
        let [place, _] = halves(&self.digest);
        place
    }

    /// Of a space that everybody knows, and a name of this length.
    fn named(space: Space, name: &[u8]) -> Option<Self> {
        Some(Self { space, digest: name.try_into().ok()? })
    }

    /// A key of another kind is a mistake in this program, and the same one on every back end.
    fn must_be(self, kind: Kind) -> Result<(), StoreError> {
        if self.space.kind() == kind {
            return Ok(());
        }
        Err(StoreError::Refused(format!("a key of the space {:?} was used as something else", self.space)))
    }
}

fn halves(digest: &[u8; 32]) -> [&[u8; 16]; 2] {
    let (halves, _) = digest.as_chunks::<16>();
    let [first, second] = halves else { return [&[0; 16]; 2] };
    [first, second]
}

fn whole(first: &[u8; 16], second: &[u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    for (byte, from) in whole.iter_mut().zip(first.iter().chain(second)) {
        *byte = *from;
    }
    whole
}

/// Changes at every write of a record: random, so that no two writers ever make the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub [u8; 8]);

impl Version {
    fn fresh() -> Self {
        Self(secret::random())
    }
}

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
#[derive(Clone, Debug, thiserror::Error)]
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
pub struct Store(BackEnd);

enum BackEnd {
    Embedded(Embedded),
    Redis(Redis),
}

macro_rules! on_back_end {
    ($store:expr, $back:ident => $call:expr) => {
        match &$store.0 {
            BackEnd::Embedded($back) => $call,
            BackEnd::Redis($back) => $call,
        }
    };
}

impl Store {
    /// Makes the store ready without waiting for it: a store that is down now is found down at the first use.
    /// Only what cannot mend itself is an error here (a directory that cannot be made, a CA that cannot be read).
    /// Connections live on the runtime that calls this; the primitives may be called from any.
    pub async fn open(settings: &Settings, clock: Clock, tasks: &Tasks) -> Result<Self, StoreError> {
        match settings {
            Settings::Embedded { file } => {
                Embedded::open(file, clock, tasks).await.map(BackEnd::Embedded).map(Self)
            }
            Settings::Redis(settings) => Redis::open(settings, clock, tasks).map(BackEnd::Redis).map(Self),
        }
    }

    /// An embedded store in memory, for tests; it ends with its last handle.
    #[doc(hidden)]
    pub async fn temporary(clock: Clock) -> Result<Self, StoreError> {
        Embedded::in_memory(clock).await.map(BackEnd::Embedded).map(Self)
    }

    /// The record, unless it has ended.
    pub async fn get(&self, key: Key) -> Result<Option<Record>, StoreError> {
        key.must_be(Kind::Record)?;
        on_back_end!(self, back => back.get(key).await)
    }

    /// Two records of one [place](Key), read in one step: what a session needs costs one trip to the store.
    pub async fn get_pair(&self, keys: [Key; 2]) -> Result<[Option<Record>; 2], StoreError> {
        let [one, other] = keys;
        one.must_be(Kind::Record)?;
        other.must_be(Kind::Record)?;
        if one.place() != other.place() {
            return Err(StoreError::Refused("two records of different places were asked for at once".into()));
        }
        on_back_end!(self, back => back.get_pair(keys).await)
    }

    /// Some of the records of a space, from the beginning or after an earlier page.
    pub async fn scan(&self, space: Space, after: Option<Cursor>) -> Result<Page, StoreError> {
        Key { space, digest: [0; 32] }.must_be(Kind::Record)?;
        on_back_end!(self, back => back.scan(space, after).await)
    }

    /// Tells everybody who listens, in this process and in all others on this store.
    pub async fn publish(&self, change: Change) -> Result<(), StoreError> {
        on_back_end!(self, back => back.publish(change).await)
    }

    /// Begins to listen to what is published.
    pub fn changes(&self) -> Changes {
        self.channel().listen()
    }

    /// The time in which every change has been heard, up to now; `None` while some may be missed. A load of one
    /// atomic, to be asked at every request; see [`Run`] for how to use it.
    pub fn hearing(&self) -> Option<Run> {
        self.channel().run()
    }

    fn channel(&self) -> &Arc<Channel> {
        on_back_end!(self, back => back.channel())
    }

    /// Writes the record, whatever stood there; it ends at `ends`.
    pub async fn put(&self, key: Key, value: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        key.must_be(Kind::Record)?;
        on_back_end!(self, back => back.put(key, value, ends).await)
    }

    /// Reads and deletes in one step: of many that take the same record, one gets it.
    pub async fn take(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        key.must_be(Kind::Record)?;
        on_back_end!(self, back => back.take(key).await)
    }

    /// Writes the record only if its version is still `expected` (`None`: only if there is none). Whether it did.
    pub async fn swap(
        &self,
        key: Key,
        expected: Option<Version>,
        value: &[u8],
        ends: Timestamp,
    ) -> Result<bool, StoreError> {
        key.must_be(Kind::Record)?;
        on_back_end!(self, back => back.swap(key, expected, value, ends).await)
    }

    /// Adds `by` to a counter and says where it stands. The first bump upwards opens a window of this length, after
    /// which the counter starts anew; `by` zero reads, and a negative one takes back, without opening one: where no
    /// window is open, the count is zero and ends now. It never falls below zero nor rises above
    /// [`COUNT_MAX`](Self::COUNT_MAX).
    pub async fn bump(&self, key: Key, by: i64, window: Duration) -> Result<Count, StoreError> {
        let by = by.clamp(-Self::COUNT_MAX, Self::COUNT_MAX);
        key.must_be(Kind::Counter)?;
        on_back_end!(self, back => back.bump(key, by, window).await)
    }

    /// Ends a counter's window now: it counts from zero again.
    pub async fn reset(&self, counter: Key) -> Result<(), StoreError> {
        counter.must_be(Kind::Counter)?;
        on_back_end!(self, back => back.reset(counter).await)
    }

    /// The largest count: up to here every whole number has a double of its own, and Lua knows only doubles.
    pub const COUNT_MAX: i64 = 1 << 52;

    /// Adds a member to a set index, or moves its end; the member ends at `ends`, the index with its last member.
    pub async fn index_add(&self, index: Key, member: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        index.must_be(Kind::Index)?;
        on_back_end!(self, back => back.index_add(index, member, ends).await)
    }

    /// Removes a member; one that is not there is no error.
    pub async fn index_remove(&self, index: Key, member: &[u8]) -> Result<(), StoreError> {
        index.must_be(Kind::Index)?;
        on_back_end!(self, back => back.index_remove(index, member).await)
    }

    /// The members that have not ended, in no order.
    pub async fn index_members(&self, index: Key) -> Result<Vec<Vec<u8>>, StoreError> {
        index.must_be(Kind::Index)?;
        on_back_end!(self, back => back.index_members(index).await)
    }

    /// Asks the back end whether it would serve now, for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        on_back_end!(self, back => back.ping().await)
    }

    /// Deletes a limited number of ended records and says how many; to be called now and then, again at once while
    /// it finds many. Redis does this by itself: nothing is ever left to sweep there.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        match &self.0 {
            BackEnd::Embedded(back) => back.sweep().await,
            BackEnd::Redis(_) => Ok(0),
        }
    }

    /// Waits for what is being written and lets go of files and connections. Whatever is asked afterwards fails.
    pub async fn close(&self) {
        match &self.0 {
            BackEnd::Embedded(back) => back.close().await,
            BackEnd::Redis(back) => back.close(),
        }
    }

    /// What the operator should change about servers that serve.
    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        match &self.0 {
            BackEnd::Embedded(_) => Ok(Vec::new()),
            BackEnd::Redis(back) => back.advice().await,
        }
    }

    /// `embedded` or `redis`, for logs.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            BackEnd::Embedded(_) => "embedded",
            BackEnd::Redis(_) => "redis",
        }
    }
}
