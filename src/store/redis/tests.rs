//! What is particular to Redis: the keys it is left with, ways to reach it, and every way in which it goes away.

mod broken;
mod failover;
mod tls;
mod together;

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::super::suite::{hears, key};
use super::super::{About, Change, RedisSettings, Servers, Settings, Space, Store, StoreError};
use super::fleet::Fleet;
use super::server::{Server, free_port, settings};
use crate::clock::{Clock, stopwatch};
use crate::secret::Secret;
use crate::tasks::Tasks;

/// Leaves the visitor's 503 inside its 250 ms, and a busy machine some slack.
const AT_ONCE: Duration = Duration::from_millis(300);
const MINUTE: Duration = Duration::from_mins(1);

async fn open(settings: &Settings) -> Store {
    Store::open(settings, Clock::System, &Tasks::default()).await.expect("opens")
}

/// Opens it, and waits for its first connection: how long that takes is not what the test is about.
async fn serving(settings: &Settings) -> Store {
    let store = open(settings).await;
    serves_again(&store).await;
    store
}

/// Uses every primitive once.
async fn use_all(store: &Store) -> Result<(), StoreError> {
    let ends = Clock::System.now().plus(MINUTE);
    store.put(key(Space::Session, 1), b"value", ends).await?;
    store.get(key(Space::Session, 1)).await?;
    store.swap(key(Space::SignIn, 1), None, b"value", ends).await?;
    store.put(key(Space::Ticket, 1), b"value", ends).await?;
    store.take(key(Space::Ticket, 1)).await?;
    for by in [1, -1, 0] {
        store.bump(key(Space::Counter, 1), by, MINUTE).await?;
    }
    store.reset(key(Space::Counter, 2)).await?;
    store.index_add(key(Space::Index, 1), b"one", ends).await?;
    store.index_add(key(Space::Index, 1), b"two", ends).await?;
    store.index_remove(key(Space::Index, 1), b"one").await?;
    store.index_members(key(Space::Index, 1)).await?;
    store.get_pair([key(Space::Session, 1), key(Space::SignOn, 1)]).await?;
    store.scan(Space::Session, None).await?;
    store.publish(Change { about: About::AccountChanged, id: [1; 32] }).await?;
    store.ping().await
}

async fn write(store: &Store) -> Result<(), StoreError> {
    store.put(key(Space::Session, 1), b"value", Clock::System.now().plus(MINUTE)).await
}

async fn serves_again(store: &Store) {
    let recovered = async {
        while write(store).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), recovered).await.expect("the store serves again");
}

/// Waits until the failure is known, and asserts that from then on it is told at once.
async fn is_unreachable_at_once(store: &Store) {
    let known = async {
        while !matches!(write(store).await, Err(StoreError::Unreachable(_))) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), known).await.expect("the failure is found");
    let watch = stopwatch();
    let answer = write(store).await;
    assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
    assert!(watch.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn every_key_carries_the_prefix_and_an_expiry() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    use_all(&store).await.expect("the store serves");
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await.expect("keys");
    assert_eq!(keys.len(), 5, "{keys:?}");
    for key in keys {
        assert!(key.starts_with("test:"), "{key}");
        let lifetime: i64 = server.ask(&["PTTL", &key]).await.expect("a lifetime");
        let expected = if key.starts_with("test:ping:") { 1..=1_000 } else { 50_000..=61_000 };
        assert!(expected.contains(&lifetime), "{key} lives {lifetime} ms");
    }
}

#[tokio::test]
async fn an_index_lives_as_long_as_its_last_member() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    let now = Clock::System.now();
    store.index_add(key(Space::Index, 1), b"long", now.plus(10 * MINUTE)).await.expect("added");
    store.index_add(key(Space::Index, 1), b"short", now.plus(MINUTE)).await.expect("added");
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await.expect("keys");
    let lifetime: i64 = server.ask(&["PTTL", &keys[0]]).await.expect("a lifetime");
    assert!(lifetime > 500_000, "{lifetime}");
}

#[tokio::test]
async fn two_prefixes_share_a_database_apart() {
    let server = Server::start(&[]).await;
    let url = format!("redis+unix://{}", server.socket().display());
    let own = Settings::Redis(RedisSettings::one(&url, "own:"));
    let (own, other) = (open(&own).await, open(&server.settings()).await);
    write(&own).await.expect("written");
    assert_eq!(other.get(key(Space::Session, 1)).await.expect("read"), None);
    assert!(own.get(key(Space::Session, 1)).await.expect("read").is_some());
}

/// Makes the user `gate` with the rights that the documentation names.
async fn allow_what_is_documented(server: &Server) {
    let documentation = include_str!("mod.rs");
    let rules = documentation.split('`').find(|part| part.starts_with("+@connection")).expect("the list");
    let rules = rules.replace("//!", "");
    let mut command = vec!["ACL", "SETUSER", "gate", "on", ">p@ss word", "~test:*", "&test:*", "-@all"];
    command.extend(rules.split_whitespace());
    server.ask::<()>(&command).await.expect("the user is made");
}

async fn nothing_was_denied(server: &Server) {
    let denied: Vec<redis::Value> = server.ask(&["ACL", "LOG"]).await.expect("the log");
    assert!(denied.is_empty(), "{denied:?}");
}

#[tokio::test]
async fn the_access_list_of_the_documentation_suffices() {
    let server = Server::start(&[]).await;
    allow_what_is_documented(&server).await;
    let url = format!("redis+unix://{}?user=gate&pass=p%40ss+word", server.socket().display());
    let store = serving(&settings(&url)).await;
    use_all(&store).await.expect("the store serves");
    hears(&store).await;
    nothing_was_denied(&server).await;
}

#[tokio::test]
async fn the_access_list_of_the_documentation_suffices_on_a_cluster() {
    let fleet = Fleet::cluster(3, false).await;
    for server in &fleet.servers {
        allow_what_is_documented(server).await;
    }
    let urls = fleet.ports.iter().map(|port| format!("redis://gate:p%40ss%20word@127.0.0.1:{port}"));
    let servers = Servers::Cluster(urls.map(Secret::new).collect());
    let store = serving(&Settings::Redis(RedisSettings { servers, ..RedisSettings::one("", "test:") })).await;
    use_all(&store).await.expect("the store serves");
    hears(&store).await;
    for server in &fleet.servers {
        nothing_was_denied(server).await;
    }
}

#[tokio::test]
async fn user_password_and_database_may_stand_in_the_url() {
    let port = free_port().to_string();
    let server = Server::start(&["--port", &port, "--bind", "127.0.0.1"]).await;
    server
        .ask::<()>(&["ACL", "SETUSER", "gate", "on", ">secret", "~*", "+@all"])
        .await
        .expect("the user is made");
    let _store = serving(&settings(&format!("redis://gate:secret@127.0.0.1:{port}/3"))).await;
    let keyspace: String = server.ask(&["INFO", "keyspace"]).await.expect("the databases");
    assert!(keyspace.contains("db3:keys=1"), "{keyspace}");

    let refused = open(&settings(&format!("redis://gate:wrong@127.0.0.1:{port}/3"))).await;
    is_unreachable_at_once(&refused).await;
    let why = write(&refused).await.expect_err("refused").to_string();
    assert!(!why.contains("wrong@") && !why.contains("secret"), "{why}");
    assert!(why.contains("`store.redis`"), "the place is named: {why}");
}

#[tokio::test]
async fn urls_that_cannot_work_are_refused_at_once() {
    for url in
        ["", "127.0.0.1:6379", "http://localhost", "redis://h/x", "rediss://h:1#insecure", "redis://0.0.0.0"]
    {
        let opened = Store::open(&settings(url), Clock::System, &Tasks::default()).await;
        assert!(matches!(opened.err(), Some(StoreError::Refused(_))), "{url}");
    }
}

#[tokio::test]
async fn a_killed_server_is_missed_at_once_and_found_again() {
    let mut server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    write(&store).await.expect("the store serves");
    server.kill();
    let watch = stopwatch();
    let answer = write(&store).await;
    assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
    assert!(watch.elapsed() < AT_ONCE);
    is_unreachable_at_once(&store).await;
    server.restart().await;
    serves_again(&store).await;
    use_all(&store).await.expect("scripts are loaded again");
}

#[tokio::test]
async fn a_hanging_server_times_out_and_is_found_again() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    write(&store).await.expect("the store serves");
    server.signal("STOP");
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        let watch = stopwatch();
        let answer = write(&store).await;
        assert!(matches!(answer, Err(StoreError::Timeout(_))), "{answer:?}");
        quickest = quickest.min(watch.elapsed());
    }
    assert!(quickest < AT_ONCE, "{quickest:?}");
    is_unreachable_at_once(&store).await;
    server.signal("CONT");
    serves_again(&store).await;
}

#[tokio::test]
async fn a_hanging_server_ends_what_is_believed() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    hears(&store).await;
    let before = store.hearing();
    server.signal("STOP");
    // Nobody uses the connection: the pulse finds out.
    let noticed = async {
        while store.hearing().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), noticed).await.expect("noticed");
    server.signal("CONT");
    hears(&store).await;
    assert_ne!(store.hearing(), before);
}

#[tokio::test]
async fn without_the_right_to_subscribe_the_store_serves_and_believes_nothing() {
    let server = Server::start(&[]).await;
    let user = ["ACL", "SETUSER", "gate", "on", ">secret", "~*", "&*", "+@all", "-subscribe"];
    server.ask::<()>(&user).await.expect("the user is made");
    let url = format!("redis+unix://{}?user=gate&pass=secret", server.socket().display());
    let store = serving(&settings(&url)).await;
    use_all(&store).await.expect("the store serves");
    assert_eq!(store.hearing(), None);
}

#[tokio::test]
async fn a_prefix_is_taken_literally() {
    let server = Server::start(&[]).await;
    let url = format!("redis+unix://{}", server.socket().display());
    let of = |prefix: &str| Settings::Redis(RedisSettings::one(&url, prefix));
    let other = serving(&of("aXb:")).await;
    write(&other).await.expect("written");
    for prefix in ["a?b:", "a*:", "a[A-Z]b:", "a\\b:"] {
        let store = serving(&of(prefix)).await;
        assert_eq!(store.scan(Space::Session, None).await.expect("a page").records.len(), 1, "{prefix}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_found_later() {
    let mut server = Server::start(&[]).await;
    server.kill();
    let store = open(&server.settings()).await;
    let watch = stopwatch();
    let answer = write(&store).await;
    assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
    assert!(watch.elapsed() < AT_ONCE);
    server.restart().await;
    serves_again(&store).await;
}

#[tokio::test]
async fn a_closed_idle_connection_costs_nobody_an_error() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    write(&store).await.expect("the store serves");
    let before: String = server.ask(&["INFO", "stats"]).await.expect("the statistics");
    server.ask::<i64>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await.expect("killed");
    let lost = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.and_then(|count| count.parse::<u32>().ok()).expect("a number")
    };
    // The gateway's new connection, and the one that asks.
    let renewed = async {
        loop {
            let now: String = server.ask(&["INFO", "clients"]).await.expect("the clients");
            if now.contains("connected_clients:2") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), renewed).await.expect("connected before the next use");
    let after: String = server.ask(&["INFO", "stats"]).await.expect("the statistics");
    assert!(lost(&after) > lost(&before));
    write(&store).await.expect("the store serves");
}

#[tokio::test]
async fn a_replica_is_left_until_it_is_a_primary_again() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    write(&store).await.expect("the store serves");
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await.expect("demoted");
    for _ in 0..3 {
        let answer = write(&store).await;
        assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
    }
    let scripted = store.bump(key(Space::Counter, 1), 1, MINUTE).await;
    assert!(matches!(scripted, Err(StoreError::Unreachable(_))), "{scripted:?}");
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]).await.expect("promoted");
    serves_again(&store).await;
}

#[tokio::test]
async fn a_full_server_refuses_and_serves_again_when_it_has_room() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]).await;
    let store = open(&server.settings()).await;
    write(&store).await.expect("the store serves");
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await.expect("set");
    assert!(matches!(write(&store).await, Err(StoreError::Refused(_))));
    assert!(matches!(store.ping().await, Err(StoreError::Refused(_))));
    let counted = store.bump(key(Space::Counter, 1), 1, MINUTE).await;
    assert!(matches!(counted, Err(StoreError::Refused(_))), "{counted:?}");
    assert!(store.get(key(Space::Session, 1)).await.expect("reading goes on").is_some());
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await.expect("set");
    write(&store).await.expect("the store serves");
}

#[tokio::test]
async fn scripts_may_be_forgotten() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    use_all(&store).await.expect("the store serves");
    server.ask::<()>(&["SCRIPT", "FLUSH"]).await.expect("flushed");
    use_all(&store).await.expect("the store serves");
}

#[tokio::test]
async fn a_runtime_that_ends_takes_no_connection_with_it() {
    let server = Server::start(&[]).await;
    let store = Arc::new(open(&server.settings()).await);
    write(&store).await.expect("the store serves");
    for _ in 0..3 {
        let used = Arc::clone(&store);
        let elsewhere = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(write(&used))
        });
        let written = tokio::task::spawn_blocking(|| elsewhere.join()).await.expect("joined");
        written.expect("no panic").expect("the store serves there");
        write(&store).await.expect("the store serves here");
    }
    let clients: String = server.ask(&["CLIENT", "LIST"]).await.expect("the clients");
    assert_eq!(clients.lines().filter(|line| !line.contains("cmd=client")).count(), 1, "{clients}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_do_not_stampede_a_server_that_hangs_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = connection.expect("a connection").write_all(b"-ERR go away\r\n");
        }
    });
    let store = open(&settings(&format!("redis://127.0.0.1:{port}"))).await;
    let watch = stopwatch();
    let mut failures = 0_u32;
    while watch.elapsed() < Duration::from_secs(1) {
        write(&store).await.expect_err("nobody serves");
        failures += 1;
    }
    assert!(failures > 100, "requests fail fast: {failures} in a second");
    let attempts = attempts.load(Ordering::SeqCst);
    assert!((2..=10).contains(&attempts), "{attempts} attempts in a second");
}

#[tokio::test]
async fn the_task_ends_with_the_store() {
    let server = Server::start(&[]).await;
    let open_clients = async || {
        let clients: String = server.ask(&["CLIENT", "LIST"]).await.expect("the clients");
        clients.lines().filter(|line| !line.contains("cmd=client")).count()
    };
    for close in [true, false] {
        let store = open(&server.settings()).await;
        write(&store).await.expect("the store serves");
        assert_eq!(open_clients().await, 1);
        if close {
            store.close().await;
        }
        drop(store);
        let closed = async {
            while open_clients().await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), closed).await.expect("the connection is closed");
    }
}
