//! The flows with a clock turned by hand, over a store in memory, with mails in a folder.

mod rig;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::code::Outcome as CodeOutcome;
use super::mailing::Mailed;
use super::password::Outcome;
use super::{break_glass, code, hand_over, sign_out, step_up, who};
use crate::account::{self, Approval, StoredHash};
use crate::route::ReturnUrl;
use crate::secret::Secret;
use crate::tasks::Tasks;
use rig::{HASHING, LIMITS, RIGHT, Rig, Visitor, account};

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
    assert_eq!(who.session.source(), "file");
}

#[tokio::test]
async fn a_sign_in_under_way_is_not_a_session() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    visitor.session.clone_from(&visitor.login);
    assert!(rig.who(&visitor).await.is_none());
}

#[tokio::test]
async fn a_code_works_once() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    let mut second = visitor.clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
    assert!(matches!(rig.code(&mut second, &code).await, CodeOutcome::Expired));
}

#[tokio::test]
async fn a_code_is_good_in_the_browser_that_asked_for_it_alone() {
    let rig = Rig::new().await;
    let (mut mine, mut theirs) = (Visitor::new(), Visitor::new());
    rig.password(&mut mine, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    assert!(matches!(rig.code(&mut theirs, &code).await, CodeOutcome::Expired));
    rig.password(&mut theirs, "alice", RIGHT, None).await;
    assert!(matches!(rig.code(&mut theirs, &code).await, CodeOutcome::Wrong(_)));
    assert!(matches!(rig.code(&mut mine, &code).await, CodeOutcome::Entered(_)));
}

#[tokio::test]
async fn of_fifty_right_answers_at_once_one_opens_a_session() {
    let rig = Arc::new(Rig::new().await);
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    let tasks = tokio_util::task::TaskTracker::new();
    let entered = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let spawner = Tasks::default();
    for _ in 0..50 {
        let (rig, mut visitor, code, entered) = (rig.clone(), visitor.clone(), code.clone(), entered.clone());
        let token = tasks.token();
        spawner.spawn("answer", async move {
            if matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)) {
                entered.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            drop(token);
        });
    }
    tasks.close();
    tasks.wait().await;
    assert_eq!(entered.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_fifth_wrong_code_ends_the_sign_in_and_a_resend_forgives_nothing() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    for _ in 0..3 {
        assert!(matches!(rig.code(&mut visitor, &wrong(&code)).await, CodeOutcome::Wrong(_)));
    }
    rig.advance(Duration::from_mins(1));
    resend(&rig, &visitor).await;
    assert!(matches!(rig.code(&mut visitor, &wrong(&code)).await, CodeOutcome::Wrong(_)));
    let CodeOutcome::TooMany(wait) = rig.code(&mut visitor, &wrong(&code)).await else {
        panic!("still open")
    };
    assert_eq!(wait, LIMITS.lock);
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Expired));
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::Locked(_)));
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
async fn what_is_no_code_is_not_counted_as_a_try() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    for typed in ["", "12345", "abcdef", "1234567", "\u{ff11}23456"].repeat(3) {
        assert!(matches!(rig.code(&mut visitor, typed).await, CodeOutcome::Wrong(_)));
    }
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
}

async fn resend(rig: &Rig, visitor: &Visitor) -> Option<Mailed> {
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, visitor, &rig.portal);
    code::resend(&x, visitor.cookies(), None).await.unwrap().map(|(mailed, _)| mailed)
}

#[tokio::test]
async fn a_resend_waits_a_minute_and_repeats_the_code_at_first() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    rig.advance(Duration::from_secs(59));
    assert_eq!(resend(&rig, &visitor).await, Some(Mailed::TooEarly(Duration::from_secs(1))));
    rig.advance(Duration::from_secs(1));
    assert_eq!(resend(&rig, &visitor).await, Some(Mailed::Sent));
    let mails = rig.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
    rig.advance(Duration::from_mins(4));
    assert!(
        matches!(rig.code(&mut visitor, &mails[0]).await, CodeOutcome::Wrong(_)),
        "five minutes have passed"
    );
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

#[tokio::test]
async fn a_second_tab_with_the_same_account_waits_for_the_same_code() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let before = visitor.login.clone();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    assert_eq!(visitor.login, before);
    assert_eq!(rig.mails().len(), 1);
}

#[tokio::test]
async fn unknown_names_are_locked_like_known_ones_and_the_lock_doubles() {
    let rig = Rig::new().await;
    for name in ["alice", "nobody"] {
        let mut visitor = Visitor::new();
        for expected in [5, 10, 20, 40, 60, 60] {
            for _ in 0..5 {
                let outcome = rig.password(&mut visitor, name, "wrong", None).await;
                assert!(matches!(outcome, Outcome::Wrong), "{name}");
            }
            let Outcome::Locked(wait) = rig.password(&mut visitor, name, RIGHT, None).await else {
                panic!("{name} is not locked")
            };
            assert_eq!(wait, Duration::from_mins(expected), "{name}");
            rig.advance(wait);
        }
    }
}

#[tokio::test]
async fn name_and_address_share_a_count_and_other_networks_have_their_own() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    for name in ["alice", "ALICE", " alice@example.com", "alice@EXAMPLE.com", "Alice"] {
        assert!(matches!(rig.password(&mut visitor, name, "wrong", None).await, Outcome::Wrong));
    }
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::Locked(_)));
    let mut elsewhere = Visitor { address: IpAddr::from([192, 0, 2, 2]), ..Visitor::new() };
    assert!(matches!(rig.password(&mut elsewhere, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
}

#[tokio::test]
async fn strangers_cannot_hold_up_a_known_device() {
    let rig = Rig::new().await;
    let mut known = rig.signed_in("alice").await;
    let mut stranger = Visitor::new();
    for _ in 0..6 {
        rig.password(&mut stranger, "alice", "wrong", None).await;
    }
    assert!(matches!(rig.password(&mut stranger, "alice", RIGHT, None).await, Outcome::Locked(_)));
    assert!(matches!(rig.password(&mut known, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
    for _ in 0..10 {
        assert!(matches!(rig.password(&mut known, "alice", "wrong", None).await, Outcome::Wrong));
    }
    assert!(matches!(rig.password(&mut known, "alice", RIGHT, None).await, Outcome::Locked(_)));
    let mut other = Visitor { session: None, ..known };
    assert!(
        matches!(rig.password(&mut other, "bob", "wrong", None).await, Outcome::Wrong),
        "not bob's device"
    );
}

#[tokio::test]
async fn fifteen_wrong_codes_on_unknown_devices_leave_the_password_to_known_ones() {
    let rig = Rig::new().await;
    let mut known = rig.signed_in("alice").await;
    for round in 0..3_u8 {
        // Each sign-in from another network, so that no lock stands in the way.
        let mut thief = Visitor { address: IpAddr::from([198, 51, 100, round]), ..Visitor::new() };
        assert!(matches!(rig.password(&mut thief, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
        let code = rig.mails().last().unwrap().clone();
        for _ in 0..5 {
            rig.code(&mut thief, &wrong(&code)).await;
        }
        rig.advance(Duration::from_hours(1));
    }
    let mut thief = Visitor { address: IpAddr::from([198, 51, 100, 99]), ..Visitor::new() };
    assert!(matches!(rig.password(&mut thief, "alice", RIGHT, None).await, Outcome::Wrong));
    known.session = None;
    assert!(matches!(rig.password(&mut known, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
    let mut renewed = account("alice", Approval::Approved, false);
    renewed.password =
        StoredHash(Secret::new(account::password::hash("another password", &HASHING).unwrap()));
    rig.accounts.replace(vec![renewed]);
    let mut owner = Visitor::new();
    assert!(matches!(
        rig.password(&mut owner, "alice", "another password", None).await,
        Outcome::CodeSent(_)
    ));
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
async fn wrong_codes_of_a_sign_in_that_succeeds_do_not_count_towards_the_quarantine() {
    let rig = Rig::new().await;
    for _ in 0..5 {
        let mut visitor = Visitor::new();
        assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
        let code = rig.mails().last().unwrap().clone();
        for _ in 0..4 {
            assert!(matches!(rig.code(&mut visitor, &wrong(&code)).await, CodeOutcome::Wrong(_)));
        }
        assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
    }
    assert!(matches!(rig.password(&mut Visitor::new(), "alice", RIGHT, None).await, Outcome::CodeSent(_)));
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
    assert!(!who::still_in(&rig.app, &snapshot, &session).await.unwrap());
}

#[tokio::test]
async fn a_sign_in_begun_with_a_password_that_was_changed_since_gets_no_further() {
    let rig = Rig::new().await;
    let mut thief = Visitor::new();
    rig.password(&mut thief, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    let mut renewed = account("alice", Approval::Approved, false);
    renewed.password =
        StoredHash(Secret::new(account::password::hash("another password", &HASHING).unwrap()));
    rig.accounts.replace(vec![renewed]);
    assert!(matches!(rig.code(&mut thief, &code).await, CodeOutcome::Expired));
    let mut owner = thief.clone();
    rig.password(&mut owner, "alice", "another password", None).await;
    assert_ne!(owner.login, thief.login);
}

#[tokio::test]
async fn an_address_gets_ten_mails_in_an_hour() {
    let rig = Rig::new().await;
    for round in 0..10_u8 {
        let mut visitor = Visitor { address: IpAddr::from([198, 51, 100, round]), ..Visitor::new() };
        assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
    }
    rig.advance(Duration::from_mins(10));
    let Outcome::MailLimited(wait) = rig.password(&mut Visitor::new(), "alice", RIGHT, None).await else {
        panic!("an eleventh mail")
    };
    assert_eq!(wait, Duration::from_mins(50));
    rig.advance(wait);
    assert!(matches!(rig.password(&mut Visitor::new(), "alice", RIGHT, None).await, Outcome::CodeSent(_)));
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
async fn a_code_can_be_printed_for_who_waits() {
    let rig = Rig::new().await;
    assert!(matches!(
        break_glass::code(&rig.app, "nobody").await,
        Err(break_glass::BreakGlassError::UnknownAccount(_))
    ));
    assert!(matches!(
        break_glass::code(&rig.app, "alice").await,
        Err(break_glass::BreakGlassError::NothingWaiting(_))
    ));
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    rig.advance(Duration::from_mins(6));
    let printed = break_glass::code(&rig.app, "alice@example.com").await.unwrap();
    assert_eq!(printed.host, "auth.example.com");
    assert!(matches!(rig.code(&mut visitor, &printed.code).await, CodeOutcome::Entered(_)));
}

#[tokio::test]
async fn a_mail_that_fails_loses_nothing_and_counts_for_nothing() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    let folder = rig.outbox.path().to_owned();
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::MailFailed(_)));
    for _ in 0..20 {
        assert_eq!(resend(&rig, &visitor).await, Some(Mailed::Failed));
    }
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(resend(&rig, &visitor).await, Some(Mailed::Sent));
    let code = rig.mails()[0].clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
}
