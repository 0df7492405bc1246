//! What administrators do to accounts of the database, and what those accounts notice.

use super::*;
use crate::account::database::{Taken, Trace};
use crate::account::{Address, Attributes, FullName, Groups, Reason, Username};
use crate::flow::By;
use crate::flow::administer::{self, Add, AdministerError};
use crate::subject::AccountId;

impl Rig {
    fn command_line(&self) -> By<'static> {
        By::command_line(&self.app)
    }

    /// Adds an approved account with the usual password.
    pub(super) async fn add(&self, username: &str, groups: &str) -> AccountId {
        let added = administer::add(&self.app, self.command_line(), to_add(username, groups)).await;
        added.unwrap().account.id.clone()
    }

    async fn events(&self, account: &AccountId) -> Vec<String> {
        let trace = Trace { account: Some(account.as_str().to_owned()), ..Trace::default() };
        let lines = self.database.trail(&trace, 50).await.unwrap();
        lines.into_iter().rev().map(|(_, line)| line.event).collect()
    }
}

pub(super) fn to_add(username: &str, groups: &str) -> Add {
    Add {
        username: Username::parse(username).unwrap(),
        email: Address::parse(&format!("{username}@Example.com")).unwrap(),
        name: FullName::parse(username).unwrap(),
        groups: Groups::parse(groups).unwrap(),
        attributes: Attributes::default(),
        password: Some(StoredHash(Secret::new(account::password::hash(RIGHT, &HASHING).unwrap()))),
        reuse: false,
    }
}

#[tokio::test]
async fn an_added_account_signs_in_and_its_weak_hash_is_renewed() {
    let rig = Rig::new().await;
    let mut add = to_add("erin", "ops");
    let django = format!("argon2{}", account::password::hash(RIGHT, &HASHING).unwrap());
    add.password = Some(StoredHash(Secret::new(django)));
    let added = administer::add(&rig.app, rig.command_line(), add).await.unwrap();
    let visitor = rig.signed_in("erin").await;
    let inside = rig.who(&visitor).await.expect("signed in");
    assert_eq!(inside.subject.groups, ["ops"]);
    let now = rig.database.by_id(&added.account.id).await.unwrap().unwrap();
    assert!(now.account.password.as_ref().unwrap().0.expose().starts_with("$argon2id$"));
    assert!(rig.who(&visitor).await.is_some(), "the same password still");
    rig.app.tasks.finished().await;
    let now = rig.database.by_id(&added.account.id).await.unwrap().unwrap();
    assert_eq!(now.last_sign_in, Some(rig.app.clock.now()));
}

#[tokio::test]
async fn a_name_that_a_file_knows_is_not_added() {
    let rig = Rig::new().await;
    let taken = administer::add(&rig.app, rig.command_line(), to_add("alice", "")).await;
    assert!(matches!(taken, Err(AdministerError::Taken(Taken::Username))));
    let mut add = to_add("erin", "");
    add.email = Address::parse("ALICE@example.com").unwrap();
    let taken = administer::add(&rig.app, rig.command_line(), add).await;
    assert!(matches!(taken, Err(AdministerError::Taken(Taken::Email))));
}

#[tokio::test]
async fn who_is_disabled_or_rejected_is_out_and_changed_groups_hold_from_the_next_request() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "ops").await;
    let visitor = rig.signed_in("erin").await;
    administer::set_groups(&rig.app, rig.command_line(), &erin, Groups::parse("staff").unwrap())
        .await
        .unwrap();
    assert_eq!(rig.who(&visitor).await.expect("still in").subject.groups, ["staff"]);
    administer::set_disabled(&rig.app, rig.command_line(), &erin, true).await.unwrap();
    assert!(rig.who(&visitor).await.is_none());
    assert!(matches!(rig.password(&mut Visitor::new(), "erin", RIGHT, None).await, Outcome::Disabled));
    administer::set_disabled(&rig.app, rig.command_line(), &erin, false).await.unwrap();
    assert!(rig.who(&visitor).await.is_none(), "what has ended stays so");
    let visitor = rig.signed_in("erin").await;
    administer::reject(&rig.app, rig.command_line(), &erin, Reason::parse("left").unwrap()).await.unwrap();
    assert!(rig.who(&visitor).await.is_none());
    let again = administer::reject(&rig.app, rig.command_line(), &erin, None).await.err().unwrap();
    assert!(matches!(again, AdministerError::Decided(Approval::Rejected, Some(_))));
    assert!(again.to_string().contains("rejected already, by command line at 2023-11-14T"), "{again}");
    let groups = Some(Groups::parse("ops").unwrap());
    let entry = administer::approve(&rig.app, rig.command_line(), &erin, groups).await.unwrap();
    assert_eq!(
        (entry.account.groups.clone(), entry.decision.unwrap().reason),
        (vec!["ops".to_owned()], None)
    );
    rig.signed_in("erin").await;
    let events = rig.events(&erin).await;
    let expected = ["account_added", "groups_changed", "disabled", "enabled", "rejected", "approved"];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn a_set_password_ends_what_the_old_one_opened() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    let other = account::password::hash("another password", &HASHING).unwrap();
    let other = Some(StoredHash(Secret::new(other)));
    administer::set_password(&rig.app, rig.command_line(), &erin, other).await.unwrap();
    assert!(rig.who(&visitor).await.is_none());
    assert!(matches!(rig.password(&mut Visitor::new(), "erin", RIGHT, None).await, Outcome::Wrong));
    administer::set_password(&rig.app, rig.command_line(), &erin, None).await.unwrap();
    assert!(matches!(
        rig.password(&mut Visitor::new(), "erin", "another password", None).await,
        Outcome::Wrong
    ));
}

#[tokio::test]
async fn no_link_goes_to_somebody_who_may_not_sign_in() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    administer::send_reset(&rig.app, rig.command_line(), &erin).await.unwrap();
    administer::set_disabled(&rig.app, rig.command_line(), &erin, true).await.unwrap();
    let refused = administer::send_reset(&rig.app, rig.command_line(), &erin).await;
    assert!(matches!(refused, Err(AdministerError::Barred(name)) if name == "erin"));
}

#[tokio::test]
async fn nobody_decides_over_their_own_account() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "admins").await;
    let frank = rig.add("frank", "admins").await;
    let by = By { account: Some(&erin), ..rig.command_line() };
    let account = administer::find(&rig.app, "erin").await.unwrap();
    let refusals = [
        administer::unlock(&rig.app, by, &account).await.err().map(drop),
        administer::send_reset(&rig.app, by, &erin).await.err().map(drop),
    ];
    assert_eq!(refusals, [Some(()), Some(())]);
    let refusals = [
        administer::approve(&rig.app, by, &erin, None).await.err(),
        administer::reject(&rig.app, by, &erin, None).await.err(),
        administer::set_disabled(&rig.app, by, &erin, true).await.err(),
        administer::set_groups(&rig.app, by, &erin, Groups::default()).await.err(),
        administer::delete(&rig.app, by, &erin).await.err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Some(AdministerError::Yourself)), "{refusal:?}");
    }
    administer::set_disabled(&rig.app, by, &frank, true).await.unwrap();
    let trace = Trace { account: Some(frank.as_str().to_owned()), ..Trace::default() };
    let lines = rig.database.trail(&trace, 1).await.unwrap();
    assert_eq!(lines[0].1.by.as_deref(), Some(erin.as_str()));
}

#[tokio::test]
async fn a_deleted_account_is_out_and_its_name_is_kept_from_others() {
    let rig = Rig::new().await;
    let erin = rig.add("erin", "").await;
    let visitor = rig.signed_in("erin").await;
    administer::delete(&rig.app, rig.command_line(), &erin).await.unwrap();
    assert!(rig.who(&visitor).await.is_none());
    assert!(matches!(rig.password(&mut Visitor::new(), "erin", RIGHT, None).await, Outcome::Wrong));
    let again = administer::add(&rig.app, rig.command_line(), to_add("erin", "")).await;
    assert!(matches!(again, Err(AdministerError::Taken(Taken::Retired))));
    let reuse = Add { reuse: true, ..to_add("erin", "") };
    administer::add(&rig.app, rig.command_line(), reuse).await.unwrap();
}

#[tokio::test]
async fn an_account_of_a_file_is_changed_there() {
    let rig = Rig::new().await;
    let alice = AccountId::new("file", "alice");
    let refused = administer::set_disabled(&rig.app, rig.command_line(), &alice, true).await.err().unwrap();
    assert_eq!(refused.to_string(), "the account of alice stands in a file, and is changed there");
    let nobody = administer::find(&rig.app, "nobody").await.err().unwrap();
    assert_eq!(nobody.to_string(), "no account is called \"nobody\"");
}

#[tokio::test]
async fn an_unlocked_account_may_try_again_at_once() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    for _ in 0..5 {
        rig.password(&mut visitor, "alice", "wrong", None).await;
    }
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::Locked(_)));
    let alice = administer::find(&rig.app, "alice").await.unwrap();
    administer::unlock(&rig.app, rig.command_line(), &alice).await.unwrap();
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::CodeSent(_)));
}
