//! Sends a request over a connection that is there, or over a new one, and waits for the head of the answer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;
use tokio::time::timeout;

use super::arriving::Arriving;
use super::backend::Backend;
use super::interim::Interim;
use super::outgoing::Outgoing;
use super::pool::{Connection, Need, Pools};
use super::transfer::Progress;
use super::{Timeouts, UpstreamError};
use crate::clock::stopwatch;

/// What became of a request that has no answer.
pub(super) struct Failed {
    pub error: UpstreamError,
    pub fate: Fate,
    /// It was sent twice already, or may have been.
    pub repeated: bool,
    /// Lost over a connection that was there before and may have been closed for its age: that says nothing of the server.
    pub stale: bool,
}

/// What a request may be sent over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// A connection that is there, and a new one if that turns out to be closed.
    Any,
    /// The same, but what is lost over a connection that is there goes to another server: this one may be dying, and still
    /// accept what it will never answer.
    AnyUntilLost,
    /// One that is not there yet.
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing of it was sent.
    Unsent,
    /// The server has said that it has not begun with it (RFC 9113 §8.7).
    Unprocessed,
    /// The connection ended, and nobody knows.
    Lost,
    Final,
}

impl Failed {
    /// Whether the request may be sent once more.
    pub(super) fn allows(&self, outgoing: &Outgoing<'_>) -> bool {
        match self.fate {
            Fate::Unsent => true,
            Fate::Unprocessed => outgoing.is_at_hand(),
            Fate::Lost => outgoing.is_repeatable(),
            Fate::Final => false,
        }
    }
}

impl From<UpstreamError> for Failed {
    fn from(error: UpstreamError) -> Self {
        Self { error, fate: Fate::Final, repeated: false, stale: false }
    }
}

/// Sends over an idle or shared connection if there is one and `over` allows it, else over a new one.
///
/// A server may close a connection just when a request is on its way. Then the request is repeated, once and on a new
/// connection, if none of it was sent or begun with, or if its method may be repeated and its body is at hand: there is
/// none, or a small one. A POST is never sent twice.
pub(super) async fn send(
    pools: &Pools,
    backend: &Backend,
    timeouts: Timeouts,
    outgoing: &mut Outgoing<'_>,
    over: Over,
) -> Result<Response<Arriving>, Failed> {
    let attempt = Attempt { pools, backend, limit: timeouts.response, now: outgoing.began() };
    let need = match () {
        () if outgoing.wants_upgrade() && backend.dialer.speaks_http1() => Need::Upgrade,
        () if outgoing.is_direct() => Need::Direct,
        () => Need::Body,
    };
    let pooled = match over {
        Over::New => None,
        _ => pools.take(backend.id, need, outgoing.stays_repeatable(), attempt.now),
    };
    let (mut repeated, mut since) = (false, (over == Over::New).then(stopwatch));
    if let Some(connection) = pooled {
        match attempt.over(connection, outgoing).await {
            Ok(answered) => return Ok(answered),
            Err(failed) if failed.allows(outgoing) => {
                if over == Over::AnyUntilLost && failed.fate == Fate::Lost {
                    return Err(Failed { stale: true, ..failed });
                }
                since = (failed.fate == Fate::Lost).then(stopwatch);
                repeated = failed.fate != Fate::Unsent;
                tracing::debug!(error = %failed.error, "a connection was closed: trying a new one");
            }
            Err(failed) => return Err(failed),
        }
    }
    let unsent = |error| Failed { error, fate: Fate::Unsent, repeated, stale: false };
    // In a box, as it is seldom: what every request carries along is to be small.
    let connecting = Box::pin(pools.connect(backend, (need, since), timeouts.connect));
    let connection = connecting.await.map_err(unsent)?;
    let answered = Attempt { now: stopwatch(), ..attempt }.over(connection, outgoing).await;
    answered.map_err(|failed| Failed { repeated, ..failed })
}

struct Attempt<'a> {
    pools: &'a Pools,
    backend: &'a Backend,
    limit: Duration,
    now: Instant,
}

impl Attempt<'_> {
    async fn over(
        &self,
        connection: Connection,
        outgoing: &mut Outgoing<'_>,
    ) -> Result<Response<Arriving>, Failed> {
        let host = self.backend.host.as_ref();
        if let Connection::Direct(direct) = connection {
            if !outgoing.is_direct() {
                let connection = self.pools.with_task(direct).await?;
                let sending = Box::pin(self.by_hyper(connection, outgoing));
                return sending.await;
            }
            let head = outgoing.head(host);
            let answered = direct.exchange(&head, (self.now, self.limit)).await;
            return Ok(answered?.map(Arriving::Direct));
        }
        // In a box, as are connections: what a request without a body carries along is to be small.
        let sending = Box::pin(self.by_hyper(connection, outgoing));
        sending.await
    }

    async fn by_hyper(
        &self,
        mut connection: Connection,
        outgoing: &mut Outgoing<'_>,
    ) -> Result<Response<Arriving>, Failed> {
        let form = self.backend.form(&connection);
        let mut request = outgoing.write(&form, self.backend.host.as_ref())?;
        let progress = outgoing.progress();
        let answered = match &mut connection {
            Connection::Own(own) => {
                let interim = Interim::answering(&mut request);
                tokio::select! {
                    biased;
                    () = interim.too_many() => return Err(Failed::from(UpstreamError::OnlyInterim)),
                    answered = self.patiently(own.sender.try_send_request(request), progress) => answered?,
                }
            }
            Connection::Shared(place) => {
                self.patiently(place.sender.try_send_request(request), progress).await?
            }
            Connection::Direct(_) => return Err(Failed::from(UpstreamError::UnaskedUpgrade)),
        };
        match answered {
            Ok(answer) => Ok(answer.map(|body| Arriving::Hyper(body, connection))),
            Err(mut refused) => {
                outgoing.failed();
                let unsent = refused.take_message();
                let (error, fate) = UpstreamError::from_hyper(refused.into_error(), progress);
                let error = truly(error, &connection);
                let fate = if unsent.is_some() { Fate::Unsent } else { fate };
                if let Some(unsent) = unsent {
                    outgoing.put_back(unsent);
                }
                Err(Failed { error, fate, repeated: false, stale: false })
            }
        }
    }

    /// Waits for `answer` as long as there are signs of life: within each `limit` some of the request's body must move.
    async fn patiently<A: Future>(
        &self,
        answer: A,
        progress: Option<&Arc<Progress>>,
    ) -> Result<A::Output, UpstreamError> {
        let mut answer = pin!(answer);
        let (limit, mut seen) = (self.limit, 0);
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
}

/// Who ended a connection, which hyper does not say. Those who shared it with the request that was answered so are lost
/// with it, and sent again where they may be.
fn truly(error: UpstreamError, connection: &Connection) -> UpstreamError {
    match (&error, connection) {
        (UpstreamError::Closed(_), Connection::Shared(place)) if place.flooded.is_so() => {
            UpstreamError::Flooded
        }
        _ => error,
    }
}
