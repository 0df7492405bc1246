//! Forwarding on the wire: a raw client, the steps from a request's head to its upstream, and a [`Recorder`].

mod recorder;

mod dying;
mod failures;
mod framing;
mod http2;
mod identity;
mod interim;
mod limits;
mod reuse;
mod servers;
mod streaming;
mod tls;
mod upgrades;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ipnet::IpNet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::admit::{self, admit};
use super::client::Client;
use crate::body::Body;
use crate::clock::Timestamp;
use crate::identity::{
    Encoding, Field, Forwarded, HeaderRules, Place, Prepared, Settings, Stamping, StripList, stamp,
};
use crate::listen::Named;
use crate::observe::Metrics;
use crate::observe::metrics::Answered;
use crate::policy::{Decision, Facts, Policy, Rule, Rules, decide};
use crate::route::{Host, Scheme};
use crate::subject::{AccountId, Person, Proofs, Stamps, Subject};
use crate::tasks::{Cutoff, Tasks};
use crate::upstream::{
    self, HostHeader, IdleLimits, Limits, Pools, Protocol, Server, Target, Timeouts, Trust, Upstream, forward,
};

pub use recorder::{OK, Recorder, Step, always, send};

/// What a test sets up.
pub struct Setup {
    pub who: Option<Arc<Subject>>,
    pub identity: Settings,
    /// Of other apps.
    pub others: Vec<Settings>,
    pub trusted: Vec<IpNet>,
    pub upstream: upstream::Settings,
    pub timeouts: Timeouts,
    pub trust: Trust,
    pub rules: HeaderRules,
    pub idle: IdleLimits,
    pub max_body: u64,
    pub affinity: u64,
}

impl Setup {
    pub fn to(recorder: &Recorder) -> Self {
        Self::target(Server::Tcp {
            protocol: Protocol::Http,
            host: Host::parse(&recorder.address.ip().to_string()).unwrap(),
            port: recorder.address.port(),
        })
    }

    pub fn target(target: impl Into<Target>) -> Self {
        let timeouts = Timeouts { response: Duration::from_secs(5), ..Timeouts::default() };
        Self {
            who: None,
            identity: identity_headers(),
            others: Vec::new(),
            trusted: Vec::new(),
            upstream: upstream::Settings {
                target: target.into(),
                host_header: HostHeader::Preserve,
                strip_prefix: None,
                allow_headers: Vec::new(),
                limits: Limits::default(),
            },
            timeouts,
            trust: Trust::default(),
            rules: HeaderRules::default(),
            idle: IdleLimits::default(),
            max_body: 0,
            affinity: 0,
        }
    }

    pub fn signed_in(mut self) -> Self {
        self.who = Some(Arc::new(alice()));
        self
    }

    pub async fn start(self) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tasks, cutoff) = (Tasks::default(), CancellationToken::new());
        let strip = StripList::new(self.others.iter().chain([&self.identity]));
        let metrics = Metrics::default();
        let upstream = Upstream::new("app", &self.upstream, self.timeouts, &self.trust).unwrap();
        let upstream = upstream.counted_by(metrics.app("app"));
        for check in upstream.health_checks() {
            tasks.spawn("health", check);
        }
        let serving = Arc::new(Serving {
            identity: Prepared::new(self.identity.clone()),
            strip,
            upstream,
            metrics: metrics.clone(),
            pools: Pools::with_limits(tasks.clone(), self.idle),
            tasks: tasks.clone(),
            cutoff: cutoff.clone(),
            setup: self,
        });
        tasks.clone().spawn("gate", async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let serving = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let serving = Arc::clone(&serving);
                    async move {
                        let response = serving.respond(peer, request).await;
                        serving.count(response.status());
                        Ok::<_, Infallible>(response)
                    }
                });
                tasks.spawn("connection", async move {
                    let mut first = [0; 3];
                    let _ = stream.peek(&mut first).await;
                    let stream = TokioIo::new(stream);
                    if &first == b"PRI" {
                        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        let _ = builder.serve_connection(stream, service).await;
                    } else {
                        let served = http1::Builder::new().serve_connection(stream, service);
                        let _ = served.with_upgrades().await;
                    }
                });
            }
        });
        Gate { address, cutoff, metrics }
    }
}

pub fn identity_headers() -> Settings {
    Settings {
        headers: vec![
            (HeaderName::from_static("remote-user"), Field::Username),
            (HeaderName::from_static("remote-name"), Field::Name),
            (HeaderName::from_static("remote-email"), Field::Email),
            (HeaderName::from_static("remote-groups"), Field::Groups),
        ],
        encoding: Encoding::Utf8,
    }
}

pub fn alice() -> Subject {
    let now = Timestamp::from_millis(0);
    let person = Person {
        id: AccountId::new("file", "alice"),
        username: "alice".into(),
        name: "Alice Example".into(),
        email: "alice@example.com".into(),
        groups: vec!["ops".into(), "dev".into()],
        attributes: BTreeMap::new(),
        language: None,
    };
    let proofs = Proofs { password: now, email_code: Some(now) };
    Subject { person: Arc::new(person), proofs, stamps: Stamps::default() }
}

/// Somebody like Alice, called otherwise, and in other groups.
pub fn another(name: &str, groups: &[&str]) -> Arc<Subject> {
    let alice = alice();
    let groups = groups.iter().map(ToString::to_string).collect();
    let person = Person { name: name.to_owned(), groups, ..Person::clone(&alice) };
    Arc::new(Subject { person: Arc::new(person), ..alice })
}

/// A running gateway, as far as it forwards.
pub struct Gate {
    pub address: SocketAddr,
    pub cutoff: CancellationToken,
    pub metrics: Metrics,
}

impl Gate {
    /// What `/metrics` says of the app; `None` before anything was counted.
    pub fn count(&self, metric: &str) -> Option<u64> {
        let said = self.metrics.exposition().unwrap();
        let start = format!("vestibule_upstream_{metric}{{app=\"app\"}} ");
        said.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
    }

    pub async fn until_waiting(&self, requests: u64) {
        let waiting = async {
            while self.count("waiting").unwrap_or(0) != requests {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "{:?} wait, not {requests}", self.count("waiting"));
    }
}

struct Serving {
    setup: Setup,
    identity: Prepared,
    strip: StripList,
    upstream: Upstream,
    metrics: Metrics,
    pools: Pools,
    tasks: Tasks,
    cutoff: CancellationToken,
}

impl Serving {
    async fn respond(self: &Arc<Self>, peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let written = HeaderValue::try_from(peer.ip().to_string()).unwrap();
        let client = Client::settle((peer.ip(), &written), request.headers(), &self.setup.trusted);
        let close = admit::must_close(&request);
        let sized = admit::size(&request, self.setup.max_body);
        let admitted = match sized.and_then(|()| admit(&request, &Named::default())) {
            Ok(admitted) => admitted,
            Err(refusal) => return answer(refusal.status(), &refusal.to_string(), true),
        };
        let (paths, methods, users, groups, networks) = Default::default();
        let rule = Rule { paths, methods, users, groups, networks, policy: Policy::Bypass, line: 1 };
        let rules = Rules::from(vec![rule]);
        let facts = Facts {
            method: request.method().as_str(),
            path: admitted.path(),
            otherwise: None,
            client: client.address,
        };
        let Decision::Allow(permit) = decide(&rules, self.setup.who.as_ref(), &facts) else {
            return answer(StatusCode::FORBIDDEN, "denied", close);
        };
        let scheme = client.scheme.unwrap_or(Scheme::Http);
        let stamping = Stamping {
            identity: &self.identity,
            strip: &self.strip,
            allow_headers: self.upstream.allow_headers(),
            rules: &self.setup.rules,
            forwarded: Forwarded {
                chain: &client.forwarded_for,
                scheme,
                place: &Place::new(scheme, &admitted.host, admitted.port).unwrap(),
            },
            request_id: &client.request_id,
            affinity: self.setup.affinity,
        };
        let request = request.map(|incoming| admit::body(incoming, self.setup.max_body));
        let stamped = match stamp(permit, request, &stamping) {
            Ok(stamped) => stamped,
            Err(error) => return answer(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), close),
        };
        let cutoff = || {
            let serving = Arc::clone(self);
            move || serving.cutoff()
        };
        match forward(&self.pools, &self.upstream, stamped, cutoff).await {
            Ok(response) => response,
            Err(error) => answer(error.status(), &error.to_string(), close),
        }
    }
}

impl Serving {
    fn count(&self, status: StatusCode) {
        let answered = Answered { status, took: Duration::ZERO, upstream: None };
        self.metrics.answered(Some(&self.metrics.app("app")), answered);
    }

    /// Fires when the test says so.
    fn cutoff(&self) -> Cutoff {
        let (cutoff, watch) = Cutoff::new();
        let over = self.cutoff.clone();
        self.tasks.spawn("cutoff", async move {
            tokio::select! {
                () = watch.released() => {}
                () = over.cancelled() => watch.cut(),
            }
        });
        cutoff
    }
}

fn answer(status: StatusCode, text: &str, close: bool) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A client that writes exactly what it is told.
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Raw {
    pub async fn to(gate: &Gate) -> Self {
        Self { stream: TcpStream::connect(gate.address).await.unwrap(), read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// As much of it as is taken.
    pub async fn offer(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Writes until nothing is taken any more, in good time.
    pub async fn until_refused(&mut self) {
        let writing = async { while self.stream.write_all(b"more").await.is_ok() {} };
        timeout(PATIENCE / 2, writing).await.expect("the connection ends");
    }

    /// The next whole answer: its head, and its body by length, or up to the last chunk.
    pub async fn answer(&mut self) -> String {
        let whole = |bytes: &[u8]| {
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            if text.contains("transfer-encoding: chunked") {
                let end = bytes[head..].windows(5).position(|window| window == b"0\r\n\r\n")?;
                return Some(head + end + 5);
            }
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let end = head + length.map_or(0, |length| length.parse::<usize>().unwrap());
            (bytes.len() >= end).then_some(end)
        };
        loop {
            if let Some(end) = whole(&self.read) {
                let rest = self.read.split_off(end);
                return String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)).into_owned();
            }
            assert!(self.more().await, "closed after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Reads until some text has come; everything so far.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let so_far = String::from_utf8_lossy(&self.read).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            assert!(self.more().await, "closed after {so_far:?}");
        }
    }

    /// Writes until nothing more can be taken.
    pub fn fill(&self) {
        while self.stream.try_write(&[0; 4096]).is_ok() {}
    }

    /// Whether nothing has come so far.
    pub fn has_nothing(&self) -> bool {
        self.read.is_empty() && self.stream.try_read(&mut [0]).is_err()
    }

    /// Whether these bytes come before the connection ends.
    pub async fn until_or_end(&mut self, bytes: &[u8]) -> bool {
        loop {
            if self.read.windows(bytes.len()).any(|window| window == bytes) {
                return true;
            }
            if !self.more().await {
                return false;
            }
        }
    }

    /// Reads to the end of the connection, be it clean or a reset.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        let read =
            timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("nothing comes").unwrap_or(0);
        self.read.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

/// One request on a connection of its own; its answer.
pub async fn once(gate: &Gate, request: impl AsRef<[u8]>) -> String {
    let mut client = Raw::to(gate).await;
    client.send(request).await;
    client.answer().await
}

/// The values of a header in recorded text, in order.
pub fn values(text: &str, name: &str) -> Vec<String> {
    text.split("\r\n")
        .filter_map(|line| line.split_once(": ").or(line.split_once(':')))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}
