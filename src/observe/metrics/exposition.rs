//! The numbers as text, in the `OpenMetrics` format.

use std::fmt::Error;
use std::sync::PoisonError;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::tally::Summed;
use super::{AppMetrics, GATEWAY, Metrics, UPSTREAM};

/// The media type of [`Metrics::exposition`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    /// What `/metrics` says. Fails in memory alone.
    pub fn exposition(&self) -> Result<String, Error> {
        let mut registry = Registry::with_prefix("vestibule");
        registry.register_collector(Box::new(self.clone()));
        let mut exposition = String::new();
        text::encode(&mut exposition, &registry)?;
        Ok(exposition)
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        // An app that nobody has asked has no series: of ten thousand most are quiet.
        let apps = self.0.apps.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let apps: Vec<(&str, &AppMetrics)> = apps
            .iter()
            .map(|(name, app)| (name.as_ref(), app.as_ref()))
            .chain([("", &self.0.appless)])
            .filter(|(_, app)| app.requests() > 0 || app.waiting.get() > 0)
            .collect();

        encode_apps(&apps, &mut encoder)?;

        let help = "Time that requests to apps spent in the gateway itself, up to the head of the answer";
        let gateway =
            encoder.encode_descriptor("gateway", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        histogram(gateway, &Summed::of(self.0.gateway.copies(), &GATEWAY))?;

        let help = "Looks for a session, by whether the cache in this process knew it";
        let mut looks = encoder.encode_descriptor("session_cache_looks", help, None, MetricType::Counter)?;
        let sessions = &self.0.sessions.0;
        let (hits, misses) = (sessions.sum(|[hits, _]| hits), sessions.sum(|[_, misses]| misses));
        for (result, count) in [("hit", hits), ("miss", misses)] {
            counter(looks.encode_family(&[("result", result)])?, count)?;
        }

        let help = "Connections of visitors that are open";
        encoder
            .encode_descriptor("connections", help, None, MetricType::Gauge)?
            .encode_gauge(&self.0.connections.0.get())?;

        let help = "The program that is running";
        encoder
            .encode_descriptor("build", help, None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

/// The numbers of each app, with its name; that of requests which no app took is empty.
fn encode_apps(apps: &[(&str, &AppMetrics)], encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
    let help = "Requests answered, by app and class of status; app is empty where no app took them";
    let mut requests = encoder.encode_descriptor("requests", help, None, MetricType::Counter)?;
    for (name, app) in apps {
        for (class, count) in CLASSES.iter().zip(app.classes()) {
            let labels = [("app", *name), ("class", *class)];
            counter(requests.encode_family(&labels)?, count)?;
        }
    }

    let apps: Vec<_> = apps.iter().filter(|(name, _)| !name.is_empty()).collect();
    let help =
        "From sending a request to its app to the head of the answer, waiting for others to end included";
    let unit = Some(&Unit::Seconds);
    let mut upstream = encoder.encode_descriptor("upstream", help, unit, MetricType::Histogram)?;
    for (name, app) in &apps {
        let labels = [("app", *name)];
        histogram(upstream.encode_family(&labels)?, &app.upstream())?;
    }

    let help = "Requests sent to the app once more, since they had been lost on the way";
    let mut retries = encoder.encode_descriptor("upstream_retries", help, None, MetricType::Counter)?;
    for (name, app) in &apps {
        let labels = [("app", *name)];
        counter(retries.encode_family(&labels)?, app.each.sum(|app| &app.retries))?;
    }

    let help = "Requests refused, since as many as the limits of the app grant were under way";
    let mut refused = encoder.encode_descriptor("upstream_refused", help, None, MetricType::Counter)?;
    for (name, app) in &apps {
        let labels = [("app", *name)];
        counter(refused.encode_family(&labels)?, app.each.sum(|app| &app.refused))?;
    }

    let help = "Requests that wait for others of the app to end";
    let mut waiting = encoder.encode_descriptor("upstream_waiting", help, None, MetricType::Gauge)?;
    for (name, app) in &apps {
        let labels = [("app", *name)];
        waiting.encode_family(&labels)?.encode_gauge(&app.waiting.get())?;
    }
    Ok(())
}

impl AppMetrics {
    fn classes(&self) -> [u64; 5] {
        let mut sums = [0; 5];
        for copy in self.each.copies() {
            for (sum, count) in sums.iter_mut().zip(&copy.classes) {
                *sum += count.get();
            }
        }
        sums
    }

    fn requests(&self) -> u64 {
        self.classes().iter().sum()
    }

    fn upstream(&self) -> Summed {
        Summed::of(self.each.copies().map(|copy| &copy.upstream), &UPSTREAM)
    }
}

fn counter(mut encoder: MetricEncoder<'_>, value: u64) -> Result<(), Error> {
    encoder.encode_counter::<NoLabelSet, u64, f64>(&value, None)
}

fn histogram(mut encoder: MetricEncoder<'_>, summed: &Summed) -> Result<(), Error> {
    encoder.encode_histogram::<NoLabelSet>(summed.sum, summed.count, &summed.buckets, None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::observe::metrics::Answered;

    #[test]
    fn everything_is_said_with_its_unit_and_labels() {
        let metrics = Metrics::default();
        let app = metrics.app("wiki");
        let answered = Answered {
            status: StatusCode::OK,
            took: Duration::from_micros(5_100),
            upstream: Some(Duration::from_millis(5)),
        };
        metrics.answered(Some(&app), answered);
        metrics.answered(None, Answered { status: StatusCode::NOT_FOUND, upstream: None, ..answered });
        metrics.app("wiki").retried();
        metrics.app("wiki").refused();
        let hanging = metrics.app("hangs");
        let waits = hanging.waits();
        drop(app.waits());
        metrics.app("asleep");
        metrics.sessions().hit();
        let open = metrics.connections().open();
        drop(metrics.connections().open());
        let said = metrics.exposition().expect("text");
        drop((open, waits));
        for line in [
            "# TYPE vestibule_requests counter",
            "vestibule_requests_total{app=\"wiki\",class=\"2xx\"} 1",
            "vestibule_requests_total{app=\"wiki\",class=\"5xx\"} 0",
            "vestibule_requests_total{app=\"\",class=\"4xx\"} 1",
            "# UNIT vestibule_upstream_seconds seconds",
            "vestibule_upstream_seconds_sum{app=\"wiki\"} 0.005",
            "vestibule_upstream_seconds_bucket{le=\"0.0025\",app=\"wiki\"} 0",
            "vestibule_upstream_seconds_bucket{le=\"0.005\",app=\"wiki\"} 1",
            "vestibule_upstream_seconds_bucket{le=\"+Inf\",app=\"wiki\"} 1",
            "vestibule_upstream_retries_total{app=\"wiki\"} 1",
            "vestibule_upstream_refused_total{app=\"wiki\"} 1",
            "vestibule_upstream_waiting{app=\"wiki\"} 0",
            "vestibule_upstream_waiting{app=\"hangs\"} 1",
            "vestibule_gateway_seconds_bucket{le=\"0.00005\"} 0",
            "vestibule_gateway_seconds_bucket{le=\"0.0001\"} 1",
            "vestibule_gateway_seconds_count 1",
            "vestibule_session_cache_looks_total{result=\"hit\"} 1",
            "vestibule_session_cache_looks_total{result=\"miss\"} 0",
            "vestibule_connections 1",
        ] {
            assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
        }
        assert!(!said.contains("asleep") && said.ends_with("# EOF\n"), "{said}");
    }
}
