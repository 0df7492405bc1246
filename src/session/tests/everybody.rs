//! Everybody is signed out, whoever signs in meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::everybody::mark;
use super::*;

/// More than a page of the store.
const MANY: usize = 700;

impl Rig {
    async fn try_to_begin(&self) -> Result<Opened, StoreError> {
        let now = self.clock.now();
        let proofs = Proofs { password: now, email_code: None };
        let (account, client) = (AccountId::new("file", "alice"), client());
        let with = Begin { account: &account, password: [0; 8], proofs, remember: false, client: &client };
        self.sessions.begin(&with, &self.host, now).await
    }

    async fn sign_ons(&self) -> Vec<SignOn> {
        self.sessions.of_account(&AccountId::new("file", "alice")).await.unwrap()
    }
}

#[tokio::test]
async fn all_are_ended_and_who_comes_later_is_in() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    rig.begin_as("bob", true, true).await;
    assert_eq!(rig.sessions.end_everybody(&rig.clock).await.unwrap(), 2);
    assert!(rig.load(&opened.cookie).await.is_none());
    let refused = rig.try_to_begin().await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "it may have begun before all were ended");
    assert!(rig.sign_ons().await.is_empty(), "and was taken back");
    rig.clock.advance(Duration::from_millis(1));
    let later = rig.begin(true, false).await;
    assert!(rig.load(&later.cookie).await.is_some());
    assert_eq!(rig.sessions.end_everybody(&rig.clock).await.unwrap(), 1);
}

#[tokio::test]
async fn who_broke_off_keeps_nobody_out_for_long() {
    let rig = Rig::new().await;
    let until = rig.sessions.renewed(rig.clock.now(), &rig.clock).await.unwrap();
    assert!(rig.try_to_begin().await.is_err());
    rig.clock.advance(Duration::from_secs(5));
    assert_eq!(rig.sessions.renewed(until, &rig.clock).await.unwrap(), until, "it reaches far enough");
    rig.clock.advance(Duration::from_secs(5));
    let until = rig.sessions.renewed(until, &rig.clock).await.unwrap();
    assert_eq!(until, rig.clock.now().plus(Duration::from_secs(20)));
    rig.clock.advance(Duration::from_secs(20));
    assert!(rig.try_to_begin().await.is_err(), "to the millisecond");
    rig.clock.advance(Duration::from_millis(1));
    assert!(rig.try_to_begin().await.is_ok());
}

#[tokio::test]
async fn of_two_who_end_everybody_the_last_lets_others_in_again() {
    let rig = Rig::new().await;
    let slow = rig.sessions.renewed(rig.clock.now(), &rig.clock).await.unwrap();
    rig.clock.advance(Duration::from_millis(1));
    let mut quick = rig.clock.now();
    rig.sessions.end_all_found(&mut quick, &rig.clock).await.unwrap();
    rig.clock.advance(Duration::from_millis(1));
    rig.sessions.lift(slow, rig.clock.now()).await.unwrap();
    rig.clock.advance(Duration::from_millis(1));
    assert!(rig.try_to_begin().await.is_err(), "one is not done");
    rig.sessions.lift(quick, rig.clock.now()).await.unwrap();
    rig.clock.advance(Duration::from_millis(1));
    assert!(rig.try_to_begin().await.is_ok());
}

#[tokio::test]
async fn a_mark_that_cannot_be_read_lets_nobody_in() {
    let rig = Rig::new().await;
    rig.sessions.end_everybody(&rig.clock).await.unwrap();
    rig.store.put(mark(), b"?", rig.clock.now().plus(SETTINGS.idle)).await.unwrap();
    rig.clock.advance(Duration::from_mins(1));
    assert!(rig.try_to_begin().await.is_err());
}

#[tokio::test]
async fn who_signs_in_while_it_goes_on_is_not_passed_over() {
    let rig = Rig { clock: Clock::System, ..Rig::new().await };
    for _ in 0..MANY {
        rig.begin(true, false).await;
    }
    let (over, refused) = (AtomicBool::new(false), AtomicBool::new(false));
    let signing_in = async {
        while !over.load(Ordering::Relaxed) {
            refused.fetch_or(rig.try_to_begin().await.is_err(), Ordering::Relaxed);
        }
    };
    let ending = async {
        let ended = rig.sessions.end_everybody(&rig.clock).await.unwrap();
        over.store(true, Ordering::Relaxed);
        ended
    };
    let ((), ended) = tokio::join!(signing_in, ending);
    assert!(ended >= MANY && refused.into_inner(), "both went on at once");
    let until = rig.store.get(mark()).await.unwrap().unwrap().value;
    let until = Timestamp::from_millis(i64::from_be_bytes(until.try_into().unwrap()));
    for left in rig.sign_ons().await {
        assert!(left.started > until, "begun {:?} before all were ended", left.started.until(until));
    }
}
