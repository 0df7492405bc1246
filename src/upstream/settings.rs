//! What the configuration says about an app's upstream.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;

use crate::route::{Host, Origin, Scheme};

/// How an app's requests are forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub target: Target,
    pub host_header: HostHeader,
    /// Removed from the path before forwarding, if `strip_prefix` is set: the app's url path.
    pub strip_prefix: Option<String>,
    /// Header names with characters other than letters, digits and `-` that pass nevertheless.
    pub allow_headers: Vec<HeaderName>,
}

/// Where an app's requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Servers(Servers),
    /// The built-in page that shows what an app receives.
    Whoami,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// At least one.
    pub servers: Vec<Server>,
    pub tls: TlsSettings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    Tcp { protocol: Protocol, host: Host, port: u16 },
    Unix(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    /// HTTP/2 without TLS, and nothing else.
    H2c,
    /// HTTP/2 where the server chooses it, else HTTP/1.1.
    Https,
}

/// How https servers are verified, and who we are to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// A PEM file: authorities to believe besides the system's.
    pub ca: Option<PathBuf>,
    /// The name to ask for and to verify, in place of the server's host.
    pub server_name: Option<Host>,
    pub client: Option<ClientCertificate>,
}

/// PEM files: a chain, the client's own certificate first, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    Preserve,
    Upstream,
}

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, connect and TLS handshake together.
    pub connect: Duration,
    /// Without any sign of life before the head of the answer: a byte of the request's body taken counts as one.
    pub response: Duration,
    /// Without a byte in either direction after that, in the body of an answer or a WebSocket.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_mins(1),
            idle: Duration::from_mins(5),
        }
    }
}

impl From<Server> for Target {
    fn from(server: Server) -> Self {
        Self::Servers(Servers { servers: vec![server], tls: TlsSettings::default() })
    }
}

impl Server {
    /// What a `Host` header calls it.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Tcp { protocol, host, port } => {
                let scheme = match protocol {
                    Protocol::Http | Protocol::H2c => Scheme::Http,
                    Protocol::Https => Scheme::Https,
                };
                Origin { scheme, host: host.clone(), port: *port }.authority()
            }
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}
