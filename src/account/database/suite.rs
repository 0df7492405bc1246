//! What the accounts database must do, run against SQLite and a real PostgreSQL.

mod at_once;
mod changes;
mod faults;
mod lines;
mod lists;
mod postgres;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::runtime::Handle;

use super::*;
use crate::account::{Approval, StoredHash};
use crate::clock::Timestamp;
use crate::subject::AccountId;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

macro_rules! contract {
    ($($theme:ident: $($name:ident)*;)*) => {
        $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (_keep, file) = sqlite();
            let place = Place::Sqlite(file);
            $theme::$name(open(&place), open(&place)).await.expect("the database serves");
        })*)*

        /// One server for all of them: making one takes longer than what is asked of it.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres_does_the_same() {
            let server = postgres::Server::start().await;
            $($(
                let name = stringify!($name);
                server.ask("postgres", &format!("CREATE DATABASE {name}")).await.expect("made");
                let place = server.place(name);
                println!("{name}");
                $theme::$name(open(&place), open(&place)).await.expect(name);
            )*)*
        }
    };
}

contract! {
    changes:
        an_account_is_found_by_name_address_and_id
        an_account_is_read_back_whole
        a_name_or_address_is_one_persons
        a_change_is_written_with_its_line
        a_change_that_is_refused_writes_nothing
        a_changed_address_must_be_free
        a_deleted_name_is_handed_to_nobody_unasked
        a_new_hash_is_no_new_password
        the_latest_sign_in_is_kept;
    at_once:
        of_fifty_inserts_of_one_address_one_wins
        no_change_is_lost_among_fifty
        of_two_who_decide_one_is_told
        many_may_open_a_new_database_at_once
        an_import_is_all_or_nothing;
    lists:
        accounts_are_listed_page_by_page
        accounts_are_searched_in_any_spelling
        groups_are_told_apart_exactly
        who_waits_longest_is_first
        a_deleted_account_is_still_called_by_its_name;
    lines:
        the_trail_is_read_backwards_and_filtered
        lines_sent_aside_are_all_written;
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

fn sqlite() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("accounts.db");
    (directory, file)
}
