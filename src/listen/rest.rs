//! Connections with nothing to do: how long they have had nothing, and what is kept of them meanwhile.
//!
//! hyper has 16 KiB of buffers for each connection that it serves, idle ones too. One that has had no request for a
//! moment is therefore taken from it and only listened to, and gets a new hyper when something comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::activity::Activity;
use super::grammar::Grammar;
use crate::read_along::ReadAlong;

/// How often a connection that hyper serves is looked at. One that is used more often than that is never taken from it:
/// to begin anew costs some microseconds.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// What is read at once of what comes first, in bytes. Most heads fit.
const FIRST_READ: usize = 2 * 1024;

/// How long a connection has had nothing to do, looked at now and then.
pub(super) struct Rest {
    first_head: Duration,
    idle: Duration,
    /// How often to look.
    every: Duration,
    requests: u64,
    since: Instant,
}

/// What a look has shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Busy,
    /// Nothing has happened since the last look.
    Quiet,
    /// And for longer than a client may take.
    TooLong,
}

impl Rest {
    /// Looks `every` so often, and a quarter of `idle` at the least.
    pub fn begin(first_head: Duration, idle: Duration, every: Duration) -> Self {
        Self { first_head, idle, every: every.min(idle / 4), requests: 0, since: Instant::now() }
    }

    /// When it has been too long, if nothing happens.
    pub fn end(&self) -> Instant {
        self.since + if self.requests == 0 { self.first_head } else { self.idle }
    }

    /// When to look next at one that may be busy.
    pub fn due(&self) -> Instant {
        self.end().min(Instant::now() + self.every)
    }

    /// After one that has been too long, the time begins anew.
    pub fn look(&mut self, activity: &Activity) -> Look {
        let (now, requests) = (Instant::now(), activity.begun());
        let look = match () {
            () if requests != self.requests || !activity.at_rest() => Look::Busy,
            () if self.end() <= now => Look::TooLong,
            () => return Look::Quiet,
        };
        (self.requests, self.since) = (requests, now);
        look
    }
}

/// A connection's stream, and what was read of it before.
pub(super) struct Rested<S> {
    unread: Bytes,
    stream: TokioIo<ReadAlong<S, Grammar>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Rested<S> {
    pub fn new(stream: S) -> Self {
        let checked = ReadAlong::new(stream, Grammar::default());
        Self { unread: Bytes::new(), stream: TokioIo::new(checked) }
    }

    /// Gives back what was read too much. It is copied, as it would keep the whole buffer, be it of no byte.
    pub fn put_back(&mut self, bytes: &[u8]) {
        self.unread = Bytes::copy_from_slice(bytes);
    }

    pub fn into_stream(self) -> S {
        self.stream.into_inner().into_stream()
    }

    /// Waits for something to come: whether it did, and not the stream's end.
    pub fn poll_begun(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if !self.unread.is_empty() {
            return Poll::Ready(Ok(true));
        }
        let mut bytes = [0; FIRST_READ];
        let mut read = ReadBuf::new(&mut bytes);
        ready!(Pin::new(self.stream.inner_mut()).poll_read(context, &mut read))?;
        self.unread = Bytes::copy_from_slice(read.filled());
        Poll::Ready(Ok(!self.unread.is_empty()))
    }
}

impl<S: AsyncRead + Unpin> Read for Rested<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let length = this.unread.len().min(buffer.remaining());
        buffer.put_slice(&this.unread.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Write for Rested<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
