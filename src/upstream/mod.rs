//! Forwards stamped requests. Start from [`forward`].
//!
//! An [`Upstream`] is where an app's requests go and lives as long as the configuration, with what is known of its
//! servers; [`Pools`] keep the connections of one worker. Bodies are streamed both ways. Nothing here knows who is
//! asking or why it was allowed.

mod answer;
mod arriving;
mod backend;
mod chunked;
mod connect;
mod direct;
mod error;
mod exchange;
mod frames;
mod group;
mod health;
mod interim;
mod lanes;
mod last_word;
mod outgoing;
mod pool;
mod race;
mod replay;
mod rewrite;
mod send;
mod settings;
mod silence;
mod slots;
mod standing;
mod tls;
mod transfer;
mod tunnel;
mod websocket;
mod whoami;

use std::sync::Arc;

use http::{HeaderName, Response};

pub use error::{Fault, UpstreamError};
pub use group::MOST_SERVERS;
#[cfg(test)]
pub(crate) use pool::IdleLimits;
pub use pool::Pools;
pub use rewrite::Rewrite;
pub use settings::{
    Balance, ClientCertificate, Health, HostHeader, Limits, Protocol, Server, Servers, Settings, Target,
    Timeouts, TlsSettings,
};
pub use tls::Trust;

use crate::body::Body;
use crate::identity::Stamped;
use crate::observe::metrics::AppMetrics;
use crate::tasks::Cutoff;
use backend::Backend;
use group::Group;
use slots::Slots;

/// Where one app's requests go, made ready. Process-wide: it holds no connection.
pub struct Upstream {
    /// `None`: the built-in page.
    group: Option<Arc<Group>>,
    health: Option<Health>,
    slots: Arc<Slots>,
    strip_prefix: Option<String>,
    allow_headers: Vec<HeaderName>,
    timeouts: Timeouts,
    metrics: Arc<AppMetrics>,
}

impl Upstream {
    /// `app`: its name, for logs. Only what cannot mend itself is an error: a name that TLS cannot verify, no roots to
    /// verify with, a file that cannot be used.
    pub fn new(
        app: &str,
        settings: &Settings,
        timeouts: Timeouts,
        trust: &Trust,
    ) -> Result<Self, UpstreamError> {
        let (group, health) = match &settings.target {
            Target::Whoami => (None, None),
            Target::Servers(Servers { servers, balance, tls, health }) => {
                let made =
                    servers.iter().map(|server| Backend::new(server, &settings.host_header, tls, trust));
                let backends: Vec<_> = made.collect::<Result<_, _>>()?;
                (Some(Arc::new(Group::new(app, backends, *balance))), health.clone())
            }
        };
        Ok(Self {
            group,
            health,
            slots: Arc::new(Slots::new(settings.limits)),
            strip_prefix: settings.strip_prefix.clone().filter(|prefix| !prefix.is_empty()),
            allow_headers: settings.allow_headers.clone(),
            timeouts,
            metrics: Arc::default(),
        })
    }

    /// Counts retries there, and who has to wait.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<AppMetrics>) -> Self {
        Self { metrics, ..self }
    }

    /// The odd header names that the app wants nevertheless.
    pub fn allow_headers(&self) -> &[HeaderName] {
        &self.allow_headers
    }

    /// What keeps asking each server how it is, if the configuration wants that: one future a server, to be run as long
    /// as the upstream is in use, on a runtime that is never held up.
    pub fn health_checks(&self) -> impl Iterator<Item = impl Future<Output = ()> + Send + use<>> + use<'_> {
        let group = self.group.iter().zip(&self.health);
        group.flat_map(|(group, health)| {
            (0..group.backends.len()).map(|place| health::watch(Arc::clone(group), place, health.clone()))
        })
    }

    /// Connects to each server and hangs up: its address, and whether it could be reached now.
    pub async fn probe(&self) -> Vec<(String, Result<(), UpstreamError>)> {
        let mut reached = Vec::new();
        let backends = self.group.iter().flat_map(|group| &group.backends);
        for Backend { dialer, .. } in backends {
            let dialed = dialer.dial(self.timeouts.connect, false).await;
            reached.push((dialer.address(), dialed.map(drop)));
        }
        reached
    }
}

/// Sends a request to its upstream and gives back the answer, its body still streaming.
///
/// `cutoff` is asked only if the answer can outlast the check that allowed it: an upgrade, or a body that has not come with
/// its head. What it gives makes a token, at once or when the body turns out to last. When the token is cancelled (the
/// session has ended, or the gateway stops), the answer is broken off; a WebSocket is closed with code 1008 where a
/// frame's end allows it, within five seconds.
///
/// Dropping the future or the answer's body closes the connection to the upstream at once.
pub async fn forward<C, L>(
    pools: &Pools,
    upstream: &Upstream,
    stamped: Stamped<'_>,
    cutoff: C,
) -> Result<Response<Body>, UpstreamError>
where
    C: FnOnce() -> L + Send,
    L: FnOnce() -> Cutoff + Send + 'static,
{
    let mut parts = stamped.into_parts();
    exchange::rewrite(&mut parts, upstream)?;
    match &upstream.group {
        None => {
            parts.said.set(&mut parts.head.headers);
            Ok(whoami::answer(&parts))
        }
        Some(group) => exchange::exchange(pools, upstream, group, parts, cutoff).await,
    }
}
