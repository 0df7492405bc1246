//! What the configuration says about an app's upstream.

use std::path::PathBuf;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};

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
    pub limits: Limits,
}

/// How much of the gateway one app may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests, event streams and web sockets under way at once, over all workers.
    pub connections: u32,
    /// Requests that wait until one of those has ended. Further ones are refused at once.
    pub waiting: u32,
    /// For how long.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1024, waiting: 256, wait: Duration::from_secs(10) }
    }
}

/// Where an app's requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one an app, and nearly all are the large one")]
pub enum Target {
    Servers(Servers),
    /// The built-in page that shows what an app receives.
    Whoami,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// At least one, at most [`super::MOST_SERVERS`].
    pub servers: Vec<Server>,
    pub balance: Balance,
    pub tls: TlsSettings,
    pub health: Option<Health>,
}

/// Which of several servers takes a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Of two taken by chance, the one with fewer requests under way.
    #[default]
    LeastRequests,
    RoundRobin,
    /// All requests of a session go to the same, as long as it is healthy.
    Sticky,
}

/// How servers are asked how they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub path: PathAndQuery,
    /// The `Host` to ask for; what `host_header` says, if `None`.
    pub host: Option<HeaderValue>,
    pub interval: Duration,
    /// For a whole check.
    pub timeout: Duration,
    /// Checks in a row.
    pub unhealthy_after: u32,
    pub healthy_after: u32,
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
        Self::Servers(Servers { servers: vec![server], ..Servers::default() })
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
