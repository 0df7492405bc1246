//! Forwards stamped requests. Start from [`forward`].
//!
//! An [`Upstream`] is where an app's requests go and lives as long as the configuration; [`Pools`] keep the connections
//! of one worker. Bodies are streamed both ways. Nothing here knows who is asking or why it was allowed.

mod answer;
mod connect;
mod error;
mod exchange;
mod pool;
mod settings;
mod silence;
mod tls;
mod transfer;
mod tunnel;
mod websocket;
mod whoami;

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue, Response};

pub use error::{Fault, UpstreamError};
#[cfg(test)]
pub(crate) use pool::IdleLimits;
pub use pool::Pools;
pub use settings::{ClientCertificate, HostHeader, Server, Servers, Settings, Target, Timeouts, TlsSettings};
pub use tls::Trust;

use crate::body::Body;
use crate::identity::Stamped;
use crate::tasks::Cutoff;
use connect::Dialer;

/// Where one app's requests go, made ready. Process-wide: it holds no connection.
pub struct Upstream {
    /// Tells the connections of different upstreams apart in [`Pools`].
    id: u64,
    app: String,
    /// `None`: the built-in page.
    dialer: Option<Dialer>,
    /// Replaces the visitor's `Host`.
    host: Option<HeaderValue>,
    strip_prefix: Option<String>,
    allow_headers: Vec<HeaderName>,
    timeouts: Timeouts,
}

impl Upstream {
    /// Only what cannot mend itself is an error: a name that TLS cannot verify, no roots to verify with, a file that
    /// cannot be used.
    pub fn new(
        app: &str,
        settings: &Settings,
        timeouts: Timeouts,
        trust: &Trust,
    ) -> Result<Self, UpstreamError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let servers = match &settings.target {
            Target::Servers(servers) => Some(servers),
            Target::Whoami => None,
        };
        let server = servers.and_then(|servers| Some((servers.servers.first()?, &servers.tls)));
        let host = match settings.host_header {
            HostHeader::Preserve => None,
            HostHeader::Upstream => {
                let own = server.map_or_else(|| "localhost".to_owned(), |(server, _)| server.authority());
                HeaderValue::try_from(own).ok()
            }
        };
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            app: app.to_owned(),
            dialer: server.map(|(server, tls)| Dialer::new(server, tls, trust)).transpose()?,
            host,
            strip_prefix: settings.strip_prefix.clone().filter(|prefix| !prefix.is_empty()),
            allow_headers: settings.allow_headers.clone(),
            timeouts,
        })
    }

    /// The app's name, for logs.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The odd header names that the app wants nevertheless.
    pub fn allow_headers(&self) -> &[HeaderName] {
        &self.allow_headers
    }

    /// Connects to each server and hangs up: its address, and whether it could be reached now.
    pub async fn probe(&self) -> Vec<(String, Result<(), UpstreamError>)> {
        let mut reached = Vec::new();
        for dialer in self.dialer.iter() {
            reached.push((dialer.address(), dialer.dial(self.timeouts.connect).await.map(drop)));
        }
        reached
    }
}

/// Sends a request to its upstream and gives back the answer, its body still streaming.
///
/// `cutoff` is asked for a token only if the answer can outlast the check that allowed it: an upgrade, or a body whose
/// length is unknown or large. When the token is cancelled (the session has ended, or the gateway stops), the
/// answer is broken off; a WebSocket is closed with code 1008 where a frame's end allows it, within five seconds.
///
/// Dropping the future or the answer's body closes the connection to the upstream at once.
pub async fn forward<C>(
    pools: &Pools,
    upstream: &Upstream,
    stamped: Stamped,
    cutoff: C,
) -> Result<Response<Body>, UpstreamError>
where
    C: FnOnce() -> Cutoff + Send,
{
    let parts = stamped.into_parts();
    match &upstream.dialer {
        None => Ok(whoami::answer(&exchange::rewritten(parts, upstream)?)),
        Some(dialer) => exchange::exchange(pools, upstream, dialer, parts, cutoff).await,
    }
}
