//! One server of an upstream, made ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

use super::connect::Dialer;
use super::group::number_of;
use super::outgoing::Form;
use super::pool::Connection;
use super::standing::Standing;
use super::tls::Trust;
use super::{HostHeader, Server, TlsSettings, UpstreamError};

pub(super) struct Backend {
    /// Tells the connections of different servers apart in [`super::Pools`].
    pub id: u64,
    pub dialer: Dialer,
    /// A number for its address, the same in every process.
    pub name: u64,
    pub standing: Arc<Standing>,
    /// Replaces the visitor's `Host`.
    pub host: Option<HeaderValue>,
}

impl Backend {
    pub(super) fn new(
        server: &Server,
        host_header: &HostHeader,
        tls: &TlsSettings,
        trust: &Trust,
    ) -> Result<Self, UpstreamError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let host = match host_header {
            HostHeader::Preserve => None,
            HostHeader::Upstream => HeaderValue::try_from(server.authority()).ok(),
        };
        let dialer = Dialer::new(server, tls, trust)?;
        let (id, name) = (NEXT.fetch_add(1, Ordering::Relaxed), number_of(&dialer.address()));
        Ok(Self { id, dialer, name, standing: Arc::default(), host })
    }

    /// How a request is written on this connection.
    pub(super) fn form(&self, connection: &Connection) -> Form {
        match connection {
            Connection::Own(_) | Connection::Direct(_) => Form::Http1,
            Connection::Shared(_) => Form::Http2 { tls: self.dialer.is_secure() },
        }
    }
}
