//! Sessions: one host's random id each, all pointing to one sign-on. Start from [`Sessions`].
//!
//! A *sign-on* says who signed in, who vouched, which factors were proved and when, and when it ends. A *session* is
//! what one host's cookie opens. Ending the sign-on ends every session. This module never sees an account: what the
//! account allows today is asked of the directory by [`crate::flow`].

pub mod cookie;
mod record;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;
use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::observe::metrics::CacheLooks;
use crate::route::Host;
use crate::secret::{self, Keys, Purpose};
use crate::store::{Key, Space, Store, StoreError};
use crate::subject::{AccountId, Proofs, Subject};
use record::{SignOnRecord, read, write};
use shared::Shared;

/// An entry of the cache is believed for this long without a look into the store.
pub const TRUSTED: Duration = Duration::from_secs(5);

/// When the store is asked before trust ends: so long after the last look at the earliest, and spread over this time.
const LOOK_AHEAD: Duration = Duration::from_millis(3500);
const SPREAD: Duration = Duration::from_secs(1);

/// When to ask again, if no answer came.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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

pub struct Sessions {
    store: Arc<Store>,
    keys: Arc<Keys>,
    settings: Settings,
    looks: Arc<CacheLooks>,
    /// By the whole cookie value.
    cache: Cache<Box<str>, Arc<Session>>,
    /// What this process knows of a sign-on ahead of the store: that it ended, that it changed, when it was used.
    shared: Cache<SignOnId, Arc<Shared>>,
}

/// A verified session of one host.
pub struct Session {
    host: Host,
    sign_on: SignOnId,
    record: SignOnRecord,
    shared: Arc<Shared>,
    /// The state of `shared` that this entry was read at or after.
    change: u64,
    confirmed: AtomicI64,
    looked_ahead: AtomicI64,
    subject: ArcSwapOption<Known>,
}

/// The account behind a session as it stood at a generation of the directory.
pub struct Known {
    pub generation: u64,
    /// `None`: the account may not come in any more.
    pub subject: Option<Arc<Subject>>,
}

/// A sign-on to begin.
#[derive(Clone, Debug)]
pub struct Begin<'a> {
    pub account: &'a AccountId,
    pub source: &'a str,
    /// A few bytes that change with the account's password: with a new one the sign-on is worth nothing.
    pub password: [u8; 8],
    pub proofs: Proofs,
    pub remember: bool,
}

/// A session that was just opened: the value for its cookie, and for how long the browser keeps it (`None`: until it
/// closes).
pub struct Opened {
    pub cookie: String,
    pub max_age: Option<Duration>,
}

impl Session {
    pub fn account(&self) -> &AccountId {
        &self.record.account
    }

    /// The account source that vouched at the sign-in.
    pub fn source(&self) -> &str {
        &self.record.source
    }

    /// Of the password that was proved; see [`Begin`].
    pub fn password(&self) -> &[u8; 8] {
        &self.record.password
    }

    pub fn proofs(&self) -> Proofs {
        self.record.proofs
    }

    pub fn sign_on(&self) -> &SignOnId {
        &self.sign_on
    }

    /// When it ends if it is not used again.
    pub fn ends(&self) -> Timestamp {
        self.record.ends_if_last_used(self.shared.last_seen())
    }

    /// When it ends whatever happens.
    pub fn latest_end(&self) -> Timestamp {
        self.record.latest_end()
    }

    /// Fires when this process learns that the sign-on has ended.
    pub fn ended(&self) -> &CancellationToken {
        self.shared.ended()
    }

    pub fn known(&self) -> Option<Arc<Known>> {
        self.subject.load_full()
    }

    pub fn remember(&self, known: Known) {
        self.subject.store(Some(Arc::new(known)));
    }

    /// Whether the store should be asked while the session is trusted still, so that no request has to wait for it. Yes
    /// to one who asks at a time; and sessions that were confirmed together do not all come due together.
    pub fn wants_look(&self, now: Timestamp) -> bool {
        let confirmed = Timestamp::from_millis(self.confirmed.load(Ordering::Relaxed));
        let spread = self.sign_on.first().map_or(0, |byte| u32::from(*byte));
        if now.since(confirmed) < LOOK_AHEAD + SPREAD * spread / 256 {
            return false;
        }
        let asked = self.looked_ahead.load(Ordering::Relaxed);
        let recently = now.since(Timestamp::from_millis(asked)) < LOOK_AGAIN;
        let claim =
            || self.looked_ahead.compare_exchange(asked, now.millis(), Ordering::Relaxed, Ordering::Relaxed);
        !recently && claim().is_ok()
    }

    fn is_trusted(&self, now: Timestamp) -> bool {
        let confirmed = Timestamp::from_millis(self.confirmed.load(Ordering::Relaxed));
        self.change == self.shared.change() && confirmed <= now && now.since(confirmed) < TRUSTED
    }
}

impl Sessions {
    pub fn new(store: Arc<Store>, keys: Arc<Keys>, settings: Settings) -> Self {
        let (cache, shared) = (Cache::new(settings.cache.max(1)), Cache::new(settings.cache.max(1)));
        Self { store, keys, settings, looks: Arc::default(), cache, shared }
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
    ) -> Result<Option<Arc<Session>>, StoreError> {
        if let Some(session) = self.cache.get(cookie)
            && session.host == *host
            && session.is_trusted(now)
        {
            self.looks.hit();
            return Ok(self.use_now(session, now));
        }
        self.looks.miss();
        self.look(cookie, host, now).await
    }

    /// The same, asking the store in any case.
    pub async fn look(
        &self,
        cookie: &str,
        host: &Host,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let read = match self.read(cookie, host, now).await {
            Err(StoreError::Corrupt(error)) => {
                tracing::warn!(error, "a session cannot be read and its visitor has to sign in again");
                None
            }
            read => read?,
        };
        let Some(session) = read else {
            self.cache.remove(cookie);
            return Ok(None);
        };
        if self.settings.cache > 0 {
            self.cache.insert(cookie.into(), session.clone());
        }
        let used = self.use_now(session, now);
        if let Some(session) = &used {
            self.touch(session, now).await;
        }
        Ok(used)
    }

    /// Whether the sign-on behind a session still stands, without using it: for connections that stay open, whose
    /// session may have got a new id meanwhile.
    pub async fn stands(&self, session: &Session, now: Timestamp) -> Result<bool, StoreError> {
        if session.shared.ended().is_cancelled() {
            return Ok(false);
        }
        let Some(record) = self.store.get(sign_on_key(&session.sign_on)).await? else { return Ok(false) };
        let record: SignOnRecord = read(&record.value)?;
        session.shared.saw(record.last_seen);
        Ok(now < record.ends_if_last_used(session.shared.last_seen()))
    }

    /// Opens a new sign-on with a session on this host.
    pub async fn begin(&self, with: &Begin<'_>, host: &Host, now: Timestamp) -> Result<Opened, StoreError> {
        let locator: Locator = secret::random();
        let sign_on = sign_on_id(&locator);
        let record = SignOnRecord::new(locator, with, &self.settings, now);
        // Index first: a crash between the two leaves an entry without a sign-on, never a sign-on nobody can find.
        self.store.index_add(self.account_index(with.account), &sign_on, record.latest_end()).await?;
        self.store.put(sign_on_key(&sign_on), &write(&record)?, record.kept_until()).await?;
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
        let record: SignOnRecord = read(&stored.value)?;
        if now >= record.ends_if_last_used(record.last_seen.max(self.shared_of(sign_on).last_seen())) {
            return Ok(None);
        }
        self.open(&record, host).await.map(Some)
    }

    /// Notes the second factor in a sign-on and gives this host a new session id. `None` if the sign-on has ended.
    pub async fn elevate(
        &self,
        sign_on: &SignOnId,
        host: &Host,
        now: Timestamp,
    ) -> Result<Option<Opened>, StoreError> {
        let elevated = self.change(sign_on, |record| {
            record.proofs.email_code = Some(now);
            record.last_seen = record.last_seen.max(now);
        });
        let Some(record) = elevated.await? else { return Ok(None) };
        self.shared_of(sign_on).changed();
        self.open(&record, host).await.map(Some)
    }

    /// Forgets one host's session id, for one that takes its place.
    pub async fn retire(&self, cookie: &str, host: &Host) -> Result<(), StoreError> {
        if let Some(id) = cookie::open(&self.keys, Purpose::SessionCookie, host, cookie) {
            self.store.take(session_key(&id)).await?;
            self.cache.remove(cookie);
        }
        Ok(())
    }

    /// Ends a sign-on, on every host.
    pub async fn end(&self, sign_on: &SignOnId, account: &AccountId) -> Result<(), StoreError> {
        self.store.take(sign_on_key(sign_on)).await?;
        self.shared_of(sign_on).end();
        self.store.index_remove(self.account_index(account), sign_on).await
    }

    async fn read(
        &self,
        cookie: &str,
        host: &Host,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(id) = cookie::open(&self.keys, Purpose::SessionCookie, host, cookie) else {
            return Ok(None);
        };
        let sign_on = sign_on_id(locator_of(&id));
        // What changes in this process from here on is seen in `shared`, even if the answer below is older.
        let shared = self.shared_of(&sign_on);
        let change = shared.change();
        let [Some(_), Some(stored)] = self.store.get_pair([session_key(&id), sign_on_key(&sign_on)]).await?
        else {
            return Ok(None);
        };
        let record: SignOnRecord = read(&stored.value)?;
        shared.saw(record.last_seen);
        Ok(Some(Arc::new(Session {
            host: host.clone(),
            sign_on,
            record,
            shared,
            change,
            confirmed: AtomicI64::new(now.millis()),
            looked_ahead: AtomicI64::new(i64::MIN),
            subject: ArcSwapOption::empty(),
        })))
    }

    #[expect(clippy::unused_self, reason = "reads as what is done to a session of ours")]
    fn use_now(&self, session: Arc<Session>, now: Timestamp) -> Option<Arc<Session>> {
        let stands = !session.shared.ended().is_cancelled() && now < session.ends();
        stands.then(|| {
            session.shared.saw(now);
            session
        })
    }

    /// Writes down that a sign-on is in use: once a minute, or once a quarter of its idle time if that is shorter.
    /// If it fails the next look tries again.
    async fn touch(&self, session: &Session, now: Timestamp) {
        if now.since(session.record.last_seen) < session.record.touch_every() {
            return;
        }
        let touched =
            self.change(&session.sign_on, |record| record.last_seen = record.last_seen.max(now)).await;
        if let Err(error) = touched {
            tracing::debug!(%error, "a session's last use was not written down");
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
            let mut record: SignOnRecord = read(&stored.value)?;
            change(&mut record);
            if self.store.swap(key, Some(stored.version), &write(&record)?, record.kept_until()).await? {
                return Ok(Some(record));
            }
        }
        Err(StoreError::Refused("a sign-on is changed by too many at once".into()))
    }

    async fn open(&self, record: &SignOnRecord, host: &Host) -> Result<Opened, StoreError> {
        let id = session_id(&record.locator, &secret::random());
        self.store.put(session_key(&id), b"", record.latest_end()).await?;
        let cookie = cookie::seal(&self.keys, Purpose::SessionCookie, host, &id);
        Ok(Opened { cookie, max_age: record.remember.then_some(self.settings.remember) })
    }

    fn shared_of(&self, sign_on: &SignOnId) -> Arc<Shared> {
        let made =
            self.shared.get_or_insert_with(sign_on, || Ok::<_, std::convert::Infallible>(Arc::default()));
        made.unwrap_or_default()
    }

    fn account_index(&self, account: &AccountId) -> Key {
        let name: [&[u8]; 2] = [b"sign-ons", account.as_str().as_bytes()];
        Key { space: Space::Index, digest: self.keys.sign(Purpose::StoreName, &name) }
    }
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
fn session_key(id: &[u8; 32]) -> Key {
    sign_on_key(&sign_on_id(locator_of(id))).beside(Space::Session, &secret::sha256(id))
}

/// A sign-on's id is a hash already, so it is its own key.
fn sign_on_key(id: &SignOnId) -> Key {
    Key { space: Space::SignOn, digest: *id }
}

#[cfg(test)]
mod tests;
