//! Bodies on their way: what is sent to an upstream, and what comes back.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::LengthLimitError;
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::arriving::Arriving;
use super::exchange::Held;
use super::pool::Home;
use super::replay::Replay;
use super::silence::Silence;
use crate::body::{Body, BodyError};
use crate::identity::{self, StripList};
use crate::tasks::Cutoff;

/// How far a request's body has got; shared by the [`Upload`] and whoever waits for the answer.
#[derive(Default)]
pub(super) struct Progress {
    done: AtomicBool,
    frames: AtomicU64,
    /// The upstream would take more than the visitor sends.
    starved: AtomicBool,
    /// The visitor broke it off.
    broken: AtomicBool,
    /// And did so by sending more than is allowed.
    too_large: AtomicBool,
}

impl Progress {
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(super) fn is_starved(&self) -> bool {
        self.starved.load(Ordering::Relaxed)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }

    fn note<D>(&self, frame: Option<&Result<D, BodyError>>, ended: bool) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        if let Some(Err(error)) = frame {
            self.broken.store(true, Ordering::Relaxed);
            self.too_large.store(error.is::<LengthLimitError>(), Ordering::Relaxed);
        }
        if frame.is_none() || ended {
            self.done.store(true, Ordering::Relaxed);
        }
    }
}

/// A request's body as it is sent. On HTTP/1 without trailers, which an upstream could take for headers.
pub(super) struct Upload {
    body: Body,
    /// What is sent are copies of this one.
    replay: Option<Replay>,
    progress: Option<Arc<Progress>>,
    /// `None`: there is no body, and so no trailers.
    strip: Option<StripList>,
    trailers: bool,
}

impl Upload {
    pub(super) fn empty() -> Self {
        Self { body: Body::Empty, replay: None, progress: None, strip: None, trailers: false }
    }

    pub(super) fn new(body: Body, strip: StripList) -> Self {
        let progress = (!body.is_end_stream()).then(Arc::default);
        Self { body, replay: None, progress, strip: Some(strip), trailers: false }
    }

    /// Sees to it that the body can be sent again, unless it is too large.
    pub(super) fn keep(&mut self) {
        if Replay::suits(&self.body.size_hint()) {
            self.replay = Some(Replay::new(std::mem::take(&mut self.body)));
        }
    }

    /// Nothing of it is read for those it was sent to before.
    pub(super) fn stop(&self) {
        if let Some(replay) = &self.replay {
            replay.stop();
        }
    }

    /// Whether it can be sent again.
    pub(super) fn is_kept(&self) -> bool {
        self.replay.as_ref().is_some_and(Replay::is_whole)
    }

    /// The body of one that is kept, from the start.
    pub(super) fn again(&self) -> Option<Self> {
        let (body, strip) = (self.replay.as_ref()?.read(), self.strip.clone()?);
        Some(Self::new(body, strip))
    }

    /// Whether trailers are sent too.
    pub(super) fn set_trailers(&mut self, trailers: bool) {
        self.trailers = trailers;
    }

    /// `None` if there is no body.
    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        self.progress.clone()
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            let polled = Pin::new(&mut this.body).poll_frame(context);
            let frame = match &this.progress {
                None => ready!(polled),
                Some(progress) => {
                    progress.starved.store(polled.is_pending(), Ordering::Relaxed);
                    let frame = ready!(polled);
                    progress.note(frame.as_ref(), this.body.is_end_stream());
                    frame
                }
            };
            let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
            match (frame.into_trailers(), &this.strip) {
                (Err(frame), _) => return Poll::Ready(Some(Ok(frame))),
                (Ok(mut trailers), Some(strip)) if this.trailers => {
                    identity::clean_request_trailers(&mut trailers, strip);
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                (Ok(_), _) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Broken off by us, since whoever was allowed to read it no longer is.
#[derive(Debug, thiserror::Error)]
#[error("broken off: the session has ended, or the gateway stops")]
pub(super) struct CutOff;

/// An answer's body: holds its connection until the end, and gives it back only then.
pub(super) struct Download {
    body: Arriving,
    /// What came of a first look at the body.
    ahead: Option<Result<Frame<Bytes>, BodyError>>,
    /// Where the connection goes if it can be used again.
    home: Option<Home>,
    leash: Leash,
    silence: Silence,
    /// Why it breaks off, until that is said.
    broken: Option<BodyError>,
    strip: StripList,
    _held: Held,
}

/// Makes what breaks an answer off.
pub(super) type CutoffLater = Box<dyn FnOnce() -> Cutoff + Send>;

/// How long an answer may take before somebody watches whether it is still allowed, which is a task of its own. Nearly
/// all are over by then, whatever they say of their length. With the time between two looks at a session, well within
/// the five seconds that are promised.
const UNWATCHED: Duration = Duration::from_secs(1);

enum Leash {
    None,
    /// From then on it is unwatched for a moment.
    Loose(CutoffLater, Instant),
    Held {
        token: Cutoff,
        /// Made when the body first has to wait.
        cancelled: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    },
}

impl Download {
    pub(super) fn new(
        body: Arriving,
        (home, held): (Option<Home>, Held),
        (idle, upload): (Duration, Option<Arc<Progress>>),
        strip: StripList,
    ) -> Self {
        let silence = Silence::new(idle, upload, UNWATCHED);
        Self { body, ahead: None, home, leash: Leash::None, silence, broken: None, strip, _held: held }
    }

    /// Has it broken off when what this makes says so.
    pub(super) fn cut_by(self, cutoff: CutoffLater) -> Self {
        Self { leash: Leash::Loose(cutoff, Instant::now()), ..self }
    }

    /// Breaks off at the next turn. Whoever writes the answer drops on an error all that is not yet on its way, and that
    /// would be the head too where the upstream says everything in one breath; a browser that got none may ask again.
    fn break_off(&mut self, why: BodyError, context: &Context<'_>) {
        self.body = Arriving::Over;
        self.broken = Some(why);
        context.waker().wake_by_ref();
    }

    /// The whole body, if it has come already; then this is at its end.
    pub(super) fn at_hand(&mut self, context: &mut Context<'_>) -> Option<Bytes> {
        let Poll::Ready(frame) = self.body.poll_frame(context) else { return None };
        match frame {
            Some(Ok(frame)) if frame.is_data() && self.body.is_end_stream() => {
                self.end();
                frame.into_data().ok()
            }
            other => {
                self.ahead = other;
                None
            }
        }
    }

    fn end(&mut self) {
        if let (Some(connection), Some(home)) = (self.body.end(), self.home.take()) {
            home.give_back(connection);
        }
    }
}

impl Leash {
    /// Whether it is over; begins to watch if it is time.
    fn is_cut(&mut self) -> bool {
        let due = matches!(self, Self::Loose(_, since) if since.elapsed() >= UNWATCHED);
        if due && let Self::Loose(cutoff, _) = mem::replace(self, Self::None) {
            *self = Self::Held { token: cutoff(), cancelled: None };
        }
        matches!(self, Self::Held { token, .. } if token.is_cancelled())
    }

    /// Resolves when it is over. While nobody watches, the silence wakes whoever waits for the body.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self::Held { token, cancelled } = self else { return Poll::Pending };
        cancelled.get_or_insert_with(|| Box::pin(token.cancelled_owned())).as_mut().poll(context)
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(why) = this.broken.take() {
            return Poll::Ready(Some(Err(why)));
        }
        let cut = this.leash.is_cut();
        let polled = match this.ahead.take() {
            Some(frame) => Poll::Ready(Some(frame)),
            None if cut => Poll::Pending,
            None => this.body.poll_frame(context),
        };
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.silence.is_broken();
                if this.body.is_end_stream() {
                    this.end();
                }
                let frame = match frame.into_trailers() {
                    Err(frame) => frame,
                    Ok(mut trailers) => {
                        identity::clean_answer_trailers(&mut trailers, &this.strip);
                        Frame::trailers(trailers)
                    }
                };
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.break_off(error, context);
                Poll::Pending
            }
            Poll::Ready(None) => {
                this.end();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let cut = this.leash.poll(context).is_ready();
                let over: BodyError =
                    if cut { CutOff.into() } else { ready!(this.silence.poll(context)).into() };
                this.break_off(over, context);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = match &self.ahead {
            Some(Ok(ahead)) => ahead,
            // What has broken off has no length: none would be a whole answer without a body.
            Some(Err(_)) => return SizeHint::default(),
            None => return self.body.size_hint(),
        };
        let (came, rest) = (ahead.data_ref().map_or(0, |data| data.len() as u64), self.body.size_hint());
        let mut whole = SizeHint::new();
        if let Some(upper) = rest.upper() {
            whole.set_upper(upper + came);
        }
        whole.set_lower(rest.lower() + came);
        whole
    }
}
