//! Opens connections: name look-up, TCP or a unix socket, and TLS.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::tls::{Tls, Trust};
use super::{Protocol, Server, TlsSettings, UpstreamError, race};

/// A byte stream to an upstream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream on which nothing was said yet, and what is to be spoken on it.
pub(super) struct Dialed {
    pub stream: Box<dyn Stream>,
    pub http2: bool,
}

/// Knows how to reach one server.
pub(super) enum Dialer {
    Tcp { host: String, port: u16, wire: Wire },
    Unix(PathBuf),
}

pub(super) enum Wire {
    Http,
    H2c,
    Tls(Box<Tls>),
}

impl Dialer {
    pub(super) fn new(server: &Server, settings: &TlsSettings, trust: &Trust) -> Result<Self, UpstreamError> {
        match server {
            Server::Unix(path) => Ok(Self::Unix(path.clone())),
            Server::Tcp { protocol, host, port } => {
                let wire = match protocol {
                    Protocol::Http => Wire::Http,
                    Protocol::H2c => Wire::H2c,
                    Protocol::Https => Wire::Tls(Box::new(Tls::new(host, settings, trust)?)),
                };
                // Without its brackets an IPv6 address is what the resolver wants.
                let host = host.as_str().trim_matches(['[', ']']).to_owned();
                Ok(Self::Tcp { host, port: *port, wire })
            }
        }
    }

    pub(super) fn speaks_http1(&self) -> bool {
        !matches!(self, Self::Tcp { wire: Wire::H2c, .. })
    }

    /// Whether connections can be shared; with TLS that is the server's choice.
    pub(super) fn speaks_http2(&self) -> bool {
        matches!(self, Self::Tcp { wire: Wire::H2c | Wire::Tls(_), .. })
    }

    pub(super) fn is_secure(&self) -> bool {
        matches!(self, Self::Tcp { wire: Wire::Tls(_), .. })
    }

    /// Opens a connection within `limit`, look-up and TLS included.
    pub(super) async fn dial(&self, limit: Duration, http1_only: bool) -> Result<Dialed, UpstreamError> {
        timeout(limit, self.open(http1_only)).await.map_err(|_| self.late(limit))?
    }

    async fn open(&self, http1_only: bool) -> Result<Dialed, UpstreamError> {
        match self {
            Self::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Dialed { stream: Box::new(stream), http2: false }),
                Err(source) => Err(UpstreamError::Connect { address: self.address(), source }),
            },
            Self::Tcp { host, port, wire } => {
                let stream = race::connect(host, *port).await?;
                match wire {
                    Wire::Http => Ok(Dialed { stream: Box::new(stream), http2: false }),
                    Wire::H2c => Ok(Dialed { stream: Box::new(stream), http2: true }),
                    Wire::Tls(tls) => match tls.connect(stream, http1_only).await {
                        Ok((stream, http2)) => Ok(Dialed { stream: Box::new(stream), http2 }),
                        Err(source) => Err(UpstreamError::Tls { address: self.address(), source }),
                    },
                }
            }
        }
    }

    /// That a connection took too long.
    pub(super) fn late(&self, after: Duration) -> UpstreamError {
        UpstreamError::ConnectTimeout { address: self.address(), after }
    }

    /// For people.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
            Self::Unix(path) => path.display().to_string(),
        }
    }
}
