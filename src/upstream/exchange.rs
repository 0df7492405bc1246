//! One request, one answer: takes a connection, sends, waits for the head, and decides what becomes of the connection.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::uri::{self, PathAndQuery};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, request};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::connect::Dialer;
use super::pool::{Connection, Pools};
use super::silence::Silence;
use super::transfer::{Download, Progress, Upload};
use super::tunnel::{Asked, Limits};
use super::{Upstream, UpstreamError, answer, tunnel};
use crate::body::Body;
use crate::identity::StampedParts;
use crate::tasks::Cutoff;

/// An answer whose length is known and not above this ends soon enough by itself.
const SOON_OVER: u64 = 1024 * 1024;

pub(super) async fn exchange<C>(
    pools: &Pools,
    upstream: &Upstream,
    dialer: &Dialer,
    parts: StampedParts,
    cutoff: C,
) -> Result<Response<Body>, UpstreamError>
where
    C: FnOnce() -> Cutoff + Send,
{
    let StampedParts { head, body, upgrade, authenticated, strip } = rewritten(parts, upstream)?;
    let head_only = head.method == Method::HEAD;
    let upgrade = upgrade.map(|(upgrade, visitor)| (Asked::new(upgrade, &head.headers), visitor));
    let request = outgoing(head, body, upgrade.as_ref().map(|(asked, _)| &asked.upgrade.protocol));
    let progress = request.body().progress();

    let (answer, connection) = send(pools, upstream, dialer, request, upgrade.is_some()).await?;
    let (mut head, body) = answer.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        let Some(upgrade) = upgrade else { return Err(UpstreamError::UnaskedUpgrade) };
        let answer = Response::from_parts(head, body);
        let limits = Limits { cutoff: cutoff(), idle: upstream.timeouts.idle };
        return tunnel::open(pools, answer, upgrade, connection, &strip, limits);
    }

    let framing = answer::framing(&head, head_only)?;
    answer::clean(&mut head, &strip, authenticated);
    // An upstream that answers early may still read the rest of the body, or take it for the next request.
    let body_sent = progress.as_ref().is_none_or(|progress| progress.is_done());
    let home = (body_sent && framing.reusable && upgrade.is_none()).then(|| pools.home(upstream.id));
    if body.is_end_stream() {
        if let Some(home) = home {
            home.give_back(connection);
        }
        return Ok(Response::from_parts(head, Body::Empty));
    }
    let lasting = framing.length.is_none_or(|length| length > SOON_OVER);
    let silence = Silence::new(upstream.timeouts.idle, progress);
    let body = Download::new(body, connection, home, lasting.then(cutoff), silence);
    Ok(Response::from_parts(head, Body::stream(body)))
}

/// What the configuration changes for this upstream, and the target in origin form.
pub(super) fn rewritten(mut parts: StampedParts, upstream: &Upstream) -> Result<StampedParts, UpstreamError> {
    parts.head.uri = target(&parts.head.uri, upstream.strip_prefix.as_deref())?;
    if let Some(host) = &upstream.host {
        parts.head.headers.insert(HOST, host.clone());
    }
    Ok(parts)
}

/// The request as it is written, with our own framing.
fn outgoing(mut head: request::Parts, body: Body, upgrade: Option<&HeaderValue>) -> Request<Upload> {
    if let Some(protocol) = upgrade {
        head.headers.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(UPGRADE, protocol.clone());
    }
    // hyper would leave out the body of a GET whose length it does not know, so the framing is always said.
    match body.size_hint().exact() {
        Some(0) if body.is_end_stream() => {
            if matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
                head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        }
        Some(length) => {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
    Request::from_parts(head, Upload::new(body))
}

/// Path and query byte for byte, but for the prefix.
fn target(uri: &Uri, strip_prefix: Option<&str>) -> Result<Uri, UpstreamError> {
    let whole = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let rest = strip_prefix.and_then(|prefix| whole.as_str().strip_prefix(prefix));
    let target = match rest {
        Some(rest) if rest.starts_with('/') => PathAndQuery::try_from(rest)?,
        Some(rest) if rest.is_empty() || rest.starts_with('?') => PathAndQuery::try_from(format!("/{rest}"))?,
        _ => whole,
    };
    let mut parts = uri::Parts::default();
    parts.path_and_query = Some(target);
    Ok(Uri::from_parts(parts).unwrap_or_default())
}

/// Sends over an idle connection if there is one, else over a new one.
///
/// A server may close an idle connection just when a request is on its way. Then the request is repeated, once and on a
/// new connection, if none of it was sent, or if it has no body and its method may be repeated (RFC 9110 §9.2.2). A
/// POST is never sent twice.
async fn send(
    pools: &Pools,
    upstream: &Upstream,
    dialer: &Dialer,
    mut request: Request<Upload>,
    upgrade: bool,
) -> Result<(Response<Incoming>, Connection), UpstreamError> {
    let repeatable = request.body().is_end_stream() && is_idempotent(request.method());
    let limit = upstream.timeouts.response;
    if !upgrade && let Some(mut connection) = pools.take(upstream.id, repeatable) {
        let spare = repeatable.then(|| copy_head(&request));
        let failed = match attempt(&mut connection, request, limit).await {
            Ok(answer) => return Ok((answer, connection)),
            Err(failed) => failed,
        };
        request = match (failed, spare) {
            (Failed { unsent: Some(unsent), .. }, _) => unsent,
            (Failed { error: UpstreamError::Closed(error), .. }, Some(spare)) => {
                tracing::debug!(app = upstream.app, %error, "an idle connection was closed: trying a new one");
                spare
            }
            (Failed { error, .. }, _) => return Err(error),
        };
    }
    let stream = dialer.dial(upstream.timeouts.connect).await?;
    let mut connection = pools.open(stream).await.map_err(UpstreamError::from_hyper)?;
    match attempt(&mut connection, request, limit).await {
        Ok(answer) => Ok((answer, connection)),
        Err(failed) => Err(failed.error),
    }
}

struct Failed {
    error: UpstreamError,
    /// Given back untouched.
    unsent: Option<Request<Upload>>,
}

async fn attempt(
    connection: &mut Connection,
    request: Request<Upload>,
    limit: Duration,
) -> Result<Response<Incoming>, Failed> {
    let progress = request.body().progress();
    let answer = connection.sender.try_send_request(request);
    let answered = patiently(answer, progress.as_ref(), limit).await;
    match answered.map_err(|error| Failed { error, unsent: None })? {
        Ok(answer) => Ok(answer),
        Err(mut refused) => {
            let unsent = refused.take_message();
            Err(Failed { error: UpstreamError::from_hyper(refused.into_error()), unsent })
        }
    }
}

/// Waits for `answer` as long as there are signs of life: within each `limit` some of the request's body must move.
async fn patiently<A: Future>(
    answer: A,
    progress: Option<&Arc<Progress>>,
    limit: Duration,
) -> Result<A::Output, UpstreamError> {
    let mut answer = pin!(answer);
    let mut seen = 0;
    loop {
        if let Ok(answer) = timeout(limit, &mut answer).await {
            return Ok(answer);
        }
        match progress.filter(|progress| !progress.is_done()) {
            Some(progress) if progress.frames() > seen => seen = progress.frames(),
            Some(progress) if progress.is_starved() => return Err(UpstreamError::RequestStalled(limit)),
            _ => return Err(UpstreamError::Timeout(limit)),
        }
    }
}

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// A copy of a request without a body.
fn copy_head(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}
