//! Opens connections: name look-up, TCP or a unix socket, TLS, and hyper's handshake.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::tls::{self, Trust};
use super::{Server, TlsSettings, UpstreamError};
use crate::clock;
use crate::route::Scheme;

/// A byte stream to an upstream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Knows how to reach one server.
pub(super) enum Dialer {
    Tcp { host: String, port: u16, tls: Option<(TlsConnector, ServerName<'static>)> },
    Unix(PathBuf),
}

impl Dialer {
    pub(super) fn new(server: &Server, settings: &TlsSettings, trust: &Trust) -> Result<Self, UpstreamError> {
        match server {
            Server::Unix(path) => Ok(Self::Unix(path.clone())),
            Server::Tcp { scheme, host, port } => {
                let tls = match scheme {
                    Scheme::Http => None,
                    Scheme::Https => {
                        let name = tls::server_name(settings.server_name.as_ref().unwrap_or(host))?;
                        Some((TlsConnector::from(trust.client(settings)?), name))
                    }
                };
                // Without its brackets an IPv6 address is what the resolver wants.
                let host = host.as_str().trim_matches(['[', ']']).to_owned();
                Ok(Self::Tcp { host, port: *port, tls })
            }
        }
    }

    /// Opens a connection within `limit`, look-up and TLS included.
    pub(super) async fn dial(&self, limit: Duration) -> Result<Box<dyn Stream>, UpstreamError> {
        let late = |_| UpstreamError::ConnectTimeout { address: self.address(), after: limit };
        timeout(limit, self.open(limit)).await.map_err(late)?
    }

    async fn open(&self, limit: Duration) -> Result<Box<dyn Stream>, UpstreamError> {
        match self {
            Self::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(source) => Err(UpstreamError::Connect { address: self.address(), source }),
            },
            Self::Tcp { host, port, tls: None } => Ok(Box::new(connect(host, *port, limit).await?)),
            Self::Tcp { host, port, tls: Some((connector, name)) } => {
                let stream = connect(host, *port, limit).await?;
                match connector.connect(name.clone(), stream).await {
                    Ok(stream) => Ok(Box::new(stream)),
                    Err(source) => Err(UpstreamError::Tls { address: self.address(), source }),
                }
            }
        }
    }

    /// For people.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
            Self::Unix(path) => path.display().to_string(),
        }
    }
}

/// Tries the addresses of a name in turn; each gets its share of the time left, so that one which swallows packets
/// does not hide those that answer.
async fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, UpstreamError> {
    let began = clock::stopwatch();
    let lookup_failed = |source| UpstreamError::Lookup { host: host.to_owned(), source };
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(lookup_failed)?.collect();
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = limit.saturating_sub(began.elapsed()) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small writes (a frame of a WebSocket) must not wait for an acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(source)) => last = Some(UpstreamError::Connect { address: address.to_string(), source }),
            Err(_) => {
                last = Some(UpstreamError::ConnectTimeout { address: address.to_string(), after: share });
            }
        }
    }
    Err(last
        .unwrap_or_else(|| lookup_failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))))
}
