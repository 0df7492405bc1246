//! One link in step with the others of its server.

use super::super::relay::Relay;
use super::super::server::{Server, free_port};
use super::*;

/// Nothing in these tests takes that long: whoever waits for it waits for ever.
const FOR_EVER: Duration = Duration::from_hours(1);

/// It makes one attempt, which may take as long as it likes, and another when it is woken.
fn patient(port: u16, siblings: &Siblings) -> Link {
    let patience = Patience { connect: FOR_EVER, first_pause: FOR_EVER };
    let supervisor = Supervisor { patience, ..Supervisor::new(find(port), None) };
    Link::start(supervisor, siblings.listen(), &CancellationToken::new(), &Tasks::default())
}

fn usual(port: u16, siblings: &Siblings) -> Link {
    Link::open(find(port), siblings, None, &CancellationToken::new(), &Tasks::default())
}

fn find(port: u16) -> Find {
    Find::fixed(Client::open(format!("redis://127.0.0.1:{port}?protocol=resp3")).expect("an address"))
}

async fn becomes(link: &Link, wanted: impl FnMut(&State) -> bool) {
    let mut states = link.states.now.subscribe();
    let turned = tokio::time::timeout(Duration::from_secs(10), states.wait_for(wanted)).await;
    turned.expect("in time").expect("the link is held");
}

fn is_up(state: &State) -> bool {
    matches!(state, State::Up(_))
}

async fn server() -> (Server, u16) {
    let port = free_port();
    (Server::start(&["--port", &port.to_string(), "--bind", "127.0.0.1"]).await, port)
}

#[tokio::test]
async fn a_link_that_sleeps_is_woken_by_one_that_reaches_the_server() {
    let (port, siblings) = (free_port(), Siblings::new());
    let sleeper = patient(port, &siblings);
    becomes(&sleeper, |state| matches!(state, State::Down(_))).await;
    let _server = Server::start(&["--port", &port.to_string(), "--bind", "127.0.0.1"]).await;
    let first = usual(port, &siblings);
    becomes(&first, is_up).await;
    becomes(&sleeper, is_up).await;
}

#[tokio::test]
async fn an_attempt_that_hangs_is_given_up_when_another_link_reaches_the_server() {
    let (_server, port) = server().await;
    let (relay, siblings) = (Relay::to(port).await, Siblings::new());
    relay.cut();
    let hanging = patient(relay.port, &siblings);
    // Until it has connected, and waits for a word.
    relay.visited().await;
    relay.mend();
    let first = usual(relay.port, &siblings);
    becomes(&first, is_up).await;
    becomes(&hanging, is_up).await;
}

#[tokio::test]
async fn a_link_that_nobody_uses_finds_its_connection_dead_once_another_has() {
    let (_server, port) = server().await;
    let (relay, siblings) = (Relay::to(port).await, Siblings::new());
    let (used, idle) = (usual(relay.port, &siblings), usual(relay.port, &siblings));
    becomes(&used, is_up).await;
    becomes(&idle, is_up).await;
    let (before, old) = (used.line_now().expect("up"), idle.line_now().expect("up").number);
    relay.cut();
    relay.mend();
    used.put_aside(&before);
    becomes(&idle, |state| matches!(state, State::Up(line) if line.number > old)).await;
}

#[tokio::test]
async fn a_link_that_nobody_uses_leaves_a_server_that_is_found_to_be_a_replica() {
    let (server, port) = server().await;
    let siblings = Siblings::new();
    let (used, idle) = (usual(port, &siblings), usual(port, &siblings));
    becomes(&used, is_up).await;
    becomes(&idle, is_up).await;
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await.expect("demoted");
    used.put_aside(&used.line_now().expect("up"));
    becomes(&idle, |state| matches!(state, State::Down(_))).await;
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]).await.expect("promoted");
    becomes(&idle, is_up).await;
}
