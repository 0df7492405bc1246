//! Whom we believe, and who we are, on TLS connections to upstreams.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{TlsSettings, UpstreamError};
use crate::route::Host;

/// Which certificate authorities are believed for https upstreams. Read once, when the first such upstream is made.
#[derive(Default)]
pub struct Trust {
    extra: Vec<CertificateDer<'static>>,
    roots: OnceLock<Arc<RootCertStore>>,
    /// For upstreams without settings of their own.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Trust {
    /// The system's authorities, or Mozilla's if the system has none.
    pub fn system() -> Self {
        Self::default()
    }

    /// These authorities besides the system's.
    pub fn with(extra: Vec<CertificateDer<'static>>) -> Self {
        Self { extra, ..Self::default() }
    }

    /// What a connection is made with. Files are read here, once.
    pub(super) fn client(&self, settings: &TlsSettings) -> Result<Arc<ClientConfig>, UpstreamError> {
        if settings.ca.is_none() && settings.client.is_none() {
            if let Some(config) = self.config.get() {
                return Ok(Arc::clone(config));
            }
            let config = Arc::new(builder(Arc::clone(self.roots()))?.with_no_client_auth());
            return Ok(Arc::clone(self.config.get_or_init(|| config)));
        }
        let mut roots = Arc::clone(self.roots());
        if let Some(ca) = &settings.ca {
            Arc::make_mut(&mut roots).add_parsable_certificates(certificates(ca)?);
        }
        let builder = builder(roots)?;
        let Some(client) = &settings.client else { return Ok(Arc::new(builder.with_no_client_auth())) };
        let chain = certificates(&client.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&client.key).map_err(|error| unusable(&client.key, error))?;
        let config = builder.with_client_auth_cert(chain, key);
        config.map(Arc::new).map_err(|error| unusable(&client.certificate, error))
    }

    fn roots(&self) -> &Arc<RootCertStore> {
        self.roots.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            roots.add_parsable_certificates(self.extra.iter().cloned());
            Arc::new(roots)
        })
    }
}

fn builder(roots: Arc<RootCertStore>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, UpstreamError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| UpstreamError::NoRoots(error.to_string()))?;
    Ok(builder.with_root_certificates(roots))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, UpstreamError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, problem: impl std::fmt::Display) -> UpstreamError {
    UpstreamError::TlsFile { path: path.to_owned(), problem: problem.to_string() }
}

/// Makes TLS connections to one server.
pub(super) struct Tls {
    any: TlsConnector,
    /// For upgrades, which HTTP/2 has not.
    http1: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    pub(super) fn new(host: &Host, settings: &TlsSettings, trust: &Trust) -> Result<Self, UpstreamError> {
        let name = server_name(settings.server_name.as_ref().unwrap_or(host))?;
        let config = trust.client(settings)?;
        let with = |protocols: &[&[u8]]| {
            let mut config = ClientConfig::clone(&config);
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self { any: with(&[HTTP2, HTTP1]), http1: with(&[HTTP1]), name })
    }

    /// Also whether HTTP/2 is spoken (RFC 7301).
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        http1_only: bool,
    ) -> io::Result<(TlsStream<TcpStream>, bool)> {
        let connector = if http1_only { &self.http1 } else { &self.any };
        let stream = connector.connect(self.name.clone(), stream).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok((stream, http2))
    }
}

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The name that a certificate must have.
fn server_name(host: &Host) -> Result<ServerName<'static>, UpstreamError> {
    let name = host.as_str().trim_matches(['[', ']']).to_owned();
    ServerName::try_from(name).map_err(|_| UpstreamError::ServerName(host.to_string()))
}
