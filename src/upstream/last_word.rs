//! A stream that is heard out when the other end takes no more: a server may answer an upload before it has come whole, with
//! 413 say, and close. Whoever is writing learns of that by an error, and would never see the answer.
//!
//! For HTTP/1 alone: where many requests share a connection, nobody waits for one answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct LastWord<S> {
    stream: S,
    deaf: Deaf,
    /// It was a reset that said so. It is told once, and what ends without it would look whole.
    reset: bool,
    /// There is no more to hear.
    over: bool,
}

/// Whether the other end takes no more. What is written is lost then, as it is on any connection that ends; so this one
/// is not to be used again.
#[derive(Clone, Default)]
pub(super) struct Deaf(Arc<AtomicBool>);

impl Deaf {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S> LastWord<S> {
    pub(super) fn new(stream: S) -> (Self, Deaf) {
        let deaf = Deaf::default();
        (Self { stream, deaf: deaf.clone(), reset: false, over: false }, deaf)
    }

    fn hears_out(&self) -> bool {
        self.deaf.is_so() && !self.over
    }

    /// What is said of `length` bytes that were written with this outcome.
    fn after(&mut self, written: io::Result<usize>, length: usize) -> io::Result<usize> {
        match written {
            Err(error) if !self.over && is_gone(&error) => {
                self.deaf.0.store(true, Ordering::Relaxed);
                self.reset = error.kind() == io::ErrorKind::ConnectionReset;
                Ok(length)
            }
            written => written,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LastWord<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let ended = read.is_ok() && buffer.filled().len() == before && buffer.remaining() > 0;
        self.over |= ended || read.is_err();
        Poll::Ready(if ended && self.reset { Err(io::ErrorKind::ConnectionReset.into()) } else { read })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LastWord<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.hears_out() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        Poll::Ready(self.after(written, bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if self.hears_out() {
            return Poll::Ready(Ok(length));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        Poll::Ready(self.after(written, length))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Of a layer in between, as of TLS, some may still wait to be written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.hears_out() {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        Poll::Ready(self.after(flushed.map(|()| 0), 0).map(|_| ()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What reads give and writes come to, in turn.
    #[derive(Default)]
    struct Script {
        reads: VecDeque<io::Result<&'static [u8]>>,
        writes: VecDeque<io::Result<usize>>,
    }

    impl AsyncRead for Script {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(self.reads.pop_front().expect("a read").map(|bytes| buffer.put_slice(bytes)))
        }
    }

    impl AsyncWrite for Script {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(self.writes.pop_front().expect("a write"))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn kind<T>(kind: io::ErrorKind) -> io::Result<T> {
        Err(kind.into())
    }

    #[tokio::test]
    async fn whoever_takes_no_more_is_heard_out_and_not_written_to() {
        let reset = io::ErrorKind::ConnectionReset;
        for gone in [io::ErrorKind::BrokenPipe, reset] {
            let script = Script {
                reads: [Ok(&b"413"[..]), Ok(b"too large"), Ok(b"")].into(),
                writes: [Ok(2), kind(gone), kind(gone)].into(),
            };
            let (mut stream, deaf) = LastWord::new(script);
            let mut read = [0; 64];
            assert_eq!(stream.write(b"up").await.unwrap(), 2);
            assert_eq!(stream.read(&mut read).await.unwrap(), 3);
            assert!(!deaf.is_so());
            // In the middle of the answer as well.
            assert_eq!(stream.write(b"load").await.unwrap(), 4);
            assert_eq!(stream.write(b"goes on").await.unwrap(), 7);
            assert!(deaf.is_so());
            assert_eq!(stream.read(&mut read).await.unwrap(), 9);
            let end = stream.read(&mut read).await;
            assert_eq!(end.map_err(|error| error.kind()), if gone == reset { Err(reset) } else { Ok(0) });
            assert!(stream.write(b"and on").await.is_err());
        }
    }

    #[tokio::test]
    async fn after_the_end_and_of_other_failures_a_writer_is_told() {
        for (read, failure) in [
            (Ok(&b""[..]), io::ErrorKind::BrokenPipe),
            (kind(io::ErrorKind::ConnectionReset), io::ErrorKind::ConnectionReset),
            (Ok(b"more"), io::ErrorKind::TimedOut),
        ] {
            let script = Script { reads: [read].into(), writes: [Ok(2), kind(failure)].into() };
            let (mut stream, deaf) = LastWord::new(script);
            stream.write_all(b"up").await.unwrap();
            let _ = stream.read(&mut [0; 64]).await;
            assert_eq!(stream.write(b"load").await.unwrap_err().kind(), failure);
            assert!(!deaf.is_so());
        }
    }
}
