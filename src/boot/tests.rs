//! From a configuration file to answers, and to an orderly end.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::*;
use crate::body::Body;

const DEADLINE: Duration = Duration::from_secs(20);

/// Says hello to everybody.
#[derive(Clone)]
struct Hello;

impl Handler for Hello {
    async fn handle(&self, _: Arc<listen::Connection>, _: listen::Arriving) -> http::Response<Body> {
        http::Response::new(Body::from("hello"))
    }
}

/// A configuration that listens on a unix socket, and on this port for the operator.
fn config(directory: &Path, admin: u16) -> Config {
    config_with(directory, admin, "")
}

fn config_with(directory: &Path, admin: u16, app: &str) -> Config {
    let text = format!(
        "data_dir: {directory}/data
listen:
  - address: unix:{directory}/gateway.sock
accounts:
  - file: {directory}/users.yaml
mail:
  from: signin@example.com
  outbox: {directory}/outbox
apps:
  - name: whoami
    url: http://whoami.localhost:8080
    upstream: \"whoami:\"
    access: [{{ paths: [/open], policy: bypass }}, {{ policy: two_factor }}]
  - name: closed
    url: http://closed.localhost:8080
    upstream: \"whoami:\"
    access: [{{ policy: bypass }}]
    maintenance: true
  - name: moved
    url: http://moved.localhost:8080/wiki
    redirect: https://wiki.example.com/new
    strip_prefix: true
{app}admin:
  address: 127.0.0.1:{admin}
",
        directory = directory.display(),
    );
    let path = directory.join("vestibule.yaml");
    std::fs::write(&path, text).expect("written");
    std::fs::write(directory.join("users.yaml"), "users: {}\n").expect("written");
    crate::config::load(&path).unwrap_or_else(|error| panic!("{error}")).0
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("bound").port()
}

/// What a GET gets, once somebody answers at all.
async fn get<S, F>(connect: impl FnMut() -> F, path: &str) -> String
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    F: Future<Output = io::Result<S>>,
{
    get_from("localhost", connect, path).await
}

async fn get_from<S, F>(host: &str, mut connect: impl FnMut() -> F, path: &str) -> String
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    F: Future<Output = io::Result<S>>,
{
    let ask = async {
        let mut stream = loop {
            match connect().await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        answer
    };
    timeout(DEADLINE, ask).await.expect("an answer in time")
}

#[tokio::test]
async fn a_configuration_becomes_a_gateway_that_answers_and_stops() {
    let directory = tempfile::tempdir().expect("a directory");
    let admin = free_port();
    let config = config(directory.path(), admin);
    let lifecycle = Lifecycle::install().expect("signals");
    let shutdown = lifecycle.shutdown().clone();
    let socket = directory.path().join("gateway.sock");

    let visit = async {
        let hello = get(|| UnixStream::connect(&socket), "/").await;
        assert!(hello.ends_with("hello"), "{hello}");
        let ready = get(|| TcpStream::connect(("127.0.0.1", admin)), "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 200 ") && ready.ends_with("ready\n"), "{ready}");
        shutdown.begin();
    };
    let serve = timeout(DEADLINE, serve(config, lifecycle, |_| Ok(|_| Hello)));
    let (served, ()) = tokio::join!(serve, visit);
    assert!(matches!(served, Ok(Ok(()))), "it ends well and in time");

    let mut kept: Vec<_> = std::fs::read_dir(directory.path().join("data"))
        .expect("made")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    kept.sort();
    assert_eq!(kept, ["audit.log", "secret", "state.db"]);
    assert!(!socket.exists(), "nobody would answer there");
}

#[tokio::test]
async fn every_request_is_counted_with_its_app_and_status() {
    let directory = tempfile::tempdir().expect("a directory");
    let admin = free_port();
    let config = config(directory.path(), admin);
    let lifecycle = Lifecycle::install().expect("signals");
    let shutdown = lifecycle.shutdown().clone();
    let socket = directory.path().join("gateway.sock");

    let visit = async {
        for (host, path, status) in [
            ("whoami.localhost:8080", "/open", 200),
            ("whoami.localhost:8080", "/open", 200),
            ("whoami.localhost:8080", "/", 401),
            ("whoami.localhost:8080", "/_vestibule/nothing", 404),
            ("else.localhost", "/", 421),
            ("closed.localhost:8080", "/", 503),
            ("closed.localhost:8080", "/_vestibule/login", 200),
        ] {
            let answer = get_from(host, || UnixStream::connect(&socket), path).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}{path}: {answer}");
            if status == 503 {
                assert!(answer.contains("retry-after: 60\r\n") && answer.contains("maintenance"), "{answer}");
            }
        }
        let said = get(|| TcpStream::connect(("127.0.0.1", admin)), "/metrics").await;
        for line in [
            "vestibule_requests_total{app=\"whoami\",class=\"2xx\"} 2",
            "vestibule_requests_total{app=\"whoami\",class=\"4xx\"} 1",
            "vestibule_requests_total{app=\"\",class=\"4xx\"} 2",
            "vestibule_upstream_seconds_count{app=\"whoami\"} 2",
            "vestibule_requests_total{app=\"closed\",class=\"5xx\"} 1",
            "vestibule_gateway_seconds_count 4",
        ] {
            assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
        }
        shutdown.begin();
    };
    let serve = timeout(DEADLINE, serve(config, lifecycle, build_gateway));
    let (served, ()) = tokio::join!(serve, visit);
    assert!(matches!(served, Ok(Ok(()))), "it ends well and in time");
}

#[tokio::test]
async fn an_app_that_redirects_keeps_path_and_query_and_asks_nobody_to_sign_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = config(directory.path(), free_port());
    let lifecycle = Lifecycle::install().expect("signals");
    let shutdown = lifecycle.shutdown().clone();
    let socket = directory.path().join("gateway.sock");

    let visit = async {
        for (path, location) in [
            ("/wiki", "https://wiki.example.com/new"),
            ("/wiki?a", "https://wiki.example.com/new?a"),
            ("/wiki/p%20q/?a=//b", "https://wiki.example.com/new/p%20q/?a=//b"),
        ] {
            let answer = get_from("moved.localhost:8080", || UnixStream::connect(&socket), path).await;
            assert!(answer.starts_with("HTTP/1.1 308 "), "{path}: {answer}");
            assert!(answer.contains(&format!("location: {location}\r\n")), "{path}: {answer}");
        }
        shutdown.begin();
    };
    let serve = timeout(DEADLINE, serve(config, lifecycle, build_gateway));
    let (served, ()) = tokio::join!(serve, visit);
    assert!(matches!(served, Ok(Ok(()))), "it ends well and in time");
}

#[tokio::test]
async fn an_app_below_a_path_that_knows_nothing_of_it_is_answered_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = upstream.local_addr().expect("bound");
    let app = format!(
        "  - name: legacy
    url: http://legacy.localhost:8080/old
    upstream: http://{address}
    strip_prefix: true
    headers: {{ request: {{ set: {{ X-Env: prod }} }}, response: {{ set: {{ X-Via: us }}, remove: [Server] }} }}
    access: [{{ policy: bypass }}]
"
    );
    let config = config_with(directory.path(), free_port(), &app);
    let lifecycle = Lifecycle::install().expect("signals");
    let shutdown = lifecycle.shutdown().clone();
    let socket = directory.path().join("gateway.sock");

    let answer = async {
        let (mut stream, _) = upstream.accept().await.expect("somebody asks");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a head"));
        }
        let answer = format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{address}/login\r\nSet-Cookie: a=b; Path=/\r\nServer: old\r\n\
             Content-Length: 0\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.expect("sent");
        String::from_utf8_lossy(&head).to_lowercase()
    };
    let visit = async {
        let visit = get_from("legacy.localhost:8080", || UnixStream::connect(&socket), "/old/page?a");
        let (asked, seen) = tokio::join!(answer, visit);
        assert!(asked.starts_with("get /page?a ") && asked.contains("\r\nx-env: prod\r\n"), "{asked}");
        assert!(seen.contains("location: http://legacy.localhost:8080/old/login\r\n"), "{seen}");
        assert!(seen.contains("set-cookie: a=b; Path=/old\r\n") && seen.contains("x-via: us\r\n"), "{seen}");
        assert!(!seen.contains("server:"), "{seen}");
        shutdown.begin();
    };
    let serve = timeout(DEADLINE, serve(config, lifecycle, build_gateway));
    let (served, ()) = tokio::join!(serve, visit);
    assert!(matches!(served, Ok(Ok(()))), "it ends well and in time");
}

#[tokio::test]
async fn a_port_in_use_ends_the_start_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let config = config(directory.path(), taken.local_addr().expect("bound").port());
    let lifecycle = Lifecycle::install().expect("signals");
    let error = serve(config, lifecycle, |_| Ok(|_| Hello)).await.expect_err("it is taken").to_string();
    assert!(error.contains("address already in use"), "{error}");
    assert!(!directory.path().join("data").exists() && !directory.path().join("gateway.sock").exists());
}
