//! What an account has open: listed, ended, forgotten, and read anew when the account has changed.

use super::*;
use crate::flow::device;
use crate::flow::{By, revoke};

impl Rig {
    async fn devices(&self, of: &Account) -> Vec<device::KnownDevice> {
        device::of_account(&self.app, of).await.unwrap()
    }

    async fn account(&self, name: &str) -> Arc<Account> {
        self.app.snapshot.load().directory.find(name).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_sign_on_keeps_where_it_came_from_and_on_which_device_it_began() {
    let rig = Rig::new().await;
    rig.signed_in("alice").await;
    let alice = rig.account("alice").await;
    let [sign_on] = rig.app.sessions.of_account(&alice.id).await.unwrap().try_into().unwrap();
    let [device] = rig.devices(&alice).await.try_into().unwrap();
    assert_eq!(sign_on.client.address, IpAddr::from(rig::HERE));
    assert_eq!(sign_on.client.host, "auth.example.com");
    assert_eq!(sign_on.client.device, Some(device.id));
}

#[tokio::test]
async fn a_device_remembers_when_it_was_first_and_last_signed_in_on() {
    let rig = Rig::new().await;
    let begun = rig.app.clock.now();
    let mut visitor = rig.signed_in("alice").await;
    rig.advance(Duration::from_hours(2));
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    rig.code(&mut visitor, &code).await;
    let again = rig.app.clock.now();
    rig.advance(Duration::from_secs(1));
    rig.signed_in("alice").await;
    let [other, device] = rig.devices(&*rig.account("alice").await).await.try_into().unwrap();
    assert_eq!((device.first_seen, device.last_seen), (begun, again));
    assert_eq!(other.first_seen, rig.app.clock.now());
}

#[tokio::test]
async fn a_device_is_forgotten_for_the_account_that_asks_and_for_no_other() {
    let rig = Rig::new().await;
    let accounts = [account("alice", Approval::Approved, false), account("erin", Approval::Approved, false)];
    rig.accounts.replace(accounts.to_vec());
    let mut shared = rig.signed_in("erin").await;
    rig.password(&mut shared, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    rig.code(&mut shared, &code).await;
    rig.signed_in("alice").await;
    let (alice, erin) = (rig.account("alice").await, rig.account("erin").await);
    let (of_alice, of_erin) = (rig.devices(&alice).await, rig.devices(&erin).await);
    assert_eq!((of_alice.len(), of_erin.len()), (2, 1));
    let name = of_erin[0].public_id();
    assert!(of_alice.iter().any(|device| device.public_id() == name), "one browser, two people");
    assert!(device::forget(&rig.app, &alice.id, &name).await.unwrap());
    assert!(!device::forget(&rig.app, &alice.id, &name).await.unwrap());
    assert_eq!((rig.devices(&alice).await.len(), rig.devices(&erin).await.len()), (1, 1));
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, &shared, &rig.portal);
    let there = device::Device::load(&x, shared.device.as_deref()).await.unwrap().unwrap();
    assert!(!there.knows(&alice) && there.has_proved(&erin));
    assert_eq!(device::forget_all(&rig.app, &alice.id).await.unwrap(), 1);
    assert_eq!((rig.devices(&alice).await.len(), rig.devices(&erin).await.len()), (0, 1));
}

#[tokio::test]
async fn everything_of_an_account_can_be_ended_but_the_session_that_asks() {
    let rig = Rig::new().await;
    let (mine, other) = (rig.signed_in("alice").await, rig.signed_in("alice").await);
    let me = rig.who(&mine).await.unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, &mine, &rig.portal);
    let by = By::visitor(&x, &me);
    let ended = revoke::all_of(&rig.app, by, me.session.account(), Some(me.session.sign_on())).await.unwrap();
    assert_eq!(ended, 1);
    assert!(rig.who(&mine).await.is_some() && rig.who(&other).await.is_none());
    let [left] = rig.app.sessions.of_account(me.session.account()).await.unwrap().try_into().unwrap();
    let by = By::command_line(&rig.app);
    assert!(revoke::one(&rig.app, by, me.session.account(), &left.public_id()).await.unwrap());
    assert!(rig.who(&mine).await.is_none());
}

/// A ticket with which the owner is handed over to the wiki, and the nonce that goes with it.
async fn to_the_wiki(rig: &Rig, owner: &Visitor) -> (String, String) {
    let (inside, snapshot) = (rig.who(owner).await.unwrap(), rig.app.snapshot.load_full());
    let nonce = hand_over::nonce();
    let wiki = ReturnUrl::parse("https://wiki.example.com/", &rig.portal, &snapshot.routes).unwrap();
    let at_portal = rig.in_exchange(&snapshot, owner, &rig.portal);
    let ticket = hand_over::mint(&at_portal, &inside, &wiki, &hand_over::nonce_hash(&nonce)).await.unwrap();
    (ticket.unwrap(), nonce)
}

/// What a reset of the password has to end, and does by the new password alone.
#[tokio::test]
async fn a_new_password_ends_sign_ins_under_way_tickets_and_known_devices() {
    let rig = Rig::new().await;
    let owner = rig.signed_in("alice").await;
    let snapshot = rig.app.snapshot.load_full();
    let (ticket, nonce) = to_the_wiki(&rig, &owner).await;
    let mut under_way = Visitor::new();
    rig.password(&mut under_way, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();

    let mut renewed = account("alice", Approval::Approved, false);
    renewed.password =
        Some(StoredHash(Secret::new(account::password::hash("another password", &HASHING).unwrap())));
    rig.accounts.replace(vec![renewed]);

    assert!(matches!(rig.code(&mut under_way, &code).await, CodeOutcome::Expired));
    let at_wiki = rig.in_exchange(&snapshot, &owner, &rig.wiki);
    let redeemed = hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().unwrap();
    let session = Some(redeemed.session.cookie.as_str());
    assert!(who::visitor(&at_wiki, session).await.unwrap().is_none(), "what the ticket opens is dead");
    let at_portal = rig.in_exchange(&snapshot, &owner, &rig.portal);
    let known = device::Device::load(&at_portal, owner.device.as_deref()).await.unwrap().unwrap();
    assert!(!known.knows(&*rig.account("alice").await));
    assert!(rig.devices(&*rig.account("alice").await).await.is_empty());
}

#[tokio::test]
async fn a_ticket_of_a_sign_on_that_was_ended_opens_nothing() {
    let rig = Rig::new().await;
    let owner = rig.signed_in("alice").await;
    let snapshot = rig.app.snapshot.load_full();
    let (ticket, nonce) = to_the_wiki(&rig, &owner).await;
    let inside = rig.who(&owner).await.unwrap();
    rig.app.sessions.end_all(inside.session.account(), None).await.unwrap();
    let at_wiki = rig.in_exchange(&snapshot, &owner, &rig.wiki);
    assert!(hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().is_none());
}

/// An account is not read for each request, nor for each look into the store.
#[tokio::test]
async fn what_is_known_of_an_account_is_kept_until_it_changes_or_half_a_minute_has_passed() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("alice").await;
    let first = rig.who(&visitor).await.unwrap().subject;
    rig.advance(Duration::from_secs(20));
    let kept = rig.who(&visitor).await.unwrap().subject;
    assert!(Arc::ptr_eq(&first, &kept), "over a look");
    rig.app.sessions.account_changed(&first.id).await.unwrap();
    let changed = rig.who(&visitor).await.unwrap().subject;
    assert!(!Arc::ptr_eq(&first, &changed), "read anew, since it has changed");
    rig.advance(Duration::from_secs(29));
    assert!(Arc::ptr_eq(&changed, &rig.who(&visitor).await.unwrap().subject));
    rig.advance(Duration::from_secs(1));
    assert!(!Arc::ptr_eq(&changed, &rig.who(&visitor).await.unwrap().subject), "read anew, since it is old");
}

#[tokio::test]
async fn who_is_signed_in_goes_on_while_the_database_is_down_until_it_is_said_to_have_changed() {
    let rig = Rig::new().await;
    rig.add("dora", "").await;
    let visitor = rig.signed_in("dora").await;
    let dora = rig.who(&visitor).await.unwrap().subject.id.clone();
    let snapshot = rig.app.snapshot.load_full();
    let asked = async || {
        let x = rig.in_exchange(&snapshot, &visitor, &rig.portal);
        who::visitor(&x, visitor.session.as_deref()).await
    };
    rig.database.close().await;
    for _ in 0..3 {
        rig.advance(Duration::from_mins(1));
        assert!(asked().await.unwrap().is_some(), "known, though not read anew");
    }
    rig.accounts.replace(vec![]);
    assert!(asked().await.unwrap().is_some(), "a file has changed, where this account is not");
    rig.app.sessions.account_changed(&dora).await.unwrap();
    assert!(asked().await.is_err(), "nobody can say how it stands now");
    assert_eq!(rig.app.sessions.of_account(&dora).await.unwrap().len(), 1, "and nobody is signed out for it");
}

#[tokio::test]
async fn an_account_is_read_anew_aside_of_requests_before_what_is_known_is_too_old() {
    let rig = Rig::new().await;
    rig.add("dora", "").await;
    let visitor = rig.signed_in("dora").await;
    let first = rig.who(&visitor).await.unwrap().subject;
    let snapshot = rig.app.snapshot.load_full();
    let ahead = async || {
        let cookie = visitor.session.as_deref().unwrap();
        who::look_ahead(&rig.app, &snapshot, cookie, &rig.portal.host).await.unwrap();
    };
    rig.advance(Duration::from_secs(15));
    ahead().await;
    assert!(Arc::ptr_eq(&first, &rig.who(&visitor).await.unwrap().subject), "young still");
    rig.advance(Duration::from_secs(10));
    ahead().await;
    let renewed = rig.who(&visitor).await.unwrap().subject;
    assert!(!Arc::ptr_eq(&first, &renewed));
    rig.advance(Duration::from_secs(10));
    assert!(Arc::ptr_eq(&renewed, &rig.who(&visitor).await.unwrap().subject), "no request had to wait");
}
