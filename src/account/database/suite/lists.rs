//! Accounts by what they have in common, and by what they were called.

use super::*;

pub async fn accounts_are_listed_page_by_page(one: Database, other: Database) -> Outcome {
    for number in 0..10 {
        made(&one, new(&format!("user{number}"))).await?;
    }
    let all = Filter::default();
    let first = other.list(&all, None, 4).await?;
    assert_eq!(names(&first), ["user0", "user1", "user2", "user3"]);
    let second = other.list(&all, Some("user3"), 4).await?;
    assert_eq!(names(&second), ["user4", "user5", "user6", "user7"]);
    assert_eq!(names(&other.list(&all, Some("user7"), 4).await?), ["user8", "user9"]);
    assert_eq!(names(&other.list_before(&all, "user4", 3).await?), ["user1", "user2", "user3"]);
    assert_eq!(other.count(&all).await?, 10);
    Ok(())
}

pub async fn accounts_are_searched_in_any_spelling(one: Database, other: Database) -> Outcome {
    let mut entry = new("alice");
    entry.account.name = "Alice Österreicher".to_owned();
    made(&one, entry).await?;
    let mut entry = new("bob_100");
    entry.account.name = "Bob 100%".to_owned();
    made(&one, entry).await?;
    made(&one, new("bobx100")).await?;
    for (search, expected) in [
        ("ÖSTERREICH", &["alice"][..]),
        (" Alice@EXAMPLE ", &["alice"]),
        ("bob_1", &["bob_100"]),
        ("100%", &["bob_100"]),
        ("%", &["bob_100"]),
        ("\\", &[]),
        ("example.com", &["alice", "bob_100", "bobx100"]),
        ("'; DROP TABLE accounts; --", &[]),
    ] {
        let filter = Filter { search: Some(search.to_owned()), ..Filter::default() };
        assert_eq!(names(&other.list(&filter, None, 10).await?), expected, "{search:?}");
        assert_eq!(other.count(&filter).await?, i64::try_from(expected.len()).expect("few"));
    }
    Ok(())
}

pub async fn groups_are_told_apart_exactly(one: Database, other: Database) -> Outcome {
    for (username, groups) in [("a", &["ops"][..]), ("b", &["Ops"]), ("c", &["dev ops", "o%s"]), ("d", &[])] {
        let mut entry = new(username);
        entry.account.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        made(&one, entry).await?;
    }
    for (group, expected) in [("ops", &["a"][..]), ("Ops", &["b"]), ("o%s", &["c"]), ("dev", &[])] {
        let filter = Filter { group: Some(group.to_owned()), ..Filter::default() };
        assert_eq!(names(&other.list(&filter, None, 10).await?), expected, "{group}");
    }
    let members = other.members(&["ops".to_owned(), "Ops".to_owned(), "ops".to_owned()]).await?;
    assert_eq!(members.len(), 2);
    Ok(())
}

pub async fn who_waits_longest_is_first(one: Database, other: Database) -> Outcome {
    for (username, minutes) in [("late", 2), ("early", 1), ("in-between", 1)] {
        let mut entry = new(username);
        entry.account.approval = Approval::Pending;
        entry.created = NOW.plus(Duration::from_mins(minutes) + Duration::from_secs(username.len() as u64));
        made(&one, entry).await?;
    }
    made(&one, new("approved")).await?;
    let queue = other.queue(None, 10).await?;
    assert_eq!(names(&queue), ["early", "in-between", "late"]);
    let after = |entry: &Entry| Some((entry.created, entry.account.id.clone()));
    assert_eq!(names(&other.queue(None, 1).await?), ["early"]);
    assert_eq!(names(&other.queue(after(&queue[0]), 1).await?), ["in-between"]);
    assert_eq!(names(&other.queue(after(&queue[1]), 9).await?), ["late"]);
    assert_eq!(names(&other.queue(after(&queue[2]), 9).await?), [""; 0]);
    assert_eq!(other.count(&Filter::default()).await?, 4);
    assert_eq!(other.waiting().await?, 3);
    let filter = Filter { approval: Some(Approval::Pending), disabled: Some(false), ..Filter::default() };
    assert_eq!(other.count(&filter).await?, 3);
    let filter = Filter { disabled: Some(true), ..Filter::default() };
    assert_eq!(other.count(&filter).await?, 0);
    Ok(())
}

pub async fn a_deleted_account_is_still_called_by_its_name(one: Database, other: Database) -> Outcome {
    let (alice, bob) = (made(&one, new("alice")).await?, made(&one, new("bob")).await?);
    one.delete(&bob.account.id, line("deleted", &bob.account.id)).await?;
    let ids = vec![alice.account.id.clone(), bob.account.id.clone(), AccountId::new("file", "carol")];
    let named = |username: &str, deleted| Named { username: username.to_owned(), deleted };
    let expected =
        [(alice.account.id.clone(), named("alice", false)), (bob.account.id.clone(), named("bob", true))];
    assert_eq!(other.names(ids).await?, expected.into());
    for (login, expected) in
        [("bob", Some(&bob.account.id)), ("bob@example.com", Some(&bob.account.id)), ("alice", None)]
    {
        assert_eq!(other.once(login).await?.as_ref(), expected, "{login}");
    }
    Ok(())
}
