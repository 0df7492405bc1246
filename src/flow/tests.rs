//! The flows with a clock turned by hand, over a store in memory, with mails in a folder.

mod administer;
mod codes;
mod confirm;
mod ends;
mod import;
mod limits;
mod own;
mod own_address;
mod registration;
mod resets;
mod rig;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::code::Outcome as CodeOutcome;
use super::mailing::Mailed;
use super::password::Outcome;
use super::{break_glass, code, hand_over, sign_out, step_up, who};
use crate::account::{self, Account, Approval, StoredHash};
use crate::route::ReturnUrl;
use crate::secret::Secret;
use crate::tasks::Tasks;
use codes::resend;
use rig::{EMAIL_CODE, HASHING, LIMITS, RIGHT, Rig, Visitor, account};

fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test]
async fn a_password_and_a_code_open_a_session_that_knows_its_factors_and_source() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("Alice@Example.COM ").await;
    let who = rig.who(&visitor).await.unwrap();
    assert_eq!(who.subject.username, "alice");
    assert_eq!(who.subject.proofs.names(), ["password", "email_code"]);
    assert_eq!(who.subject.id.as_str(), "file:alice");
}

#[tokio::test]
async fn a_sign_in_under_way_is_not_a_session() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    visitor.session.clone_from(&visitor.login);
    assert!(rig.who(&visitor).await.is_none());
}

/// The request began in time, but its form arrived late.
#[tokio::test]
async fn a_code_that_ends_while_the_form_is_on_its_way_is_not_accepted() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    rig.advance(EMAIL_CODE.lifetime);
    let outcome = code::verify(&x, visitor.cookies(), &rig.mails()[0]).await.unwrap();
    assert!(matches!(outcome, CodeOutcome::Wrong(_)));
}

#[tokio::test]
async fn of_several_resends_at_once_one_mails() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    rig.advance(Duration::from_mins(1));
    let (one, two, three) =
        tokio::join!(resend(&rig, &visitor), resend(&rig, &visitor), resend(&rig, &visitor));
    let sent = [one, two, three].iter().filter(|mailed| **mailed == Some(Mailed::Sent)).count();
    assert_eq!((sent, rig.mails().len()), (1, 2));
}

/// What a thief with the password gets from sign-ins that are all begun before the first code is guessed.
#[tokio::test]
async fn sign_ins_begun_in_advance_share_the_fifteen_wrong_codes() {
    let rig = Rig::new().await;
    let mut thieves = Vec::new();
    for round in 0..6_u8 {
        let mut thief = Visitor { address: IpAddr::from([198, 51, 100, round]), ..Visitor::new() };
        assert!(matches!(rig.password(&mut thief, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
        thieves.push((thief, rig.mails().last().unwrap().clone()));
    }
    for (thief, code) in &mut thieves[..3] {
        for _ in 0..5 {
            rig.code(thief, &wrong(code)).await;
        }
    }
    let (thief, code) = &mut thieves[3];
    assert!(matches!(rig.code(thief, code).await, CodeOutcome::TooMany(_)), "a sixteenth code was looked at");
}

#[tokio::test]
async fn a_device_where_the_password_alone_was_proved_is_no_way_around_the_quarantine() {
    let rig = Rig::new().await;
    let status = Some("https://status.example.com/x");
    let mut thief = Visitor::new();
    assert!(matches!(rig.password(&mut thief, "alice", RIGHT, status).await, Outcome::Entered(_)));
    thief.session = None;
    for _ in 0..3 {
        assert!(matches!(rig.password(&mut thief, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
        let code = rig.mails().last().unwrap().clone();
        for _ in 0..5 {
            rig.code(&mut thief, &wrong(&code)).await;
        }
        assert!(matches!(rig.password(&mut thief, "alice", RIGHT, None).await, Outcome::Locked(_)));
        rig.advance(Duration::from_hours(1));
    }
    assert!(matches!(rig.password(&mut thief, "alice", RIGHT, None).await, Outcome::Wrong));
}

#[tokio::test]
async fn a_step_up_is_held_up_by_wrong_codes_as_a_sign_in_is() {
    let rig = Rig::new().await;
    let status = Some("https://status.example.com/x");
    let mut thief = Visitor::new();
    rig.password(&mut thief, "alice", RIGHT, status).await;
    for round in 0..3 {
        let begun = step_up(&rig, &thief).await;
        let step_up::Outcome::CodeSent(cookie) = begun else { panic!("round {round}: no code was sent") };
        thief.login = Some(cookie);
        let code = rig.mails().last().unwrap().clone();
        for _ in 0..5 {
            rig.code(&mut thief, &wrong(&code)).await;
        }
        let step_up::Outcome::Limited(wait) = step_up(&rig, &thief).await else {
            panic!("round {round}: not held up")
        };
        if round < 2 {
            rig.advance(wait);
        }
    }
    rig.advance(LIMITS.lock);
    assert!(matches!(step_up(&rig, &thief).await, step_up::Outcome::Limited(_)), "fifteen wrong codes");
}

async fn step_up(rig: &Rig, visitor: &Visitor) -> step_up::Outcome {
    let inside = rig.who(visitor).await.unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, visitor, &rig.portal);
    step_up::begin(&x, visitor.cookies(), &inside, None).await.unwrap()
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_to_who_knows_its_password() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    assert!(matches!(rig.password(&mut visitor, "bob", "wrong", None).await, Outcome::Wrong));
    assert!(matches!(rig.password(&mut visitor, "bob", RIGHT, None).await, Outcome::Pending));
    assert!(matches!(rig.password(&mut visitor, "carol", RIGHT, None).await, Outcome::Disabled));
    assert!(matches!(rig.password(&mut visitor, "dave", RIGHT, None).await, Outcome::Disabled));
    assert!(rig.mails().is_empty());
}

#[tokio::test]
async fn an_account_that_is_disabled_meanwhile_gets_no_further() {
    let rig = Rig::new().await;
    let signed_in = rig.signed_in("alice").await;
    let mut visitor = Visitor { address: IpAddr::from([192, 0, 2, 9]), ..Visitor::new() };
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    let alice = rig.app.snapshot.load().directory.find("alice").await.unwrap().unwrap();
    rig.accounts.replace(vec![Account { disabled: true, ..Account::clone(&alice) }]);
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Disabled));
    assert!(rig.who(&signed_in).await.is_none(), "and who was in is out");
}

#[tokio::test]
async fn a_connection_of_an_account_that_is_disabled_ends_though_the_store_is_down() {
    let rig = Rig::new().await;
    let session = rig.who(&rig.signed_in("alice").await).await.unwrap().session;
    rig.app.store.close().await;
    let snapshot = rig.app.snapshot.load_full();
    assert!(
        who::still_in(&rig.app, &snapshot, &session).await.is_err(),
        "nobody is signed out for that alone"
    );
    rig.accounts.replace(vec![account("alice", Approval::Approved, true)]);
    assert!(who::still_in(&rig.app, &snapshot, &session).await.unwrap().is_none());
}

#[tokio::test]
async fn a_sign_in_begun_with_a_password_that_was_changed_since_gets_no_further() {
    let rig = Rig::new().await;
    let mut thief = Visitor::new();
    rig.password(&mut thief, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    let mut renewed = account("alice", Approval::Approved, false);
    renewed.password =
        Some(StoredHash(Secret::new(account::password::hash("another password", &HASHING).unwrap())));
    rig.accounts.replace(vec![renewed]);
    assert!(matches!(rig.code(&mut thief, &code).await, CodeOutcome::Expired));
    let mut owner = thief.clone();
    rig.password(&mut owner, "alice", "another password", None).await;
    assert_ne!(owner.login, thief.login);
}

#[tokio::test]
async fn a_password_alone_opens_a_session_only_where_the_rule_says_so() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    let status = Some("https://status.example.com/x");
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, status).await, Outcome::Entered(_)));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.proofs.names(), ["password"]);
    let wiki = Some("https://wiki.example.com/");
    assert!(matches!(rig.password(&mut Visitor::new(), "alice", RIGHT, wiki).await, Outcome::CodeSent(_)));
}

#[tokio::test]
async fn a_step_up_adds_the_second_factor_and_renews_the_session_id() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, Some("https://status.example.com/")).await;
    let before = visitor.session.clone().unwrap();
    let inside = rig.who(&visitor).await.unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    let begun = step_up::begin(&x, visitor.cookies(), &inside, None).await.unwrap();
    let step_up::Outcome::CodeSent(cookie) = begun else { panic!("no code was sent") };
    visitor.login = Some(cookie);
    let code = rig.mails()[0].clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.proofs.names(), ["password", "email_code"]);
    assert_ne!(visitor.session.as_deref(), Some(before.as_str()));
    let old = Visitor { session: Some(before), ..visitor };
    assert!(rig.who(&old).await.is_none());
}

#[tokio::test]
async fn signing_in_again_ends_what_this_browser_had_before() {
    let rig = Rig::new().await;
    let mut visitor = rig.signed_in("alice").await;
    let before = visitor.clone();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    rig.code(&mut visitor, &code).await;
    assert!(rig.who(&visitor).await.is_some());
    assert!(rig.who(&before).await.is_none());
}

#[tokio::test]
async fn a_ticket_is_good_once_for_one_browser_on_one_host_for_thirty_seconds() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("alice").await;
    let inside = rig.who(&visitor).await.unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let at_portal = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    let wiki = ReturnUrl::parse("https://wiki.example.com/page?a=b", &rig.portal, &snapshot.routes).unwrap();
    let nonce = hand_over::nonce();
    let hash = hand_over::nonce_hash(&nonce);
    let mint = async || hand_over::mint(&at_portal, &inside, &wiki, &hash).await.unwrap().unwrap();
    let at_wiki = rig.in_exchange(&snapshot, &visitor, &rig.wiki);

    let ticket = mint().await;
    let redeemed = hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().unwrap();
    assert_eq!(redeemed.destination, "https://wiki.example.com/page?a=b");
    assert!(who::visitor(&at_wiki, Some(&redeemed.session.cookie)).await.unwrap().is_some());
    assert!(hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().is_none(), "used");

    let ticket = mint().await;
    assert!(hand_over::redeem(&at_wiki, &ticket, &hand_over::nonce()).await.unwrap().is_none());
    assert!(
        hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().is_none(),
        "burnt by the wrong browser"
    );
    let ticket = mint().await;
    assert!(hand_over::redeem(&at_portal, &ticket, &nonce).await.unwrap().is_none(), "another host");

    let ticket = mint().await;
    rig.advance(Duration::from_secs(30));
    let later = rig.in_exchange(&snapshot, &visitor, &rig.wiki);
    assert!(hand_over::redeem(&later, &ticket, &nonce).await.unwrap().is_none(), "expired");

    sign_out::sign_out(&later, &inside).await.unwrap();
    let session = Some(redeemed.session.cookie.as_str());
    assert!(who::visitor(&later, session).await.unwrap().is_none(), "signed out everywhere");
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("alice").await;
    assert!(rig.who(&visitor).await.is_some());
    let mut renewed = account("alice", Approval::Approved, false);
    renewed.password =
        Some(StoredHash(Secret::new(account::password::hash("another password", &HASHING).unwrap())));
    rig.accounts.replace(vec![renewed]);
    assert!(rig.who(&visitor).await.is_none());
}

/// A browser whose session is lost on the way back comes again at once; people do not.
#[tokio::test]
async fn hand_overs_in_a_row_are_counted_and_a_pause_begins_a_new_row() {
    let rig = Rig::new().await;
    let nonce = hand_over::nonce();
    let mut cookie = nonce.clone();
    for expected in 1..=4 {
        let round = hand_over::count(&cookie, rig.app.clock.now());
        assert_eq!((round.in_a_row, round.is_a_circle()), (expected, expected > 3));
        assert_eq!(hand_over::nonce_hash(&round.cookie), hand_over::nonce_hash(&nonce), "the nonce stays");
        cookie = round.cookie;
        rig.advance(Duration::from_secs(2));
    }
    rig.advance(Duration::from_secs(10));
    assert_eq!(hand_over::count(&cookie, rig.app.clock.now()).in_a_row, 1);
    for odd in [format!("{nonce}.x.y"), format!("{nonce}..."), format!("{nonce}.-7.1"), format!("{nonce}.9")]
    {
        assert_eq!(hand_over::count(&odd, rig.app.clock.now()).in_a_row, 1, "{odd}");
    }
}
