//! Many who do the same thing at the same moment, and many accounts in one go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const PARALLEL: usize = 50;

/// Of changes to one account; more at once would be turned away, which loses nothing either.
const AT_ONCE: usize = 8;

pub async fn of_fifty_inserts_of_one_address_one_wins(one: Database, other: Database) -> Outcome {
    one.prepare().await?;
    let tasks = (0..PARALLEL).map(|number| {
        let database = if number % 2 == 0 { one.clone() } else { other.clone() };
        let mut entry = new(&format!("alice{number}"));
        entry.account.email = "alice@example.com".to_owned();
        async move { insert(&database, &entry).await }
    });
    let mut wins = 0;
    for done in futures_util::future::join_all(tasks).await {
        match done? {
            Inserted::Made => wins += 1,
            Inserted::Taken(taken) => assert_eq!(taken, Taken::Email),
        }
    }
    assert_eq!(wins, 1);
    assert_eq!(one.count(&Filter::default()).await?, 1);
    Ok(())
}

pub async fn no_change_is_lost_among_fifty(one: Database, other: Database) -> Outcome {
    let id = made(&one, new("alice")).await?.account.id.clone();
    for round in 0..PARALLEL / AT_ONCE {
        let tasks = (0..AT_ONCE).map(|number| {
            let database = if number % 2 == 0 { one.clone() } else { other.clone() };
            let (id, group) = (id.clone(), format!("group-{round}-{number}"));
            async move {
                let change = database.change::<(), _>(&id, move |entry| {
                    entry.account.groups.push(group.clone());
                    Ok(line("groups_changed", &entry.account.id))
                });
                change.await
            }
        });
        for done in futures_util::future::join_all(tasks).await {
            assert!(matches!(done?, Changed::Done(_)));
        }
    }
    let groups = other.by_id(&id).await?.expect("there").account.groups.clone();
    assert_eq!(groups.len(), PARALLEL / AT_ONCE * AT_ONCE);
    assert_eq!(other.trail(&Trace::default(), 200).await?.len(), groups.len() + 1);
    Ok(())
}

pub async fn of_two_who_decide_one_is_told(one: Database, other: Database) -> Outcome {
    let mut entry = new("alice");
    entry.account.approval = Approval::Pending;
    let id = made(&one, entry).await?.account.id.clone();
    let decide = |database: Database, by: &'static str, approval| {
        let id = id.clone();
        async move {
            let change = database.change(&id, move |entry| {
                if entry.account.approval != Approval::Pending {
                    return Err(entry.decision.clone());
                }
                entry.account.approval = approval;
                entry.decision = Some(Decision { at: NOW, by: by.to_owned(), reason: None });
                Ok(line(approval.as_str(), &entry.account.id))
            });
            change.await
        }
    };
    let both = tokio::join!(
        decide(one.clone(), "database:1", Approval::Approved),
        decide(other.clone(), "database:2", Approval::Rejected)
    );
    let ((Ok(Changed::Refused(told)), Ok(Changed::Done(won)))
    | (Ok(Changed::Done(won)), Ok(Changed::Refused(told)))) = both
    else {
        panic!("one wins, and the other is told")
    };
    assert_eq!(told, won.decision);
    Ok(())
}

pub async fn many_may_open_a_new_database_at_once(one: Database, other: Database) -> Outcome {
    assert_eq!(one.look().await?, Layout::Missing);
    let both = tokio::join!(one.prepare(), other.prepare());
    both.0.and(both.1)?;
    assert_eq!(other.look().await?, Layout::Todays);
    Ok(())
}

pub async fn an_import_is_all_or_nothing(one: Database, other: Database) -> Outcome {
    let taken = made(&one, new("user7")).await?;
    let rows = || -> Vec<Row> {
        let entries = (0..600).map(|number| new(&format!("user{number}")));
        entries.map(|entry| Row { line: line("imported", &entry.account.id), entry }).collect()
    };
    let furthest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&furthest);
    let progress = move |done| {
        seen.fetch_max(done, Ordering::Relaxed);
    };
    let imported = other.import(rows(), true, progress.clone()).await?;
    assert_eq!(imported, Imported::Refused(vec![(7, Taken::Username)]));
    assert_eq!(one.count(&Filter::default()).await?, 1);
    assert_eq!(furthest.load(Ordering::Relaxed), 600);
    one.delete(&taken.account.id, line("deleted", &taken.account.id)).await?;
    let imported = other.import(rows(), true, progress.clone()).await?;
    assert_eq!(imported, Imported::Refused(vec![(7, Taken::Retired)]));
    let mut rows = rows();
    rows.remove(7);
    let some = rows.drain(..100).collect();
    assert_eq!(other.import(rows, false, progress.clone()).await?, Imported::All);
    assert_eq!(one.count(&Filter::default()).await?, 0, "a dry run leaves nothing");
    assert_eq!(other.import(some, true, progress).await?, Imported::All);
    assert_eq!(one.count(&Filter::default()).await?, 100);
    Ok(())
}
