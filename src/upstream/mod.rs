//! Forwards stamped requests. Start from [`forward`].
//!
//! An [`Upstream`] is where an app's requests go and lives as long as the configuration; [`Pools`] keep the connections
//! of one worker. Bodies are streamed both ways. Nothing here knows who is asking or why it was allowed.

mod answer;
mod backend;
mod connect;
mod error;
mod exchange;
mod lanes;
mod outgoing;
mod pool;
mod race;
mod send;
mod settings;
mod silence;
mod tls;
mod transfer;
mod tunnel;
mod websocket;
mod whoami;

use http::{HeaderName, Response};

pub use error::{Fault, UpstreamError};
#[cfg(test)]
pub(crate) use pool::IdleLimits;
pub use pool::Pools;
pub use settings::{
    ClientCertificate, HostHeader, Protocol, Server, Servers, Settings, Target, Timeouts, TlsSettings,
};
pub use tls::Trust;

use crate::body::Body;
use crate::identity::Stamped;
use crate::tasks::Cutoff;
use backend::Backend;

/// Where one app's requests go, made ready. Process-wide: it holds no connection.
pub struct Upstream {
    app: String,
    /// `None`: the built-in page.
    backend: Option<Backend>,
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
        let backend = match &settings.target {
            Target::Whoami => None,
            Target::Servers(Servers { servers, tls }) => {
                let server =
                    servers.first().map(|server| Backend::new(server, &settings.host_header, tls, trust));
                server.transpose()?
            }
        };
        Ok(Self {
            app: app.to_owned(),
            backend,
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
        if let Some(Backend { dialer, .. }) = &self.backend {
            let dialed = dialer.dial(self.timeouts.connect, false).await;
            reached.push((dialer.address(), dialed.map(drop)));
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
    match &upstream.backend {
        None => Ok(whoami::answer(&exchange::rewritten(parts, upstream)?)),
        Some(backend) => exchange::exchange(pools, upstream, backend, parts, cutoff).await,
    }
}
