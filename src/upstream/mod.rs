//! Forwards stamped requests. Start from [`forward`].
//!
//! An [`Upstream`] is where an app's requests go and lives as long as the configuration; [`Pools`] keep the connections
//! of one worker. Bodies are streamed both ways. Nothing here knows who is asking or why it was allowed.

mod answer;
mod connect;
mod error;
mod exchange;
mod pool;
mod rewrite;
mod transfer;
mod tunnel;
mod websocket;
mod whoami;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Response};

pub use connect::Trust;
pub use error::{Fault, UpstreamError};
#[cfg(test)]
pub(crate) use pool::IdleLimits;
pub use pool::Pools;
pub use rewrite::Rewrite;

use crate::body::Body;
use crate::identity::Stamped;
use crate::observe::metrics::AppMetrics;
use crate::route::{Host, Origin, Scheme};
use crate::tasks::Cutoff;
use connect::Dialer;

/// Where an app's requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Tcp {
        scheme: Scheme,
        host: Host,
        port: u16,
    },
    Unix(PathBuf),
    /// The built-in page that shows what an app receives.
    Whoami,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    Preserve,
    Upstream,
}

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

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, connect and TLS handshake together.
    pub connect: Duration,
    /// Without any sign of life before the head of the answer: a byte of the request's body taken counts as one.
    pub response: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), response: Duration::from_mins(1) }
    }
}

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
    metrics: Arc<AppMetrics>,
}

impl Upstream {
    /// Only what cannot mend itself is an error: a name that TLS cannot verify, or no roots to verify with.
    pub fn new(
        app: &str,
        settings: &Settings,
        timeouts: Timeouts,
        trust: &Trust,
    ) -> Result<Self, UpstreamError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let own_host = match &settings.target {
            Target::Tcp { scheme, host, port } => {
                Origin { scheme: *scheme, host: host.clone(), port: *port }.authority()
            }
            Target::Unix(_) | Target::Whoami => "localhost".to_owned(),
        };
        let host = match settings.host_header {
            HostHeader::Preserve => None,
            HostHeader::Upstream => HeaderValue::try_from(own_host).ok(),
        };
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            app: app.to_owned(),
            dialer: Dialer::new(&settings.target, trust)?,
            host,
            strip_prefix: settings.strip_prefix.clone().filter(|prefix| !prefix.is_empty()),
            allow_headers: settings.allow_headers.clone(),
            timeouts,
            metrics: Arc::default(),
        })
    }

    /// Counts retries there.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<AppMetrics>) -> Self {
        Self { metrics, ..self }
    }

    /// The app's name, for logs.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The odd header names that the app wants nevertheless.
    pub fn allow_headers(&self) -> &[HeaderName] {
        &self.allow_headers
    }

    /// Connects and hangs up: whether the upstream could be reached now.
    pub async fn probe(&self) -> Result<(), UpstreamError> {
        match &self.dialer {
            None => Ok(()),
            Some(dialer) => dialer.dial(self.timeouts.connect).await.map(drop),
        }
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
