//! The store that several gateways share: Redis (7 or later), one server, one behind Sentinel, or a cluster. Each
//! primitive is one command or one short script on one key, or on keys of one place.
//!
//! A record is a string: version, end, value. A counter is a string: end and value in decimal. A set index is a
//! sorted set, scored by the members' ends. Ends are judged by the gateway's [`Clock`], which is handed to every
//! script; Redis's own expiry is set on every key, relative to that clock, and only cleans up.
//!
//! What is used once (a sign-in under way, a ticket) bears the server's [`Lineage`] in its name. A replica that takes
//! over may not have heard that it was used; it has another lineage, so there it never was. The same goes for a server
//! that was a replica meanwhile.
//!
//! A user of the server's access lists needs `+@connection +get +mget +set +getdel +del +zrem +zrangebyscore +zadd
//! +zrange +zremrangebyscore +pexpire +evalsha +script|load +scan +publish +subscribe +info +cluster|info
//! +cluster|slots` on `~PREFIX*` and `&PREFIX*`. Start from [`Redis`]; [`lines`] finds the server.

mod advice;
mod again;
mod ask;
#[cfg(test)]
mod certificates;
mod cluster;
mod ear;
mod find;
#[cfg(test)]
pub mod fleet;
mod lineage;
mod lines;
mod link;
mod node;
mod reach;
mod record;
#[cfg(test)]
mod relay;
mod scripts;
mod sentinel;
#[cfg(test)]
pub mod server;
mod siblings;
mod slots;
#[cfg(test)]
mod tests;
mod together;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{Cmd, FromRedisValue};

use super::change::{Change, Channel};
use super::scan::{Cursor, Page, Position};
use super::{Count, Key, Record, RedisSettings, Space, Store, StoreError, Version, halves, whole};
use crate::clock::{Clock, Timestamp};
use crate::tasks::Tasks;
use again::Taken;
use ask::Ask;
use ear::Ears;
use lineage::Lineage;
use lines::{Aim, Lines};
pub use reach::check_url;
use together::Together;

/// What a primitive may take, waiting for a connection included: the visitor's 503 must leave within 250 ms.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);

/// A key outlives its record by this much, so that it is always the record's own end that decides.
const SLACK: Duration = Duration::from_secs(1);

/// How many keys a server is asked to look at for a page of [`Redis::scan`].
const PAGE: u32 = 500;

pub struct Redis {
    lines: Arc<Lines>,
    together: Arc<Together>,
    taken: Arc<Taken>,
    clock: Clock,
    prefix: String,
    channel: Arc<Channel>,
}

impl Redis {
    pub fn open(settings: &RedisSettings, clock: Clock, tasks: &Tasks) -> Result<Self, StoreError> {
        let channel = Channel::new();
        let ears = Ears::new(Arc::clone(&channel), format!("{}changes", settings.prefix));
        let lines = Arc::new(Lines::open(settings, &ears, tasks)?);
        let (taken, prefix) = (Arc::<Taken>::default(), settings.prefix.clone());
        let name = move |key| name(&prefix, key, [0; 8]);
        let (line, listener) = (Arc::downgrade(&lines), channel.listen());
        let again = again::take_again(Arc::clone(&taken), listener, line, clock.clone(), name);
        lines.run(tasks, "redis records taken", again);
        let together = Together::new(Arc::clone(&lines), settings.prefix.clone(), tasks.clone());
        Ok(Self { lines, together, taken, clock, prefix: settings.prefix.clone(), channel })
    }

    pub async fn get(&self, key: Key) -> Result<Option<Record>, StoreError> {
        let found = self.command(key, |name| redis::cmd("GET").arg(name).clone()).await;
        self.record(key, found).await
    }

    pub async fn get_pair(&self, keys: [Key; 2]) -> Result<[Option<Record>; 2], StoreError> {
        let ([one, other], [of_one, of_other]) = (self.together.get(keys).await?, keys);
        Ok([self.record(of_one, Ok(one)).await?, self.record(of_other, Ok(other)).await?])
    }

    pub async fn scan(&self, space: Space, after: Option<Cursor>) -> Result<Page, StoreError> {
        let (number, cursor) = match after {
            Some(Cursor(Position::Server { number, cursor })) => (number, cursor),
            Some(Cursor(Position::After(_))) | None => (0, 0),
        };
        let servers = self.lines.servers().await?;
        let Some(server) = servers.get(number) else { return Ok(Page { records: Vec::new(), next: None }) };
        let begin = begin(&self.prefix, space);
        let build = |_: Lineage| {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern(&begin)).arg("COUNT").arg(PAGE);
            scan.into()
        };
        let (cursor, names): (u64, Vec<String>) = self.lines.ask(Aim::Server(server), build).await?;
        let next = match cursor {
            0 => (number + 1 < servers.len()).then_some(Position::Server { number: number + 1, cursor: 0 }),
            cursor => Some(Position::Server { number, cursor }),
        };
        let keys = names.iter().filter_map(|name| named(space, name.strip_prefix(&begin)?));
        let records = self.read_all(keys.collect()).await?;
        Ok(Page { records, next: next.map(Cursor) })
    }

    async fn read_all(&self, keys: Vec<Key>) -> Result<Vec<(Key, Record)>, StoreError> {
        let mut records = Vec::with_capacity(keys.len());
        if self.lines.are_several() {
            for key in keys {
                records.extend(self.get(key).await?.map(|record| (key, record)));
            }
            return Ok(records);
        }
        let found = self.together.ask(&keys).await?;
        for (key, bytes) in keys.into_iter().zip(found) {
            records.extend(self.record(key, Ok(bytes)).await?.map(|record| (key, record)));
        }
        Ok(records)
    }

    /// The record that was found, unless it has ended.
    async fn record(
        &self,
        key: Key,
        found: Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<Option<Record>, StoreError> {
        let now = self.clock.now();
        let read = found.and_then(|found| found.map_or(Ok(None), |bytes| record::read(&bytes, now)));
        match read {
            Err(StoreError::Corrupt(why)) => self.forget(key, &why).await.map(|()| None),
            read => read,
        }
    }

    /// Deletes what cannot be read: left there, it would shut out whom it concerns for as long as it lives.
    async fn forget(&self, key: Key, why: &str) -> Result<(), StoreError> {
        tracing::warn!(
            key = self.name(key, [0; 8]),
            why,
            "what stood in the store could not be read and was deleted"
        );
        self.reset(key).await
    }

    pub async fn publish(&self, change: Change) -> Result<(), StoreError> {
        // In this process at once; the others, and this one once more, hear it from the server.
        self.channel.tell(change);
        let place = Key { space: Space::SignOn, digest: change.id };
        let build = |_: Lineage| {
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(format!("{}changes", self.prefix)).arg(&change.to_bytes()[..]);
            publish.into()
        };
        self.lines.ask(Aim::Place(place.place()), build).await
    }

    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    pub async fn put(&self, key: Key, value: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        let record = record::write(Version::fresh(), ends, value);
        let lifetime = self.lifetime(ends);
        let set = |name| redis::cmd("SET").arg(name).arg(&record).arg("PX").arg(lifetime).clone();
        self.command(key, set).await
    }

    pub async fn take(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        if key.space.ends_for_good() {
            // Before it is known to be gone: what is on its way is to be gone as well.
            self.taken.note(key, self.clock.now());
        }
        let take = |name| redis::cmd("GETDEL").arg(name).clone();
        let found = self.command(key, take).await;
        Ok(self.record(key, found).await?.map(|record| record.value))
    }

    pub async fn swap(
        &self,
        key: Key,
        expected: Option<Version>,
        value: &[u8],
        ends: Timestamp,
    ) -> Result<bool, StoreError> {
        let (now, lifetime) = (self.clock.now().millis(), self.lifetime(ends));
        let expected = expected.as_ref().map_or(&[][..], |Version(version)| version);
        let record = record::write(Version::fresh(), ends, value);
        self.script(key, |name| {
            Ask::script(&scripts::SWAP, &name).arg(now).arg(expected).arg(&record).arg(lifetime)
        })
        .await
    }

    pub async fn bump(&self, key: Key, by: i64, window: Duration) -> Result<Count, StoreError> {
        let now = self.clock.now();
        if by == 0 {
            let none = Count { value: 0, ends: now };
            let found = self.command(key, |name| redis::cmd("GET").arg(name).clone()).await;
            let read = found.and_then(|found: Option<Vec<u8>>| {
                found.map_or(Ok(none), |bytes| record::read_count(&bytes, now))
            });
            return match read {
                Err(StoreError::Corrupt(why)) => self.forget(key, &why).await.map(|()| none),
                read => read,
            };
        }
        let (ends, lifetime) = (record::storable(now.plus(window)), self.lifetime(now.plus(window)));
        let bump = |name: String| {
            let bump = Ask::script(&scripts::BUMP, &name).arg(now.millis()).arg(by);
            bump.arg(ends).arg(lifetime).arg(Store::COUNT_MAX)
        };
        let (value, ends) = self.script(key, bump).await?;
        Ok(Count { value, ends: Timestamp::from_millis(ends) })
    }

    pub async fn reset(&self, counter: Key) -> Result<(), StoreError> {
        self.command(counter, |name| redis::cmd("DEL").arg(name).clone()).await
    }

    pub async fn index_add(&self, index: Key, member: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        let (now, ends) = (self.clock.now().millis(), record::storable(ends));
        self.script(index, |name| {
            Ask::script(&scripts::INDEX_ADD, &name).arg(now).arg(ends).arg(member).arg(millis(SLACK))
        })
        .await
    }

    pub async fn index_remove(&self, index: Key, member: &[u8]) -> Result<(), StoreError> {
        match self.command(index, |name| redis::cmd("ZREM").arg(name).arg(member).clone()).await {
            Err(StoreError::Corrupt(why)) => self.forget(index, &why).await,
            removed => removed,
        }
    }

    pub async fn index_members(&self, index: Key) -> Result<Vec<Vec<u8>>, StoreError> {
        let after = format!("({}", self.clock.now().millis());
        let range = |name| redis::cmd("ZRANGEBYSCORE").arg(name).arg(&after).arg("+inf").clone();
        match self.command(index, range).await {
            Err(StoreError::Corrupt(why)) => self.forget(index, &why).await.map(|()| Vec::new()),
            members => members,
        }
    }

    /// Writes, because reading would go well on a server that is full or has become a replica; and to each server,
    /// because each has the sessions of some.
    pub async fn ping(&self) -> Result<(), StoreError> {
        for server in self.lines.servers().await? {
            let name = format!("{}ping:{{{}}}", self.prefix, server.tag());
            let build =
                |_: Lineage| redis::cmd("SET").arg(&name).arg("").arg("PX").arg(millis(SLACK)).clone().into();
            self.lines.ask::<()>(Aim::Server(&server), build).await?;
        }
        Ok(())
    }

    pub async fn advice(&self) -> Result<Vec<String>, StoreError> {
        advice::of(&self.lines, self.clock.now()).await
    }

    pub fn close(&self) {
        self.lines.close();
        self.channel.close();
    }

    async fn command<T: FromRedisValue>(
        &self,
        key: Key,
        command: impl Fn(String) -> Cmd,
    ) -> Result<T, StoreError> {
        self.script(key, |name| command(name).into()).await
    }

    async fn script<T: FromRedisValue>(
        &self,
        key: Key,
        ask: impl Fn(String) -> Ask,
    ) -> Result<T, StoreError> {
        self.lines.ask(Aim::Place(key.place()), |lineage| ask(self.name(key, lineage))).await
    }

    fn name(&self, key: Key, lineage: Lineage) -> String {
        name(&self.prefix, key, lineage)
    }

    /// What is given to `PX`, in milliseconds.
    fn lifetime(&self, ends: Timestamp) -> i64 {
        let until = self.clock.now().until(Timestamp::from_millis(record::storable(ends)));
        millis(until.saturating_add(SLACK))
    }
}

/// `vestibule:s:{PLACE}REST`, in base64 both; see the head of this file for what may follow.
fn name(prefix: &str, key: Key, lineage: Lineage) -> String {
    let mut name = begin(prefix, key.space);
    let [place, rest] = halves(&key.digest);
    name.push('{');
    URL_SAFE_NO_PAD.encode_string(place, &mut name);
    name.push('}');
    URL_SAFE_NO_PAD.encode_string(rest, &mut name);
    if key.space.is_used_once() {
        name.push(':');
        URL_SAFE_NO_PAD.encode_string(lineage, &mut name);
    }
    name
}

/// What every name in a space begins with.
fn begin(prefix: &str, space: Space) -> String {
    let mut begin = String::with_capacity(prefix.len() + 64);
    begin.push_str(prefix);
    begin.push(char::from(space.letter()));
    begin.push(':');
    begin
}

/// The key behind a name without its beginning; `None` for what somebody else wrote.
fn named(space: Space, name: &str) -> Option<Key> {
    let (place, rest) = name.strip_prefix('{')?.split_once('}')?;
    let rest = rest.split_once(':').map_or(rest, |(rest, _lineage)| rest);
    let half = |text: &str| <[u8; 16]>::try_from(URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some(Key { space, digest: whole(&half(place)?, &half(rest)?) })
}

/// What `MATCH` understands as: begins with this.
fn pattern(begin: &str) -> String {
    let mut pattern = String::with_capacity(begin.len() + 1);
    for letter in begin.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('*');
    pattern
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
