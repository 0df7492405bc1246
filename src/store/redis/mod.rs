//! The store that several gateways share: one Redis (7 or later), each primitive one command or one short script
//! on one key, so that nothing here would have to change on a cluster.
//!
//! A record is a string: version, end, value. A counter is a string: end and value in decimal. A set index is a
//! sorted set, scored by the members' ends. Ends are judged by the gateway's [`Clock`], which is handed to every
//! script; Redis's own expiry is set on every key, relative to that clock, and only cleans up.
//!
//! A user of the server's access lists needs `+@connection +get +set +getdel +del +zrem +zrangebyscore +zadd +zrange
//! +zremrangebyscore +pexpire +evalsha +script|load` on `~PREFIX*`. Start from [`Redis`].

mod link;
mod record;
mod scripts;
#[cfg(test)]
pub mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{Cmd, FromRedisValue, ScriptInvocation};

use super::{Count, Key, Record, RedisSettings, Store, StoreError, Version};
use crate::clock::{Clock, Timestamp};
use crate::tasks::Tasks;
use link::Link;
pub use link::check_url;

/// A key outlives its record by this much, so that it is always the record's own end that decides.
const SLACK: Duration = Duration::from_secs(1);

pub struct Redis {
    link: Link,
    clock: Clock,
    prefix: String,
}

impl Redis {
    pub fn open(settings: &RedisSettings, clock: Clock, tasks: &Tasks) -> Result<Self, StoreError> {
        let link = Link::open(settings, tasks)?;
        Ok(Self { link, clock, prefix: settings.prefix.clone() })
    }

    pub async fn get(&self, key: Key) -> Result<Option<Record>, StoreError> {
        let found: Option<Vec<u8>> = self.command(redis::cmd("GET").arg(self.name(key))).await?;
        found.map_or(Ok(None), |bytes| record::read(&bytes, self.clock.now()))
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

    /// `vestibule:s:DIGEST`.
    fn name(&self, key: Key) -> String {
        let digest = URL_SAFE_NO_PAD.encode(key.digest);
        format!("{}{}:{digest}", self.prefix, char::from(key.space.letter()))
    }

    /// What is given to `PX`, in milliseconds.
    fn lifetime(&self, ends: Timestamp) -> i64 {
        let until = self.clock.now().until(Timestamp::from_millis(record::storable(ends)));
        millis(until.saturating_add(SLACK))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
