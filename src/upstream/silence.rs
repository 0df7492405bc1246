//! How long nothing has come or gone, once an answer has begun.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::transfer::Progress;

/// Nothing came from the upstream, and it took nothing.
#[derive(Debug, thiserror::Error)]
#[error("the upstream was silent for {0:?}")]
pub(super) struct Silent(pub Duration);

/// Watches a body while it is waited for. A visitor who reads slowly is no silence.
pub(super) struct Silence {
    limit: Duration,
    /// When to wake whoever waits for the first time, for reasons of their own.
    first: Duration,
    /// The request's body may still be on its way.
    upload: Option<Arc<Progress>>,
    uploaded: u64,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    pub(super) fn new(limit: Duration, upload: Option<Arc<Progress>>, first: Duration) -> Self {
        let uploaded = upload.as_ref().map_or(0, |upload| upload.frames());
        Self { limit, first, upload, uploaded, since: None, alarm: None }
    }

    /// Something came.
    pub(super) fn is_broken(&mut self) {
        self.since = None;
    }

    /// To be asked when nothing has come; resolves when that has been so for too long.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Silent> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let mut due = since + self.limit;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due.min(since + self.first))));
        loop {
            ready!(alarm.as_mut().poll(context));
            let uploaded = self.upload.as_ref().map_or(0, |upload| upload.frames());
            if uploaded != std::mem::replace(&mut self.uploaded, uploaded) {
                due = *self.since.insert(Instant::now()) + self.limit;
            }
            if due <= Instant::now() {
                return Poll::Ready(Silent(self.limit));
            }
            alarm.as_mut().reset(due);
        }
    }
}

/// When something last moved through a tunnel, in either direction.
pub(super) struct Activity {
    began: Instant,
    /// In milliseconds from then.
    last: AtomicU64,
}

impl Activity {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0) }
    }

    pub(super) fn note(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Resolves when nothing has moved for this long.
    pub(super) async fn ceases(&self, limit: Duration) {
        loop {
            let due = self.began + Duration::from_millis(self.last.load(Ordering::Relaxed)) + limit;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}
