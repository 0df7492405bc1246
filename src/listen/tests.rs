//! Raw bytes against real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Address, Connection, Handler, HttpSettings, ListenerSettings, Tls, Workers, bind};
use crate::body::Body;
use crate::route::Host;
use crate::tasks::Shutdown;

/// Longer than anything here takes; a test that waits for it has failed.
const DEADLINE: Duration = Duration::from_secs(10);

/// Answers with the path, and echoes a body; `/slow` answers when the gate is opened.
#[derive(Clone)]
struct Echo {
    gate: Arc<Semaphore>,
}

impl Handler for Echo {
    async fn handle(&self, connection: Arc<Connection>, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if path == "/slow" {
            self.gate.acquire().await.expect("the gate is never closed").forget();
        }
        if path == "/covers" {
            let host = Host::parse(request.uri().query().unwrap_or_default()).expect("a host");
            return Response::new(Body::from(connection.covers(&host).to_string()));
        }
        if path == "/unread" {
            return Response::new(Body::from("refused"));
        }
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let text = format!("{path} {}", String::from_utf8_lossy(&body));
        Response::new(Body::from(text))
    }
}

struct Server {
    address: SocketAddr,
    gate: Arc<Semaphore>,
    shutdown: Shutdown,
    workers: Workers,
}

impl Server {
    fn start(settings: HttpSettings, tls: Option<&Arc<Tls>>) -> Self {
        let listener = ListenerSettings {
            address: Address::Tcp("127.0.0.1:0".parse().expect("an address")),
            tls: tls.is_some(),
            redirect: false,
        };
        let bound = bind(&[listener], 2).expect("a port is free");
        let Address::Tcp(address) = bound.listeners()[0].address else { panic!("asked for TCP") };
        let (gate, shutdown) = (Arc::new(Semaphore::new(0)), Shutdown::default());
        let echo = Echo { gate: Arc::clone(&gate) };
        let workers =
            Workers::start(bound, settings, tls, &shutdown, move |_| echo.clone()).expect("threads start");
        Self { address, gate, shutdown, workers }
    }

    fn plain() -> Self {
        Self::start(HttpSettings::new(64 * 1024), None)
    }

    async fn connect(&self) -> Raw {
        Raw(TcpStream::connect(self.address).await.expect("it listens"))
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
