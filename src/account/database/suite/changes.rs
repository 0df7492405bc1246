//! Making, reading, changing and deleting one account.

use super::*;

pub async fn an_account_is_found_by_name_address_and_id(one: Database, other: Database) -> Outcome {
    let alice = made(&one, new("alice")).await?;
    for login in ["alice", "alice@example.com"] {
        let found = other.find(login).await?.expect(login);
        assert_eq!(found.account.id, alice.account.id);
    }
    assert!(other.by_id(&alice.account.id).await?.is_some());
    assert!(other.find("bob").await?.is_none());
    assert!(other.find("bob@example.com").await?.is_none());
    assert!(other.by_id(&AccountId::new("file", "alice")).await?.is_none());
    Ok(())
}

pub async fn an_account_is_read_back_whole(one: Database, other: Database) -> Outcome {
    let mut entry = new("alice");
    entry.account.name = "Älice \u{1f600} \"O'Hara\" \\ %_".to_owned();
    entry.account.groups = vec!["ops".to_owned(), "staff of Zürich".to_owned()];
    entry.account.attributes = [("phone".to_owned(), "+1 555 \"0100\"".to_owned())].into();
    entry.account.approval = Approval::Rejected;
    entry.account.disabled = true;
    entry.account.language = Some("de".to_owned());
    entry.decision = Some(Decision { at: NOW, by: "command line".into(), reason: Some("no".into()) });
    entry.last_sign_in = Some(NOW);
    let entry = made(&one, entry).await?;
    let read = other.by_id(&entry.account.id).await?.expect("there");
    let shown = |entry: &Entry| {
        let account = &entry.account;
        let password = account.password.as_ref().map(|hash| hash.0.expose().clone());
        let texts = (account.username.clone(), account.email.clone(), account.name.clone(), password);
        let lists = (account.groups.clone(), account.attributes.clone(), account.language.clone());
        let state = (account.approval, account.disabled, entry.decision.clone(), account.fingerprint);
        (texts, lists, state, entry.email_verified, entry.created, entry.last_sign_in)
    };
    assert_eq!(shown(&read), shown(&entry));
    let bare = Entry::new(
        New {
            username: "bob".to_owned(),
            email: "bob@example.com".to_owned(),
            name: String::new(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
            approval: Approval::Pending,
            decision: None,
            disabled: false,
            email_verified: None,
            password: None,
            language: None,
        },
        NOW,
    );
    let bare = made(&one, bare).await?;
    assert_eq!(shown(&other.by_id(&bare.account.id).await?.expect("there")), shown(&bare));
    Ok(())
}

pub async fn a_name_or_address_is_one_persons(one: Database, other: Database) -> Outcome {
    made(&one, new("alice")).await?;
    let same_name = new("alice");
    assert!(matches!(insert(&other, &same_name).await?, Inserted::Taken(Taken::Username)));
    let mut same_address = new("alice2");
    same_address.account.email = "ALICE@example.COM".to_owned();
    assert!(matches!(insert(&other, &same_address).await?, Inserted::Taken(Taken::Email)));
    assert_eq!(other.count(&Filter::default()).await?, 1);
    let lines = other.trail(&Trace::default(), 10).await?;
    assert_eq!(lines.len(), 1, "what was not made is not told of");
    Ok(())
}

pub async fn a_change_is_written_with_its_line(one: Database, other: Database) -> Outcome {
    let alice = made(&one, new("alice")).await?;
    let id = alice.account.id.clone();
    let changed = one.change::<(), _>(&id, |entry| {
        entry.account.groups = vec!["ops".to_owned()];
        Ok(Line { detail: Some("ops".into()), ..line("groups_changed", &entry.account.id) })
    });
    let Changed::Done(changed) = changed.await? else { panic!("not done") };
    assert_eq!(changed.account.groups, ["ops"]);
    assert_eq!(other.by_id(&id).await?.expect("there").account.groups, ["ops"]);
    let lines = other.trail(&Trace::default(), 10).await?;
    assert_eq!(lines[0].1.event, "groups_changed");
    assert_eq!(lines[0].1.detail.as_deref(), Some("ops"));
    let none = AccountId::new(SOURCE, "none");
    let gone = one.change::<(), _>(&none, |_| unreachable!("nobody is there"));
    assert!(matches!(gone.await?, Changed::Gone));
    Ok(())
}

pub async fn a_change_that_is_refused_writes_nothing(one: Database, other: Database) -> Outcome {
    let alice = made(&one, new("alice")).await?;
    let refused = one.change(&alice.account.id, |entry| {
        entry.account.disabled = true;
        Err("no")
    });
    assert!(matches!(refused.await?, Changed::Refused("no")));
    assert!(!other.by_id(&alice.account.id).await?.expect("there").account.disabled);
    assert_eq!(other.trail(&Trace::default(), 10).await?.len(), 1);
    Ok(())
}

pub async fn a_changed_address_must_be_free(one: Database, other: Database) -> Outcome {
    made(&one, new("alice")).await?;
    let bob = made(&one, new("bob")).await?.account.id.clone();
    let change = |email: &'static str| {
        other.change::<(), _>(&bob, move |entry| {
            entry.account.email = email.to_owned();
            Ok(line("address_changed", &entry.account.id))
        })
    };
    assert!(matches!(change("Alice@example.com").await?, Changed::Taken(Taken::Email)));
    assert!(matches!(change("robert@example.com").await?, Changed::Done(_)));
    assert!(one.find("bob@example.com").await?.is_none());
    assert!(one.find("robert@example.com").await?.is_some());
    let name = other.change::<(), _>(&bob, |entry| {
        entry.account.username = "alice".to_owned();
        Ok(line("renamed", &entry.account.id))
    });
    assert!(matches!(name.await?, Changed::Taken(Taken::Username)));
    Ok(())
}

pub async fn a_deleted_name_is_handed_to_nobody_unasked(one: Database, other: Database) -> Outcome {
    let alice = made(&one, new("alice")).await?;
    let id = alice.account.id.clone();
    let deleted = one.delete(&id, line("deleted", &id)).await?;
    assert!(matches!(deleted, Deleted::Done(entry) if entry.account.id == id));
    assert!(matches!(one.delete(&id, line("deleted", &id)).await?, Deleted::Gone));
    assert!(other.find("alice").await?.is_none());
    assert!(other.is_retired("alice").await? && other.is_retired("alice@example.com").await?);
    let mut again = new("alice");
    again.account.email = "another@example.com".to_owned();
    assert!(matches!(insert(&other, &again).await?, Inserted::Taken(Taken::Retired)));
    let made = other.insert(again.clone(), true, line("registered", &again.account.id)).await?;
    assert!(matches!(made, Inserted::Made));
    assert!(!other.is_retired("alice").await? && other.is_retired("alice@example.com").await?);
    let trace = Trace { account: Some(again.account.id.as_str().to_owned()), ..Trace::default() };
    assert_eq!(other.trail(&trace, 10).await?.len(), 1, "the trail of the first is not the second's");
    Ok(())
}

pub async fn a_new_hash_is_no_new_password(one: Database, other: Database) -> Outcome {
    let alice = made(&one, new("alice")).await?;
    let id = alice.account.id.clone();
    assert!(one.rehash(&id, &hash("first"), &hash("second")).await?);
    assert!(!one.rehash(&id, &hash("first"), &hash("third")).await?, "it is not there any more");
    let read = other.by_id(&id).await?.expect("there");
    assert_eq!(read.account.password.as_ref().expect("one").0.expose(), "second");
    assert_eq!(read.account.fingerprint, alice.account.fingerprint);
    let changed = other.change::<(), _>(&id, |entry| {
        entry.set_password(Some(hash("fourth")));
        Ok(line("password_changed", &entry.account.id))
    });
    let Changed::Done(changed) = changed.await? else { panic!("not done") };
    assert_ne!(changed.account.fingerprint, alice.account.fingerprint);
    Ok(())
}

pub async fn the_latest_sign_in_is_kept(one: Database, other: Database) -> Outcome {
    let id = made(&one, new("alice")).await?.account.id.clone();
    let later = NOW.plus(Duration::from_mins(1));
    one.note_sign_in(&id, later).await?;
    other.note_sign_in(&id, NOW).await?;
    assert_eq!(one.by_id(&id).await?.expect("there").last_sign_in, Some(later));
    Ok(())
}
