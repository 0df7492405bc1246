//! The byte stream under TLS and HTTP: TCP or unix, given up when the other end takes nothing for too long.

use std::cell::RefCell;
use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep};

use super::activity::Activity;
use crate::observe::metrics::Open;

/// In bytes.
const SMALL: usize = 4 * 1024;

/// How many bytes are read at once. hyper would take a whole 400 KiB of an upload, and what it reads is then no longer in
/// the processor's cache when it is written.
const READ: u64 = 64 * 1024;

/// Either is asked for so much at a time.
enum Stream {
    Tcp(Take<TcpStream>),
    Unix(Take<UnixStream>),
}

/// A connected socket.
pub(super) struct Socket {
    stream: Stream,
    /// Read before; comes first.
    unread: Bytes,
    patience: Duration,
    /// Made when a write first has to wait.
    stalled: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    activity: Arc<Activity>,
    _open: Open,
}

impl Socket {
    pub fn tcp(stream: TcpStream, patience: Duration, open: Open) -> Self {
        Self::new(Stream::Tcp(stream.take(READ)), patience, open)
    }

    pub fn unix(stream: UnixStream, patience: Duration, open: Open) -> Self {
        Self::new(Stream::Unix(stream.take(READ)), patience, open)
    }

    fn new(stream: Stream, patience: Duration, open: Open) -> Self {
        let activity = Arc::default();
        Self { stream, unread: Bytes::new(), patience, stalled: None, waiting: false, activity, _open: open }
    }

    /// Of the connection; it learns from here what waits to be written.
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }

    /// Gives back what was read too much.
    pub fn put_back(&mut self, bytes: Bytes) {
        self.unread = bytes;
    }

    /// Passes a write's outcome on; one that has waited for too long fails.
    fn within_patience<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            if self.waiting {
                self.waiting = false;
                self.activity.set_writing(false);
            }
            return outcome;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        if !self.waiting {
            self.waiting = true;
            self.activity.set_writing(true);
            if let Some(deadline) = Instant::now().checked_add(patience) {
                stalled.as_mut().reset(deadline);
            }
        }
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no data")))
    }
}

impl Drop for Socket {
    /// Resets the connection where closing it would be taken for the end of an answer (RFC 9112 section 8).
    fn drop(&mut self) {
        if self.activity.has_broken_off()
            && let Stream::Tcp(stream) = &self.stream
            && let Err(error) = socket2::SockRef::from(stream.get_ref()).set_linger(Some(Duration::ZERO))
        {
            tracing::debug!(%error, "a broken answer's connection is closed and not reset");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let length = self.unread.len().min(buffer.remaining());
            buffer.put_slice(&self.unread.split_to(length));
            return Poll::Ready(Ok(()));
        }
        match &mut self.stream {
            Stream::Tcp(stream) => {
                stream.set_limit(READ);
                Pin::new(stream).poll_read(context, buffer)
            }
            Stream::Unix(stream) => {
                stream.set_limit(READ);
                Pin::new(stream).poll_read(context, buffer)
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream.get_mut()).poll_write(context, bytes),
            Stream::Unix(stream) => Pin::new(stream.get_mut()).poll_write(context, bytes),
        };
        self.within_patience(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        thread_local! {
            static WHOLE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        // A small answer is sent sooner in one piece than gathered by the kernel.
        if slices.iter().map(|slice| slice.len()).sum::<usize>() <= SMALL {
            return WHOLE.with_borrow_mut(|whole| {
                whole.clear();
                for slice in slices {
                    whole.extend_from_slice(slice);
                }
                self.poll_write(context, whole)
            });
        }
        let outcome = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream.get_mut()).poll_write_vectored(context, slices),
            Stream::Unix(stream) => Pin::new(stream.get_mut()).poll_write_vectored(context, slices),
        };
        self.within_patience(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream.get_mut()).poll_flush(context),
            Stream::Unix(stream) => Pin::new(stream.get_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream.get_mut()).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream.get_mut()).poll_shutdown(context),
        }
    }
}
