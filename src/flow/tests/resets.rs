//! Forgotten passwords, and what the new one ends.

use super::administer::to_add;
use super::*;
use crate::account::database::Entry;
use crate::flow::administer::Add;
use crate::flow::reset::{self, Outcome};
use crate::flow::{By, administer, device};
use crate::subject::AccountId;

const NEW: &str = "seven green umbrellas";

impl Rig {
    /// A second later than whatever was before, so that the letters have an order.
    pub(super) async fn ask(&self, login: &str) -> Option<Duration> {
        self.advance(Duration::from_secs(1));
        let snapshot = self.app.snapshot.load_full();
        let visitor = Visitor::new();
        let x = self.in_exchange(&snapshot, &visitor, &self.portal);
        let wait = reset::ask(&x, login).await.unwrap();
        self.app.mailer.finished_within(Duration::from_secs(20)).await;
        wait
    }

    async fn set(&self, token: &str, password: &str) -> Outcome {
        let snapshot = self.app.snapshot.load_full();
        let visitor = Visitor::new();
        let x = self.in_exchange(&snapshot, &visitor, &self.portal);
        let outcome = reset::set(&x, token, Secret::new(password.into())).await.unwrap();
        self.app.mailer.finished_within(Duration::from_secs(20)).await;
        outcome
    }

    pub(super) async fn is_good(&self, token: &str) -> bool {
        let snapshot = self.app.snapshot.load_full();
        let visitor = Visitor::new();
        let x = self.in_exchange(&snapshot, &visitor, &self.portal);
        reset::look(&x, token).await.unwrap().is_some()
    }

    /// The link's token in the last letter.
    pub(super) fn token(&self) -> String {
        let letter = self.letters().pop().unwrap().replace("=\r\n", "").replace("=3D", "=");
        let (_, rest) = letter.split_once("https://auth.example.com/_vestibule/reset?token=").unwrap();
        rest[..43].to_owned()
    }

    async fn entry(&self, id: &AccountId) -> Entry {
        self.database.by_id(id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_link_sets_another_password_once_and_the_owner_is_told() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    assert_eq!(rig.ask(" ERIN@example.com").await, None);
    let token = rig.token();
    assert!(rig.is_good(&token).await && rig.is_good(&token).await, "looking uses nothing up");
    assert!(matches!(rig.set(&token, "short").await, Outcome::Weak(..)), "nor does a weak password");
    assert!(matches!(rig.set(&token, "erin likes umbrellas").await, Outcome::Weak(..)));
    assert!(matches!(rig.set(&token, NEW).await, Outcome::Done));
    assert!(matches!(rig.set(&token, "another umbrella here").await, Outcome::Dead));
    assert!(!rig.is_good(&token).await);
    assert!(matches!(rig.password(&mut Visitor::new(), "erin", RIGHT, None).await, super::Outcome::Wrong));
    let mut visitor = Visitor::new();
    let outcome = rig.password(&mut visitor, "erin", NEW, None).await;
    assert!(matches!(outcome, super::Outcome::CodeSent(_)), "the code step still applies");
    assert!(rig.entry(&erin).await.account.password.is_some());
    let subjects = rig.subjects("erin@Example.com").into_iter().chain(rig.subjects("erin@example.com"));
    let told: Vec<_> = subjects.filter(|subject| subject.contains("was changed")).collect();
    assert_eq!(told, ["Your password for Example was changed"]);
}

#[tokio::test]
async fn a_new_password_ends_sessions_sign_ins_under_way_devices_and_other_links() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let signed_in = rig.signed_in("erin").await;
    let mut under_way = Visitor { address: IpAddr::from([198, 51, 100, 7]), ..Visitor::new() };
    rig.password(&mut under_way, "erin", RIGHT, None).await;
    let code = rig.mails().pop().unwrap();
    rig.ask("erin").await;
    let other = rig.token();
    rig.ask("erin").await;
    let token = rig.token();
    assert_ne!(token, other);
    assert!(matches!(rig.set(&token, NEW).await, Outcome::Done));
    assert!(rig.who(&signed_in).await.is_none());
    assert!(matches!(rig.code(&mut under_way, &code).await, CodeOutcome::Expired));
    assert!(!rig.is_good(&other).await);
    assert!(rig.app.sessions.of_account(&erin).await.unwrap().is_empty());
    let account = rig.entry(&erin).await.account;
    assert!(device::of_account(&rig.app, &account).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_password_forgives_wrong_ones_and_lifts_the_quarantine() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    for round in 0..3_u8 {
        let mut thief = Visitor { address: IpAddr::from([198, 51, 100, round]), ..Visitor::new() };
        rig.password(&mut thief, "erin", RIGHT, None).await;
        let code = rig.mails().pop().unwrap();
        for _ in 0..5 {
            rig.code(&mut thief, &wrong(&code)).await;
        }
    }
    for _ in 0..5 {
        rig.password(&mut Visitor::new(), "erin", "wrong", None).await;
    }
    let locked = rig.password(&mut Visitor::new(), "erin", RIGHT, None).await;
    assert!(matches!(locked, super::Outcome::Locked(_)));
    rig.ask("erin").await;
    let token = rig.token();
    rig.set(&token, NEW).await;
    let outcome = rig.password(&mut Visitor::new(), "erin", NEW, None).await;
    assert!(matches!(outcome, super::Outcome::CodeSent(_)));
}

#[tokio::test]
async fn a_link_is_good_for_thirty_minutes_and_not_a_moment_longer() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    rig.ask("erin").await;
    let token = rig.token();
    rig.advance(reset::VALID_FOR.saturating_sub(Duration::from_millis(1)));
    assert!(rig.is_good(&token).await);
    rig.advance(Duration::from_millis(1));
    assert!(!rig.is_good(&token).await);
    assert!(matches!(rig.set(&token, NEW).await, Outcome::Dead));
    for forged in ["", "x", &"A".repeat(43), &token[1..]] {
        assert!(!rig.is_good(forged).await, "{forged}");
    }
}

#[tokio::test]
async fn nobody_hears_of_names_that_do_not_exist_and_barred_accounts_get_no_link() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    rig.ask("erin").await;
    let token = rig.token();
    administer::set_disabled(&rig.app, By::command_line(&rig.app), &erin, true).await.unwrap();
    assert!(!rig.is_good(&token).await, "nor is the one good that was on its way");
    let letters = rig.letters().len();
    for login in ["nobody", "nobody@example.com", "erin", "", "a\u{0}b"] {
        assert_eq!(rig.ask(login).await, None, "{login:?}");
    }
    assert_eq!(rig.letters().len(), letters);
}

#[tokio::test]
async fn an_account_of_a_file_is_told_whom_to_ask() {
    let rig = Rig::new().await;
    rig.ask("alice").await;
    let letter = rig.letters().pop().unwrap();
    assert!(letter.contains("ask your administrator") && !letter.contains("token="), "{letter}");
}

#[tokio::test]
async fn an_account_without_a_password_is_invited_and_has_a_day() {
    let rig = Rig::new().await;
    let add = Add { password: None, ..to_add("erin", "") };
    administer::add(&rig.app, By::command_line(&rig.app), add).await.unwrap();
    rig.app.mailer.finished_within(Duration::from_secs(20)).await;
    let token = rig.token();
    rig.advance(reset::INVITED_FOR.saturating_sub(Duration::from_millis(1)));
    assert!(matches!(rig.set(&token, NEW).await, Outcome::Done));
    let outcome = rig.password(&mut Visitor::new(), "erin", NEW, None).await;
    assert!(matches!(outcome, super::Outcome::CodeSent(_)));
}

#[tokio::test]
async fn of_fifty_who_hold_a_link_one_sets_the_password() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    rig.ask("erin").await;
    let token = rig.token();
    let answers = (0..50).map(|_| rig.set(&token, NEW));
    let done = futures_util::future::join_all(answers).await;
    assert_eq!(done.iter().filter(|outcome| matches!(outcome, Outcome::Done)).count(), 1);
}

#[tokio::test]
async fn resets_cannot_drown_the_codes_of_an_address() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    for _ in 0..20 {
        rig.ask("erin").await;
    }
    assert_eq!(rig.letters().len(), 4);
    for round in 0..5_u8 {
        let mut visitor = Visitor { address: IpAddr::from([198, 51, 100, round]), ..Visitor::new() };
        let outcome = rig.password(&mut visitor, "erin", RIGHT, None).await;
        assert!(matches!(outcome, super::Outcome::CodeSent(_)), "{round}");
    }
}

#[tokio::test]
async fn a_network_asks_sixty_times_in_an_hour() {
    let rig = Rig::new().await;
    for _ in 0..60 {
        assert_eq!(rig.ask("nobody").await, None);
    }
    assert_eq!(rig.ask("nobody").await, Some(Duration::from_hours(1) - Duration::from_mins(1)));
}

#[tokio::test]
async fn a_sign_in_from_another_browser_is_told_to_the_owner() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let known = rig.signed_in("erin").await;
    rig.app.mailer.finished_within(Duration::from_secs(20)).await;
    let told = || {
        let all = rig.letters();
        all.iter().filter(|letter| letter.contains("Subject: New sign-in to Example")).count()
    };
    assert_eq!(told(), 0, "the first of all is no news");
    rig.signed_in("erin").await;
    rig.app.mailer.finished_within(Duration::from_secs(20)).await;
    assert_eq!(told(), 1);
    let mut again = Visitor { session: None, ..known };
    rig.password(&mut again, "erin", RIGHT, None).await;
    let code = rig.mails().pop().unwrap();
    rig.code(&mut again, &code).await;
    rig.app.mailer.finished_within(Duration::from_secs(20)).await;
    assert_eq!(told(), 1, "a browser that is known");
    // Whoever holds a session could have all browsers forgotten, so as to sign in elsewhere unnoticed.
    assert_eq!(device::forget_all(&rig.app, &erin).await.unwrap(), 2);
    rig.signed_in("erin").await;
    rig.app.mailer.finished_within(Duration::from_secs(20)).await;
    assert_eq!(told(), 2, "nor are forgotten ones the first of all");
}

#[tokio::test]
async fn nothing_keeps_an_owner_from_being_told_that_the_password_changed() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    for _ in 0..3 {
        rig.ask("erin").await;
    }
    let token = rig.token();
    for _ in 0..3 {
        rig.advance(Duration::from_secs(1));
        rig.signed_in("erin").await;
        rig.ask("erin").await;
    }
    assert!(matches!(rig.set(&token, NEW).await, Outcome::Done));
    let subjects = rig.subjects("erin@example.com");
    assert_eq!(
        subjects.last().map(String::as_str),
        Some("Your password for Example was changed"),
        "{subjects:?}"
    );
}
