//! Requests to answers. [`Gateway`] never fails: it owns the request id, the clock and the log line; [`pipeline`] tells
//! the story of a request and uses `?`; [`answer`] is the one table of refusals.

pub mod admit;
mod answer;
pub mod client;
mod cutoff;
mod grpc;
mod pipeline;
#[cfg(test)]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use hyper::body::{Body as _, Incoming};
use ipnet::IpNet;

use crate::app::{App, Snapshot};
use crate::body::Body;
use crate::clock::{Timestamp, stopwatch};
use crate::listen::{Arriving, Connection, Handler};
use crate::observe::access::Entry;
use crate::observe::metrics::Answered;
use crate::observe::{AccessLog, Metrics};
use crate::portal::view::Views;
use crate::subject::Subject;
use crate::upstream::Pools;
use client::Client;

/// What the gateway needs besides the [`App`]; the same for all workers.
pub struct Settings {
    pub trusted_proxies: Vec<IpNet>,
    /// In bytes; zero: no limit.
    pub max_request_body: u64,
    pub views: Views,
    pub access_log: AccessLog,
    pub metrics: Metrics,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One worker's gateway. In one piece: each request holds it.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

struct Parts {
    app: Arc<App>,
    settings: Arc<Settings>,
    pools: Pools,
}

/// What stays the same while one request is answered.
struct Context<'a> {
    gateway: &'a Parts,
    connection: &'a Arc<Connection>,
    snapshot: &'a Arc<Snapshot>,
    client: &'a Client,
    now: Timestamp,
}

/// What the log line says besides the request itself, found out on the way.
#[derive(Default)]
struct Noted {
    app: Option<usize>,
    subject: Option<Arc<Subject>>,
    /// How long the upstream took to answer.
    upstream: Option<Duration>,
}

impl Gateway {
    pub fn new(app: Arc<App>, settings: Arc<Settings>, pools: Pools) -> Self {
        Self(Arc::new(Parts { app, settings, pools }))
    }
}

impl Handler for Gateway {
    async fn handle(&self, connection: Arc<Connection>, request: Arriving) -> Response<Body> {
        let begun = stopwatch();
        let Self(gateway) = self;
        let snapshot = gateway.app.snapshot.load_full();
        let peer = (connection.address, &connection.written);
        let client = Client::settle(peer, request.headers(), &gateway.settings.trusted_proxies);
        let now = gateway.app.clock.now();
        let context = Context { gateway, connection: &connection, snapshot: &snapshot, client: &client, now };
        let asked = Asked::of(&request);
        let manner = answer::Manner::of(&request);
        let mut noted = Noted::default();
        let answered = pipeline::respond(&context, request, &mut noted).await;
        let app = noted.app.and_then(|index| snapshot.apps.get(index));
        let app_name = app.map(|app| app.name.as_str());
        let mut response = match answered {
            Ok(response) => response,
            Err(refused) => {
                let manner = manner.towards(noted.subject.as_deref());
                answer::answer(&context, &manner, app_name, &refused)
            }
        };
        response.headers_mut().insert(REQUEST_ID, client.request_id.clone());
        let (status, took) = (response.status(), begun.elapsed());
        let answered = Answered { status, took, upstream: noted.upstream };
        gateway.settings.metrics.answered(app.map(|app| &*app.metrics), answered);
        gateway.settings.access_log.record(&Entry {
            at: now,
            request_id: client.request_id(),
            method: asked.method.as_str(),
            host: asked.host(),
            path: asked.target.path(),
            status: status.as_u16(),
            elapsed: took,
            bytes: response.body().size_hint().exact(),
            app: app_name,
            username: noted.subject.as_ref().map(|subject| subject.username.as_str()),
            client: client.written.to_str().unwrap_or("-"),
        });
        response
    }
}

/// What the log says of a request; cheap copies, since the request itself is forwarded.
struct Asked {
    method: http::Method,
    target: Uri,
    host: Option<HeaderValue>,
}

impl Asked {
    fn of(request: &Request<Incoming>) -> Self {
        Self {
            method: request.method().clone(),
            target: request.uri().clone(),
            host: request.headers().get(HOST).cloned(),
        }
    }

    fn host(&self) -> &str {
        let authority = self.target.authority().map(http::uri::Authority::as_str);
        authority.or_else(|| self.host.as_ref()?.to_str().ok()).unwrap_or("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_answering<A>(_: impl Fn(&'static Gateway, Arc<Connection>, Arriving) -> A) -> usize {
        size_of::<A>()
    }

    /// What is seldom needed on the way of a request belongs in a box: room for all of it is made, and written, anew for
    /// every one.
    #[test]
    fn a_request_carries_little_along() {
        let size = size_of_answering(Gateway::handle);
        assert!(size <= 4096, "{size} bytes");
    }
}
