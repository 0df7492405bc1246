//! A byte stream, and somebody who reads along on it: what comes is shown to them first, and they may stop it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads along.
pub trait Along {
    /// What is to be read in place of what comes, so many bytes at the most.
    fn instead(&mut self, _room: usize) -> &[u8] {
        &[]
    }

    /// The next bytes, which may be changed. After an error nothing more is read.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()>;
}

pub struct ReadAlong<S, A> {
    stream: S,
    along: A,
}

impl<S, A> ReadAlong<S, A> {
    pub fn new(stream: S, along: A) -> Self {
        Self { stream, along }
    }

    pub fn into_stream(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin, A: Along + Unpin> AsyncRead for ReadAlong<S, A> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buffer.filled().len());
        let instead = this.along.instead(buffer.remaining());
        if !instead.is_empty() {
            buffer.put_slice(instead);
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let read = this.along.read(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        if read.is_err() {
            buffer.set_filled(before);
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin, A: Unpin> AsyncWrite for ReadAlong<S, A> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
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
