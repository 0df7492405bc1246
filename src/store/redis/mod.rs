//! The store that several gateways share: one Redis (7 or later), each primitive one command or one short script
//! on one key, so that nothing here would have to change on a cluster.
//!
//! A record is a string: version, end, value. A counter is a string: end and value in decimal. A set index is a
//! sorted set, scored by the members' ends. Ends are judged by the gateway's [`Clock`], which is handed to every
//! script; Redis's own expiry is set on every key, relative to that clock, and only cleans up.
//!
//! The first half of a digest stands in braces in the key's name, so that a cluster keeps what has one place on one node.
//!
//! A user of the server's access lists needs `+@connection +get +mget +set +getdel +del +zrem +zrangebyscore +zadd
//! +zrange +zremrangebyscore +pexpire +evalsha +script|load +scan +publish +subscribe` on `~PREFIX*` and `&PREFIX*`.
//! Start from [`Redis`].

mod link;
mod record;
mod scripts;
#[cfg(test)]
pub mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{Cmd, FromRedisValue, ScriptInvocation};

use super::change::{Change, Channel};
use super::scan::{Cursor, Page, Position};
use super::{Count, Key, Record, RedisSettings, Space, Store, StoreError, Version, halves, whole};
use crate::clock::{Clock, Timestamp};
use crate::tasks::Tasks;
use link::Link;
pub use link::check_url;

/// A key outlives its record by this much, so that it is always the record's own end that decides.
const SLACK: Duration = Duration::from_secs(1);

/// How many keys a server is asked to look at for a page of [`Redis::scan`].
const PAGE: u32 = 500;

pub struct Redis {
    link: Link,
    clock: Clock,
    prefix: String,
    channel: Arc<Channel>,
}

impl Redis {
    pub fn open(settings: &RedisSettings, clock: Clock, tasks: &Tasks) -> Result<Self, StoreError> {
        let channel = Channel::new();
        let link = Link::open(settings, Arc::clone(&channel), tasks)?;
        Ok(Self { link, clock, prefix: settings.prefix.clone(), channel })
    }

    pub async fn get(&self, key: Key) -> Result<Option<Record>, StoreError> {
        let found: Option<Vec<u8>> = self.command(redis::cmd("GET").arg(self.name(key))).await?;
        found.map_or(Ok(None), |bytes| record::read(&bytes, self.clock.now()))
    }

    pub async fn get_pair(&self, keys: [Key; 2]) -> Result<[Option<Record>; 2], StoreError> {
        let names = keys.map(|key| self.name(key));
        let [one, other]: [Option<Vec<u8>>; 2] = self.command(redis::cmd("MGET").arg(&names)).await?;
        let now = self.clock.now();
        let read = |found: Option<Vec<u8>>| found.map_or(Ok(None), |bytes| record::read(&bytes, now));
        Ok([read(one)?, read(other)?])
    }

    pub async fn scan(&self, space: Space, after: Option<Cursor>) -> Result<Page, StoreError> {
        let cursor = match after {
            Some(Cursor(Position::Server(cursor))) => cursor,
            Some(Cursor(Position::After(_))) | None => 0,
        };
        let begin = self.begin(space);
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern(&begin)).arg("COUNT").arg(PAGE);
        let (cursor, names): (u64, Vec<String>) = self.command(&scan).await?;
        let next = (cursor != 0).then_some(Cursor(Position::Server(cursor)));
        let mut records = Vec::with_capacity(names.len());
        if !names.is_empty() {
            let found: Vec<Option<Vec<u8>>> = self.command(redis::cmd("MGET").arg(&names)).await?;
            let now = self.clock.now();
            for (name, bytes) in names.iter().zip(found) {
                let Some(key) = name.strip_prefix(&begin).and_then(|name| named(space, name)) else {
                    continue;
                };
                if let Some(record) = bytes.map_or(Ok(None), |bytes| record::read(&bytes, now))? {
                    records.push((key, record));
                }
            }
        }
        Ok(Page { records, next })
    }

    pub async fn publish(&self, change: Change) -> Result<(), StoreError> {
        // In this process at once; the others, and this one once more, hear it from the server.
        self.channel.tell(change);
        let mut publish = redis::cmd("PUBLISH");
        self.command(publish.arg(link::changes(&self.prefix)).arg(&change.to_bytes()[..])).await
    }

    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    pub async fn put(&self, key: Key, value: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        let mut command = redis::cmd("SET");
        command.arg(self.name(key)).arg(record::write(Version::fresh(), ends, value));
        self.command(command.arg("PX").arg(self.lifetime(ends))).await
    }

    pub async fn take(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<Vec<u8>> = self.command(redis::cmd("GETDEL").arg(self.name(key))).await?;
        let record = found.map_or(Ok(None), |bytes| record::read(&bytes, self.clock.now()))?;
        Ok(record.map(|record| record.value))
    }

    pub async fn swap(
        &self,
        key: Key,
        expected: Option<Version>,
        value: &[u8],
        ends: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut script = scripts::SWAP.key(self.name(key));
        script
            .arg(self.clock.now().millis())
            .arg(expected.as_ref().map_or(&[][..], |Version(version)| version))
            .arg(record::write(Version::fresh(), ends, value))
            .arg(self.lifetime(ends));
        self.script(&script).await
    }

    pub async fn bump(&self, key: Key, by: i64, window: Duration) -> Result<Count, StoreError> {
        let now = self.clock.now();
        if by == 0 {
            let found: Option<Vec<u8>> = self.command(redis::cmd("GET").arg(self.name(key))).await?;
            return found.map_or(Ok(Count { value: 0, ends: now }), |bytes| record::read_count(&bytes, now));
        }
        let ends = record::storable(now.plus(window));
        let mut script = scripts::BUMP.key(self.name(key));
        script.arg(now.millis()).arg(by).arg(ends).arg(self.lifetime(now.plus(window))).arg(Store::COUNT_MAX);
        let (value, ends) = self.script(&script).await?;
        Ok(Count { value, ends: Timestamp::from_millis(ends) })
    }

    pub async fn reset(&self, counter: Key) -> Result<(), StoreError> {
        self.command(redis::cmd("DEL").arg(self.name(counter))).await
    }

    pub async fn index_add(&self, index: Key, member: &[u8], ends: Timestamp) -> Result<(), StoreError> {
        let mut script = scripts::INDEX_ADD.key(self.name(index));
        script.arg(self.clock.now().millis()).arg(record::storable(ends)).arg(member).arg(millis(SLACK));
        self.script(&script).await
    }

    pub async fn index_remove(&self, index: Key, member: &[u8]) -> Result<(), StoreError> {
        self.command(redis::cmd("ZREM").arg(self.name(index)).arg(member)).await
    }

    pub async fn index_members(&self, index: Key) -> Result<Vec<Vec<u8>>, StoreError> {
        let after = format!("({}", self.clock.now().millis());
        self.command(redis::cmd("ZRANGEBYSCORE").arg(self.name(index)).arg(after).arg("+inf")).await
    }

    /// Writes, because reading would go well on a server that is full or has become a replica.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let key = format!("{}ping", self.prefix);
        self.command(redis::cmd("SET").arg(key).arg("").arg("PX").arg(millis(SLACK))).await
    }

    pub fn close(&self) {
        self.link.close();
    }

    async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.link.call(|mut connection| async move { command.query_async(&mut connection).await }).await
    }

    async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.link.call(|mut connection| async move { script.invoke_async(&mut connection).await }).await
    }

    /// `vestibule:s:{PLACE}REST`, in base64 both.
    fn name(&self, key: Key) -> String {
        let mut name = self.begin(key.space);
        let [place, rest] = halves(&key.digest);
        name.push('{');
        URL_SAFE_NO_PAD.encode_string(place, &mut name);
        name.push('}');
        URL_SAFE_NO_PAD.encode_string(rest, &mut name);
        name
    }

    /// What every name in a space begins with.
    fn begin(&self, space: Space) -> String {
        let letter = char::from(space.letter());
        let mut begin = String::with_capacity(self.prefix.len() + 50);
        begin.push_str(&self.prefix);
        begin.push(letter);
        begin.push(':');
        begin
    }

    /// What is given to `PX`, in milliseconds.
    fn lifetime(&self, ends: Timestamp) -> i64 {
        let until = self.clock.now().until(Timestamp::from_millis(record::storable(ends)));
        millis(until.saturating_add(SLACK))
    }
}

/// The key behind a name without its beginning; `None` for what somebody else wrote.
fn named(space: Space, name: &str) -> Option<Key> {
    let (place, rest) = name.strip_prefix('{')?.split_once('}')?;
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
