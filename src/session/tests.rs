mod everybody;
mod sign_ons;

use super::cached::{LOOK_AGAIN, LOOK_AHEAD, SPREAD};
use super::*;
use crate::clock::Clock;
use crate::secret::Secret;

struct Rig {
    clock: Clock,
    store: Arc<Store>,
    keys: Arc<Keys>,
    sessions: Sessions,
    host: Host,
}

const SETTINGS: Settings = Settings {
    idle: Duration::from_hours(1),
    lifetime: Duration::from_hours(12),
    remember: Duration::from_hours(24 * 30),
    cache: 100,
};

pub(super) fn client() -> Client {
    Client {
        address: [192, 0, 2, 1].into(),
        browser: BrowserName::of("Firefox/145.0 Linux"),
        host: "auth.example.com".into(),
        device: Some([7; 32]),
    }
}

impl Rig {
    async fn new() -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_000_000));
        let store = Arc::new(Store::temporary(clock.clone()).await.unwrap());
        let keys = Arc::new(Keys::derive(&[Secret::new(vec![1; 32])]).unwrap());
        let sessions = Sessions::new(store.clone(), keys.clone(), SETTINGS);
        Self { clock, store, keys, sessions, host: Host::parse("auth.example.com").unwrap() }
    }

    async fn begin(&self, two_factors: bool, remember: bool) -> Opened {
        self.begin_as("alice", two_factors, remember).await
    }

    async fn begin_as(&self, name: &str, two_factors: bool, remember: bool) -> Opened {
        let now = self.clock.now();
        let proofs = Proofs { password: now, email_code: two_factors.then_some(now) };
        let (account, client) = (AccountId::new("file", name), client());
        let with = Begin { account: &account, password: [0; 8], proofs, remember, client: &client };
        self.sessions.begin(&with, &self.host, now).await.unwrap()
    }

    /// Another process on the same store.
    fn other(&self) -> Sessions {
        Sessions::new(self.store.clone(), self.keys.clone(), SETTINGS)
    }

    async fn load(&self, cookie: &str) -> Option<Arc<Session>> {
        self.sessions.load(cookie, &self.host, self.clock.now(), Use::Counts).await.unwrap()
    }
}

#[tokio::test]
async fn a_cookie_opens_its_session_on_its_host_alone() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    assert_eq!(session.account().as_str(), "file:alice");
    assert!(opened.max_age.is_none());
    let elsewhere = Host::parse("app.example.com").unwrap();
    assert!(
        rig.sessions.load(&opened.cookie, &elsewhere, rig.clock.now(), Use::Counts).await.unwrap().is_none()
    );
    assert!(rig.load("forged").await.is_none());
}

#[tokio::test]
async fn a_session_ends_after_idle_time_to_the_second() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    rig.clock.advance(Duration::from_secs(30));
    assert!(rig.load(&opened.cookie).await.is_some());
    rig.clock.advance(Duration::from_secs(3599));
    assert!(
        rig.load(&opened.cookie).await.is_some(),
        "used half a minute in, though that was not written down"
    );
    rig.clock.advance(SETTINGS.idle);
    assert!(rig.load(&opened.cookie).await.is_none());
}

#[tokio::test]
async fn a_session_ends_at_its_lifetime_however_much_it_is_used() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    for _ in 0..23 {
        rig.clock.advance(Duration::from_mins(30));
        assert!(rig.load(&opened.cookie).await.is_some());
    }
    rig.clock.advance(Duration::from_mins(30));
    assert!(rig.load(&opened.cookie).await.is_none());
}

#[tokio::test]
async fn another_process_sees_the_use_that_was_written_down() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    rig.clock.advance(Duration::from_mins(50));
    assert!(rig.load(&opened.cookie).await.is_some());
    rig.clock.advance(Duration::from_mins(50));
    let other = rig.other();
    assert!(other.load(&opened.cookie, &rig.host, rig.clock.now(), Use::Counts).await.unwrap().is_some());
}

#[tokio::test]
async fn a_remembered_sign_on_lasts_as_long_as_configured() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, true).await;
    assert_eq!(opened.max_age, Some(SETTINGS.remember));
    rig.clock.advance(Duration::from_secs(30 * 86400 - 1));
    assert!(rig.load(&opened.cookie).await.is_some());
    rig.clock.advance(Duration::from_secs(1));
    assert!(rig.load(&opened.cookie).await.is_none());
}

#[tokio::test]
async fn ending_the_sign_on_ends_every_hosts_session_at_once() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let elsewhere = Host::parse("app.example.com").unwrap();
    let joined = rig.sessions.join(session.sign_on(), &elsewhere, rig.clock.now()).await.unwrap().unwrap();
    assert!(
        rig.sessions.load(&joined.cookie, &elsewhere, rig.clock.now(), Use::Counts).await.unwrap().is_some()
    );
    rig.sessions.end(session.sign_on(), session.account()).await.unwrap();
    assert!(rig.load(&opened.cookie).await.is_none());
    assert!(
        rig.sessions.load(&joined.cookie, &elsewhere, rig.clock.now(), Use::Counts).await.unwrap().is_none()
    );
    assert!(session.has_ended());
    assert!(rig.sessions.join(session.sign_on(), &elsewhere, rig.clock.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_another_process_ended_is_dead_here_within_five_seconds() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let other = rig.other();
    other.end(session.sign_on(), session.account()).await.unwrap();
    assert!(!rig.sessions.stands(&session, rig.clock.now()).await.unwrap());
    rig.clock.advance(TRUSTED);
    assert!(rig.load(&opened.cookie).await.is_none());
}

#[tokio::test]
async fn whoever_waits_for_the_end_is_woken_by_it() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let (ended, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), session.ended()), async {
        rig.sessions.end(session.sign_on(), session.account()).await.unwrap();
    });
    ended.unwrap();
    tokio::time::timeout(Duration::from_secs(10), session.ended())
        .await
        .expect("who comes late does not wait");
}

#[tokio::test]
async fn a_look_that_finds_nothing_new_keeps_the_session_and_what_is_known_of_it() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    rig.clock.advance(TRUSTED);
    let again = rig.load(&opened.cookie).await.unwrap();
    assert!(Arc::ptr_eq(&session, &again));
    rig.clock.advance(TRUSTED / 2);
    assert!(session.is_recent(rig.clock.now()));
}

#[tokio::test]
async fn the_store_is_asked_once_before_trust_ends() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let wants = |after: Duration| session.wants_look(rig.clock.now().plus(after));
    assert!(!wants(Duration::ZERO) && !wants(LOOK_AHEAD.saturating_sub(Duration::from_millis(1))));
    let due = LOOK_AHEAD + SPREAD;
    assert!(due < TRUSTED);
    assert!(wants(due), "a look in time");
    assert!(!wants(due) && !wants(due + LOOK_AGAIN / 2), "only one");
    assert!(wants(due + LOOK_AGAIN), "another, since none was answered");
    rig.clock.advance(due);
    rig.sessions.look(&opened.cookie, &rig.host, rig.clock.now(), Use::Counts).await.unwrap().unwrap();
    let looked_up = rig.load(&opened.cookie).await.unwrap();
    assert!(!looked_up.wants_look(rig.clock.now().plus(Duration::from_secs(1))));
}

#[tokio::test]
async fn a_second_factor_shows_on_every_host_at_once_and_renews_the_id_on_this_one() {
    let rig = Rig::new().await;
    let opened = rig.begin(false, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let elsewhere = Host::parse("app.example.com").unwrap();
    let joined = rig.sessions.join(session.sign_on(), &elsewhere, rig.clock.now()).await.unwrap().unwrap();
    let before =
        rig.sessions.load(&joined.cookie, &elsewhere, rig.clock.now(), Use::Counts).await.unwrap().unwrap();
    assert!(!before.proofs().two_factors());
    let elevated =
        rig.sessions.elevate(session.sign_on(), None, &rig.host, rig.clock.now()).await.unwrap().unwrap();
    rig.sessions.retire(&opened.cookie, &rig.host).await.unwrap();
    assert_ne!(elevated.cookie, opened.cookie);
    assert!(rig.load(&opened.cookie).await.is_none());
    let after =
        rig.sessions.load(&joined.cookie, &elsewhere, rig.clock.now(), Use::Counts).await.unwrap().unwrap();
    assert!(after.proofs().two_factors());
}

#[tokio::test]
async fn a_store_that_was_copied_opens_nothing() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let id = cookie::open(&rig.keys, Purpose::SessionCookie, &rig.host, &opened.cookie).unwrap();
    for stolen in [session.sign_on(), &session_key(session.sign_on(), &id).digest] {
        let foreign = Keys::derive(&[Secret::new(vec![2; 32])]).unwrap();
        let made = cookie::seal(&foreign, Purpose::SessionCookie, &rig.host, stolen);
        assert!(rig.load(&made).await.is_none());
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_no_session() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let session = rig.load(&opened.cookie).await.unwrap();
    let ends = rig.clock.now().plus(Duration::from_hours(1));
    for garbage in [&b"{}"[..], b"", b"\xff", b"{\"sign_on\":1}"] {
        rig.store.put(sign_on_key(session.sign_on()), garbage, ends).await.unwrap();
        rig.clock.advance(TRUSTED);
        assert!(rig.load(&opened.cookie).await.is_none());
        // It is not asked about again.
        assert_eq!(rig.store.get(sign_on_key(session.sign_on())).await.unwrap(), None);
    }
}

#[tokio::test]
async fn everybody_is_signed_out_whose_records_cannot_be_read_too() {
    let rig = Rig::new().await;
    let (_read, unread) = (rig.begin(true, false).await, rig.begin(true, false).await);
    let session = rig.load(&unread.cookie).await.unwrap();
    let ends = rig.clock.now().plus(Duration::from_hours(1));
    rig.store.put(sign_on_key(session.sign_on()), b"{}", ends).await.unwrap();
    assert_eq!(rig.sessions.end_everybody(&rig.clock).await.unwrap(), 2);
    assert!(session.has_ended());
    assert_eq!(rig.store.get(sign_on_key(session.sign_on())).await.unwrap(), None);
}

#[tokio::test]
async fn a_use_that_does_not_count_keeps_nobody_signed_in() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let load =
        async |used| rig.sessions.load(&opened.cookie, &rig.host, rig.clock.now(), used).await.unwrap();
    for _ in 0..3 {
        rig.clock.advance(Duration::from_mins(19));
        assert!(load(Use::DoesNotCount).await.is_some());
    }
    rig.clock.advance(Duration::from_mins(2));
    assert!(load(Use::Counts).await.is_some(), "within the hour");
    rig.clock.advance(Duration::from_mins(59));
    assert!(load(Use::DoesNotCount).await.is_some());
    rig.clock.advance(Duration::from_mins(1));
    assert!(load(Use::Counts).await.is_none(), "an hour after the last that counted");
}

#[tokio::test]
async fn a_cached_session_is_opened_by_every_letter_of_its_cookie_on_its_host_alone() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    assert!(rig.load(&opened.cookie).await.is_some(), "and cached from here on");
    let elsewhere = Host::parse("app.example.com").unwrap();
    let now = rig.clock.now();
    assert!(rig.sessions.load(&opened.cookie, &elsewhere, now, Use::Counts).await.unwrap().is_none());
    for place in 0..opened.cookie.len() {
        let mut letters = opened.cookie.clone().into_bytes();
        letters[place] = if letters[place] == b'A' { b'B' } else { b'A' };
        assert!(rig.load(str::from_utf8(&letters).unwrap()).await.is_none(), "letter {place}");
        assert!(rig.load(&opened.cookie).await.is_some());
    }
    let longer = format!("A{}", opened.cookie);
    assert!(rig.load(&longer).await.is_none() && rig.load(&opened.cookie[1..]).await.is_none());
}
