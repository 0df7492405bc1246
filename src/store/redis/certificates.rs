//! Certificates for the tests' servers, which nobody else signed.

use std::path::PathBuf;

use super::super::{ClientCertificate, RedisSettings};

/// A folder of them: `own` and `stranger` for `localhost`, `fleet` for the loopback address, `client` for a gateway.
pub struct Certificates(tempfile::TempDir);

impl Certificates {
    pub fn new() -> Self {
        let made = Self(tempfile::tempdir().expect("a directory"));
        let pems = [
            ("own", "localhost"),
            ("stranger", "localhost"),
            ("client", "localhost"),
            ("fleet", "127.0.0.1"),
        ]
        .map(|(name, host)| made.make(name, host));
        made.write("empty.pem", "no certificate");
        // Servers trust each other, and the gateway.
        let [_, _, client, fleet] = pems;
        made.write("known.pem", &format!("{client}{fleet}"));
        made
    }

    fn make(&self, name: &str, host: &str) -> String {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut certificate = rcgen::CertificateParams::new([host.to_owned()]).expect("a name");
        // OpenSSL looks for an issuer by what it is called.
        certificate.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = certificate.self_signed(&key).expect("a certificate").pem();
        self.write(&format!("{name}.pem"), &certificate);
        self.write(&format!("{name}.key"), &key.serialize_pem());
        certificate
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a server of a fleet is told, a name and a value each.
    pub fn of_fleet(&self, port: u16) -> Vec<(&'static str, String)> {
        let shown = |name: &str| self.path(name).display().to_string();
        vec![
            ("port", "0".to_owned()),
            ("tls-port", port.to_string()),
            ("tls-cert-file", shown("fleet.pem")),
            ("tls-key-file", shown("fleet.key")),
            ("tls-ca-cert-file", shown("known.pem")),
            ("tls-auth-clients", "yes".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ]
    }

    /// What a gateway is told that uses a fleet.
    pub fn for_fleet(&self, settings: RedisSettings) -> RedisSettings {
        let (certificate, key) = (self.path("client.pem"), self.path("client.key"));
        let client = Some(ClientCertificate { certificate, key });
        RedisSettings { ca: Some(self.path("fleet.pem")), client, ..settings }
    }
}
