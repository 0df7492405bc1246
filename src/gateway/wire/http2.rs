//! HTTP/2 to upstreams: shared connections, trailers, and what becomes of both when one side leaves.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::tls::Authority;
use super::{Gate, Raw, Setup, once, values};
use crate::body::Body;
use crate::route::Host;
use crate::tasks::{Shutdown, Tasks};
use crate::upstream::{Balance, Protocol, Server, Servers, Target, Trust};

const GET: &str = "GET /say HTTP/1.1\r\nHost: app\r\n\r\n";

/// A server that speaks HTTP/2 and says what it got.
#[derive(Clone)]
struct Upstream {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    /// A request for `/wait` ends when it gets a permit, or its stream is reset.
    answer: Semaphores,
    waiting: AtomicUsize,
    over: Mutex<Shutdown>,
}

struct Semaphores(Semaphore);

impl Default for Semaphores {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Upstream {
    async fn start(acceptor: Option<TlsAcceptor>, most: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (accepting, tasks) = (upstream.clone(), Tasks::default());
        tasks.clone().spawn("upstream", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, acceptor) = (Arc::clone(&accepting.seen), acceptor.clone());
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tasks.spawn("connection", async move {
                    match acceptor {
                        None => serve(stream, true, seen, most).await,
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                            serve(stream, http2, seen, most).await;
                        }
                    }
                });
            }
        });
        upstream
    }

    fn server(&self, protocol: Protocol) -> Server {
        Server::Tcp { protocol, host: Host::parse("127.0.0.1").unwrap(), port: self.address.port() }
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Closes every connection as a server does that is restarted.
    fn restart(&self) {
        std::mem::take(&mut *self.seen.over.lock().unwrap()).begin();
    }

    async fn waits_for(&self, requests: usize) {
        let reached = async {
            while self.seen.waiting.load(Ordering::SeqCst) != requests {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(super::PATIENCE, reached).await.expect("as many requests");
    }
}

async fn serve<S>(stream: S, http2: bool, seen: Arc<Seen>, most: u32)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let over = seen.over.lock().unwrap().clone();
    let service = service_fn(move |request| say(request, Arc::clone(&seen)));
    let stream = TokioIo::new(stream);
    if !http2 {
        let _ = http1::Builder::new().serve_connection(stream, service).await;
        return;
    }
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let mut served = std::pin::pin!(builder.max_concurrent_streams(most).serve_connection(stream, service));
    tokio::select! {
        _ = &mut served => return,
        () = over.begun() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Answers with the request as text, and with trailers good and bad.
async fn say(request: Request<Incoming>, seen: Arc<Seen>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/wait" {
        seen.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&seen.waiting);
        seen.answer.0.acquire().await.unwrap().forget();
    }
    if request.uri().path() == "/break" {
        let reason = if seen.answer.0.try_acquire().is_ok() {
            h2::Reason::NO_ERROR
        } else {
            h2::Reason::INTERNAL_ERROR
        };
        let data = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"half")))]);
        let error = futures_util::stream::once(async move {
            // So that what was sent before is not overtaken.
            tokio::task::yield_now().await;
            Err(h2::Error::from(reason))
        });
        return Ok(Response::new(Body::stream(StreamBody::new(data.chain(error)))));
    }
    let (head, body) = request.into_parts();
    let mut text = format!("{:?} {} {}\r\n", head.version, head.method, head.uri);
    let lines = |text: &mut String, prefix: &str, headers: &HeaderMap| {
        for (name, value) in headers {
            let _ = write!(text, "{prefix}{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
        }
    };
    lines(&mut text, "", &head.headers);
    if let Ok(body) = body.collect().await {
        lines(&mut text, "trailer-", body.trailers().unwrap_or(&HeaderMap::new()));
        let _ = write!(text, "length: {}\r\n", body.to_bytes().len());
    }
    if head.version < Version::HTTP_2 {
        return Ok(Response::new(Body::from(text)));
    }
    let trailers = ["grpc-status", "set-cookie", "remote-user", "content-length"];
    let trailers = trailers.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("0")));
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from(text))),
        Ok(Frame::trailers(trailers.into_iter().collect())),
    ];
    Ok(Response::new(Body::stream(StreamBody::new(futures_util::stream::iter(frames)))))
}

/// One request over HTTP/2: the answer's text and its trailers.
pub async fn call(
    gate: &Gate,
    path: &str,
    headers: &[(&'static str, &'static str)],
    trailers: HeaderMap,
) -> (String, HeaderMap) {
    let stream = TokioIo::new(TcpStream::connect(gate.address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    Tasks::default().spawn("client", async { drop(connection.await) });
    let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hi"))), Ok(Frame::trailers(trailers))];
    let mut request = Request::post(format!("http://app{path}"))
        .body(StreamBody::new(futures_util::stream::iter(frames)))
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    let trailers = answer.trailers().cloned().unwrap_or_default();
    (String::from_utf8(answer.to_bytes().to_vec()).unwrap(), trailers)
}

#[tokio::test]
async fn requests_share_one_connection() {
    let upstream = Upstream::start(None, 100).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).signed_in().start().await;
    let (one, two, three) = tokio::join!(once(&gate, GET), once(&gate, GET), once(&gate, GET));
    for answer in [one, two, three] {
        assert!(answer.contains("HTTP/2.0 GET http://app/say\r\n"), "{answer}");
        assert_eq!(values(&answer, "remote-user"), ["alice"]);
        assert!(values(&answer, "host").is_empty() && values(&answer, "te").is_empty());
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_post_has_its_length_and_an_upgrade_is_an_ordinary_request() {
    let upstream = Upstream::start(None, 100).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).start().await;
    let answer = once(&gate, "POST /say HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi").await;
    assert!(values(&answer, "content-length").contains(&"2".to_owned()), "{answer}");
    let upgrade = "GET /say HTTP/1.1\r\nHost: app\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = once(&gate, upgrade).await;
    assert!(answer.contains("HTTP/2.0 GET"), "{answer}");
}

#[tokio::test]
async fn trailers_pass_but_for_what_nobody_may_say_there() {
    let upstream = Upstream::start(None, 100).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).signed_in().start().await;
    let trailers = || {
        ["x-sum", "remote-user", "remote_user", "cookie", "authorization", "x-forwarded-for"]
            .map(|name| (HeaderName::from_static(name), HeaderValue::from_static("7")))
            .into_iter()
            .collect::<HeaderMap>()
    };
    let (text, answered) = call(&gate, "/say", &[("te", "trailers")], trailers()).await;
    assert_eq!(values(&text, "te"), ["trailers"]);
    let passed: Vec<_> = text.lines().filter(|line| line.starts_with("trailer-")).collect();
    assert_eq!(passed, ["trailer-x-sum: 7"]);
    assert_eq!(answered.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["grpc-status"]);
    let (text, _) = call(&gate, "/say", &[], trailers()).await;
    assert!(values(&text, "te").is_empty(), "{text}");
}

#[tokio::test]
async fn a_server_chooses_http2_and_upgrades_go_by_http1() {
    let authority = Authority::new();
    let upstream =
        Upstream::start(Some(authority.acceptor("127.0.0.1", false, &["h2", "http/1.1"])), 100).await;
    let mut setup = Setup::target(upstream.server(Protocol::Https));
    setup.trust = Trust::with(vec![authority.certificate()]);
    let gate = setup.start().await;
    let (one, two) = tokio::join!(once(&gate, GET), once(&gate, GET));
    for answer in [one, two] {
        assert!(answer.contains("HTTP/2.0 GET https://app/say"), "{answer}");
    }
    assert_eq!(upstream.connections(), 1);
    let upgrade =
        once(&gate, "GET /say HTTP/1.1\r\nHost: app\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n").await;
    assert!(upgrade.contains("HTTP/1.1 GET /say\r\n"), "{upgrade}");
}

#[tokio::test]
async fn a_server_may_choose_http1() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.acceptor("127.0.0.1", false, &["http/1.1"])), 100).await;
    let mut setup = Setup::target(upstream.server(Protocol::Https));
    setup.trust = Trust::with(vec![authority.certificate()]);
    let gate = setup.start().await;
    for _ in 0..2 {
        assert!(once(&gate, GET).await.contains("HTTP/1.1 GET /say\r\n"));
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_server_that_restarts_costs_nobody_an_answer() {
    let upstream = Upstream::start(None, 100).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).start().await;
    for restarts in 0..5 {
        let waiting = once(&gate, "GET /wait HTTP/1.1\r\nHost: app\r\n\r\n");
        let restart = async {
            upstream.waits_for(1).await;
            upstream.restart();
            let post = once(&gate, "POST /say HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n").await;
            assert!(post.starts_with("HTTP/1.1 200 "), "{post}");
            let put = once(&gate, "PUT /say HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi").await;
            assert!(put.starts_with("HTTP/1.1 200 "), "{put}");
            upstream.seen.answer.0.add_permits(1);
        };
        let (answer, ()) = tokio::join!(waiting, restart);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(upstream.connections() >= restarts);
    }
}

/// An HTTP/2 server that reads the second request and says that it has not begun with it; the others it answers with
/// what it has read. Each body is kept there.
async fn refusing(bodies: Arc<Mutex<Vec<String>>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Tasks::default().spawn("upstream", async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut answer))) = connection.accept().await {
            let bodies = Arc::clone(&bodies);
            // Beside the connection, which brings the body.
            Tasks::default().spawn("request", async move {
                let (mut body, mut text) = (request.into_body(), Vec::new());
                while let Some(chunk) = body.data().await {
                    text.extend_from_slice(&chunk.unwrap());
                }
                let text = String::from_utf8(text).unwrap();
                bodies.lock().unwrap().push(text.clone());
                if bodies.lock().unwrap().len() == 2 {
                    return answer.send_reset(h2::Reason::REFUSED_STREAM);
                }
                let mut sender = answer.send_response(http::Response::new(()), false).unwrap();
                sender.send_data(text.into(), true).unwrap();
            });
        }
    });
    Server::Tcp { protocol: Protocol::H2c, host: Host::parse("127.0.0.1").unwrap(), port }
}

#[tokio::test]
async fn a_request_that_a_server_has_not_begun_with_is_sent_again_if_it_is_at_hand() {
    for (method, body, status) in [
        ("GET", "", "200"),
        ("POST", "", "200"),
        ("PUT", "hi", "200"),
        // What was sent of it is gone.
        ("POST", "hi", "502"),
    ] {
        let bodies = Arc::default();
        let gate = Setup::target(refusing(Arc::clone(&bodies)).await).start().await;
        once(&gate, GET).await;
        let length = body.len();
        let request = format!("{method} / HTTP/1.1\r\nHost: app\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = once(&gate, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method}: {answer}");
        let seen = bodies.lock().unwrap().split_off(1);
        assert_eq!(seen, vec![body; if status == "200" { 2 } else { 1 }], "{method}");
        assert!(status != "200" || answer.contains(body), "{answer}");
    }
}

/// An HTTP/2 server each of whose connections breaks at the second request.
async fn breaking(requests: Arc<AtomicUsize>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Tasks::default().spawn("upstream", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let requests = Arc::clone(&requests);
            Tasks::default().spawn("connection", async move {
                let Some(Ok((_, mut answer))) = connection.accept().await else { return };
                requests.fetch_add(1, Ordering::SeqCst);
                answer.send_response(http::Response::new(()), true).unwrap();
                if let Some(Ok(_)) = connection.accept().await {
                    requests.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    Server::Tcp { protocol: Protocol::H2c, host: Host::parse("127.0.0.1").unwrap(), port }
}

#[tokio::test]
async fn servers_whose_connections_break_at_the_same_time_cost_nobody_an_answer() {
    for balance in [Balance::RoundRobin, Balance::LeastRequests, Balance::Sticky] {
        let requests = Arc::<AtomicUsize>::default();
        let servers = vec![breaking(Arc::clone(&requests)).await, breaking(Arc::clone(&requests)).await];
        let target = Target::Servers(Servers { servers, balance, ..Servers::default() });
        let gate = Setup::target(target).start().await;
        for number in 0..20 {
            let answer = once(&gate, GET).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{balance:?}, {number}: {answer}");
        }
        assert!(requests.load(Ordering::SeqCst) > 25, "{balance:?}: no connection broke");
    }
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_the_request_and_not_the_connection() {
    let upstream = Upstream::start(None, 100).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).start().await;
    let mut client = Raw::to(&gate).await;
    client.send("GET /wait HTTP/1.1\r\nHost: app\r\n\r\n").await;
    upstream.waits_for(1).await;
    drop(client);
    upstream.waits_for(0).await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_break_for_the_visitor() {
    let upstream = Upstream::start(None, 100).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).start().await;
    upstream.seen.answer.0.add_permits(1);
    for reason in ["no error", "an error"] {
        let mut client = Raw::to(&gate).await;
        client.send("GET /break HTTP/1.1\r\nHost: app\r\n\r\n").await;
        let answer = String::from_utf8(client.rest().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.ends_with("0\r\n\r\n"), "{reason}: {answer}");
    }
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn another_connection_is_opened_when_the_first_is_full() {
    let upstream = Upstream::start(None, 1).await;
    let gate = Setup::target(upstream.server(Protocol::H2c)).start().await;
    once(&gate, GET).await;
    let wait = "GET /wait HTTP/1.1\r\nHost: app\r\n\r\n";
    let both = async {
        upstream.waits_for(2).await;
        upstream.seen.answer.0.add_permits(2);
    };
    let (one, two, ()) = tokio::join!(once(&gate, wait), once(&gate, wait), both);
    assert!(one.starts_with("HTTP/1.1 200 ") && two.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_here_too() {
    let upstream = Upstream::start(None, 100).await;
    let mut setup = Setup::target(upstream.server(Protocol::H2c));
    setup.max_body = 4;
    let gate = setup.start().await;
    let answer = once(
        &gate,
        "POST /say HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}
