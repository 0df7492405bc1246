//! Limits on guessing passwords and codes, and on mail.

use super::*;

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
        Some(StoredHash(Secret::new(account::password::hash("another password", &HASHING).unwrap())));
    rig.accounts.replace(vec![renewed]);
    let mut owner = Visitor::new();
    assert!(matches!(
        rig.password(&mut owner, "alice", "another password", None).await,
        Outcome::CodeSent(_)
    ));
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
