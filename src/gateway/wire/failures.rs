//! What an upstream can do wrong before its answer has begun: the status, when, and how often it was asked.

use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::{Raw, Recorder, Setup, Step, send};
use crate::clock;
use crate::route::Host;
use crate::upstream::{Protocol, Server};

const GET: &str = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";
const PUT: &str = "PUT / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";
const POST: &str = "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";

/// The limit of whatever is waited for here.
const LIMIT: Duration = Duration::from_millis(300);

fn to(address: std::net::SocketAddr, protocol: Protocol) -> Setup {
    let host = Host::parse(&address.ip().to_string()).unwrap();
    let mut setup = Setup::target(Server::Tcp { protocol, host, port: address.port() });
    (setup.timeouts.connect, setup.timeouts.response) = (LIMIT, LIMIT);
    setup
}

/// The status of the answer to a request, and how long it took.
async fn asked(setup: Setup, request: &str) -> (String, Duration) {
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    let began: Instant = clock::stopwatch();
    client.send(request).await;
    let answer = client.answer().await;
    (answer.split(' ').nth(1).unwrap().to_owned(), began.elapsed())
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_a_502_and_is_asked_once() {
    let says = |text: &str, end| vec![Step::Request, send(text), end];
    for script in [
        vec![Step::Request, Step::Close],
        vec![Step::Request, Step::Reset],
        says("HTTP/1.1 20", Step::Close),
        says("HTTP/1.1 20", Step::Reset),
        says("HTTP/1.1 200 OK\r\nContent-Le", Step::Close),
        says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Step::Reset),
        says("HTTP/1.1 103 Early Hints\r\n\r\n", Step::Close),
        says("<html><body>as in HTTP/0.9</body></html>", Step::Close),
        says("220 mail.example.com ESMTP\r\n", Step::Close),
        says("\0\u{1}\u{2}\u{3}\r\n\r\n", Step::Close),
        says("HTTP/3.0 200 OK\r\n\r\n", Step::Close),
        says("HTTP/1.1 2000 OK\r\n\r\n", Step::Close),
    ] {
        for request in [GET, PUT, POST] {
            let steps = script.clone();
            let recorder = Recorder::start(move |_| steps.clone()).await;
            let (status, _) = asked(Setup::to(&recorder), request).await;
            let seen = (status.as_str(), recorder.requests(), recorder.connections());
            assert_eq!(seen, ("502", 1, 1), "{request:?} {script:?}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_hangs_up_without_reading_is_a_502_too() {
    for request in [GET, PUT, POST] {
        let recorder = Recorder::start(|_| vec![Step::Close]).await;
        let (status, _) = asked(Setup::to(&recorder), request).await;
        assert_eq!((status.as_str(), recorder.connections()), ("502", 1), "{request:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_a_504_in_time_and_is_asked_once() {
    for script in [
        vec![Step::Wait],
        vec![Step::Request, Step::Wait],
        vec![Step::Request, send("HTTP/1.1 200 OK\r\nContent-Le"), Step::Wait],
        vec![Step::Request, send("HTTP/1.1 102 Processing\r\n\r\n"), Step::Wait],
    ] {
        for request in [GET, PUT, POST] {
            let steps = script.clone();
            let recorder = Recorder::start(move |_| steps.clone()).await;
            let (status, took) = asked(to(recorder.address, Protocol::Http), request).await;
            assert_eq!((status.as_str(), recorder.connections()), ("504", 1), "{request:?} {script:?}");
            assert!(took >= LIMIT, "{took:?}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_come_to_the_point_of_being_asked_is_a_504_in_time() {
    // It accepts, and never begins to speak TLS or HTTP/2.
    for protocol in [Protocol::Https, Protocol::H2c] {
        let recorder = Recorder::start(|_| vec![Step::Wait]).await;
        let (status, took) = asked(to(recorder.address, protocol), GET).await;
        assert_eq!((status.as_str(), recorder.connections()), ("504", 1), "{protocol:?}");
        assert!(took >= LIMIT, "{took:?}");
    }
    // It does not even accept: its queue is full.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let waiting = (0..4).map(|_| {
        let caller = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        caller.set_nonblocking(true).unwrap();
        let _ = caller.connect(&address);
        caller
    });
    let _waiting: Vec<_> = waiting.collect();
    let (status, took) = asked(to(address.as_socket().unwrap(), Protocol::Http), GET).await;
    assert_eq!(status, "504");
    assert!(took >= LIMIT, "{took:?}");
}
