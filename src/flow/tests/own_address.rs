//! A new e-mail address: proved there, told to the old one.

use super::*;
use crate::flow::own::address::{self, Begun, Ended};
use crate::flow::{administer, own};
use crate::secret::Purpose;
use crate::sign_in::code::For;
use crate::store::{Key, Space};

const NEW: &str = "erin@new.example";

impl Rig {
    async fn begin(&self, visitor: &Visitor, typed: &str) -> Begun {
        let confirmed = self.confirmed(visitor).await;
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let begun = address::begin(&x, &confirmed, typed).await.unwrap();
        assert!(self.app.mailer.finished_within(Duration::from_secs(10)).await);
        begun
    }

    async fn prove_address(&self, visitor: &Visitor, typed: &str) -> Ended {
        let inside = self.who(visitor).await.unwrap();
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let ended = address::confirm(&x, &inside, typed).await.unwrap();
        assert!(self.app.mailer.finished_within(Duration::from_secs(10)).await);
        ended
    }

    async fn stop(&self, visitor: &Visitor) {
        let inside = self.who(visitor).await.unwrap();
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        address::stop(&x, &inside).await.unwrap();
    }

    async fn awaited(&self, visitor: &Visitor) -> Option<String> {
        let inside = self.who(visitor).await.unwrap();
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let account = own::account(&x, &inside).await.unwrap().unwrap();
        address::awaited(&x, &account).await.unwrap()
    }

    fn mailed_to(&self, to: &str) -> Vec<String> {
        let to = format!("To: {to}\r\n");
        self.letters().into_iter().filter(|letter| letter.contains(&to)).collect()
    }

    /// The code in the last mail to this address.
    fn proof(&self, to: &str) -> String {
        let mail = self.mailed_to(to).pop().expect("a mail");
        mail.split_once("Your code is ").expect("a code").1[..6].to_owned()
    }
}

#[tokio::test]
async fn a_new_address_is_proved_there_and_the_old_one_is_told() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    let mut under_way = Visitor::new();
    rig.password(&mut under_way, "erin", RIGHT, None).await;
    let sign_in_code = rig.mails().last().unwrap().clone();
    assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Waiting));
    assert_eq!(rig.awaited(&visitor).await.as_deref(), Some(NEW));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.email, "erin@example.com", "until it is proved");
    let code = rig.proof(NEW);
    let before = rig.mailed_to("erin@example.com").len();
    assert!(matches!(rig.prove_address(&visitor, &wrong(&code)).await, Ended::Wrong));
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Changed));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.email, NEW, "at the next request");
    assert_eq!(rig.awaited(&visitor).await, None);
    let told = rig.mailed_to("erin@example.com");
    assert_eq!(told.len(), before + 1);
    assert!(!told.last().unwrap().contains(NEW), "masked");
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Gone), "a code works once");
    assert!(
        matches!(rig.code(&mut under_way, &sign_in_code).await, CodeOutcome::Expired),
        "its code went to the old address"
    );
    rig.password(&mut Visitor::new(), NEW, RIGHT, None).await;
    assert!(rig.mailed_to(NEW).last().unwrap().contains("Your sign-in code is"));
}

#[tokio::test]
async fn a_change_of_address_ends_after_thirty_minutes_five_wrong_codes_or_with_the_password() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    rig.begin(&visitor, NEW).await;
    rig.advance(address::LIFETIME);
    assert!(matches!(rig.prove_address(&visitor, &rig.proof(NEW)).await, Ended::Gone));

    let visitor = rig.signed_in("erin").await;
    rig.begin(&visitor, NEW).await;
    let code = rig.proof(NEW);
    for round in 1..=EMAIL_CODE.attempts {
        let last = round == EMAIL_CODE.attempts;
        let ended = rig.prove_address(&visitor, &wrong(&code)).await;
        assert!(if last { matches!(ended, Ended::Gone) } else { matches!(ended, Ended::Wrong) });
    }
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Gone));

    rig.begin(&visitor, NEW).await;
    let code = rig.proof(NEW);
    let other = account::password::hash("another password", &HASHING).unwrap();
    let by = crate::flow::By::command_line(&rig.app);
    let hash = Some(StoredHash(Secret::new(other)));
    administer::set_password(&rig.app, by, &erin, hash).await.unwrap();
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "erin", "another password", None).await;
    let sign_in_code = rig.mails().last().unwrap().clone();
    rig.code(&mut visitor, &sign_in_code).await;
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Gone));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.email, "erin@Example.com".to_lowercase());
}

#[tokio::test]
async fn whose_an_address_is_already_is_told_to_its_owner_alone() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    rig.add("frank", "").await;
    let visitor = rig.signed_in("erin").await;
    for taken in ["frank@example.com", "ALICE@example.com"] {
        let address = taken.to_lowercase();
        let before = rig.mailed_to(&address).len();
        assert!(matches!(rig.begin(&visitor, taken).await, Begun::Waiting), "as for any other");
        assert_eq!(rig.awaited(&visitor).await.as_deref(), Some(taken));
        let told = rig.mailed_to(&address);
        assert_eq!(told.len(), before + 1);
        assert!(!told.last().unwrap().contains("Your code is"));
        // Whatever is typed: none is right.
        let mut ended = Vec::new();
        for code in ["000000", "123456", "999999"] {
            ended.push(rig.prove_address(&visitor, code).await);
        }
        assert!(ended.iter().all(|ended| matches!(ended, Ended::Wrong)));
        rig.advance(EMAIL_CODE.resend_after);
    }
    assert_eq!(rig.who(&visitor).await.unwrap().subject.email.to_lowercase(), "erin@example.com");
}

#[tokio::test]
async fn an_address_that_somebody_gets_meanwhile_and_one_of_a_deleted_account_are_not_handed_on() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    rig.begin(&visitor, "frank@example.com").await;
    let code = rig.proof("frank@example.com");
    let frank = rig.add("frank", "").await;
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Gone));

    administer::delete(&rig.app, crate::flow::By::command_line(&rig.app), &frank).await.unwrap();
    rig.advance(EMAIL_CODE.resend_after);
    rig.begin(&visitor, "frank@example.com").await;
    let told = rig.mailed_to("frank@example.com").pop().unwrap().replace("=\r\n", "");
    assert!(told.contains("belonged to another account before") && !told.contains("Your code is"), "{told}");
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Wrong));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.email.to_lowercase(), "erin@example.com");
}

#[tokio::test]
async fn an_address_that_stands_in_a_file_by_now_is_not_handed_on() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    assert!(matches!(rig.begin(&visitor, "gina@example.com").await, Begun::Waiting));
    let code = rig.proof("gina@example.com");
    rig.accounts.replace(vec![account("gina", Approval::Approved, false)]);
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Gone));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.email, "erin@example.com");
}

#[tokio::test]
async fn fifty_right_codes_at_once_change_the_address_once_and_its_owner_may_go_back() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    rig.begin(&visitor, NEW).await;
    let code = rig.proof(NEW);
    let all = (0..50).map(|_| rig.prove_address(&visitor, &code));
    let ended = futures_util::future::join_all(all).await;
    assert_eq!(ended.iter().filter(|ended| matches!(ended, Ended::Changed)).count(), 1);

    let taken = rig.database.is_retired("erin@example.com").await.unwrap();
    assert!(taken, "the old one is nobody else's");
    rig.begin(&visitor, "erin@example.com").await;
    assert!(matches!(rig.prove_address(&visitor, &rig.proof("erin@example.com")).await, Ended::Changed));
    assert!(rig.database.is_retired(NEW).await.unwrap());
    let now = rig.database.by_id(&erin).await.unwrap().unwrap();
    assert_eq!(now.account.email, "erin@example.com");
    assert_eq!(now.email_verified, Some(rig.app.clock.now()));
}

#[tokio::test]
async fn what_is_no_new_address_is_said_at_once() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    assert!(matches!(rig.begin(&visitor, "ERIN@Example.COM").await, Begun::Same));
    for typed in ["", "erin", "a@evil@corp.com", "\"a@corp\"@evil", "a@b.example\r\nBcc: c@d.example"] {
        assert!(matches!(rig.begin(&visitor, typed).await, Begun::Address(_)), "{typed:?}");
    }
    assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Waiting));
    assert!(
        matches!(rig.begin(&visitor, NEW).await, Begun::TooSoon(wait) if wait == EMAIL_CODE.resend_after)
    );
    rig.stop(&visitor).await;
    assert!(matches!(rig.prove_address(&visitor, &rig.proof(NEW)).await, Ended::Gone));
    let in_file = rig.signed_in("alice").await;
    assert!(matches!(rig.begin(&in_file, NEW).await, Begun::NotHere));
}

#[tokio::test]
async fn where_some_domains_alone_may_register_a_new_address_is_of_one_of_them() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    rig.configure(|snapshot| {
        snapshot.database.as_mut().unwrap().domains = vec!["corp.example".into()];
    });
    let visitor = rig.signed_in("erin").await;
    assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Domain));
    assert!(matches!(rig.begin(&visitor, "erin@corp.example.evil.example").await, Begun::Domain));
    assert!(matches!(rig.begin(&visitor, "erin@CORP.example").await, Begun::Waiting));
}

#[tokio::test]
async fn a_link_that_was_mailed_to_the_old_address_sets_no_password_any_more() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    rig.begin(&visitor, NEW).await;
    let code = rig.proof(NEW);
    rig.ask("erin").await;
    let token = rig.token();
    assert!(rig.is_good(&token).await);
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Changed));
    assert!(!rig.is_good(&token).await);
}

#[tokio::test]
async fn an_address_cannot_be_guessed_by_many_changes_nor_by_many_accounts() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    rig.add("frank", "").await;
    let visitor = rig.signed_in("erin").await;
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Waiting));
        let code = wrong(&rig.proof(NEW));
        for _ in 0..EMAIL_CODE.attempts {
            outcomes.push(rig.prove_address(&visitor, &code).await);
        }
        rig.advance(Duration::from_secs(1));
    }
    let day = Duration::from_hours(24);
    assert!(matches!(outcomes.pop(), Some(Ended::TooMany(wait)) if wait <= day));
    assert!(!outcomes.iter().any(|ended| matches!(ended, Ended::TooMany(_))), "and none before");
    assert!(matches!(rig.begin(&visitor, "e@other.example").await, Begun::Limited(_)), "the account's own");
    let other = rig.signed_in("frank").await;
    assert!(matches!(rig.begin(&other, "Erin@New.example").await, Begun::Limited(_)), "the address's");
    assert!(matches!(rig.begin(&other, "f@other.example").await, Begun::Waiting));
    assert!(matches!(rig.prove_address(&other, &rig.proof("f@other.example")).await, Ended::Changed));

    rig.advance(day);
    let visitor = rig.signed_in("erin").await;
    assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Waiting));
    assert!(matches!(rig.prove_address(&visitor, &rig.proof(NEW)).await, Ended::Changed));
}

#[tokio::test]
async fn four_changes_an_hour_begin_each_with_a_mail_whosever_the_address_is() {
    let rig = Rig::new().await;
    for (username, address) in [("erin", NEW), ("frank", "alice@example.com")] {
        rig.add(username, "").await;
        let visitor = rig.signed_in(username).await;
        let before = rig.mailed_to(address).len();
        for _ in 0..4 {
            assert!(matches!(rig.begin(&visitor, address).await, Begun::Waiting));
            rig.stop(&visitor).await;
        }
        assert_eq!(rig.mailed_to(address).len() - before, 4);
        assert!(
            matches!(rig.begin(&visitor, address).await, Begun::Limited(wait) if wait == Duration::from_hours(1))
        );
        assert_eq!(rig.awaited(&visitor).await, None, "there is no code");
        rig.add(&format!("{username}-2"), "").await;
        let other = rig.signed_in(&format!("{username}-2")).await;
        assert!(matches!(rig.begin(&other, address).await, Begun::Limited(_)), "nor for another account");
    }
}

#[tokio::test]
async fn a_code_for_a_new_address_that_was_never_mailed_is_not_right() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    rig.break_mail();
    assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Waiting));
    let name: [&[u8]; 2] = [b"address", erin.as_str().as_bytes()];
    let key = Key { space: Space::Address, digest: rig.app.keys.sign(Purpose::StoreName, &name) };
    let code = rig.derived(key, "/nonce", For { purpose: Purpose::AddressCode, whom: erin.as_str() }).await;
    assert!(matches!(rig.prove_address(&visitor, &code).await, Ended::Wrong));
}

#[tokio::test]
async fn nothing_keeps_an_owner_from_being_told_that_the_address_changed() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    for _ in 0..6 {
        rig.ask("erin").await;
    }
    for _ in 0..3 {
        rig.advance(Duration::from_secs(1));
        rig.signed_in("erin").await;
    }
    rig.begin(&visitor, NEW).await;
    assert!(matches!(rig.prove_address(&visitor, &rig.proof(NEW)).await, Ended::Changed));
    let subjects = rig.subjects("erin@example.com");
    let told = subjects.iter().filter(|subject| subject.contains("address")).count();
    assert_eq!(told, 1, "{subjects:?}");
}

#[tokio::test]
async fn an_account_begins_four_changes_an_hour_whatever_the_address() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    for number in 0..4 {
        assert!(matches!(rig.begin(&visitor, &format!("e{number}@new.example")).await, Begun::Waiting));
        rig.stop(&visitor).await;
    }
    assert!(matches!(rig.begin(&visitor, NEW).await, Begun::Limited(_)));
    assert!(rig.mailed_to(NEW).is_empty());
}

#[tokio::test]
async fn a_right_code_is_not_looked_at_once_others_guessed_at_its_address() {
    let rig = Rig::new().await;
    for username in ["erin", "frank"] {
        rig.add(username, "").await;
    }
    let (visitor, other) = (rig.signed_in("erin").await, rig.signed_in("frank").await);
    rig.begin(&other, NEW).await;
    let right = rig.proof(NEW);
    for _ in 0..3 {
        rig.begin(&visitor, NEW).await;
        for _ in 0..EMAIL_CODE.attempts {
            rig.prove_address(&visitor, &wrong(&rig.proof(NEW))).await;
        }
        rig.advance(Duration::from_secs(1));
    }
    assert!(matches!(rig.prove_address(&other, &right).await, Ended::TooMany(_)));
    assert_eq!(rig.awaited(&other).await, None);
}
