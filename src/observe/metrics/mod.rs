//! What `/metrics` says: requests and latencies by app, connections, retries, how often the session cache helped.
//!
//! On the path of every request: whoever counts holds a handle made at the start, and adds to numbers that no other
//! thread writes. Nothing is looked up, locked or allocated but when somebody reads. Start from [`Metrics`].

mod exposition;
mod tally;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::gauge::Gauge;

pub use exposition::MEDIA_TYPE;
use tally::{Bounds, Count, Histogram, PerThread};

/// Microseconds: 1 ms to 30 s.
const UPSTREAM: Bounds = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000,
];

/// Microseconds: 25 µs to 1 s.
const GATEWAY: Bounds = [25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];

/// All numbers of this process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Arc<All>);

#[derive(Default)]
struct All {
    apps: Mutex<BTreeMap<Box<str>, Arc<AppMetrics>>>,
    /// Requests that no app took.
    appless: AppMetrics,
    gateway: PerThread<Histogram>,
    sessions: Arc<CacheLooks>,
    connections: OpenConnections,
}

/// One app's numbers.
#[derive(Default)]
pub struct AppMetrics {
    each: PerThread<OfApp>,
    waiting: Gauge,
}

#[derive(Default)]
struct OfApp {
    /// By the first digit of the status, from 1 on.
    classes: [Count; 5],
    retries: Count,
    refused: Count,
    upstream: Histogram,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub status: StatusCode,
    /// From the request's head to the answer's.
    pub took: Duration,
    /// How much of it passed while the upstream had the request; `None`: it was not asked.
    pub upstream: Option<Duration>,
}

impl Metrics {
    /// The numbers of the app with this name: the same whenever it is asked for.
    pub fn app(&self, name: &str) -> Arc<AppMetrics> {
        let mut apps = self.0.apps.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(apps.entry(name.into()).or_default())
    }

    pub fn sessions(&self) -> Arc<CacheLooks> {
        Arc::clone(&self.0.sessions)
    }

    pub fn connections(&self) -> &OpenConnections {
        &self.0.connections
    }

    /// Counts a request; `app`: the one that took it.
    pub fn answered(&self, app: Option<&AppMetrics>, answered: Answered) {
        let class = usize::from(answered.status.as_u16() / 100).wrapping_sub(1);
        app.unwrap_or(&self.0.appless).each.own(|app| {
            if let Some(count) = app.classes.get(class) {
                count.add(1);
            }
            if let Some(upstream) = answered.upstream {
                app.upstream.add(&UPSTREAM, upstream);
            }
        });
        if app.is_some() {
            let ours = answered.took.saturating_sub(answered.upstream.unwrap_or_default());
            self.0.gateway.own(|gateway| gateway.add(&GATEWAY, ours));
        }
    }
}

impl AppMetrics {
    /// A request was sent once more, on a new connection.
    pub fn retried(&self) {
        self.each.own(|app| app.retries.add(1));
    }

    /// A request was refused, since as many as may be were under way.
    pub fn refused(&self) {
        self.each.own(|app| app.refused.add(1));
    }

    /// A request waits for another to end, until this is dropped.
    pub fn waits(&self) -> Waits<'_> {
        self.waiting.inc();
        Waits(self)
    }
}

/// See [`AppMetrics::waits`].
pub struct Waits<'a>(&'a AppMetrics);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.dec();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}

/// How often the session cache knew a session.
#[derive(Default)]
pub struct CacheLooks(PerThread<[Count; 2]>);

impl CacheLooks {
    pub fn hit(&self) {
        self.0.own(|[hits, _]| hits.add(1));
    }

    pub fn miss(&self) {
        self.0.own(|[_, misses]| misses.add(1));
    }
}

/// How many connections of visitors are open.
#[derive(Clone, Default)]
pub struct OpenConnections(Gauge);

/// A connection that is open, until this is dropped.
pub struct Open(Gauge);

impl OpenConnections {
    pub fn open(&self) -> Open {
        self.0.inc();
        Open(self.0.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
