//! After an upgrade: bytes both ways, until one side ends or the session does.

use std::io;
use std::pin::pin;
use std::time::Duration;

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, HeaderValue, Response};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::time::timeout;

use super::exchange::Held;
use super::pool::{Connection, Pools};
use super::silence::Activity;
use super::websocket::{CLOSE_GOING_AWAY, CLOSE_POLICY, Frames};
use super::{UpstreamError, answer, websocket};
use crate::body::Body;
use crate::identity::{StripList, Upgrade};
use crate::tasks::Cutoff;

/// From the cut-off to the end, however slow the visitor reads. The contract grants five seconds, some of which pass
/// before the end of a session is noticed.
const GRACE: Duration = Duration::from_secs(2);

/// From the end of one direction of a WebSocket to the end of the other.
const HALF_OPEN: Duration = Duration::from_secs(10);

const CHUNK: usize = 16 * 1024;

/// What a visitor asked for, as far as the upstream has to show that it understood.
pub(super) struct Asked {
    pub upgrade: Upgrade,
    /// The `Sec-WebSocket-Accept` that is due.
    pub accept: Option<String>,
}

impl Asked {
    /// `headers` are the request's.
    pub fn new(upgrade: Upgrade, headers: &HeaderMap) -> Self {
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| upgrade.websocket);
        Self { accept: key.map(|key| websocket::accept(key.as_bytes())), upgrade }
    }

    fn is_met_by(&self, headers: &HeaderMap) -> bool {
        let protocol = headers.get(UPGRADE).map(HeaderValue::as_bytes).unwrap_or_default();
        let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        protocol.eq_ignore_ascii_case(self.upgrade.protocol.as_bytes())
            && self.accept.as_ref().is_none_or(|due| accept == Some(due.as_bytes()))
    }
}

/// What ends a tunnel when neither end does.
pub(super) struct Limits {
    pub cutoff: Cutoff,
    /// Without a byte in either direction.
    pub idle: Duration,
}

/// Answers the visitor with the upstream's 101, and starts the tunnel.
pub(super) fn open(
    pools: &Pools,
    mut answer: Response<Incoming>,
    (asked, visitor): (Asked, OnUpgrade),
    (connection, held): (Connection, Held),
    strip: &StripList,
    limits: Limits,
) -> Result<Response<Body>, UpstreamError> {
    if !asked.is_met_by(answer.headers()) {
        return Err(UpstreamError::UnaskedUpgrade);
    }
    let upstream = hyper::upgrade::on(&mut answer);
    let websocket = asked.upgrade.websocket;
    pools.tasks().spawn("upgrade tunnel", async move {
        let ends = tokio::try_join!(visitor, upstream);
        let _held = held;
        // hyper has handed the socket over; until then dropping this would have closed it.
        drop(connection);
        match ends {
            Ok((visitor, upstream)) => {
                if let Err(error) = run(visitor, upstream, websocket, &limits).await {
                    tracing::debug!(%error, "tunnel ended");
                }
            }
            Err(error) => tracing::debug!(%error, "upgrade did not come about"),
        }
    });

    let (mut head, _) = answer.into_parts();
    answer::clean(&mut head, strip, false);
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(UPGRADE, asked.upgrade.protocol.clone());
    Ok(Response::from_parts(head, Body::Empty))
}

async fn run(visitor: Upgraded, upstream: Upgraded, websocket: bool, limits: &Limits) -> io::Result<()> {
    let activity = Activity::begin();
    tokio::select! {
        ended = relay(visitor, upstream, websocket, (limits, &activity)) => ended,
        () = too_late(limits, &activity) => Ok(()),
    }
}

async fn relay(
    visitor: Upgraded,
    upstream: Upgraded,
    websocket: bool,
    until: (&Limits, &Activity),
) -> io::Result<()> {
    let (mut from_visitor, mut to_visitor) = split(TokioIo::new(visitor));
    let (from_upstream, to_upstream) = split(TokioIo::new(upstream));
    let half_open = if websocket { HALF_OPEN } else { Duration::MAX };
    let end = {
        let mut outward = pin!(outward(&mut from_visitor, to_upstream, until.1));
        let mut inward = pin!(inward(from_upstream, &mut to_visitor, websocket, until));
        tokio::select! {
            ended = &mut outward => {
                ended?;
                timeout(half_open, inward).await.unwrap_or(Ok(End::Upstream))?
            }
            ended = &mut inward => match ended? {
                End::CutOff => End::CutOff,
                End::Upstream => {
                    timeout(half_open, outward).await.unwrap_or(Ok(()))?;
                    End::Upstream
                }
            }
        }
    };
    if matches!(end, End::CutOff) {
        // A socket closed with bytes unread is reset, and a reset can overtake the close frame.
        let _ = tokio::io::copy(&mut from_visitor, &mut tokio::io::sink()).await;
    }
    Ok(())
}

async fn too_late(limits: &Limits, activity: &Activity) {
    tokio::select! {
        () = limits.cutoff.cancelled() => {}
        () = activity.ceases(limits.idle) => {}
    }
    tokio::time::sleep(GRACE).await;
}

/// From the visitor to the upstream.
async fn outward<S: AsyncWrite>(
    from: &mut ReadHalf<TokioIo<Upgraded>>,
    mut to: WriteHalf<S>,
    activity: &Activity,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return to.shutdown().await;
        }
        to.write_all(bytes).await?;
        to.flush().await?;
        activity.note();
    }
}

enum End {
    Upstream,
    CutOff,
}

/// From the upstream to the visitor, frame by frame if they are WebSocket's.
async fn inward<S: AsyncWrite>(
    mut from: ReadHalf<TokioIo<Upgraded>>,
    to: &mut WriteHalf<S>,
    websocket: bool,
    (limits, activity): (&Limits, &Activity),
) -> io::Result<End> {
    let mut ceases = pin!(activity.ceases(limits.idle));
    let mut frames = Frames::default();
    let mut buffer = vec![0; CHUNK];
    let close = loop {
        let read = tokio::select! {
            biased;
            () = limits.cutoff.cancelled() => {
                break if limits.cutoff.is_for_a_stop() { CLOSE_GOING_AWAY } else { CLOSE_POLICY };
            }
            () = &mut ceases => break CLOSE_GOING_AWAY,
            read = from.read(&mut buffer) => read?,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            to.shutdown().await?;
            return Ok(End::Upstream);
        }
        to.write_all(bytes).await?;
        to.flush().await?;
        activity.note();
        if websocket {
            frames.pass(bytes);
        }
    };
    if websocket {
        while !frames.at_boundary() {
            let read = from.read(&mut buffer).await?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            let rest = frames.pass_to_boundary(bytes);
            to.write_all(bytes.get(..rest).unwrap_or_default()).await?;
        }
        if frames.at_boundary() {
            to.write_all(&close).await?;
        }
    }
    to.flush().await?;
    to.shutdown().await?;
    Ok(End::CutOff)
}
