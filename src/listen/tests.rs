//! Raw bytes against real sockets.

mod proxy;
mod rest;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, Collected, StreamBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{
    Address, Arriving, Connection, Handler, HttpSettings, ListenerSettings, ProxyProtocol, Tls, Workers, bind,
};
use crate::body::{Body, BodyError};
use crate::observe::metrics::OpenConnections;
use crate::route::Host;
use crate::tasks::Shutdown;

/// Longer than anything here takes; a test that waits for it has failed.
const DEADLINE: Duration = Duration::from_secs(10);

/// Answers with the path, and echoes a body; `/slow` answers when the gate is opened, and `/waiting` ends then.
#[derive(Clone)]
struct Echo {
    gate: Arc<Semaphore>,
    /// One permit for each slow request that has begun, and each endless answer that was dropped.
    begun: Arc<Semaphore>,
}

impl Handler for Echo {
    async fn handle(&self, connection: Arc<Connection>, request: Arriving) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if path == "/slow" {
            self.begun.add_permits(1);
            self.gate.acquire().await.expect("the gate is never closed").forget();
        }
        if path == "/covers" {
            let host = Host::parse(request.uri().query().unwrap_or_default()).expect("a host");
            return Response::new(Body::from(connection.covers(&host).to_string()));
        }
        if path == "/ends" {
            return Response::new(Body::from(format!("{:?}", connection.peer)));
        }
        if path == "/endless" {
            let gone = Permit(Arc::clone(&self.begun));
            let frames = stream::repeat(Bytes::from_static(&[b'x'; 16 * 1024]));
            let frames = frames.map(move |bytes| Ok::<_, BodyError>((&gone, Frame::data(bytes)).1));
            return Response::new(Body::stream(StreamBody::new(frames)));
        }
        if path == "/waiting" {
            let gate = Arc::clone(&self.gate);
            let end = stream::once(async move {
                gate.acquire().await.expect("the gate is never closed").forget();
                Ok(Frame::data(Bytes::from_static(b"end")))
            });
            let begin = stream::iter([Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"begin ")))]);
            return Response::new(Body::stream(StreamBody::new(Box::pin(begin.chain(end)))));
        }
        if path == "/unread" {
            return Response::new(Body::from("refused"));
        }
        let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
        let text = format!("{path} {}", String::from_utf8_lossy(&body));
        Response::new(Body::from(text))
    }
}

/// Adds a permit when it is dropped.
struct Permit(Arc<Semaphore>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

struct Server {
    address: SocketAddr,
    gate: Arc<Semaphore>,
    begun: Arc<Semaphore>,
    shutdown: Shutdown,
    workers: Workers,
}

impl Server {
    fn start(settings: HttpSettings, tls: Option<&Arc<Tls>>) -> Self {
        Self::start_on(settings, tls, None)
    }

    fn start_on(
        settings: HttpSettings,
        tls: Option<&Arc<Tls>>,
        proxy_protocol: Option<ProxyProtocol>,
    ) -> Self {
        let listener = ListenerSettings {
            address: Address::Tcp("127.0.0.1:0".parse().expect("an address")),
            tls: tls.is_some(),
            redirect: false,
            proxy_protocol,
        };
        let bound = bind(&[listener], 2).expect("a port is free");
        let Address::Tcp(address) = bound.listeners()[0].address else { panic!("asked for TCP") };
        let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (shutdown, connections) = (Shutdown::default(), OpenConnections::default());
        let echo = Echo { gate: Arc::clone(&gate), begun: Arc::clone(&begun) };
        let workers = Workers::start(bound, settings, tls, &connections, &shutdown, move |_| echo.clone())
            .expect("threads start");
        Self { address, gate, begun, shutdown, workers }
    }

    fn plain() -> Self {
        Self::start(HttpSettings::new(64 * 1024), None)
    }

    async fn connect(&self) -> Raw {
        Raw(TcpStream::connect(self.address).await.expect("it listens"))
    }

    /// Waits until this many slow requests have begun.
    async fn begun(&self, requests: u32) {
        let begun = timeout(DEADLINE, self.begun.acquire_many(requests)).await;
        begun.expect("they begin in time").expect("never closed").forget();
    }

    /// Whether everything has ended.
    async fn ended(&self) -> bool {
        timeout(DEADLINE, self.workers.finished()).await.is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

/// A client that says what it is told to say.
struct Raw(TcpStream);

impl Raw {
    async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).await.expect("the server reads");
    }

    /// All that comes until the server closes.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        timeout(DEADLINE, self.0.read_to_end(&mut bytes)).await.expect("the server closes").ok();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What comes until this text has come.
    async fn until(&mut self, text: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let byte = timeout(DEADLINE, self.0.read_u8()).await.expect("an answer in time");
            bytes.push(
                byte.unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&bytes))),
            );
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let server = Server::plain();
    let mut client = server.connect().await;
    client
        .send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        .await;
    client.send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answers = client.rest().await;
    let places: Vec<_> = ["/1 ", "/2 hi", "/3 "].iter().map(|text| answers.find(text)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{answers}");
}

#[tokio::test]
async fn what_others_may_read_otherwise_is_refused_and_ends_the_connection() {
    let server = Server::plain();
    let get = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (good, bad) in [
        (get, "GET /2 HTTP/1.1\nHost: a\r\n\r\n"),
        (get, "GET /2 HTTP/1.1\r\nHost: a\n\r\n"),
        (get, "GET /2 HTTP/1.1\r\nHost: a\r\n\n"),
        (get, "GET /2 HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (&format!("{chunked}2;x\r\n\n\n\r\n0\r\nX: y\r\n\r\n"), "\r\nGET /2 HTTP/1.1\r\nHost: a\n\n"),
    ] {
        let mut client = server.connect().await;
        client.send(format!("{good}{bad}{get}")).await;
        let answers = client.rest().await;
        let counts = ["HTTP/1.1 200 OK", "HTTP/1.1 "].map(|text| answers.matches(text).count());
        assert!(counts == [1, 2] && answers.contains("HTTP/1.1 400 Bad Request"), "{bad:?}: {answers}");
    }
    for body in [
        "5 \r\nhello\r\n0\r\n\r\n",
        "5;\0\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "0\r\nX: y\n\r\n",
    ] {
        let mut client = server.connect().await;
        client.send(format!("{chunked}{body}{get}")).await;
        let answers = client.rest().await;
        assert!(
            !answers.contains("hello") && answers.matches("HTTP/1.1 ").count() < 2,
            "{body:?}: {answers}"
        );
    }
    let mut client = server.connect().await;
    client.send("GET /by-hand HTTP/1.1\nHost: a\nConnection: close\n\n").await;
    assert!(client.rest().await.contains("/by-hand"));
}

#[tokio::test]
async fn it_is_refused_at_once_wherever_it_goes_wrong_and_however_it_comes() {
    let server = Server::plain();
    for before in ["", "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"] {
        for last in ["\n", "X: y\n"] {
            let mut client = server.connect().await;
            client.send(before).await;
            if !before.is_empty() {
                client.until("/1 hi").await;
            }
            client.send("GET /2 HTTP/1.1\r\nHost: a\r\n").await;
            tokio::task::yield_now().await;
            client.send(last).await;
            let answered = timeout(DEADLINE / 2, client.rest()).await.expect("hyper does not wait for more");
            assert!(answered.starts_with("HTTP/1.1 400 "), "{before:?} {last:?}: {answered}");
        }
    }
}

#[tokio::test]
async fn what_comes_behind_an_upgrade_that_is_not_granted_is_nobodys() {
    let server = Server::plain();
    let mut client = server.connect().await;
    let upgrade = "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    client.send(format!("{upgrade}GET /2 HTTP/1.1\r\nHost: a\nX: y\r\n\r\n")).await;
    let answers = client.rest().await;
    assert!(answers.contains("connection: close") && answers.ends_with("/1 "), "{answers}");
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_answered_with_431() {
    let server = Server::start(HttpSettings::new(8 * 1024), None);
    let head = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(length));
    let mut client = server.connect().await;
    client.send(head(8 * 1024)).await;
    assert!(client.rest().await.starts_with("HTTP/1.1 431 "));
    let mut client = server.connect().await;
    client.send(head(7 * 1024)).await;
    assert!(client.until("\r\n").await.starts_with("HTTP/1.1 200 "));
    let mut client = server.connect().await;
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(100))).await;
    assert!(client.rest().await.starts_with("HTTP/1.1 431 "), "too many fields");
}

#[tokio::test]
async fn garbage_is_answered_with_400_and_closed() {
    let server = Server::plain();
    for garbage in ["\x16\x03\x01\x02", "GET / HTTP/1.1\r\n folded: x\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n"] {
        let mut client = server.connect().await;
        client.send(garbage).await;
        client.0.shutdown().await.expect("still open");
        assert!(client.rest().await.starts_with("HTTP/1.1 400 "), "{garbage:?}");
    }
}

#[tokio::test]
async fn http2_without_tls_is_not_spoken() {
    let server = Server::plain();
    let mut client = server.connect().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
}

fn hasty() -> HttpSettings {
    let soon = Duration::from_millis(100);
    HttpSettings { first_head: soon, idle: soon, handshake: soon, ..HttpSettings::new(64 * 1024) }
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_a_head_is_closed() {
    let server = Server::start(HttpSettings { idle: DEADLINE * 2, ..hasty() }, None);
    for beginning in ["", "GET / HTTP/1.1\r\nHost:"] {
        let mut client = server.connect().await;
        client.send(beginning).await;
        assert_eq!(client.rest().await, "", "after {beginning:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::start(HttpSettings { first_head: DEADLINE * 2, ..hasty() }, None);
    let mut client = server.connect().await;
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.rest().await.ends_with("/1 "));
}

#[tokio::test]
async fn a_connection_whose_client_reads_slowly_is_not_idle() {
    let server = Server::start(hasty(), None);
    let mut client = server.connect().await;
    let length = 32 * 1024 * 1024;
    client.send(format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
    client.send(vec![b'x'; length]).await;
    // Three times over another client's time has come.
    for _ in 0..3 {
        assert_eq!(server.connect().await.rest().await, "");
    }
    let answer = client.rest().await;
    assert!(answer.len() > length, "{} bytes", answer.len());
}

#[tokio::test]
async fn a_request_under_way_outlives_the_wait_for_the_first_head() {
    let server = Server::start(HttpSettings { idle: DEADLINE * 2, ..hasty() }, None);
    let mut client = server.connect().await;
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    // Another client's time is over, so the first one's is too.
    assert_eq!(server.connect().await.rest().await, "");
    server.gate.add_permits(1);
    assert!(client.rest().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_is_not_read_is_never_taken_for_a_request() {
    let server = Server::plain();
    let inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = server.connect().await;
    client.send(format!("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", inner.len())).await;
    let mut answers = client.until("refused").await;
    client.0.write_all(inner.as_bytes()).await.ok();
    client.0.shutdown().await.ok();
    answers += &client.rest().await;
    assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_goes_on_sending() {
    let server = Server::plain();
    let mut client = server.connect().await;
    let length = 512 * 1024;
    client.send(format!("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
    client.until("refused").await;
    for _ in 0..32 {
        client.send(vec![b'x'; length / 32]).await;
    }
    let mut rest = Vec::new();
    let closed = timeout(DEADLINE, client.0.read_to_end(&mut rest)).await.expect("in time");
    assert_eq!(closed.expect("closed, and not reset"), 0);
}

#[tokio::test]
async fn a_stop_finishes_the_request_under_way_and_closes_the_idle() {
    let server = Server::plain();
    let (mut busy, mut idle, mut silent) =
        (server.connect().await, server.connect().await, server.connect().await);
    idle.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.until("/1 ").await;
    busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.begun(1).await;
    server.shutdown.begin();
    assert_eq!((idle.rest().await, silent.rest().await), (String::new(), String::new()));
    server.gate.add_permits(1);
    let answer = busy.rest().await;
    assert!(answer.ends_with("/slow "), "{answer}");
    drop((busy, idle, silent));
    assert!(server.ended().await);
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_hard_stop_drops_what_is_under_way() {
    let server = Server::plain();
    let mut client = server.connect().await;
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.begun(1).await;
    server.shutdown.abort();
    assert_eq!(client.rest().await, "");
    assert!(server.ended().await);
}
