//! Sessions: one host's random id each, all pointing to one sign-on. Start from [`Sessions`].
//!
//! A *sign-on* says who signed in, who vouched, which factors were proved and when, and when it ends. A *session* is
//! what one host's cookie opens. Ending the sign-on ends every session. This module never sees an account: what the
//! account allows today is asked of the directory by [`crate::flow`].

mod cached;
mod changes;
pub mod cookie;
mod everybody;
mod record;
mod renewal;
mod shared;
mod sign_on;

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::browser::BrowserName;
use crate::clock::Timestamp;
use crate::observe::metrics::CacheLooks;
use crate::route::Host;
use crate::secret::{self, Keys, Purpose};
use crate::store::{About, Key, Space, Store, StoreError};
use crate::subject::{AccountId, Proofs};
use cached::Found;
pub use cached::{Known, Session};
use record::{SignOnRecord, read, write};
use shared::AllShared;
pub use sign_on::{Page, SignOn, public_id};

/// An entry of the cache is believed for this long without a look into the store.
pub const TRUSTED: Duration = Duration::from_secs(5);

/// The id of a sign-on, a hash of its locator. No browser ever holds it.
pub type SignOnId = [u8; 32];

/// What the ids of all sessions of a sign-on begin with, so that a cookie names both records that it needs.
type Locator = [u8; 16];

/// `session` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub idle: Duration,
    pub lifetime: Duration,
    /// Lifetime and idle time of a remembered sign-on; zero hides the box.
    pub remember: Duration,
    pub cache: usize,
}

/// Which requests of an app count against [`Settings::idle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Any,
    /// Those with which a person goes to a page: what a page does by itself keeps nobody signed in.
    Navigation,
}

/// Whether a request extends the idle time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Counts,
    DoesNotCount,
}

pub struct Sessions {
    store: Arc<Store>,
    keys: Arc<Keys>,
    settings: Settings,
    looks: Arc<CacheLooks>,
    cache: Cache<CacheKey, Arc<Session>>,
    shared: AllShared,
    /// Its keys are drawn at the start and known to nobody.
    whole: RandomState,
}

/// What a session is cached under: the last letters of its cookie, 142 bits of the MAC, which nobody guesses. A hash of
/// host and cookie is compared as well, so that it takes every letter, and the right host.
type CacheKey = [u8; 24];

/// A sign-on to begin.
#[derive(Clone, Debug)]
pub struct Begin<'a> {
    pub account: &'a AccountId,
    /// A few bytes that change with the account's password: with a new one the sign-on is worth nothing.
    pub password: [u8; 8],
    pub proofs: Proofs,
    pub remember: bool,
    pub client: &'a Client,
}

/// Where somebody signed in from, for them to recognise it later. It decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub address: IpAddr,
    pub browser: BrowserName,
    /// The name of the host on which the sign-in took place.
    pub host: String,
    /// What the store knows the device by.
    pub device: Option<[u8; 32]>,
}

/// A session that was just opened: the value for its cookie, and for how long the browser keeps it (`None`: until it
/// closes).
pub struct Opened {
    pub cookie: String,
    pub max_age: Option<Duration>,
}

impl Sessions {
    pub fn new(store: Arc<Store>, keys: Arc<Keys>, settings: Settings) -> Self {
        let cache = Cache::new(settings.cache.max(1));
        let (shared, whole) = (AllShared::default(), RandomState::new());
        Self { store, keys, settings, looks: Arc::default(), cache, shared, whole }
    }

    /// Counts there how often the cache helps.
    #[must_use]
    pub fn counted_by(self, looks: Arc<CacheLooks>) -> Self {
        Self { looks, ..self }
    }

    /// The session that this cookie opens on this host, confirmed within the last five seconds, and marks it as used.
    pub async fn load(
        &self,
        cookie: &str,
        host: &Host,
        now: Timestamp,
        used: Use,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let whole = self.whole.hash_one((host, cookie));
        let cached = self.cached(cookie, whole);
        if let Some(session) = &cached
            && session.is_trusted(now, self.store.hearing())
        {
            self.looks.hit();
            return Ok(self.use_now(Arc::clone(session), now, used));
        }
        self.looks.miss();
        // In a box, as it is seldom: what every request carries along is to be small.
        let looking = Box::pin(self.look_up(cookie, (host, whole), now, used));
        match (looking.await, cached) {
            // The store is down, and with it the news. Whoever was looked up a moment ago is served nevertheless.
            (Err(_), Some(session)) if session.is_recent(now) => Ok(self.use_now(session, now, used)),
            (looked, _) => looked,
        }
    }

    /// The same, asking the store in any case.
    pub async fn look(
        &self,
        cookie: &str,
        host: &Host,
        now: Timestamp,
        used: Use,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        self.look_up(cookie, (host, self.whole.hash_one((host, cookie))), now, used).await
    }

    async fn look_up(
        &self,
        cookie: &str,
        (host, whole): (&Host, u64),
        now: Timestamp,
        used: Use,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(found) = self.read(cookie, host).await? else {
            self.forget(cookie);
            return Ok(None);
        };
        let session = self.use_now(self.keep(cookie, whole, found, now), now, used);
        if let Some(session) = &session {
            self.touch(session).await;
        }
        Ok(session)
    }

    /// Whether the sign-on behind a session still stands, without using it: for connections that stay open, whose
    /// session may have got a new id meanwhile.
    pub async fn stands(&self, session: &Session, now: Timestamp) -> Result<bool, StoreError> {
        if session.has_ended() {
            return Ok(false);
        }
        let Some(record) = self.store.get(sign_on_key(session.sign_on())).await? else { return Ok(false) };
        session.saw(&read(&record.value)?);
        Ok(now < session.ends())
    }

    /// Opens a new sign-on with a session on this host.
    pub async fn begin(&self, with: &Begin<'_>, host: &Host, now: Timestamp) -> Result<Opened, StoreError> {
        let locator: Locator = secret::random();
        let sign_on = sign_on_id(&locator);
        let record = SignOnRecord::new(locator, with, &self.settings, now);
        // Index first: a crash between the two leaves an entry without a sign-on, never a sign-on nobody can find.
        let index = self.account_index(with.account);
        self.store.index_add(index, &sign_on, record.span.latest_end()).await?;
        self.store.put(sign_on_key(&sign_on), &write(&record)?, record.kept_until()).await?;
        self.must_not_be_void(&sign_on, with.account, now).await?;
        self.open(&record, host).await
    }

    /// Opens a session on another host of the same sign-on. `None` if that has ended.
    pub async fn join(
        &self,
        sign_on: &SignOnId,
        host: &Host,
        now: Timestamp,
    ) -> Result<Option<Opened>, StoreError> {
        let Some(stored) = self.store.get(sign_on_key(sign_on)).await? else { return Ok(None) };
        let record = read(&stored.value)?;
        if now >= record.span.ends(self.last_seen(sign_on, &record)) {
            return Ok(None);
        }
        self.open(&record, host).await.map(Some)
    }

    /// Notes in a sign-on that the second factor was proved now, and the password at that time, if it was asked for
    /// again; gives this host a new session id. `None` if the sign-on has ended.
    pub async fn elevate(
        &self,
        sign_on: &SignOnId,
        password: Option<Timestamp>,
        host: &Host,
        now: Timestamp,
    ) -> Result<Option<Opened>, StoreError> {
        let elevated = self.change(sign_on, |record| {
            record.proofs.email_code = Some(now);
            record.proofs.password = password.unwrap_or(record.proofs.password);
            record.last_seen = record.last_seen.max(now);
        });
        let Some(record) = elevated.await? else { return Ok(None) };
        self.changed(sign_on);
        self.tell(About::SignOnChanged, sign_on).await;
        self.open(&record, host).await.map(Some)
    }

    /// Forgets one host's session id, for one that takes its place.
    pub async fn retire(&self, cookie: &str, host: &Host) -> Result<(), StoreError> {
        if let Some(id) = cookie::open(&self.keys, Purpose::SessionCookie, host, cookie) {
            self.store.take(session_key(&sign_on_id(locator_of(&id)), &id)).await?;
            self.forget(cookie);
        }
        Ok(())
    }

    async fn read(&self, cookie: &str, host: &Host) -> Result<Option<Found>, StoreError> {
        let Some(id) = cookie::open(&self.keys, Purpose::SessionCookie, host, cookie) else {
            return Ok(None);
        };
        let sign_on = sign_on_id(locator_of(&id));
        // What changes in this process from here on is seen in `shared`, even if the answer below is older.
        let shared = self.shared.get_or_make(&sign_on);
        let (change, run) = (shared.change(), self.store.hearing());
        let [Some(_), Some(stored)] =
            self.store.get_pair([session_key(&sign_on, &id), sign_on_key(&sign_on)]).await?
        else {
            return Ok(None);
        };
        match read(&stored.value) {
            Ok(record) => Ok(Some(Found { sign_on, record, shared, change, run })),
            Err(error) => {
                tracing::warn!(%error, "a sign-on was ended and its visitor has to sign in again");
                self.end_unread(&sign_on).await?;
                Ok(None)
            }
        }
    }

    /// The session in the cache, if that is still what was found, else a new one in its place.
    fn keep(&self, cookie: &str, whole: u64, found: Found, now: Timestamp) -> Arc<Session> {
        found.shared.saw(found.record.last_seen);
        if let Some(kept) = self.cached(cookie, whole)
            && kept.is_as_found(&found)
        {
            kept.confirm(&found, now);
            return kept;
        }
        let session = Arc::new(Session::new(whole, found, now));
        if let Some(key) = cache_key(cookie)
            && self.settings.cache > 0
        {
            self.cache.insert(key, Arc::clone(&session));
        }
        session
    }

    /// `whole`: the hash of host and cookie.
    fn cached(&self, cookie: &str, whole: u64) -> Option<Arc<Session>> {
        let session = self.cache.get(&cache_key(cookie)?)?;
        (session.whole == whole).then_some(session)
    }

    fn forget(&self, cookie: &str) {
        if let Some(key) = cache_key(cookie) {
            self.cache.remove(&key);
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what is done to a session of ours")]
    fn use_now(&self, session: Arc<Session>, now: Timestamp, used: Use) -> Option<Arc<Session>> {
        let stands = !session.has_ended() && now < session.ends();
        if stands && used == Use::Counts {
            session.shared.saw(now);
        }
        stands.then_some(session)
    }

    /// Writes down that a sign-on is in use: once a minute, or once a quarter of its idle time if that is shorter.
    /// If it fails the next look tries again.
    async fn touch(&self, session: &Session) {
        let Some(used) = session.unwritten_use() else { return };
        let touched =
            self.change(session.sign_on(), |record| record.last_seen = record.last_seen.max(used)).await;
        match touched {
            Ok(Some(record)) => session.saw(&record),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a session's last use was not written down"),
        }
    }

    async fn change(
        &self,
        sign_on: &SignOnId,
        change: impl Fn(&mut SignOnRecord),
    ) -> Result<Option<SignOnRecord>, StoreError> {
        let key = sign_on_key(sign_on);
        for _ in 0..16 {
            let Some(stored) = self.store.get(key).await? else { return Ok(None) };
            let mut record = read(&stored.value)?;
            change(&mut record);
            if self.store.swap(key, Some(stored.version), &write(&record)?, record.kept_until()).await? {
                return Ok(Some(record));
            }
        }
        Err(StoreError::Refused("a sign-on is changed by too many at once".into()))
    }

    async fn open(&self, record: &SignOnRecord, host: &Host) -> Result<Opened, StoreError> {
        let id = session_id(&record.locator, &secret::random());
        self.store.put(session_key(&sign_on_id(&record.locator), &id), b"", record.span.latest_end()).await?;
        let cookie = cookie::seal(&self.keys, Purpose::SessionCookie, host, &id);
        Ok(Opened { cookie, max_age: record.remember.then_some(self.settings.remember) })
    }

    /// When a sign-on was last used, here or as the store has it.
    fn last_seen(&self, sign_on: &SignOnId, record: &SignOnRecord) -> Timestamp {
        let here = self.shared.get(sign_on).map(|shared| shared.last_seen());
        here.map_or(record.last_seen, |here| here.max(record.last_seen))
    }

    /// Nothing that was read of the sign-on before is to be trusted.
    fn changed(&self, sign_on: &SignOnId) {
        if let Some(shared) = self.shared.get(sign_on) {
            shared.changed();
        }
    }
}

fn cache_key(cookie: &str) -> Option<CacheKey> {
    cookie.as_bytes().last_chunk().copied()
}

/// A session's id: 16 bytes that its sign-on's sessions have in common, and 16 of its own.
fn session_id(locator: &Locator, own: &[u8; 16]) -> [u8; 32] {
    let mut id = [0; 32];
    for (byte, from) in id.iter_mut().zip(locator.iter().chain(own)) {
        *byte = *from;
    }
    id
}

fn locator_of(id: &[u8; 32]) -> &Locator {
    id.first_chunk().unwrap_or(&[0; 16])
}

fn sign_on_id(locator: &Locator) -> SignOnId {
    secret::sha256(locator)
}

/// In the place of its sign-on, so that both are read at once.
fn session_key(sign_on: &SignOnId, id: &[u8; 32]) -> Key {
    sign_on_key(sign_on).beside(Space::Session, &secret::sha256(id))
}

/// A sign-on's id is a hash already, so it is its own key.
fn sign_on_key(id: &SignOnId) -> Key {
    Key { space: Space::SignOn, digest: *id }
}

#[cfg(test)]
mod tests;
