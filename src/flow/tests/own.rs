//! What people change in their own account, and what ends when they do.

use super::*;
use crate::account::database::Line;
use crate::flow::confirm::{self, Confirmed};
use crate::flow::own::{open, password, profile};
use crate::flow::{By, Entered, device};
use crate::session::Use;

const NEW: &str = "seven ugly green teapots";

impl Rig {
    pub(super) async fn confirmed(&self, visitor: &Visitor) -> Confirmed {
        confirm::confirm(self.who(visitor).await.unwrap(), self.app.clock.now()).expect("a recent sign-in")
    }

    async fn new_password(&self, visitor: &mut Visitor, present: &str, new: &str) -> password::Outcome {
        let confirmed = self.confirmed(visitor).await;
        self.new_password_of(visitor, &confirmed, present, new).await
    }

    async fn new_password_of(
        &self,
        visitor: &mut Visitor,
        confirmed: &Confirmed,
        present: &str,
        new: &str,
    ) -> password::Outcome {
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let (present, new) = (Secret::new(present.into()), Secret::new(new.into()));
        let outcome = password::set(&x, visitor.cookies(), confirmed, present, new).await.unwrap();
        if let password::Outcome::Changed(entered) = &outcome {
            let Entered { session, device } = &**entered;
            visitor.session = Some(session.cookie.clone());
            visitor.device = Some(device.clone());
        }
        outcome
    }

    async fn open(&self, visitor: &Visitor) -> (Vec<open::OwnSession>, Vec<open::OwnDevice>) {
        let inside = self.who(visitor).await.unwrap();
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let account = snapshot.directory.by_id(inside.session.account()).await.unwrap().unwrap();
        let sessions = open::sessions(&x, &inside).await.unwrap();
        let devices = open::devices(&x, &account, &sessions).await.unwrap();
        (sessions, devices)
    }

    async fn set_profile(&self, visitor: &Visitor, name: &str, language: &str) -> profile::Outcome {
        let inside = self.who(visitor).await.unwrap();
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        profile::set(&x, &inside, name, language).await.unwrap()
    }
}

#[tokio::test]
async fn a_new_password_ends_everything_but_the_session_in_which_it_is_set() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let mut visitor = rig.signed_in("erin").await;
    let other = rig.signed_in("erin").await;
    let mut under_way = Visitor::new();
    rig.password(&mut under_way, "erin", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    let sign_on = *rig.who(&visitor).await.unwrap().session.sign_on();
    let snapshot = rig.app.snapshot.load_full();
    let at_wiki = rig.in_exchange(&snapshot, &visitor, &rig.wiki);
    let joined = rig.app.sessions.join(&sign_on, at_wiki.host(), at_wiki.now).await.unwrap().unwrap();
    let before = visitor.clone();

    let outcome = rig.new_password(&mut visitor, RIGHT, NEW).await;
    assert!(matches!(outcome, password::Outcome::Changed(_)));

    // Before the others are used again, which would end them too.
    let (sessions, devices) = rig.open(&visitor).await;
    assert_eq!((sessions.len(), devices.len()), (1, 1));
    assert!(sessions[0].is_this && devices[0].is_this);
    assert_eq!(*rig.who(&visitor).await.expect("still in").session.sign_on(), sign_on);
    assert!(who::visitor(&at_wiki, Some(&joined.cookie)).await.unwrap().is_some(), "on the app's host too");
    assert!(rig.who(&before).await.is_none(), "the session's id has changed");
    assert!(rig.who(&other).await.is_none());
    assert!(matches!(rig.code(&mut under_way, &code).await, CodeOutcome::Expired));
    assert!(matches!(rig.password(&mut Visitor::new(), "erin", RIGHT, None).await, Outcome::Wrong));
    assert!(matches!(rig.password(&mut Visitor::new(), "erin", NEW, None).await, Outcome::CodeSent(_)));
}

/// Requests come in between the change of the account and that of the sign-on.
#[tokio::test]
async fn a_sign_on_that_expects_a_password_is_good_with_both_and_then_with_the_new_one_alone() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    let inside = rig.who(&visitor).await.unwrap();
    let (host, now) = (&rig.portal.host, rig.app.clock.now());
    let cookie = visitor.session.as_deref().unwrap();
    let good_with = async |fingerprint| {
        rig.app
            .sessions
            .load(cookie, host, now, Use::Counts)
            .await
            .unwrap()
            .unwrap()
            .is_good_with(fingerprint)
    };
    let old = rig.app.snapshot.load().directory.find("erin").await.unwrap().unwrap().fingerprint;
    rig.app.sessions.expect_password(inside.session.sign_on(), [1; 8]).await.unwrap();
    assert!(good_with(old).await && good_with([1; 8]).await && !good_with([2; 8]).await);
    rig.app.sessions.renew(inside.session.sign_on(), [1; 8], host, now).await.unwrap().unwrap();
    assert!(!good_with(old).await && good_with([1; 8]).await);
}

/// Its session was looked up before, its account is read after the change.
#[tokio::test]
async fn a_request_in_the_middle_of_the_change_signs_nobody_out() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    let cookie = visitor.session.as_deref().unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let begun = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    let before = rig.app.sessions.load(cookie, begun.host(), begun.now, Use::Counts).await.unwrap().unwrap();
    rig.app.sessions.expect_password(before.sign_on(), [1; 8]).await.unwrap();
    let line = Line::from(&By::command_line(&rig.app).event("password_changed", None, None));
    let changed = rig.database.change(&erin, move |entry| {
        entry.set_password_known_as(entry.account.password.clone(), [1; 8]);
        Ok::<_, ()>(line.clone())
    });
    changed.await.unwrap();
    rig.advance(Duration::from_secs(30));
    assert!(!before.is_good_with([1; 8]));
    let x = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    assert!(who::with_subject(&x, cookie, before, Use::Counts).await.unwrap().is_some());
    assert!(rig.who(&visitor).await.is_some());
}

#[tokio::test]
async fn a_wrong_present_password_is_a_try_and_the_rules_are_no_secret() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let mut visitor = rig.signed_in("erin").await;
    for _ in 0..20 {
        let weak = rig.new_password(&mut visitor, "wrong", "short").await;
        assert!(matches!(weak, password::Outcome::Weak(_)));
    }
    let holds = rig.new_password(&mut visitor, RIGHT, "erin and her secret").await;
    assert!(matches!(holds, password::Outcome::Weak(_)), "it holds the name");
    assert!(matches!(rig.new_password(&mut visitor, RIGHT, RIGHT).await, password::Outcome::Same));
    for _ in 0..LIMITS.device_failures {
        assert!(matches!(rig.new_password(&mut visitor, "wrong", NEW).await, password::Outcome::Wrong));
    }
    let locked = rig.new_password(&mut visitor, RIGHT, NEW).await;
    assert!(matches!(locked, password::Outcome::Locked(wait) if wait == LIMITS.lock));
    rig.advance(LIMITS.lock);
    assert!(matches!(rig.new_password(&mut visitor, RIGHT, NEW).await, password::Outcome::Changed(_)));
}

#[tokio::test]
async fn of_two_new_passwords_at_once_one_is_set() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let (mut one, mut other) = (rig.signed_in("erin").await, rig.signed_in("erin").await);
    // Both are in before either has changed it.
    let in_there = [rig.confirmed(&one).await, rig.confirmed(&other).await];
    let (first, second) = tokio::join!(
        rig.new_password_of(&mut one, &in_there[0], RIGHT, NEW),
        rig.new_password_of(&mut other, &in_there[1], RIGHT, "eleven quiet blue teapots")
    );
    let changed = |outcome: &password::Outcome| usize::from(matches!(outcome, password::Outcome::Changed(_)));
    assert_eq!(changed(&first) + changed(&second), 1);
}

#[tokio::test]
async fn an_account_of_a_file_is_not_changed_by_its_owner() {
    let rig = Rig::new().await;
    let mut visitor = rig.signed_in("alice").await;
    assert!(matches!(rig.new_password(&mut visitor, RIGHT, NEW).await, password::Outcome::NotHere));
    assert!(matches!(rig.set_profile(&visitor, "Alice", "de").await, profile::Outcome::NotHere));
    assert!(rig.who(&visitor).await.is_some());
}

#[tokio::test]
async fn a_name_and_a_language_show_at_the_next_request() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    let changed = rig.set_profile(&visitor, "  Erin   Exämple ", "de").await;
    assert!(matches!(changed, profile::Outcome::Changed));
    let subject = rig.who(&visitor).await.unwrap().subject;
    assert_eq!((subject.name.as_str(), subject.language.as_deref()), ("Erin Exämple", Some("de")));
    assert!(matches!(rig.set_profile(&visitor, "Erin", "").await, profile::Outcome::Changed));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.language, None);
    assert!(matches!(rig.set_profile(&visitor, "Erin", "tlh").await, profile::Outcome::Language));
    assert!(matches!(rig.set_profile(&visitor, "https://erin", "").await, profile::Outcome::Name(_)));
}

#[tokio::test]
async fn sessions_and_devices_are_listed_ended_and_forgotten_and_nobody_elses() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let mallory = rig.signed_in("alice").await;
    let visitor = rig.signed_in("erin").await;
    let other = rig.signed_in("erin").await;
    let third = rig.signed_in("erin").await;
    let (sessions, devices) = rig.open(&visitor).await;
    assert_eq!((sessions.len(), devices.len()), (3, 3));
    assert_eq!(sessions.iter().filter(|session| session.is_this).count(), 1);
    assert_eq!(devices.iter().filter(|device| device.is_this).count(), 1);

    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    let (mine, theirs) = (rig.confirmed(&visitor).await, rig.confirmed(&mallory).await);
    let of_other = rig.who(&other).await.unwrap();
    let name = |sessions: &[open::OwnSession]| {
        let found = sessions.iter().find(|session| session.sign_on.id == *of_other.session.sign_on());
        found.unwrap().sign_on.public_id()
    };
    let name = name(&sessions);
    assert!(!open::end(&x, &theirs, &name).await.unwrap(), "somebody else's");
    assert!(rig.who(&other).await.is_some());
    assert!(open::end(&x, &mine, &name).await.unwrap());
    assert!(rig.who(&other).await.is_none() && rig.who(&third).await.is_some());
    assert!(!open::end(&x, &mine, &name).await.unwrap(), "ended already");
    assert_eq!(open::end_others(&x, &mine).await.unwrap(), 1);
    assert!(rig.who(&third).await.is_none() && rig.who(&visitor).await.is_some());

    let device = devices.iter().find(|device| !device.is_this).unwrap().device.public_id();
    assert!(!open::forget(&x, &theirs, &device).await.unwrap(), "somebody else's");
    assert!(open::forget(&x, &mine, &device).await.unwrap());
    assert_eq!(rig.open(&visitor).await.1.len(), 2);
    let alice = rig.app.snapshot.load().directory.find("alice").await.unwrap().unwrap();
    assert_eq!(device::of_account(&rig.app, &alice).await.unwrap().len(), 1);
}
