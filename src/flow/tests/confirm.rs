//! Proving both factors again, for a change that matters.

use super::*;
use crate::flow::confirm::{self, Confirmed, Lacking, RECENT};
use crate::flow::password::{self, Attempt};

impl Rig {
    /// Signs in again from within a session, up to the code.
    async fn password_again(&self, visitor: &mut Visitor, username: &str) -> Outcome {
        let inside = self.who(visitor).await.unwrap();
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let password = Secret::new(RIGHT.into());
        let attempt =
            Attempt { username, password, remember: false, destination: None, again: Some(&inside) };
        let outcome = password::sign_in(&x, visitor.cookies(), attempt).await.unwrap();
        if let Outcome::CodeSent(cookie) = &outcome {
            visitor.login = Some(cookie.clone());
        }
        outcome
    }

    async fn try_to_confirm(&self, visitor: &Visitor) -> Result<Confirmed, Lacking> {
        confirm::confirm(self.who(visitor).await.unwrap(), self.app.clock.now())
    }
}

#[tokio::test]
async fn a_sign_in_confirms_for_ten_minutes() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("alice").await;
    rig.advance(RECENT);
    assert!(rig.try_to_confirm(&visitor).await.is_ok());
    rig.advance(Duration::from_millis(1));
    assert_eq!(rig.try_to_confirm(&visitor).await.err(), Some(Lacking::RecentSignIn));
}

#[tokio::test]
async fn signing_in_again_renews_both_factors_of_the_same_sign_on_and_its_id() {
    let rig = Rig::new().await;
    let mut visitor = rig.signed_in("alice").await;
    let sign_on = *rig.who(&visitor).await.unwrap().session.sign_on();
    let snapshot = rig.app.snapshot.load_full();
    let at_wiki = rig.in_exchange(&snapshot, &visitor, &rig.wiki);
    let joined = rig.app.sessions.join(&sign_on, at_wiki.host(), at_wiki.now).await.unwrap().unwrap();
    rig.advance(RECENT + Duration::from_secs(1));

    let before = visitor.clone();
    assert!(matches!(rig.password_again(&mut visitor, "alice").await, Outcome::CodeSent(_)));
    assert!(rig.try_to_confirm(&before).await.is_err(), "the password alone");
    let code = rig.mails().last().unwrap().clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));

    assert!(rig.try_to_confirm(&visitor).await.is_ok());
    assert_eq!(*rig.who(&visitor).await.unwrap().session.sign_on(), sign_on);
    assert!(rig.who(&before).await.is_none(), "the id has changed");
    let later = rig.in_exchange(&snapshot, &visitor, &rig.wiki);
    assert!(who::visitor(&later, Some(&joined.cookie)).await.unwrap().is_some(), "the app goes on");
}

#[tokio::test]
async fn a_second_factor_makes_an_old_password_no_younger() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, Some("https://status.example.com/")).await;
    assert_eq!(rig.try_to_confirm(&visitor).await.err(), Some(Lacking::SecondFactor));
    rig.advance(RECENT + Duration::from_secs(1));
    let step_up::Outcome::CodeSent(cookie) = super::step_up(&rig, &visitor).await else {
        panic!("no code was sent")
    };
    visitor.login = Some(cookie);
    let code = rig.mails().last().unwrap().clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
    assert_eq!(rig.try_to_confirm(&visitor).await.err(), Some(Lacking::RecentSignIn));
}

#[tokio::test]
async fn the_code_of_a_step_up_under_way_is_none_of_a_new_sign_in() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, Some("https://status.example.com/")).await;
    let step_up::Outcome::CodeSent(cookie) = super::step_up(&rig, &visitor).await else {
        panic!("no code was sent")
    };
    visitor.login = Some(cookie.clone());
    rig.password_again(&mut visitor, "alice").await;
    assert_ne!(visitor.login, Some(cookie));
}

#[tokio::test]
async fn somebody_else_who_signs_in_there_gets_a_sign_on_of_their_own() {
    let rig = Rig::new().await;
    let accounts = [account("alice", Approval::Approved, false), account("erin", Approval::Approved, false)];
    rig.accounts.replace(accounts.to_vec());
    let mut visitor = rig.signed_in("alice").await;
    let before = visitor.clone();
    rig.password_again(&mut visitor, "erin").await;
    let code = rig.mails().last().unwrap().clone();
    rig.code(&mut visitor, &code).await;
    assert_eq!(rig.who(&visitor).await.unwrap().subject.username, "erin");
    assert!(rig.who(&before).await.is_none());
}
