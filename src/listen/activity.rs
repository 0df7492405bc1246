//! What is under way on a connection, so that an idle one can be told from a busy one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::stall::Taking;
use crate::body::{Body, BodyError};

/// Counts requests. Everything happens on one thread; the atomics only say so to the compiler.
#[derive(Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
    /// The last request that began has a body, of which some may still be to come when the answer has been sent.
    with_body: AtomicBool,
    writing: AtomicBool,
    broken_off: AtomicBool,
}

impl Activity {
    /// How many requests have begun so far.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether none is under way, and nothing waits for the client to take it: hyper is done with an answer long before
    /// one who reads slowly is.
    pub fn at_rest(&self) -> bool {
        self.begun() == self.ended.load(Ordering::Relaxed) && !self.writing.load(Ordering::Relaxed)
    }

    /// Whether it is at rest between two requests for certain, with nothing left over of the last one.
    pub fn is_between_requests(&self) -> bool {
        self.at_rest() && !self.with_body.load(Ordering::Relaxed)
    }

    /// Whether an answer that only the connection's end completes was broken off: then that end must not look like one.
    pub fn has_broken_off(&self) -> bool {
        self.broken_off.load(Ordering::Relaxed)
    }

    pub fn set_writing(&self, writing: bool) {
        self.writing.store(writing, Ordering::Relaxed);
    }
}

/// A request that has begun; it ends when this is dropped.
pub(super) struct UnderWay(Arc<Activity>);

impl UnderWay {
    pub fn begin(activity: &Arc<Activity>, with_body: bool) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.with_body.store(with_body, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// An answer's body; the request is under way until it has been sent.
pub(super) struct Answer {
    pub body: Body,
    /// Of the stream of HTTP/2 that it is sent on.
    pub taking: Option<Arc<Taking>>,
    /// It has no length, and its client knows no other way to tell where it ends.
    pub ends_with_connection: bool,
    pub under_way: UnderWay,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Some(taking) = &self.taking {
            taking.has_asked(polled.is_ready());
        }
        if self.ends_with_connection && matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.under_way.0.broken_off.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
