//! What is particular to the file: it stays, it is private, and whatever befalls it is an error and no panic.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::suite::key;
use super::super::{Space, StoreError};
use super::*;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const MINUTE: Duration = Duration::from_mins(1);

async fn open(file: &Path) -> Embedded {
    Embedded::open(file, Clock::manual(START), &Tasks::default()).await.expect("opens")
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("data").join("state.db");
    (directory, file)
}

async fn write(store: &Embedded, bytes: &[u8]) -> Result<(), StoreError> {
    store.put(key(Space::Session, 1), bytes, START.plus(MINUTE)).await
}

async fn run(store: &Embedded, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&store.writer).await.expect("runs");
}

#[tokio::test]
async fn everything_stays_over_a_restart() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    write(&store, b"value").await.expect("written");
    store.bump(key(Space::Counter, 1), 2, MINUTE).await.expect("counted");
    store.index_add(key(Space::Index, 1), b"member", START.plus(MINUTE)).await.expect("added");
    let version = store.get(key(Space::Session, 1)).await.expect("read").expect("there").version;
    store.close().await;

    let store = open(&file).await;
    let record = store.get(key(Space::Session, 1)).await.expect("read").expect("there");
    assert_eq!((record.value.as_slice(), record.version), (&b"value"[..], version));
    assert_eq!(store.bump(key(Space::Counter, 1), 1, MINUTE).await.expect("counted").value, 3);
    assert_eq!(store.index_members(key(Space::Index, 1)).await.expect("read"), [b"member"]);
}

#[tokio::test]
async fn what_was_written_survives_a_crash() {
    let (_directory, file) = directory();
    let crashed = open(&file).await;
    write(&crashed, b"value").await.expect("written");
    // The first is never closed: its log is still beside the file.
    let store = open(&file).await;
    assert!(store.get(key(Space::Session, 1)).await.expect("read").is_some());
}

#[tokio::test]
async fn the_files_are_private() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    write(&store, b"value").await.expect("written");
    let mode = |path: &Path| path.metadata().expect("is there").permissions().mode() & 0o777;
    let directory = file.parent().expect("a directory");
    assert_eq!(mode(directory), 0o700);
    let names: Vec<_> =
        directory.read_dir().expect("a list").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(names.len(), 3, "the database and its log: {names:?}");
    for name in names {
        assert_eq!(mode(&name), 0o600, "{name:?}");
    }
}

#[tokio::test]
async fn many_may_open_a_new_file_at_once() {
    let (_directory, file) = directory();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let file = file.clone();
            std::thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async { write(&open(&file).await, b"value").await })
            })
        })
        .collect();
    for opened in opening {
        opened.join().expect("no panic").expect("written");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let (_directory, file) = directory();
    std::fs::create_dir(file.parent().expect("a directory")).expect("made");
    std::fs::write(&file, [b'x'; 10_000]).expect("written");
    let error = Embedded::open(&file, Clock::System, &Tasks::default()).await.err().expect("refused");
    assert!(matches!(&error, StoreError::Corrupt(why) if why.contains("state.db")), "{error:?}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_refused_by_name() {
    let (directory, _) = directory();
    std::fs::write(directory.path().join("file"), "").expect("written");
    let error = Embedded::open(&directory.path().join("file/state.db"), Clock::System, &Tasks::default())
        .await
        .err()
        .expect("refused");
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("file/state.db")), "{error:?}");
}

#[tokio::test]
async fn a_newer_layout_is_left_alone() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    run(&store, "PRAGMA user_version = 99").await;
    store.close().await;
    let error = Embedded::open(&file, Clock::System, &Tasks::default()).await.err().expect("refused");
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("newer")), "{error:?}");
}

#[tokio::test]
async fn a_broken_page_is_an_error_and_no_session() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    write(&store, b"value").await.expect("written");
    store.close().await;
    let mut bytes = std::fs::read(&file).expect("read");
    let (_, pages) = bytes.split_at_mut(4096);
    pages.fill(0xff);
    std::fs::write(&file, bytes).expect("written");
    let store = open(&file).await;
    let read = store.get(key(Space::Session, 1)).await;
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    let written = write(&store, b"value").await;
    assert!(matches!(written, Err(StoreError::Corrupt(_))), "{written:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_goes_on_reading() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    write(&store, b"value").await.expect("written");
    // The lowest limit it accepts is the size that it has.
    run(&store, "PRAGMA max_page_count = 1").await;
    let full = write(&store, &vec![0; 100_000]).await;
    assert!(matches!(&full, Err(StoreError::Refused(why)) if why.contains("full")), "{full:?}");
    assert!(store.get(key(Space::Session, 1)).await.expect("read").is_some());
    run(&store, "PRAGMA max_page_count = 1000").await;
    write(&store, &vec![0; 100_000]).await.expect("there is room again");
}

#[tokio::test]
async fn a_read_only_file_refuses_writes_and_goes_on_reading() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    write(&store, b"value").await.expect("written");
    run(&store, "PRAGMA query_only = ON").await;
    let refused = write(&store, b"value").await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert!(store.get(key(Space::Session, 1)).await.expect("read").is_some());
}

#[tokio::test]
async fn another_process_that_holds_the_lock_is_waited_for_within_the_deadline() {
    let (_directory, file) = directory();
    let (store, other) = (open(&file).await, open(&file).await);
    let held = other.writer.begin_with("BEGIN IMMEDIATE").await.expect("locked");
    for answer in [write(&store, b"value").await, store.ping().await] {
        assert!(matches!(answer, Err(StoreError::Timeout(_))), "{answer:?}");
    }
    assert_eq!(store.get(key(Space::Session, 1)).await.expect("reading goes on"), None);
    held.rollback().await.expect("unlocked");
    write(&store, b"value").await.expect("written");
}

#[tokio::test]
async fn sweeping_removes_what_has_ended_and_nothing_else() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    for digest in [1, 2] {
        let length = MINUTE * u32::from(digest);
        store.put(key(Space::Session, digest), b"value", START.plus(length)).await.expect("written");
        store.bump(key(Space::Counter, digest), 1, length).await.expect("counted");
        store.index_add(key(Space::Index, 1), &[digest], START.plus(length)).await.expect("added");
    }
    assert_eq!(store.sweep().await.expect("swept"), 0);
    store.clock.advance(MINUTE);
    assert_eq!(store.sweep().await.expect("swept"), 3);
    assert_eq!(store.sweep().await.expect("swept"), 0);
    assert!(store.get(key(Space::Session, 2)).await.expect("read").is_some());
    assert_eq!(store.bump(key(Space::Counter, 2), 0, MINUTE).await.expect("read").value, 1);
    assert_eq!(store.index_members(key(Space::Index, 1)).await.expect("read"), [[2]]);
}

#[tokio::test]
async fn a_sweep_holds_the_writer_for_one_batch_only() {
    let (_directory, file) = directory();
    let store = open(&file).await;
    run(
        &store,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
         INSERT INTO records SELECT CAST(i AS BLOB), x'00', x'00', 0 FROM n",
    )
    .await;
    assert_eq!(store.sweep().await.expect("swept"), 1_000);
    assert_eq!(store.sweep().await.expect("swept"), 500);
}
