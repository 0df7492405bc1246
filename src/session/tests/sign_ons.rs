//! The sign-ons of an account, over several browsers and processes.

use super::*;

fn alice() -> AccountId {
    AccountId::new("file", "alice")
}

#[tokio::test]
async fn an_account_s_sign_ons_are_listed_with_where_they_came_from_the_last_used_first() {
    let rig = Rig::new().await;
    let begun = rig.clock.now();
    let first = rig.begin(true, false).await;
    let first = rig.load(&first.cookie).await.unwrap();
    rig.clock.advance(Duration::from_mins(5));
    let second = rig.begin(false, true).await;
    let second = rig.load(&second.cookie).await.unwrap();
    rig.begin_as("bob", true, false).await;
    let listed = rig.sessions.of_account(&alice()).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|sign_on| &sign_on.id).collect();
    assert_eq!(ids, [second.sign_on(), first.sign_on()]);
    assert_eq!((listed[1].started, listed[1].ends), (begun, begun.plus(SETTINGS.idle)));
    assert_eq!(listed[1].client, client());
    assert!(listed[0].remember && !listed[0].proofs.two_factors());
    assert!(!listed[1].remember && listed[1].proofs.two_factors());
}

#[tokio::test]
async fn a_sign_on_has_a_short_name_that_is_not_its_id() {
    let rig = Rig::new().await;
    rig.begin(true, false).await;
    let [sign_on] = rig.sessions.of_account(&alice()).await.unwrap().try_into().unwrap();
    let name = sign_on.public_id();
    assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let id = sign_on.id.first_chunk().map(|start| u64::from_be_bytes(*start)).unwrap();
    assert_ne!(name, format!("{id:016x}"));
}

#[tokio::test]
async fn all_but_one_can_be_ended_from_another_process() {
    let rig = Rig::new().await;
    let (mine, other) = (rig.begin(true, false).await, rig.begin(true, false).await);
    let bob = rig.begin_as("bob", true, false).await;
    let kept = *rig.load(&mine.cookie).await.unwrap().sign_on();
    assert_eq!(rig.other().end_all(&alice(), Some(&kept)).await.unwrap(), 1);
    rig.clock.advance(TRUSTED);
    assert!(rig.load(&other.cookie).await.is_none());
    assert!(rig.load(&mine.cookie).await.is_some() && rig.load(&bob.cookie).await.is_some());
    assert_eq!(rig.sessions.of_account(&alice()).await.unwrap().len(), 1);
    assert_eq!(rig.sessions.end_all(&alice(), None).await.unwrap(), 1);
    assert!(rig.load(&mine.cookie).await.is_none(), "in this process at once");
}

#[tokio::test]
async fn one_can_be_ended_by_its_name_but_only_an_account_s_own() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let [sign_on] = rig.sessions.of_account(&alice()).await.unwrap().try_into().unwrap();
    let (name, bob) = (sign_on.public_id(), AccountId::new("file", "bob"));
    assert_eq!(rig.sessions.end_by_public_id(&bob, &name).await.unwrap(), None);
    assert!(rig.load(&opened.cookie).await.is_some());
    assert_eq!(rig.sessions.end_by_public_id(&alice(), &name).await.unwrap(), Some(sign_on.id));
    assert!(rig.load(&opened.cookie).await.is_none());
    assert_eq!(rig.sessions.end_by_public_id(&alice(), &name).await.unwrap(), None);
}

#[tokio::test]
async fn a_changed_account_shows_in_each_of_its_sessions_at_the_next_look() {
    let rig = Rig::new().await;
    let (first, second) = (rig.begin(true, false).await, rig.begin(true, false).await);
    let bob = rig.begin_as("bob", true, false).await;
    let (first, bobs) = (rig.load(&first.cookie).await.unwrap(), rig.load(&bob.cookie).await.unwrap());
    rig.sessions.account_changed(&alice()).await.unwrap();
    assert!(!first.is_recent(rig.clock.now()), "looked up anew in this process at once");
    let second = rig.load(&second.cookie).await.unwrap();
    assert_eq!((second.epoch(), bobs.epoch()), (1, 0));
    rig.other().account_changed(&alice()).await.unwrap();
    rig.clock.advance(TRUSTED);
    rig.load(&bob.cookie).await.unwrap();
    assert!(rig.sessions.stands(&second, rig.clock.now()).await.unwrap());
    assert_eq!((second.epoch(), bobs.epoch()), (2, 0));
}

/// Without a look: whoever listens knows at once.
#[tokio::test]
async fn what_another_process_changes_and_ends_is_heard_here() {
    let rig = Rig::new().await;
    let (one, two) = (rig.begin(true, false).await, rig.begin(true, false).await);
    let (one, two) = (rig.load(&one.cookie).await.unwrap(), rig.load(&two.cookie).await.unwrap());
    let bobs = rig.begin_as("bob", true, false).await;
    let bobs = rig.load(&bobs.cookie).await.unwrap();
    let now = rig.clock.now();
    let changed_and_ended = async {
        rig.other().account_changed(&alice()).await.unwrap();
        while one.is_recent(now) || two.is_recent(now) {
            tokio::task::yield_now().await;
        }
        assert!(!one.has_ended());
        assert_eq!(rig.other().end_all(&alice(), None).await.unwrap(), 2);
        one.ended().await;
        two.ended().await;
    };
    let heard = tokio::time::timeout(Duration::from_secs(10), changed_and_ended);
    tokio::select! {
        biased;
        () = rig.sessions.follow() => panic!("the store is open"),
        heard = heard => heard.expect("heard of both"),
    }
    assert!(bobs.is_recent(now) && !bobs.has_ended(), "nobody else's");
}

#[tokio::test]
async fn what_was_begun_under_an_older_secret_is_listed_and_ended_as_well() {
    let rig = Rig::new().await;
    let opened = rig.begin(true, false).await;
    let secrets = [Secret::new(vec![2; 32]), Secret::new(vec![1; 32])];
    let rotated = Sessions::new(rig.store.clone(), Arc::new(Keys::derive(&secrets).unwrap()), SETTINGS);
    assert_eq!(rotated.of_account(&alice()).await.unwrap().len(), 1);
    assert_eq!(rotated.end_all(&alice(), None).await.unwrap(), 1);
    assert!(rotated.load(&opened.cookie, &rig.host, rig.clock.now(), Use::Counts).await.unwrap().is_none());
}

/// It is about to be written; its entry in the index came first.
#[tokio::test]
async fn a_sign_on_that_just_begins_is_not_lost_sight_of() {
    let rig = Rig::new().await;
    let ends = rig.clock.now().plus(SETTINGS.lifetime);
    rig.store.index_add(rig.sessions.account_index(&alice()), &[5; 32], ends).await.unwrap();
    assert_eq!(rig.sessions.end_all(&alice(), None).await.unwrap(), 0);
    assert_eq!(rig.sessions.ids_of(&alice()).await.unwrap(), [[5; 32]]);
}
