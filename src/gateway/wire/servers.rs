//! Several servers behind one app: who gets what, and what a dead one costs.

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderValue;

use super::{Gate, Raw, Recorder, Setup, Step, always, once, send};
use crate::route::Host;
use crate::upstream::{Balance, Health, Protocol, Server, Servers, Target};

const GET: &str = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";
const PUT: &str = "PUT / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";
const A: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
const B: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb";

fn server(address: SocketAddr) -> Server {
    let host = Host::parse(&address.ip().to_string()).unwrap();
    Server::Tcp { protocol: Protocol::Http, host, port: address.port() }
}

fn setup(balance: Balance, addresses: &[SocketAddr]) -> Setup {
    let servers = addresses.iter().copied().map(server).collect();
    Setup::target(Target::Servers(Servers { servers, balance, ..Servers::default() }))
}

/// Where nobody listens.
fn dead() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn two() -> (Recorder, Recorder) {
    (Recorder::start(|_| always(A)).await, Recorder::start(|_| always(B)).await)
}

/// The last letters of the answers to so many requests.
async fn letters(gate: &Gate, requests: usize) -> String {
    let mut letters = String::new();
    for _ in 0..requests {
        letters.extend(once(gate, GET).await.chars().last());
    }
    letters
}

#[tokio::test]
async fn round_robin_takes_turns() {
    let (a, b) = two().await;
    let gate = setup(Balance::RoundRobin, &[a.address, b.address]).start().await;
    assert_eq!(letters(&gate, 6).await, "ababab");
}

#[tokio::test]
async fn a_session_stays_with_its_server_as_long_as_that_lives() {
    let (a, b) = two().await;
    let mut seen = String::new();
    for affinity in 0..8 {
        let mut setup = setup(Balance::Sticky, &[a.address, b.address]);
        setup.affinity = affinity;
        let answers = letters(&setup.start().await, 3).await;
        assert!(answers == "aaa" || answers == "bbb", "{answers}");
        seen.push_str(&answers);
        let mut setup = self::setup(Balance::Sticky, &[a.address, dead()]);
        setup.affinity = affinity;
        assert_eq!(letters(&setup.start().await, 2).await, "aa");
    }
    assert!(seen.contains('a') && seen.contains('b'), "{seen}");
}

#[tokio::test]
async fn who_has_fewer_requests_gets_the_next() {
    let (a, b) = (Recorder::start(|_| vec![Step::Request, Step::Wait, send(A)]).await, two().await.1);
    let gate = setup(Balance::LeastRequests, &[a.address, b.address]).start().await;
    let mut clients = Vec::new();
    while a.requests() == 0 {
        let mut client = Raw::to(&gate).await;
        client.send(GET).await;
        clients.push(client);
        a.until("a request to arrive", |_| a.requests() + b.requests() == clients.len()).await;
    }
    assert_eq!(letters(&gate, 20).await, "b".repeat(20));
}

#[tokio::test]
async fn a_dead_server_costs_nobody_an_answer() {
    for balance in [Balance::LeastRequests, Balance::RoundRobin, Balance::Sticky] {
        let b = two().await.1;
        let gate = setup(balance, &[dead(), b.address, dead()]).start().await;
        for _ in 0..10 {
            for request in [GET, POST] {
                let answer = once(&gate, request).await;
                assert!(answer.starts_with("HTTP/1.1 200 "), "{balance:?}: {answer}");
            }
        }
        assert_eq!(b.requests(), 20);
    }
}

#[tokio::test]
async fn a_request_that_was_lost_goes_to_another_server_if_it_may() {
    for (request, status) in [(GET, "200"), (PUT, "200"), (POST, "502")] {
        let (a, b) = (Recorder::start(|_| vec![Step::Request, Step::Close]).await, two().await.1);
        let gate = setup(Balance::RoundRobin, &[a.address, b.address]).start().await;
        let answer = once(&gate, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(a.requests(), 1);
    }
}

#[tokio::test]
async fn a_request_that_was_lost_goes_to_another_server_over_a_new_connection() {
    let a = Recorder::start(|_| vec![Step::Request, Step::Close]).await;
    // Its first connection dies at the second request.
    let dying = || vec![Step::Request, send(B), Step::Request, Step::Close];
    let b = Recorder::start(move |number| if number == 0 { dying() } else { always(B) }).await;
    let gate = setup(Balance::RoundRobin, &[a.address, b.address]).start().await;
    assert_eq!(letters(&gate, 2).await, "bb");
    assert_eq!((a.requests(), b.requests(), b.connections()), (2, 2, 2));
}

/// Answers its first connection, reads one more request there and closes, and never answers another connection.
fn dying(number: usize) -> Vec<Step> {
    let end = vec![Step::Request, Step::Reset];
    if number == 0 { [vec![Step::Request, send(A)], end].concat() } else { end }
}

#[tokio::test]
async fn a_request_that_was_lost_over_an_old_connection_goes_to_another_server() {
    for request in [GET, PUT] {
        let (a, b) = (Recorder::start(dying).await, two().await.1);
        let gate = setup(Balance::RoundRobin, &[a.address, b.address]).start().await;
        assert_eq!(letters(&gate, 2).await, "ab");
        let answer = once(&gate, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with('b'), "{answer}");
        assert_eq!((a.requests(), b.requests()), (2, 2));
        // It may have been closed for its age: only the third that fails after it ends the server's turn.
        assert_eq!(letters(&gate, 4).await, "bbbb");
        assert_eq!((a.requests(), a.connections()), (5, 4));
    }
}

#[tokio::test]
async fn where_no_other_can_be_reached_it_goes_to_the_same_over_a_new_connection() {
    for request in [GET, PUT] {
        let closing = vec![Step::Request, send(A), Step::Request, Step::Close];
        let a = Recorder::start(move |number| if number == 0 { closing.clone() } else { always(A) }).await;
        // The first two fall to the second of them.
        let gate = setup(Balance::LeastRequests, &[dead(), a.address]).start().await;
        assert!(once(&gate, GET).await.ends_with('a'));
        let answer = once(&gate, request).await;
        assert!(answer.ends_with('a'), "{answer}");
        assert_eq!((a.requests(), a.connections()), (3, 2));
    }
}

#[tokio::test]
async fn a_session_stays_with_its_server_when_an_old_connection_of_that_was_closed() {
    let closing = || vec![Step::Request, send(A), Step::Request, Step::Close];
    let a = Recorder::start(move |number| if number == 0 { closing() } else { always(A) }).await;
    let b = Recorder::start(move |number| if number == 0 { closing() } else { always(A) }).await;
    let gate = setup(Balance::Sticky, &[a.address, b.address]).start().await;
    assert_eq!(letters(&gate, 3).await, "aaa");
    let mut requests = [a.requests(), b.requests()];
    requests.sort_unstable();
    assert_eq!(requests, [0, 4]);
}

#[tokio::test]
async fn with_no_server_left_the_answer_is_503_at_once() {
    let gate = setup(Balance::LeastRequests, &[dead(), dead()]).start().await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 502 "));
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn a_lone_server_is_always_tried() {
    let gate = setup(Balance::LeastRequests, &[dead()]).start().await;
    for _ in 0..5 {
        assert!(once(&gate, GET).await.starts_with("HTTP/1.1 502 "));
    }
}

#[tokio::test]
async fn a_server_that_is_not_well_gets_nothing_until_it_is() {
    let sick = "HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n";
    // Its checks come on connections of their own: the third finds it well, once it is let go on.
    let script = move |number| match number {
        0 | 1 => always(sick),
        2 => vec![Step::Request, Step::Wait, send(A)],
        _ => always(A),
    };
    let recorder = Recorder::start(script).await;
    let servers = vec![server(recorder.address)];
    let health = Health {
        path: "/healthz".parse().unwrap(),
        host: Some(HeaderValue::from_static("app.example.com")),
        interval: Duration::from_millis(10),
        timeout: Duration::from_secs(5),
        unhealthy_after: 1,
        healthy_after: 1,
    };
    let target = Target::Servers(Servers { servers, health: Some(health), ..Servers::default() });
    let gate = Setup::target(target).start().await;
    recorder.until("two checks", |recorder| recorder.is_closed(1)).await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 503 "));
    assert!(recorder.text(0).starts_with("GET /healthz HTTP/1.1\r\n"), "{}", recorder.text(0));
    assert!(recorder.text(0).contains("host: app.example.com\r\n"));
    recorder.go_on();
    recorder.until("another check", |recorder| recorder.is_closed(2)).await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 200 "));
}
