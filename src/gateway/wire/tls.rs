//! Upstreams behind TLS: whom we believe, and who we are to them.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::{Setup, once};
use crate::route::Host;
use crate::tasks::Tasks;
use crate::upstream::{ClientCertificate, Protocol, Server, Servers, Target, TlsSettings, Trust};

const GET: &str = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";

/// An authority of our own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn write(&self, folder: &Path) -> TlsSettings {
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (client, key) = self.sign("gateway");
        TlsSettings {
            ca: Some(write("ca.pem", self.0.pem())),
            server_name: None,
            client: Some(ClientCertificate {
                certificate: write("client.pem", client.pem()),
                key: write("client.key", key.serialize_pem()),
            }),
        }
    }

    /// A server's side of TLS; with `clients`, whoever shows no certificate of ours is refused.
    pub fn acceptor(&self, name: &str, clients: bool, protocols: &[&str]) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let builder =
            if clients { builder.with_client_cert_verifier(verifier) } else { builder.with_no_client_auth() };
        let (certificate, key) = self.sign(name);
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key.into()).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers with the name that it was asked for; its port.
async fn https(acceptor: TlsAcceptor) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Tasks::default().spawn("https", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let name = stream.get_ref().1.server_name().unwrap_or("none").to_owned();
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

pub fn server(host: &str, port: u16) -> Server {
    Server::Tcp { protocol: Protocol::Https, host: Host::parse(host).unwrap(), port }
}

#[tokio::test]
async fn an_https_upstream_is_verified_by_its_name() {
    let authority = Authority::new();
    let port = https(authority.acceptor("localhost", false, &[])).await;
    for (host, trusted, expected) in [
        ("localhost", true, "localhost"),
        ("localhost", false, "HTTP/1.1 502 "),
        ("127.0.0.1", true, "HTTP/1.1 502 "),
    ] {
        let mut setup = Setup::target(server(host, port));
        if trusted {
            setup.trust = Trust::with(vec![authority.certificate()]);
        }
        let gate = setup.start().await;
        let answer = once(&gate, GET).await;
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
}

#[tokio::test]
async fn a_private_authority_another_name_and_our_own_certificate_are_as_configured() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let port = https(authority.acceptor("app.internal", true, &[])).await;
    let ours = TlsSettings { server_name: Host::parse("app.internal"), ..authority.write(folder.path()) };
    for (tls, expected) in [
        (ours.clone(), "app.internal"),
        (TlsSettings { ca: None, ..ours.clone() }, "HTTP/1.1 502 "),
        (TlsSettings { server_name: None, ..ours.clone() }, "HTTP/1.1 502 "),
        (TlsSettings { client: None, ..ours }, "HTTP/1.1 502 "),
    ] {
        let servers = vec![server("127.0.0.1", port)];
        let gate =
            Setup::target(Target::Servers(Servers { servers, tls, ..Servers::default() })).start().await;
        let answer = once(&gate, GET).await;
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
}
