//! Certificates by name, protocols by ALPN, and new files in the place of old ones.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{DEADLINE, HttpSettings, Server, hasty};
use crate::listen::{CertificateFiles, ProxyProtocol, Tls, TlsSettings};

type Body = Empty<bytes::Bytes>;

/// Certificates in a directory of their own.
struct Authority {
    directory: tempfile::TempDir,
    settings: TlsSettings,
}

impl Authority {
    fn new(certificates: &[&[&str]]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = |number: usize| CertificateFiles {
            certificate: directory.path().join(format!("{number}.pem")),
            key: directory.path().join(format!("{number}.key")),
        };
        let settings =
            TlsSettings { certificates: (0..certificates.len()).map(paths).collect(), only_1_3: false };
        let authority = Self { directory, settings };
        for (files, names) in authority.settings.certificates.iter().zip(certificates) {
            write(files, names);
        }
        authority
    }

    fn load(&self) -> Arc<Tls> {
        Arc::new(Tls::load(&self.settings).expect("good certificates"))
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(file)).expect("written")
    }

    /// What a browser trusts: each of the certificates that are there now.
    fn connector(&self, protocols: &[&str]) -> TlsConnector {
        use rustls::pki_types::pem::PemObject as _;
        let mut roots = RootCertStore::empty();
        for files in &self.settings.certificates {
            roots
                .add(CertificateDer::from_pem_file(&files.certificate).expect("PEM"))
                .expect("a certificate");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(
        &self,
        server: &Server,
        name: &str,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.shake_hands(TcpStream::connect(server.address).await?, name, protocols).await
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        name: &str,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        timeout(DEADLINE, self.connector(protocols).connect(name, stream)).await.expect("in time")
    }
}

/// Writes a new certificate for these names.
fn write(files: &CertificateFiles, names: &[&str]) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).expect("a certificate");
    std::fs::write(&files.certificate, cert.pem()).expect("written");
    std::fs::write(&files.key, KeyPair::serialize_pem(&signing_key)).expect("written");
}

/// What the connection's certificate covers, asked by HTTP/1.
async fn covers(stream: &mut TlsStream<TcpStream>, host: &str) -> bool {
    let request = format!("GET /covers?{host} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    while !answer.ends_with("true") && !answer.ends_with("false") {
        answer.push(timeout(DEADLINE, stream.read_u8()).await.expect("in time").expect("an answer").into());
    }
    answer.ends_with("true")
}

#[tokio::test]
async fn the_certificate_follows_the_name_and_the_connection_knows_what_it_covers() {
    let names: [&[&str]; 3] =
        [&["default.test", "127.0.0.1"], &["*.wild.test"], &["Exact.wild.test", "exact.test"]];
    let authority = Authority::new(&names);
    let server = Server::start(HttpSettings::new(64 * 1024), Some(&authority.load()));
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("default.test", &["default.test", "127.0.0.1"], &["exact.test", "127.0.0.2", "[::1]"]),
        ("127.0.0.1", &["default.test"], &["exact.test"]),
        ("a.wild.test", &["a.wild.test", "b.wild.test", "exact.wild.test"], &["wild.test", "a.b.wild.test"]),
        ("exact.wild.test", &["exact.wild.test", "exact.test"], &["a.wild.test", "default.test"]),
        ("exact.test", &["exact.wild.test"], &["a.exact.test"]),
    ];
    for (name, covered, not_covered) in cases {
        let mut stream = authority.connect(&server, name, &[]).await.expect("the right certificate");
        for host in covered {
            assert!(covers(&mut stream, host).await, "{name} covers {host}");
        }
        for host in not_covered {
            assert!(!covers(&mut stream, host).await, "{name} does not cover {host}");
        }
    }
}

async fn http2(stream: TlsStream<TcpStream>) -> SendRequest<Body> {
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    crate::tasks::Tasks::default().spawn("client", async {
        connection.await.ok();
    });
    sender
}

fn get(path: &str) -> Request<Body> {
    let request = Request::get(format!("https://a.test{path}")).version(Version::HTTP_2);
    request.body(Body::new()).expect("a request")
}

#[tokio::test]
async fn http2_is_spoken_with_whoever_offers_it_and_ends_with_goaway() {
    let authority = Authority::new(&[&["a.test"]]);
    let server = Server::start(HttpSettings::new(64 * 1024), Some(&authority.load()));
    let stream = authority.connect(&server, "a.test", &["h2", "http/1.1"]).await.expect("shaken");
    let mut client = http2(stream).await;
    let quick = timeout(DEADLINE, client.send_request(get("/quick"))).await.expect("in time");
    let quick = quick.expect("an answer");
    assert_eq!(quick.version(), Version::HTTP_2);
    assert_eq!(quick.into_body().collect().await.expect("a body").to_bytes(), "/quick ");
    let stop = async {
        server.begun(1).await;
        server.shutdown.begin();
        server.gate.add_permits(1);
    };
    let (slow, ()) = tokio::join!(client.send_request(get("/slow")), stop);
    assert_eq!(slow.expect("finished").status(), 200);
    let refused = async {
        // What was on its way when the worker heard of the stop may still be answered.
        while client.ready().await.is_ok() && client.send_request(get("/late")).await.is_ok() {}
    };
    timeout(DEADLINE, refused).await.expect("refused in time");
    drop(client);
    assert!(server.ended().await);
}

#[tokio::test]
async fn head_is_answered_without_a_body_on_http2_too() {
    let authority = Authority::new(&[&["a.test"]]);
    let server = Server::start(HttpSettings::new(64 * 1024), Some(&authority.load()));
    let mut client = http2(authority.connect(&server, "a.test", &["h2"]).await.expect("shaken")).await;
    let mut request = get("/quick");
    *request.method_mut() = Method::HEAD;
    let answer = timeout(DEADLINE, client.send_request(request)).await.expect("in time").expect("an answer");
    assert_eq!(answer.headers()["content-length"], "7");
    assert_eq!(answer.into_body().collect().await.expect("a whole answer").to_bytes(), "");

    let mut raw = authority.connect(&server, "a.test", &[]).await.expect("shaken");
    raw.write_all(b"HEAD /quick HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        .await
        .expect("it reads");
    let mut answer = String::new();
    raw.read_to_string(&mut answer).await.expect("text");
    assert!(answer.contains("content-length: 7\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_and_a_busy_one_is_not() {
    let authority = Authority::new(&[&["a.test"]]);
    let settings = HttpSettings { handshake: DEADLINE, ..hasty() };
    let server = Server::start(settings, Some(&authority.load()));
    let mut busy = http2(authority.connect(&server, "a.test", &["h2"]).await.expect("shaken")).await;
    let idle = async {
        server.begun(1).await;
        let mut idle = http2(authority.connect(&server, "a.test", &["h2"]).await.expect("shaken")).await;
        idle.send_request(get("/quick")).await.expect("an answer");
        let closed = async {
            while !idle.is_closed() {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, closed).await.expect("closed in time");
        server.gate.add_permits(1);
    };
    let (slow, ()) = tokio::join!(busy.send_request(get("/slow")), idle);
    assert_eq!(slow.expect("an answer").status(), 200);
}

#[tokio::test]
async fn an_http2_answer_of_which_nothing_is_taken_is_given_up_and_one_that_is_waited_for_is_not() {
    let authority = Authority::new(&[&["a.test"]]);
    let settings = HttpSettings { stalled_write: Duration::from_millis(100), ..HttpSettings::new(64 * 1024) };
    let server = Server::start(settings, Some(&authority.load()));
    let mut client = http2(authority.connect(&server, "a.test", &["h2"]).await.expect("shaken")).await;
    let waiting = client.send_request(get("/waiting")).await.expect("an answer");
    let endless = client.send_request(get("/endless")).await.expect("an answer");
    server.begun(1).await;
    server.gate.add_permits(1);
    assert_eq!(waiting.into_body().collect().await.expect("whole").to_bytes(), "begin end");
    let broken = timeout(DEADLINE, endless.into_body().collect()).await.expect("an end in time");
    assert!(broken.is_err());
    client.send_request(get("/quick")).await.expect("the connection goes on");
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused_on_http2_too() {
    let authority = Authority::new(&[&["a.test"]]);
    let server = Server::start(HttpSettings::new(8 * 1024), Some(&authority.load()));
    let stream = authority.connect(&server, "a.test", &["h2"]).await.expect("shaken");
    let mut client = http2(stream).await;
    let mut request = get("/");
    request.headers_mut().insert("x", "x".repeat(16 * 1024).parse().expect("a value"));
    let refused = timeout(DEADLINE, client.send_request(request)).await.expect("in time");
    assert_eq!(refused.expect("an answer").status(), 431);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let authority = Authority::new(&[&["a.test"]]);
    let server = Server::start(hasty(), Some(&authority.load()));
    assert_eq!(server.connect().await.rest().await, "");
}

#[tokio::test]
async fn tls_1_2_is_refused_where_1_3_is_the_least() {
    let mut authority = Authority::new(&[&["a.test"]]);
    authority.settings.only_1_3 = true;
    let server = Server::start(HttpSettings::new(64 * 1024), Some(&authority.load()));
    let stream = authority.connect(&server, "a.test", &[]).await.expect("1.3");
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let only_1_2 =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .expect("versions")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.expect("it listens");
    let name = ServerName::try_from("a.test").expect("a name");
    let error = TlsConnector::from(Arc::new(only_1_2)).connect(name, stream).await.expect_err("refused");
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[tokio::test]
async fn a_visitor_who_comes_again_resumes() {
    let authority = Authority::new(&[&["a.test"]]);
    let server = Server::start(HttpSettings::new(64 * 1024), Some(&authority.load()));
    let connector = authority.connector(&[]);
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(server.address).await.expect("it listens");
        let name = ServerName::try_from("a.test").expect("a name");
        let mut stream = connector.connect(name, stream).await.expect("shaken");
        // The ticket comes with the first answer.
        assert!(covers(&mut stream, "a.test").await);
        kinds.push(stream.get_ref().1.handshake_kind());
    }
    assert_eq!(kinds[1], Some(rustls::HandshakeKind::Resumed));
}

#[tokio::test]
async fn new_files_are_taken_up_and_bad_ones_are_not() {
    let authority = Authority::new(&[&["old.test"]]);
    let tls = authority.load();
    let server = Server::start(HttpSettings::new(64 * 1024), Some(&tls));
    let files = &authority.settings.certificates[0];
    let mut seen = tls.read().ok();
    assert!(!tls.reload(&mut seen).expect("good"), "nothing has changed");

    let old = authority.text("0.pem");
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nhalf").expect("written");
    let error = tls.reload(&mut seen).expect_err("garbage").to_string();
    assert!(error.contains("0.pem"), "{error}");
    std::fs::write(&files.certificate, &old).expect("written");
    let mut stream = authority.connect(&server, "old.test", &[]).await.expect("the old one is kept");
    assert!(covers(&mut stream, "old.test").await);

    write(files, &["new.test"]);
    assert!(tls.reload(&mut seen).expect("good"));
    let mut new = authority.connect(&server, "new.test", &[]).await.expect("the new one");
    assert!(covers(&mut new, "new.test").await);
    assert!(covers(&mut stream, "old.test").await, "a connection keeps what it has shown");
}

#[test]
fn what_cannot_be_used_is_named_and_never_shown() {
    let authority = Authority::new(&[&["a.test"], &["b.test"]]);
    let error = |certificate: &Path, key: &Path| {
        let files = CertificateFiles { certificate: certificate.into(), key: key.into() };
        let settings = TlsSettings { certificates: vec![files], only_1_3: false };
        Tls::load(&settings).err().expect("no good").to_string()
    };
    let path = |file: &str| authority.directory.path().join(file);
    assert!(error(&path("none.pem"), &path("0.key")).contains("none.pem: cannot be read"));
    assert!(error(&path("0.key"), &path("0.key")).contains("0.key: holds no certificate"));
    assert!(error(&path("0.pem"), &path("0.pem")).contains("0.pem: holds no private key"));
    let mismatch = error(&path("0.pem"), &path("1.key"));
    assert!(mismatch.contains("0.pem and ") && mismatch.contains("KeyMismatch"), "{mismatch}");
}

#[tokio::test]
async fn a_proxy_header_comes_before_the_handshake() {
    let authority = Authority::new(&[&["a.test"]]);
    let settings = HttpSettings::new(64 * 1024);
    let server = Server::start_on(settings, Some(&authority.load()), Some(ProxyProtocol::default()));
    let mut client = server.connect().await;
    client.send("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n").await;
    let mut client = authority.shake_hands(client.0, "a.test", &[]).await.expect("a handshake");
    let request = "GET /ends HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    timeout(DEADLINE, client.read_to_string(&mut answer)).await.expect("in time").ok();
    assert!(answer.ends_with("Some([2001:db8::7]:56324)"), "{answer}");
}
