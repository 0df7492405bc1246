//! What the accounts database must do, run against SQLite and a real PostgreSQL.

mod postgres;

use std::collections::BTreeMap;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::*;
use crate::account::{Approval, StoredHash};
use crate::clock::Timestamp;
use crate::subject::AccountId;
use crate::tasks::Shutdown;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const PARALLEL: usize = 50;

/// Of changes to one account; more at once would be turned away, which loses nothing either.
const AT_ONCE: usize = 8;

macro_rules! contract {
    ($($name:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let directory = tempfile::tempdir().expect("a directory");
            let place = Place::Sqlite(directory.path().join("accounts.db"));
            cases::$name(open(&place), open(&place)).await.expect("the database serves");
        })*

        /// One server for all of them: making one takes longer than what is asked of it.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres_does_the_same() {
            let server = postgres::Server::start().await;
            $(
                let name = stringify!($name);
                server.ask("postgres", &format!("CREATE DATABASE {name}")).await.expect("made");
                let place = server.place(name);
                println!("{name}");
                cases::$name(open(&place), open(&place)).await.expect(name);
            )*
        }
    };
}

contract! {
    an_account_is_found_by_name_address_and_id
    an_account_is_read_back_whole
    a_name_or_address_is_one_persons
    of_fifty_inserts_of_one_address_one_wins
    a_change_is_written_with_its_line
    a_change_that_is_refused_writes_nothing
    no_change_is_lost_among_fifty
    of_two_who_decide_one_is_told
    a_changed_address_must_be_free
    a_deleted_name_is_handed_to_nobody_unasked
    a_new_hash_is_no_new_password
    the_latest_sign_in_is_kept
    accounts_are_listed_page_by_page
    accounts_are_searched_in_any_spelling
    groups_are_told_apart_exactly
    what_nobody_can_be_called_is_nobodys
    who_waits_longest_is_first
    a_deleted_account_is_still_called_by_its_name
    an_import_is_all_or_nothing
    the_trail_is_read_backwards_and_filtered
    lines_sent_aside_are_all_written
    many_may_open_a_new_database_at_once
}

type Outcome = Result<(), DatabaseError>;

fn open(place: &Place) -> Database {
    Database::open(place, Handle::current(), Tasks::default()).expect("opened")
}

fn new(username: &str) -> Entry {
    let new = New {
        username: username.to_owned(),
        email: format!("{username}@Example.com"),
        name: format!("{username} Example"),
        groups: Vec::new(),
        attributes: BTreeMap::new(),
        approval: Approval::Approved,
        decision: None,
        disabled: false,
        email_verified: Some(NOW),
        password: Some(hash("first")),
        language: None,
    };
    Entry::new(new, NOW)
}

fn hash(text: &str) -> StoredHash {
    StoredHash(Secret::new(text.to_owned()))
}

fn line(event: &str, account: &AccountId) -> Line {
    Line {
        at: NOW,
        event: event.to_owned(),
        by: Some("command line".to_owned()),
        account: Some(account.as_str().to_owned()),
        address: Some("192.0.2.1".to_owned()),
        request_id: None,
        detail: None,
    }
}

async fn insert(database: &Database, entry: &Entry) -> Result<Inserted, DatabaseError> {
    database.insert(entry.clone(), false, line("registered", &entry.account.id)).await
}

async fn made(database: &Database, entry: Entry) -> Result<Entry, DatabaseError> {
    let inserted = insert(database, &entry).await?;
    assert!(matches!(inserted, Inserted::Made), "{} is taken", entry.account.username);
    Ok(entry)
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.account.username.as_str()).collect()
}

mod cases {
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
        assert_eq!(other.counts().await?, Counts { all: 1, pending: 0 });
        let lines = other.trail(&Trace::default(), 10).await?;
        assert_eq!(lines.len(), 1, "what was not made is not told of");
        Ok(())
    }

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
        assert_eq!(one.counts().await?.all, 1);
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

    /// PostgreSQL takes no NUL in a text.
    pub async fn what_nobody_can_be_called_is_nobodys(database: Database, _: Database) -> Outcome {
        let erin = made(&database, new("erin")).await?;
        let nobody = AccountId::new(SOURCE, &format!("{}\0", erin.key()));
        for login in ["\0", "erin\0", "erin@example.com\0"] {
            assert!(database.find(login).await?.is_none() && !database.is_retired(login).await?);
            assert!(database.once(login).await?.is_none());
            let text = || Some(login.to_owned());
            for filter in [
                Filter { search: text(), ..Filter::default() },
                Filter { group: text(), ..Filter::default() },
            ] {
                assert_eq!(
                    (database.list(&filter, None, 10).await?.len(), database.count(&filter).await?),
                    (0, 0)
                );
            }
            database.list(&Filter::default(), Some(login), 10).await?;
            database.list_before(&Filter::default(), login, 10).await?;
            for trace in
                [Trace { account: text(), ..Trace::default() }, Trace { event: text(), ..Trace::default() }]
            {
                assert!(database.trail(&trace, 10).await?.is_empty());
            }
        }
        assert!(database.by_id(&nobody).await?.is_none());
        assert!(database.names(vec![nobody.clone()]).await?.is_empty());
        assert_eq!(database.queue(Some((NOW, nobody.clone())), 10).await?.len(), 0);
        let odd = Line { detail: Some("a\0b".to_owned()), ..line("tried", &nobody) };
        database.append(vec![odd]).await
    }

    pub async fn groups_are_told_apart_exactly(one: Database, other: Database) -> Outcome {
        for (username, groups) in
            [("a", &["ops"][..]), ("b", &["Ops"]), ("c", &["dev ops", "o%s"]), ("d", &[])]
        {
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
            entry.created =
                NOW.plus(Duration::from_mins(minutes) + Duration::from_secs(username.len() as u64));
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
        assert_eq!(other.counts().await?, Counts { all: 4, pending: 3 });
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
        assert_eq!(one.counts().await?.all, 1);
        assert_eq!(furthest.load(Ordering::Relaxed), 600);
        one.delete(&taken.account.id, line("deleted", &taken.account.id)).await?;
        let imported = other.import(rows(), true, progress.clone()).await?;
        assert_eq!(imported, Imported::Refused(vec![(7, Taken::Retired)]));
        let mut rows = rows();
        rows.remove(7);
        let some = rows.drain(..100).collect();
        assert_eq!(other.import(rows, false, progress.clone()).await?, Imported::All);
        assert_eq!(one.counts().await?.all, 0, "a dry run leaves nothing");
        assert_eq!(other.import(some, true, progress).await?, Imported::All);
        assert_eq!(one.counts().await?.all, 100);
        Ok(())
    }

    pub async fn the_trail_is_read_backwards_and_filtered(one: Database, other: Database) -> Outcome {
        let (alice, bob) = (AccountId::new(SOURCE, "a"), AccountId::new("file", "bob"));
        let at = |minutes, line: Line| Line { at: NOW.plus(Duration::from_mins(minutes)), ..line };
        let by = Some(bob.as_str().to_owned());
        let lines = vec![
            at(0, line("signed_in", &alice)),
            at(1, line("signed_in", &bob)),
            at(2, Line { by: by.clone(), request_id: Some("id".into()), ..line("disabled", &alice) }),
        ];
        one.append(lines.clone()).await?;
        let read = async |trace: Trace| -> Result<Vec<Line>, DatabaseError> {
            Ok(other.trail(&trace, 10).await?.into_iter().map(|(_, line)| line).collect())
        };
        let [first, second, third] = &lines[..] else { unreachable!("three") };
        let all = other.trail(&Trace::default(), 2).await?;
        assert_eq!(all.iter().map(|(_, line)| line).collect::<Vec<_>>(), [third, second]);
        let older = Trace { before: Some(all[1].0), ..Trace::default() };
        assert_eq!(read(older.clone()).await?, slice::from_ref(first));
        let account = |id: &AccountId| Trace { account: Some(id.as_str().into()), ..Trace::default() };
        assert_eq!(read(account(&alice)).await?, [third.clone(), first.clone()]);
        assert_eq!(
            read(account(&bob)).await?,
            [third.clone(), second.clone()],
            "what was done by whom counts too"
        );
        let event = Trace { event: Some("signed_in".into()), ..Trace::default() };
        assert_eq!(read(event.clone()).await?, [second.clone(), first.clone()]);
        assert_eq!(read(Trace { before: older.before, ..event.clone() }).await?, slice::from_ref(first));
        assert_eq!(read(Trace { event: event.event, ..account(&bob) }).await?, slice::from_ref(second));
        let between = Trace { since: Some(second.at), until: Some(third.at), ..Trace::default() };
        assert_eq!(read(between).await?, slice::from_ref(second));
        Ok(())
    }

    pub async fn lines_sent_aside_are_all_written(one: Database, other: Database) -> Outcome {
        let (sender, receiver) = mpsc::channel(1_000);
        let (tasks, shutdown) = (Tasks::default(), Shutdown::default());
        let id = AccountId::new("file", "alice");
        for _ in 0..300 {
            sender.try_send(line("signed_in", &id)).expect("room");
        }
        tasks.spawn("audit table", keep_trail(one, receiver, shutdown.clone()));
        // While it runs already, and not with its end alone.
        let written = async {
            while other.trail(&Trace::default(), 1_000).await.is_ok_and(|lines| lines.len() < 300) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), written).await.expect("the lines are written");
        for _ in 0..300 {
            sender.try_send(line("signed_out", &id)).expect("room");
        }
        shutdown.abort();
        assert!(tasks.finished_within(Duration::from_secs(20)).await);
        assert_eq!(other.trail(&Trace::default(), 1_000).await?.len(), 600);
        Ok(())
    }

    pub async fn many_may_open_a_new_database_at_once(one: Database, other: Database) -> Outcome {
        assert_eq!(one.look().await?, Layout::Missing);
        let both = tokio::join!(one.prepare(), other.prepare());
        both.0.and(both.1)?;
        assert_eq!(other.look().await?, Layout::Todays);
        Ok(())
    }
}

fn sqlite() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("accounts.db");
    (directory, file)
}

#[tokio::test]
async fn a_newer_layout_is_left_alone() {
    let (_keep, file) = sqlite();
    let place = Place::Sqlite(file.clone());
    open(&place).prepare().await.expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    sqlx::query("INSERT INTO layout (version) VALUES (99)").execute(&raw).await.expect("written");
    let error = open(&place).prepare().await.expect_err("too new").to_string();
    assert!(error.contains("newer version") && error.contains("left as it was"), "{error}");
    assert!(matches!(open(&place).find("alice").await, Err(DatabaseError::Migration(_))));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_everything_as_it_was() {
    let (_keep, file) = sqlite();
    crate::sqlite::make(&file).expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    // The third thing that the first step makes.
    sqlx::query("CREATE TABLE retired (other TEXT)").execute(&raw).await.expect("written");
    let error = open(&Place::Sqlite(file)).prepare().await.expect_err("in the way").to_string();
    assert!(error.contains("step 1") && error.contains("retired"), "{error}");
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&raw)
        .await
        .expect("read");
    assert_eq!(tables, ["retired"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_keeps_no_half_account() {
    let (_keep, file) = sqlite();
    let place = Place::Sqlite(file.clone());
    open(&place).prepare().await.expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    // As on a full disk: the account goes in, and its line in the trail does not.
    sqlx::raw_sql("CREATE TRIGGER full BEFORE INSERT ON trail BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
        .execute(&raw)
        .await
        .expect("written");
    let database = open(&place);
    let refused = insert(&database, &new("alice")).await;
    assert!(matches!(refused, Err(DatabaseError::Refused(ref why)) if why.contains("full")));
    assert!(database.find("alice").await.expect("read").is_none());
}

#[tokio::test]
async fn a_file_that_is_locked_is_waited_for_and_then_given_up() {
    let (_keep, file) = sqlite();
    let place = Place::Sqlite(file.clone());
    let database = open(&place);
    database.prepare().await.expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    let lock = raw.begin_with("BEGIN IMMEDIATE").await.expect("locked");
    assert!(matches!(insert(&database, &new("alice")).await, Err(DatabaseError::Timeout)));
    assert!(database.find("alice").await.expect("reading goes on").is_none());
    lock.rollback().await.expect("let go");
    assert!(matches!(insert(&database, &new("alice")).await, Ok(Inserted::Made)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_went_away_is_found_again() {
    let mut server = postgres::Server::start().await;
    let database = open(&server.place("postgres"));
    made(&database, new("alice")).await.expect("made");
    server.kill();
    assert!(matches!(
        database.find("alice").await,
        Err(DatabaseError::Unreachable(_) | DatabaseError::Timeout)
    ));
    server.restart().await;
    let found = async {
        while !matches!(database.find("alice").await, Ok(Some(_))) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.expect("found again");
}

#[tokio::test]
async fn a_server_that_is_not_there_says_so() {
    let place = Place::Postgres(Secret::new("postgres://user:hidden@%2Fnowhere/accounts".to_owned()));
    let error = open(&place).find("alice").await.err().expect("nobody is there");
    assert!(matches!(error, DatabaseError::Unreachable(_)), "{error}");
    assert!(!error.to_string().contains("hidden"), "{error}");
    let place = Place::Postgres(Secret::new("postgres://user:hidden@host:port/accounts".to_owned()));
    let error = Database::open(&place, Handle::current(), Tasks::default()).err().expect("no url");
    assert!(!error.to_string().contains("hidden"), "{error}");
}
