//! Interim answers over HTTP/2: some are passed over, and a server that sends nothing else is given up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::http2::call;
use super::{Gate, Raw, Setup, once};
use crate::route::Host;
use crate::tasks::Tasks;
use crate::upstream::{Balance, Protocol, Server, Servers, Target};

const POST: &str = "POST /0 HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";

/// Longer than anything here takes, and shorter than an answer may.
const SOON: Duration = Duration::from_secs(5);

/// An HTTP/2 server.
struct Upstream {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    /// On connections that come to interim answers without end, and how many of those were closed.
    requests: AtomicUsize,
    ended: AtomicUsize,
}

impl Upstream {
    /// On each of the first so many connections the request of this number, from 1, gets interim answers without end; if
    /// it is not the first, that one gets a 204. On later connections each request gets as many interim answers before
    /// the final one as its path says.
    async fn start(floods: usize, request: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Seen>::default());
        let (accepting, tasks) = (Arc::clone(&seen), Tasks::default());
        tasks.clone().spawn("upstream", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, number) =
                    (Arc::clone(&accepting), accepting.connections.fetch_add(1, Ordering::SeqCst));
                tasks.spawn("connection", async move {
                    if number >= floods {
                        return serve(stream).await;
                    }
                    flood(stream, request, &seen.requests).await;
                    seen.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen }
    }

    fn server(&self) -> Server {
        let host = Host::parse("127.0.0.1").unwrap();
        Server::Tcp { protocol: Protocol::H2c, host, port: self.address.port() }
    }

    async fn gate(&self) -> Gate {
        let mut setup = Setup::target(self.server());
        setup.timeouts.response = SOON * 10;
        setup.start().await
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

async fn reaches(count: &AtomicUsize, number: usize) {
    let reached = async {
        while count.load(Ordering::SeqCst) != number {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, reached).await.expect("as many");
}

/// Frame by frame, as long as anybody takes it.
async fn flood(mut stream: TcpStream, request: usize, requests: &AtomicUsize) {
    const HEADERS: u8 = 1;
    const END_STREAM: u8 = 1;
    const END_HEADERS: u8 = 4;
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    stream.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await.unwrap();
    let (mut asked, mut id) = (0, [0; 4]);
    while asked < request {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await.unwrap();
        if head[3] == HEADERS {
            asked += 1;
            requests.fetch_add(1, Ordering::SeqCst);
            id.copy_from_slice(&head[5..]);
            if asked == 1 && request > 1 {
                let no_content = [&[0, 0, 1, HEADERS, END_HEADERS | END_STREAM], &id[..], &[0x89]].concat();
                stream.write_all(&no_content).await.unwrap();
            }
        }
    }
    // Its block is `:status: 103`: the name by its number, the value as a literal.
    let early_hints = [&[0, 0, 5, HEADERS, END_HEADERS], &id[..], &[8, 3], b"103"].concat();
    let many = early_hints.repeat(1000);
    while stream.write_all(&many).await.is_ok() {}
}

/// As a gRPC server answers.
async fn serve(stream: TcpStream) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut answer))) = connection.accept().await {
        let times = request.uri().path().rsplit('/').next().unwrap().parse().unwrap();
        for _ in 0..times {
            let mut early_hints = Response::new(());
            *early_hints.status_mut() = StatusCode::EARLY_HINTS;
            answer.send_informational(early_hints).unwrap();
        }
        let mut body = answer.send_response(Response::new(()), false).unwrap();
        body.send_data(Bytes::from_static(b"hello"), false).unwrap();
        let status = ("grpc-status".parse().unwrap(), "0".parse().unwrap());
        body.send_trailers(HeaderMap::from_iter([status])).unwrap();
    }
}

fn get(times: usize) -> String {
    format!("GET /{times} HTTP/1.1\r\nHost: app\r\n\r\n")
}

async fn soon(gate: &Gate, request: impl AsRef<[u8]>) -> String {
    timeout(SOON, once(gate, request)).await.expect("an answer")
}

#[tokio::test]
async fn interim_answers_without_end_are_a_502_at_once_and_the_end_of_their_connection() {
    let upstream = Upstream::start(usize::MAX, 1).await;
    let gate = upstream.gate().await;
    for (request, connections) in [(POST, 1), (&get(0), 2)] {
        let answer = soon(&gate, request).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(answer.contains("sent more than 100 interim answers, and no other"), "{answer}");
        assert_eq!(upstream.connections(), connections, "{request}");
        reaches(&upstream.seen.ended, connections).await;
    }
}

#[tokio::test]
async fn the_next_request_goes_over_a_new_connection() {
    let upstream = Upstream::start(1, 1).await;
    let gate = upstream.gate().await;
    assert!(soon(&gate, POST).await.starts_with("HTTP/1.1 502 "));
    for request in [POST, &get(0)] {
        let answer = soon(&gate, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("hello"), "{answer}");
    }
    assert_eq!(upstream.connections(), 2);
    reaches(&upstream.seen.ended, 1).await;
}

#[tokio::test]
async fn a_request_on_the_same_connection_is_sent_again_if_it_may_be() {
    for (beside, status) in [(get(0).as_str(), "200"), (POST, "502")] {
        let upstream = Upstream::start(1, 3).await;
        let gate = upstream.gate().await;
        assert!(soon(&gate, get(0)).await.starts_with("HTTP/1.1 204 "));
        let mut first = Raw::to(&gate).await;
        first.send(beside).await;
        reaches(&upstream.seen.requests, 2).await;
        let (beside, answer) = tokio::join!(first.answer(), soon(&gate, POST));
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(beside.starts_with(&format!("HTTP/1.1 {status} ")), "{beside}");
        assert!(status == "200" || beside.contains("to this or another request"), "{beside}");
    }
}

/// What one visitor asks for may bring it about, and others are on the connection.
#[tokio::test]
async fn a_server_is_not_passed_over_for_it() {
    let (flooding, other) = (Upstream::start(usize::MAX, 1).await, Upstream::start(0, 0).await);
    let servers = vec![flooding.server(), other.server()];
    let target = Target::Servers(Servers { servers, balance: Balance::RoundRobin, ..Servers::default() });
    let gate = Setup::target(target).start().await;
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(soon(&gate, POST).await.starts_with("HTTP/1.1 502 "));
    }
    assert_eq!((failed, flooding.connections(), other.connections()), (10, 10, 1));
}

#[tokio::test]
async fn as_many_interim_answers_as_a_request_may_have_are_passed_over() {
    let upstream = Upstream::start(0, 0).await;
    let gate = upstream.gate().await;
    // One request after another on one connection: what one has had, the next may have too.
    for (times, status, connections) in [(3, "200", 1), (100, "200", 1), (100, "200", 1), (101, "502", 2)] {
        let answer = soon(&gate, get(times)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{times} times: {answer}");
        assert_eq!(upstream.connections(), connections, "{times} times");
    }
}

#[tokio::test]
async fn trailers_come_behind_interim_answers_too() {
    let upstream = Upstream::start(0, 0).await;
    let gate = upstream.gate().await;
    for times in ["/0", "/2", "/100"] {
        let (text, trailers) = call(&gate, times, &[("te", "trailers")], HeaderMap::new()).await;
        assert_eq!((text.as_str(), trailers.get("grpc-status")), ("hello", Some(&"0".parse().unwrap())));
    }
    assert_eq!(upstream.connections(), 1);
}
