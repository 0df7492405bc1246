//! TLS: which certificate a visitor is shown, and how new files take the place of old ones.
//!
//! The choice is made here, between reading the hello and answering it, and not in a resolver inside rustls: so the
//! connection knows which certificate it shows, and [`super::Connection::covers`] can be asked.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ProducesTickets;
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, error, info};

use super::TlsSettings;
use super::certificates::{Certificate, CertificateError, Files};

/// All certificates, and how TLS is spoken. Shared by all workers.
pub struct Tls {
    settings: TlsSettings,
    provider: Arc<CryptoProvider>,
    /// Encrypts session tickets; outlives a change of certificates, so that visitors can resume.
    tickets: Arc<dyn ProducesTickets>,
    /// In the configured order, never empty; the first is shown to whoever names no host.
    current: ArcSwap<Vec<Arc<Certificate>>>,
}

impl Tls {
    /// Reads all files. Nothing less than all of them is a good start.
    pub fn load(settings: &TlsSettings) -> Result<Self, CertificateError> {
        if settings.certificates.is_empty() {
            return Err(CertificateError::None);
        }
        let tls = Self {
            settings: settings.clone(),
            provider: Arc::new(aws_lc_rs::default_provider()),
            tickets: aws_lc_rs::Ticketer::new().map_err(CertificateError::Tls)?,
            current: ArcSwap::default(),
        };
        tls.reload(&mut None)?;
        Ok(tls)
    }

    pub(super) fn read(&self) -> Result<Vec<Files>, CertificateError> {
        self.settings.certificates.iter().map(Files::read).collect()
    }

    fn parse(&self, files: &[Files]) -> Result<Vec<Arc<Certificate>>, CertificateError> {
        let mut certificates = Vec::with_capacity(files.len());
        for (paths, files) in self.settings.certificates.iter().zip(files) {
            let key = files.certified_key(paths, &self.provider)?;
            let leaf = key.end_entity_cert().map(|leaf| leaf.clone().into_owned());
            let config = self.config(SingleCertAndKey::from(key))?;
            let certificate = leaf.and_then(|leaf| Certificate::new(leaf, Arc::new(config)));
            certificates.push(Arc::new(certificate.map_err(|error| CertificateError::Unusable {
                certificate: paths.certificate.clone(),
                key: paths.key.clone(),
                error,
            })?));
        }
        Ok(certificates)
    }

    /// AEAD suites with forward secrecy alone (rustls has no others), no early data, no client certificates.
    fn config(&self, shown: SingleCertAndKey) -> Result<ServerConfig, CertificateError> {
        let versions: &[_] = if self.settings.only_1_3 { &[&TLS13] } else { &[&TLS13, &TLS12] };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map_err(CertificateError::Tls)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(shown));
        // Whoever asks for the last alone (curl --http1.0) would get no connection else.
        config.alpn_protocols = ["h2", "http/1.1", "http/1.0"].map(|name| name.as_bytes().to_vec()).into();
        config.ticketer = Arc::clone(&self.tickets);
        // Two a handshake would be for clients that resume on several connections at once; each costs every
        // visitor bytes and us an encryption.
        config.send_tls13_tickets = 1;
        Ok(config)
    }

    /// By name, else by wildcard, else the first.
    fn choose(&self, server_name: Option<&str>) -> Option<Arc<Certificate>> {
        let all = self.current.load();
        let named = server_name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            all.iter()
                .find(|certificate| certificate.covers_exactly(&name))
                .or_else(|| all.iter().find(|certificate| certificate.covers_by_wildcard(&name)))
        });
        named.or_else(|| all.first()).cloned()
    }

    /// Shakes hands. `None`, and a word to whoever debugs, when it comes to nothing within `patience`.
    pub(super) async fn accept<S>(
        &self,
        stream: S,
        patience: Duration,
    ) -> Option<(TlsStream<S>, Arc<Certificate>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = async {
            let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
            let certificate = self.choose(hello.client_hello().server_name()).ok_or_else(no_certificate)?;
            let stream = hello.into_stream(Arc::clone(&certificate.config)).await?;
            Ok::<_, std::io::Error>((stream, certificate))
        };
        match timeout(patience, handshake).await {
            Ok(Ok(made)) => Some(made),
            Ok(Err(error)) => {
                debug!(%error, "no TLS handshake");
                None
            }
            Err(_) => {
                debug!("no TLS handshake within {patience:?}");
                None
            }
        }
    }

    /// Looks at the files now and then, for ever; good new ones are shown from the next connection on. Files that
    /// are no good, such as half of a renewal, leave everything as it is.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        let mut seen = self.read().ok();
        let mut complaint = String::new();
        loop {
            tokio::time::sleep(every).await;
            match self.reload(&mut seen) {
                Ok(true) => {
                    complaint.clear();
                    info!("the certificates have been reloaded");
                }
                Ok(false) => {}
                Err(error) => {
                    let text = error.to_string();
                    if text != complaint {
                        error!("{text}; the certificates read before stay in use");
                        complaint = text;
                    }
                }
            }
        }
    }

    /// Whether there was something new and it is now in use.
    pub(super) fn reload(&self, seen: &mut Option<Vec<Files>>) -> Result<bool, CertificateError> {
        let files = self.read()?;
        if seen.as_ref() == Some(&files) {
            return Ok(false);
        }
        self.current.store(Arc::new(self.parse(&files)?));
        *seen = Some(files);
        Ok(true)
    }
}

fn no_certificate() -> std::io::Error {
    std::io::Error::other("there is no certificate to show")
}
