//! Whom the gateway believes to be its Redis, and what it shows of itself.

use std::path::PathBuf;

use super::super::super::ClientCertificate;
use super::*;

/// A folder with certificates that nobody else signed.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().expect("a directory"));
        for name in ["own", "stranger", "client"] {
            let key = rcgen::KeyPair::generate().expect("a key");
            let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
            let certificate = certificate.self_signed(&key).expect("a certificate");
            made.write(&format!("{name}.pem"), &certificate.pem());
            made.write(&format!("{name}.key"), &key.serialize_pem());
        }
        made.write("empty.pem", "no certificate");
        made
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server that shows the own certificate. `clients`: whether and whose it wants to see.
    async fn server(&self, port: u16, clients: Option<&str>) -> Server {
        let shown = |name: &str| self.path(name).display().to_string();
        let wants = if clients.is_some() { "yes" } else { "no" };
        let arguments = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", shown("own.pem")),
            ("--tls-key-file", shown("own.key")),
            ("--tls-ca-cert-file", shown(clients.unwrap_or("own.pem"))),
            ("--tls-auth-clients", wants.to_owned()),
        ];
        let arguments: Vec<_> = arguments.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
        Server::start(&arguments).await
    }

    fn trusting(&self, file: &str, host: &str, port: u16) -> RedisSettings {
        let url = format!("rediss://{host}:{port}");
        RedisSettings { ca: Some(self.path(file)), ..RedisSettings::one(&url, "test:") }
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_and_no_other() {
    let (certificates, port) = (Certificates::new(), free_port());
    let _server = certificates.server(port, None).await;
    let trusting = |file, host| Settings::Redis(certificates.trusting(file, host, port));
    use_all(&serving(&trusting("own.pem", "localhost")).await).await.expect("the store serves");
    is_unreachable_at_once(&open(&trusting("stranger.pem", "localhost")).await).await;
    is_unreachable_at_once(&open(&trusting("own.pem", "127.0.0.1")).await).await;
    for unusable in ["empty.pem", "missing.pem"] {
        let opened = Store::open(&trusting(unusable, "localhost"), Clock::System, &Tasks::default()).await;
        let why = opened.err().expect("refused").to_string();
        assert!(why.contains(unusable), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let (certificates, port) = (Certificates::new(), free_port());
    let _server = certificates.server(port, Some("client.pem")).await;
    let showing = |certificate: &str, key: &str| {
        let (certificate, key) = (certificates.path(certificate), certificates.path(key));
        let client = Some(ClientCertificate { certificate, key });
        Settings::Redis(RedisSettings { client, ..certificates.trusting("own.pem", "localhost", port) })
    };
    use_all(&serving(&showing("client.pem", "client.key")).await).await.expect("the store serves");
    is_unreachable_at_once(&open(&showing("stranger.pem", "stranger.key")).await).await;
    let nothing = Settings::Redis(certificates.trusting("own.pem", "localhost", port));
    is_unreachable_at_once(&open(&nothing).await).await;
    let unusable = Store::open(&showing("client.pem", "empty.pem"), Clock::System, &Tasks::default()).await;
    let why = unusable.err().expect("refused").to_string();
    assert!(why.contains("empty.pem"), "{why}");
}
