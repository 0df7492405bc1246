//! Sockets to requests: binds, accepts, shakes hands, speaks HTTP, and hands each request to a [`Handler`].
//!
//! One single-thread runtime a core ([`Workers`]), each with listeners of its own. Nothing here knows what a request
//! is about: no route, no session, no policy. Start from [`bind`], then [`Workers::start`].

mod accept;
mod activity;
mod bind;
mod certificates;
mod grammar;
mod http;
mod proxy;
mod rest;
mod seldom;
mod socket;
mod stall;
#[cfg(test)]
mod tests;
mod tls;
mod workers;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use ipnet::IpNet;

use crate::body::Body;
use crate::route::Host;
use crate::tasks::{Shutdown, Tasks};

pub use bind::{BindError, Bound, bind, bind_one};
pub use certificates::{Certificate, CertificateError};
pub use tls::Tls;
pub use workers::Workers;

/// A request whose head has arrived, and whose body may still be on its way. In a box, as it is handed on often.
pub type Arriving = Box<Request<Incoming>>;

/// What is done with a request. Made once for each worker, on the worker's own runtime.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Never fails: every fault has an answer.
    fn handle(
        &self,
        connection: Arc<Connection>,
        request: Arriving,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// The connection that a request came on.
pub struct Connection {
    /// Who is at the other end: the visitor, or the proxy in front of us. An IPv4 address is never written as IPv6.
    /// `None` on a unix socket. With `proxy_protocol`, what the load balancer says.
    pub peer: Option<SocketAddr>,
    /// The peer's address, a unix socket's being 127.0.0.1: a process on this machine.
    pub address: IpAddr,
    /// The same in text, made once for all requests.
    pub written: HeaderValue,
    pub tls: bool,
    /// Everything on this listener is answered with a redirect to https.
    pub redirect: bool,
    /// The worker's own, on which a tunnel is spawned; the worker ends when all of them have.
    pub tasks: Tasks,
    /// Tunnels watch it: a connection that was upgraded is out of this module's hands.
    pub shutdown: Shutdown,
    certificate: Option<Arc<Certificate>>,
    pub named: Named,
}

impl Connection {
    fn new(
        peer: Option<SocketAddr>,
        settings: &ListenerSettings,
        (tasks, shutdown): (Tasks, Shutdown),
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
        let written = HeaderValue::try_from(address.to_string());
        Self {
            peer,
            address,
            written: written.unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            tls: settings.tls,
            redirect: settings.redirect,
            tasks,
            shutdown,
            certificate,
            named: Named::default(),
        }
    }

    /// Whether the certificate shown on this connection is good for this host; a plain connection covers every host.
    /// A browser may send requests for several hosts on one connection (RFC 9113 section 9.1.1).
    pub fn covers(&self, host: &Host) -> bool {
        self.certificate.as_ref().is_none_or(|certificate| certificate.covers(host))
    }
}

/// The host and port that a connection's first request named, as written and as read: nearly all others name the same.
#[derive(Default)]
pub struct Named(OnceLock<(Box<[u8]>, Host, Option<u16>)>);

impl Named {
    /// What is written there, by `read` if it is not known.
    pub fn get_or_read<E>(
        &self,
        written: &[u8],
        read: impl FnOnce(&[u8]) -> Result<(Host, Option<u16>), E>,
    ) -> Result<(Host, Option<u16>), E> {
        if let Some((known, host, port)) = self.0.get()
            && **known == *written
        {
            return Ok((host.clone(), *port));
        }
        let (host, port) = read(written)?;
        self.0.set((written.into(), host.clone(), port)).ok();
        Ok((host, port))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    pub address: Address,
    pub tls: bool,
    /// Answers everything with a redirect to https.
    pub redirect: bool,
    /// A connection begins with a PROXY header.
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// Whose PROXY headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// Nobody else may connect but this machine itself; empty: everybody may.
    pub from: Vec<IpNet>,
}

impl ProxyProtocol {
    /// `peer` is the other end of the socket; `None` on a unix socket.
    fn believes(&self, peer: Option<IpAddr>) -> bool {
        let named =
            |peer: IpAddr| peer.is_loopback() || self.from.iter().any(|network| network.contains(&peer));
        self.from.is_empty() || peer.is_none_or(named)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    pub certificates: Vec<CertificateFiles>,
    /// TLS 1.3 alone.
    pub only_1_3: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How patient a connection is, and how much it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// In bytes, request line included; more is answered with 431.
    pub max_request_headers: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From there to the end of the first request's head.
    pub first_head: Duration,
    /// From the end of one request to the end of the next one's head. Longer than the idle time of the usual load
    /// balancers (60 s), which would otherwise now and then send a request into a connection that is being closed.
    pub idle: Duration,
    /// A client that takes nothing of an answer for this long is gone.
    pub stalled_write: Duration,
}

impl HttpSettings {
    pub fn new(max_request_headers: usize) -> Self {
        Self {
            max_request_headers,
            handshake: Duration::from_secs(10),
            first_head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stalled_write: Duration::from_mins(1),
        }
    }
}
