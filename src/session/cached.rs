//! A verified session, as the cache keeps it.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::record::{SignOnRecord, Span};
use super::shared::Shared;
use super::{SignOnId, TRUSTED};
use crate::clock::Timestamp;
use crate::store::Run;
use crate::subject::{AccountId, Proofs, Subject};

/// When the store is asked before trust ends: so long after the last look at the earliest, and spread over this time.
pub(super) const LOOK_AHEAD: Duration = Duration::from_millis(3500);
pub(super) const SPREAD: Duration = Duration::from_secs(1);

/// When to ask again, if no answer came.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A verified session of one host. Looks into the store that find nothing new only renew the trust in it.
pub struct Session {
    /// Of the host and the cookie.
    pub(super) whole: u64,
    sign_on: SignOnId,
    account: AccountId,
    password: [u8; 8],
    next_password: Option<[u8; 8]>,
    proofs: Proofs,
    span: Span,
    pub(super) shared: Arc<Shared>,
    /// The state of `shared` that this was read at or after.
    change: AtomicU32,
    /// The run of the change channel in which it was read; zero for none.
    run: AtomicU64,
    epoch: AtomicU64,
    /// When it was last used, as the store has it.
    written: AtomicI64,
    confirmed: AtomicI64,
    looked_ahead: AtomicI64,
    /// Held for a moment only, and by those who have the same session at the same time. A swapped pointer would cost each session
    /// that is read anew a look at all threads.
    known: Mutex<Option<Arc<Known>>>,
}

/// The account behind a session as it stood at a generation of the directory and an epoch of its own.
#[derive(Clone)]
pub struct Known {
    pub generation: u64,
    pub epoch: u64,
    /// Of the change channel, as [`Session::run`] has it: what changed while nothing was heard may not show in the epoch.
    pub run: u64,
    /// When it is to be read anew, though nothing says that it has changed.
    pub until: Timestamp,
    /// `None`: the account may not come in any more.
    pub subject: Option<Arc<Subject>>,
}

/// What a look into the store found.
pub(super) struct Found {
    pub sign_on: SignOnId,
    pub record: SignOnRecord,
    pub shared: Arc<Shared>,
    /// Of `shared` and of the change channel, from before the look.
    pub change: u32,
    pub run: Option<Run>,
}

impl Session {
    pub(super) fn new(whole: u64, found: Found, now: Timestamp) -> Self {
        let Found { sign_on, record, shared, change, run } = found;
        Self {
            whole,
            sign_on,
            account: record.account,
            password: record.password,
            next_password: record.next_password,
            proofs: record.proofs,
            span: record.span,
            shared,
            change: AtomicU32::new(change),
            run: AtomicU64::new(run.map_or(0, Run::number)),
            epoch: AtomicU64::new(record.epoch),
            written: AtomicI64::new(record.last_seen.millis()),
            confirmed: AtomicI64::new(now.millis()),
            looked_ahead: AtomicI64::new(i64::MIN),
            known: Mutex::default(),
        }
    }

    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Whether it is worth anything still, now that the account has the password of this fingerprint; see
    /// [`super::Begin`].
    pub fn is_good_with(&self, password: [u8; 8]) -> bool {
        self.password == password || self.next_password == Some(password)
    }

    pub fn proofs(&self) -> Proofs {
        self.proofs
    }

    pub fn sign_on(&self) -> &SignOnId {
        &self.sign_on
    }

    pub fn started(&self) -> Timestamp {
        self.span.started
    }

    /// When it ends if it is not used again.
    pub fn ends(&self) -> Timestamp {
        self.span.ends(self.shared.last_seen())
    }

    /// When it ends whatever happens.
    pub fn latest_end(&self) -> Timestamp {
        self.span.latest_end()
    }

    /// The account's epoch as far as this process has heard.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The run of the change channel in which it was last looked up; zero for none.
    pub fn run(&self) -> u64 {
        self.run.load(Ordering::Acquire)
    }

    /// Waits until this process learns that the sign-on has ended.
    pub async fn ended(&self) {
        self.shared.ended().await;
    }

    pub fn has_ended(&self) -> bool {
        self.shared.has_ended()
    }

    pub fn known(&self) -> Option<Arc<Known>> {
        self.lock().clone()
    }

    pub fn remember(&self, known: Known) {
        let before = self.lock().replace(Arc::new(known));
        // Freed with nobody waiting.
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether it can be served as it is: it was looked up lately, and every change since was heard of.
    pub(super) fn is_trusted(&self, now: Timestamp, hearing: Option<Run>) -> bool {
        self.is_recent(now)
            && hearing.is_some_and(|hearing| hearing.number() == self.run.load(Ordering::Relaxed))
    }

    /// Whether it was looked up lately, and this process knows of no change since.
    pub(super) fn is_recent(&self, now: Timestamp) -> bool {
        let confirmed = Timestamp::from_millis(self.confirmed.load(Ordering::Relaxed));
        let change = self.change.load(Ordering::Relaxed);
        change == self.shared.change() && confirmed <= now && now.since(confirmed) < TRUSTED
    }

    /// Whether a look found the same session still: what may differ then is taken in by [`Self::confirm`].
    pub(super) fn is_as_found(&self, found: &Found) -> bool {
        self.sign_on == found.sign_on
            && self.proofs == found.record.proofs
            && (self.password, self.next_password) == (found.record.password, found.record.next_password)
            && Arc::ptr_eq(&self.shared, &found.shared)
    }

    /// Takes in a look, which a later one may have overtaken: what the account's changes count never goes back.
    pub(super) fn confirm(&self, found: &Found, now: Timestamp) {
        self.saw(&found.record);
        self.change.fetch_max(found.change, Ordering::Relaxed);
        self.run.store(found.run.map_or(0, Run::number), Ordering::Release);
        self.confirmed.store(now.millis(), Ordering::Relaxed);
    }

    /// Takes in the record without trusting the session any longer because of it.
    pub(super) fn saw(&self, record: &SignOnRecord) {
        self.shared.saw(record.last_seen);
        self.written.fetch_max(record.last_seen.millis(), Ordering::Relaxed);
        self.epoch.fetch_max(record.epoch, Ordering::AcqRel);
    }

    /// When it was last used, if it is time to write that down.
    pub(super) fn unwritten_use(&self) -> Option<Timestamp> {
        let written = Timestamp::from_millis(self.written.load(Ordering::Relaxed));
        let used = self.shared.last_seen();
        (used.since(written) >= self.span.touch_every()).then_some(used)
    }
}
