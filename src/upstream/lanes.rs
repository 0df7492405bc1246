//! HTTP/2 connections to one server: many requests share one, and another is opened only when it is full.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::connect::Stream;
use super::frames::{Flooded, Watch};
use super::transfer::Upload;
use crate::clock;
use crate::read_along::ReadAlong;
use crate::tasks::Tasks;

/// Requests at once on one connection, if the server does not want fewer.
pub(super) const MOST_STREAMS: u32 = 100;

/// What may be on its way to us, in bytes: for one answer, and for all on a connection. There is room for every answer
/// of a connection, so that visitors who read slowly do not hold up the others.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// The largest head of an answer, in bytes.
const LARGEST_HEAD: u32 = 256 * 1024;

/// How long a connection is kept without a request, and how long new requests are put on it: so the server's name
/// is looked up again some time.
const IDLE: Duration = Duration::from_mins(1);
pub(super) const AGE: Duration = Duration::from_mins(5);

/// The shared connections to one server.
#[derive(Default)]
pub(super) struct Lanes(Vec<Lane>);

struct Lane {
    sender: SendRequest<Upload>,
    /// Each request on it holds one.
    load: Arc<()>,
    /// How many the server takes at once.
    limit: Box<dyn Fn() -> usize + Send>,
    flooded: Flooded,
    opened: Instant,
    used: Instant,
}

/// A request's place on a shared connection.
pub(super) struct Place {
    pub sender: SendRequest<Upload>,
    /// Whether the connection was ended for its interim answers.
    pub flooded: Flooded,
    _load: Arc<()>,
}

impl Lanes {
    /// A place on a connection that is open and has room, and was not there before `since`.
    pub(super) fn take(&mut self, since: Option<Instant>) -> Option<Place> {
        let is_new = |lane: &Lane| since.is_none_or(|since| lane.opened >= since);
        let lane = self.0.iter_mut().find(|lane| is_new(lane) && lane.has_room())?;
        Some(lane.place())
    }

    pub(super) fn add(&mut self, mut lane: NewLane) -> Place {
        let place = lane.0.place();
        self.0.push(lane.0);
        place
    }

    /// Drops what has ended, has been idle too long, or is too old. Requests on it go on.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|lane| {
            let busy = Arc::strong_count(&lane.load) > 1;
            !lane.sender.is_closed() && lane.is_young() && (busy || lane.used.elapsed() < IDLE)
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Lane {
    fn has_room(&self) -> bool {
        let streams = Arc::strong_count(&self.load) - 1;
        let most = (self.limit)().min(MOST_STREAMS as usize);
        !self.sender.is_closed() && self.is_young() && streams < most
    }

    fn is_young(&self) -> bool {
        self.opened.elapsed() < AGE
    }

    fn place(&mut self) -> Place {
        self.used = clock::stopwatch();
        let (sender, flooded) = (self.sender.clone(), self.flooded.clone());
        Place { sender, flooded, _load: Arc::clone(&self.load) }
    }
}

/// A connection that nobody shares yet.
pub(super) struct NewLane(Lane);

/// Speaks HTTP/2 over a new stream. Its task ends with the last request once nobody keeps the lane.
pub(super) async fn open(stream: Box<dyn Stream>, tasks: &Tasks) -> Result<NewLane, hyper::Error> {
    let watch = Watch::default();
    let (flooded, stream) = (watch.flooded(), ReadAlong::new(stream, watch));
    let (sender, connection) = Builder::new(Streams(tasks.clone()))
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(LARGEST_HEAD)
        // A server that is gone without a word is noticed while requests wait for it.
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .handshake(TokioIo::new(stream))
        .await?;
    // Behind a lock, so that it can be asked between its turns; both are on one thread. Gone as soon as it has ended:
    // only then do its senders know.
    let connection = Arc::new(Mutex::new(Some(Box::pin(connection))));
    let asked = Arc::clone(&connection);
    let limit = move || lock(&asked).as_ref().map_or(0, |connection| connection.current_max_send_streams());
    tasks.spawn("upstream connection", async move {
        let ended = std::future::poll_fn(|context| {
            let mut kept = lock(&connection);
            let Some(running) = kept.as_mut() else { return Poll::Ready(Ok(())) };
            let ended = ready!(running.as_mut().poll(context));
            *kept = None;
            Poll::Ready(ended)
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "upstream connection ended");
        }
    });
    let now = clock::stopwatch();
    let limit = Box::new(limit);
    Ok(NewLane(Lane { sender, load: Arc::default(), limit, flooded, opened: now, used: now }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what hyper spawns for each request as tracked tasks.
#[derive(Clone)]
struct Streams(Tasks);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.spawn("upstream stream", async move {
            stream.await;
        });
    }
}
