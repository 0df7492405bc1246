//! One request, one answer: what is sent, and what becomes of the answer and of its connection.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use http::uri::{self, PathAndQuery};
use http::{Method, Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::arriving::Arriving;
use super::group::{Answered, Group};
use super::outgoing::Outgoing;
use super::pool::Pools;
use super::slots::Slot;
use super::standing::Busy;
use super::transfer::{Download, Upload};
use super::tunnel::{Asked, Limits};
use super::{Upstream, UpstreamError, answer, tunnel};
use crate::body::Body;
use crate::identity::StampedParts;
use crate::tasks::Cutoff;

/// A body that is not larger often comes with the head: it need not become a stream.
const AT_HAND: u64 = 16 * 1024;

/// What an exchange takes up until the last byte of its answer or the end of its tunnel.
pub(super) struct Held {
    _busy: Option<Busy>,
    _slot: Slot,
}

/// The request's body is not read before there is room at the app.
pub(super) async fn exchange<C, L>(
    pools: &Pools,
    upstream: &Upstream,
    group: &Arc<Group>,
    parts: Box<StampedParts<'_>>,
    cutoff: C,
) -> Result<Response<Body>, UpstreamError>
where
    C: FnOnce() -> L + Send,
    L: FnOnce() -> Cutoff + Send + 'static,
{
    let slot = match upstream.slots.take() {
        Some(slot) => slot,
        None => {
            let waiting = Box::pin(upstream.slots.wait(&upstream.metrics));
            waiting.await?
        }
    };
    let StampedParts { head, body, upgrade, trailers, said, affinity, authenticated, strip } = *parts;
    let head_only = head.method == Method::HEAD;
    let upgrade = upgrade.map(|(upgrade, visitor)| (Asked::new(upgrade, &head.headers), visitor));
    let body = if body.is_end_stream() { Upload::empty() } else { Upload::new(body, strip.clone()) };
    let protocol = upgrade.as_ref().map(|(asked, _)| asked.upgrade.protocol.clone());
    let mut outgoing = Outgoing::new(head, Some(said), body, protocol, trailers);

    let sent = group.send(pools, upstream.timeouts, &mut outgoing, affinity).await;
    (0..outgoing.retries()).for_each(|_| upstream.metrics.retried());
    let Answered { answer, server, busy } = sent?;
    let held = Held { _busy: busy, _slot: slot };
    let (mut head, body) = answer.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        let (Some(upgrade), Arriving::Hyper(body, connection)) = (upgrade, body) else {
            return Err(UpstreamError::UnaskedUpgrade);
        };
        let answer = Response::from_parts(head, body);
        let limits = Limits { cutoff: cutoff()(), idle: upstream.timeouts.idle };
        return tunnel::open(pools, answer, upgrade, (connection, held), &strip, limits);
    }

    let framing = body.framing(&head, head_only)?;
    answer::clean(&mut head, &strip, authenticated);
    // An upstream that answers early may still read the rest of the body, or take it for the next request.
    let progress = outgoing.progress();
    let body_sent = progress.is_none_or(|progress| progress.is_done());
    let home = (body_sent && framing.reusable && upgrade.is_none()).then(|| pools.home(server));
    if body.is_end_stream() {
        let mut body = body;
        if let (Some(home), Some(connection)) = (home, body.end()) {
            home.give_back(connection);
        }
        return Ok(Response::from_parts(head, Body::Empty));
    }
    let limits = (upstream.timeouts.idle, progress.cloned());
    let mut body = Download::new(body, (home, held), limits, strip);
    if framing.length.is_some_and(|length| length <= AT_HAND)
        && let Some(whole) = poll_fn(|context| Poll::Ready(body.at_hand(context))).await
    {
        return Ok(Response::from_parts(head, whole.into()));
    }
    let (group, request_id) = (Arc::clone(group), outgoing.request_id().cloned());
    let told = body.cut_by(Box::new(cutoff())).map_err(move |error| {
        group.broke_off(server, request_id.as_ref(), &error);
        error
    });
    Ok(Response::from_parts(head, Body::stream(told)))
}

/// What the configuration changes for this upstream, and the target in origin form.
pub(super) fn rewrite(parts: &mut StampedParts<'_>, upstream: &Upstream) -> Result<(), UpstreamError> {
    parts.head.uri = target(&parts.head.uri, upstream.strip_prefix.as_deref())?;
    Ok(())
}

/// Path and query byte for byte, but for the prefix.
fn target(uri: &Uri, strip_prefix: Option<&str>) -> Result<Uri, UpstreamError> {
    let whole = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let rest = strip_prefix.and_then(|prefix| whole.as_str().strip_prefix(prefix));
    let target = match rest {
        Some(rest) if rest.starts_with('/') => PathAndQuery::try_from(rest)?,
        Some(rest) if rest.is_empty() || rest.starts_with('?') => PathAndQuery::try_from(format!("/{rest}"))?,
        // As in `http://app?query`; what is parsed and what is shown of it has a path, but not its text.
        _ if whole.as_str().starts_with('?') => PathAndQuery::try_from(format!("/{}", whole.as_str()))?,
        _ => whole,
    };
    let mut parts = uri::Parts::default();
    parts.path_and_query = Some(target);
    Ok(Uri::from_parts(parts).unwrap_or_default())
}
