//! Another server takes over: it is found without a restart, and what was used before stays used.

use std::sync::Arc;

use super::super::super::Key;
use super::super::lines::tag;
use super::super::slots::{self, slot_of};
use super::*;

/// Long enough for servers that agree after half a second that one is dead, on a machine that does much else.
const TAKEN_OVER: Duration = Duration::from_secs(30);

const TICKET: Key = Key { space: Space::Ticket, digest: [9; 32] };

/// Waits until writing succeeds, and says how long that took.
async fn until_it_serves(store: &Store) -> Duration {
    let watch = stopwatch();
    let recovered = async {
        while use_all(store).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(TAKEN_OVER, recovered).await.expect("the store serves again");
    watch.elapsed()
}

/// Writes a session that has to survive, and uses a ticket up.
async fn use_before(store: &Store) {
    let ends = Clock::System.now().plus(10 * MINUTE);
    store.put(key(Space::Session, 7), b"session", ends).await.expect("written");
    store.put(TICKET, b"ticket", ends).await.expect("written");
}

async fn the_session_is_there(store: &Store) -> bool {
    store.get(key(Space::Session, 7)).await.expect("read").is_some()
}

#[tokio::test]
async fn sentinels_name_the_server_that_took_over_from_a_killed_one() {
    let mut fleet = Fleet::behind_sentinels().await;
    let store = serving(&fleet.settings("test:")).await;
    use_before(&store).await;
    hears(&store).await;
    let run = store.hearing();
    fleet.replicated(0, 2).await;
    fleet.servers[0].kill();
    let took = until_it_serves(&store).await;
    println!("without service for {took:?}");
    assert!(the_session_is_there(&store).await);
    hears(&store).await;
    assert_ne!(store.hearing(), run, "what was remembered is not believed");
}

#[tokio::test]
async fn an_old_primary_that_hangs_is_left_for_the_new_one() {
    let fleet = Fleet::behind_sentinels().await;
    let store = serving(&fleet.settings("test:")).await;
    use_before(&store).await;
    fleet.replicated(0, 2).await;
    fleet.servers[0].signal("STOP");
    until_it_serves(&store).await;
    assert!(the_session_is_there(&store).await);
    fleet.servers[0].signal("CONT");
    // It comes back as a primary, until a sentinel tells it otherwise; nobody writes to it meanwhile.
    fleet
        .wait_until("it is a replica", async |fleet| {
            fleet.info(0, "replication").await.contains("role:slave")
        })
        .await;
    use_all(&store).await.expect("the store serves");
}

#[tokio::test]
async fn a_primary_is_left_that_only_the_sentinels_know_to_be_an_old_one() {
    let fleet = Fleet::behind_sentinels().await;
    let store = serving(&fleet.settings("test:")).await;
    // The connection is fine, and the server believes in itself: a stranger that sentinels do not name.
    let port = free_port().to_string();
    let stranger = ["--port", &port, "--bind", "127.0.0.1", "--requirepass", "of the servers"];
    let stranger = Server::start_with_password(&stranger, "of the servers").await;
    fleet.monitor_instead(&port).await;
    let written = async {
        while stranger.ask::<i64>(&["EXISTS", "test:x"]).await.is_err()
            || !stranger.ask::<String>(&["INFO", "keyspace"]).await.expect("said").contains("db2")
        {
            // Whatever it answers: while it changes, it may fail.
            let _ = write(&store).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(TAKEN_OVER, written).await.expect("the store has moved there");
}

#[tokio::test]
async fn a_ticket_used_before_a_failover_stays_used_after_it() {
    let mut fleet = Fleet::behind_sentinels().await;
    let store = serving(&fleet.settings("test:")).await;
    use_before(&store).await;
    fleet.replicated(0, 2).await;
    cut_off(&fleet).await;
    assert_eq!(store.take(TICKET).await.expect("taken").as_deref(), Some(&b"ticket"[..]));
    fleet.servers[0].kill();
    fleet.servers[1].signal("CONT");
    fleet.servers[2].signal("CONT");
    until_it_serves(&store).await;
    let primary = fleet.other_primary(0).await.expect("one took over");
    let kept: Vec<String> = fleet.in_database(primary, &["KEYS", "test:t:*"]).await;
    assert!(!kept.is_empty(), "the new primary has never heard of it");
    assert_eq!(store.get(TICKET).await.expect("read"), None);
    assert_eq!(store.take(TICKET).await.expect("read"), None);
    assert!(the_session_is_there(&store).await);
}

/// Its process goes on all the time, and so does the store's connection to it, where nobody notices.
#[tokio::test]
async fn a_ticket_stays_used_when_its_server_was_a_replica_meanwhile_and_is_the_primary_again() {
    let ports: [String; 2] = std::array::from_fn(|_| free_port().to_string());
    let start = async |port: &str| {
        Server::start(&["--port", port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"]).await
    };
    let (one, other) = (start(&ports[0]).await, start(&ports[1]).await);
    let follow = async |server: &Server, port: &str| {
        server.ask::<()>(&["REPLICAOF", "127.0.0.1", port]).await.expect("told");
        until_said(server, "master_link_status:up").await;
    };
    follow(&other, &ports[0]).await;
    let store = serving(&settings(&format!("redis://127.0.0.1:{}", ports[0]))).await;
    use_before(&store).await;
    hears(&store).await;
    assert_eq!(one.ask::<i64>(&["WAIT", "1", "10000"]).await.expect("heard there"), 1);
    // Nobody is there: what comes now is not heard.
    other.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await.expect("told");
    assert!(store.take(TICKET).await.expect("taken").is_some());

    let run = store.hearing();
    other.ask::<()>(&["REPLICAOF", "NO", "ONE"]).await.expect("promoted");
    follow(&one, &ports[1]).await;
    one.ask::<()>(&["REPLICAOF", "NO", "ONE"]).await.expect("promoted again");
    let kept: Vec<String> = one.ask(&["KEYS", "test:t:*"]).await.expect("keys");
    assert!(!kept.is_empty(), "it has what the other had, which has never heard of it");
    let noticed = async {
        while store.hearing().is_none() || store.hearing() == run {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed).await.expect("noticed without a use");
    assert_eq!(store.take(TICKET).await.expect("asked"), None);
    assert!(the_session_is_there(&store).await);
}

async fn until_said(server: &Server, what: &str) {
    let said = async {
        while !server.ask::<String>(&["INFO", "replication"]).await.expect("said").contains(what) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), said).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_session_ended_before_a_failover_is_ended_again_after_it() {
    let mut fleet = Fleet::behind_sentinels().await;
    let store = serving(&fleet.settings("test:")).await;
    hears(&store).await;
    use_before(&store).await;
    fleet.replicated(0, 2).await;
    cut_off(&fleet).await;
    assert!(store.take(key(Space::Session, 7)).await.expect("taken").is_some());
    fleet.servers[0].kill();
    fleet.servers[1].signal("CONT");
    fleet.servers[2].signal("CONT");
    until_it_serves(&store).await;
    let primary = fleet.other_primary(0).await.expect("one took over");
    assert!(fleet.info(primary, "keyspace").await.contains("db2"), "the new primary has what was replicated");
    fleet.wait_until("it is gone there too", async |_| !the_session_is_there(&store).await).await;
}

/// The replicas hear nothing from here on.
async fn cut_off(fleet: &Fleet) {
    for replica in [1, 2] {
        fleet.servers[replica].signal("STOP");
    }
    fleet.ask::<i64>(0, &["CLIENT", "KILL", "TYPE", "replica"]).await;
}

#[tokio::test]
async fn a_cluster_goes_on_with_the_replica_of_a_killed_node() {
    let mut fleet = Fleet::cluster(3, true).await;
    let store = serving(&fleet.settings("test:")).await;
    use_before(&store).await;
    hears(&store).await;
    let run = store.hearing();
    let owner = owner_of(&fleet, key(Space::Session, 7)).await;
    fleet.replicated(owner, 1).await;
    fleet.servers[owner].kill();
    let took = until_it_serves_all(&store).await;
    println!("without service for {took:?}");
    assert!(the_session_is_there(&store).await);
    hears(&store).await;
    assert_ne!(store.hearing(), run, "what was remembered is not believed");
}

#[tokio::test]
async fn a_node_that_hangs_is_left_for_its_replica() {
    let fleet = Fleet::cluster(3, true).await;
    let store = serving(&fleet.settings("test:")).await;
    use_before(&store).await;
    let owner = owner_of(&fleet, key(Space::Session, 7)).await;
    fleet.replicated(owner, 1).await;
    fleet.servers[owner].signal("STOP");
    until_it_serves_all(&store).await;
    assert!(the_session_is_there(&store).await);
    fleet.servers[owner].signal("CONT");
    fleet
        .wait_until("it is a replica", async |fleet| {
            fleet.info(owner, "replication").await.contains("role:slave")
        })
        .await;
    use_all(&store).await.expect("the store serves");
}

#[tokio::test]
async fn keys_are_followed_while_they_move_and_after() {
    let fleet = Fleet::cluster(3, false).await;
    let store = serving(&fleet.settings("test:")).await;
    use_before(&store).await;
    let session = key(Space::Session, 7);
    let sign_on = session.beside(Space::SignOn, &[8; 32]);
    let from = owner_of(&fleet, session).await;
    let to = (from + 1) % 3;
    let slot = slot_of(tag(session.place()).as_bytes()).to_string();
    let ids: [String; 2] =
        [fleet.ask(from, &["CLUSTER", "MYID"]).await, fleet.ask(to, &["CLUSTER", "MYID"]).await];
    let [from_id, to_id] = &ids;
    fleet.ask::<()>(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", from_id]).await;
    fleet.ask::<()>(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", to_id]).await;
    // One that is not there yet is made at the new node already.
    let ends = Clock::System.now().plus(MINUTE);
    store.put(sign_on, b"sign-on", ends).await.expect("written");
    assert!(
        store
            .swap(session.beside(Space::Lock, &[1; 32]), None, b"", ends)
            .await
            .expect("a script is sent on")
    );
    // One half here, the other there: only for as long as that.
    assert!(matches!(
        store.get_pair([session, sign_on]).await,
        Err(StoreError::Timeout(_) | StoreError::Unreachable(_))
    ));
    let keys: Vec<String> = fleet.ask(from, &["CLUSTER", "GETKEYSINSLOT", &slot, "10"]).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let port = fleet.ports[to].to_string();
    fleet.ask::<String>(from, &["MIGRATE", "127.0.0.1", &port, &keys[0], "0", "5000"]).await;
    assert!(the_session_is_there(&store).await, "sent on to where it went");
    assert!(matches!(store.get_pair([session, sign_on]).await, Ok([Some(_), Some(_)])));
    for server in [to, from] {
        fleet.ask::<()>(server, &["CLUSTER", "SETSLOT", &slot, "NODE", to_id]).await;
    }
    assert!(the_session_is_there(&store).await, "sent on for good");
    assert!(store.take(session).await.expect("taken").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_lost_a_part_still_serves_the_rest() {
    let mut fleet = Fleet::cluster(3, false).await;
    for server in 0..3 {
        fleet.ask::<()>(server, &["CONFIG", "SET", "cluster-require-full-coverage", "no"]).await;
    }
    let store = Arc::new(serving(&fleet.settings("test:")).await);
    hears(&store).await;
    let lost = owner_of(&fleet, key(Space::Session, 7)).await;
    fleet.servers[lost].kill();
    let ends = Clock::System.now().plus(MINUTE);
    let elsewhere = async {
        for digest in 0..=255 {
            let key = key(Space::Session, digest);
            if owner_of_slot(&fleet, slot_of(tag(key.place()).as_bytes()), lost).await {
                continue;
            }
            store.put(key, b"", ends).await.expect("what lies elsewhere is served");
            return;
        }
    };
    elsewhere.await;
    let watch = stopwatch();
    let refused = store.get(key(Space::Session, 7)).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    assert!(watch.elapsed() < AT_ONCE);
    assert_eq!(store.hearing(), None, "a part of the changes would be missed");
    fleet.servers[lost].restart().await;
    serves_again(&store).await;
}

/// Until keys of every node are served.
async fn until_it_serves_all(store: &Store) -> Duration {
    let watch = stopwatch();
    let recovered = async {
        while store.ping().await.is_err() || use_all(store).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(TAKEN_OVER, recovered).await.expect("the store serves again");
    watch.elapsed()
}

/// The server of a cluster that this key lies on.
async fn owner_of(fleet: &Fleet, key: Key) -> usize {
    let slot = slot_of(tag(key.place()).as_bytes());
    for server in 0..fleet.servers.len() {
        if owner_of_slot(fleet, slot, server).await {
            return server;
        }
    }
    panic!("nobody has slot {slot}");
}

/// Whether a server has a slot, by what the others say; all start with equal shares.
async fn owner_of_slot(fleet: &Fleet, slot: u16, server: usize) -> bool {
    let asked = usize::from(server == 0);
    let said: redis::Value = fleet.ask(asked, &["CLUSTER", "SLOTS"]).await;
    let mut ranges = slots::read(&said, "127.0.0.1").into_iter();
    ranges.any(|range| (range.first..=range.last).contains(&slot) && range.port == fleet.ports[server])
}
