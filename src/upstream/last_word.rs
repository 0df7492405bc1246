//! A stream that can be read to its end when the other end takes no more: a server may answer an upload before it has come
//! whole, with 413 say, and close. Whoever is writing learns of that by an error, and would never see the answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct LastWord<S> {
    stream: S,
    state: State,
}

enum State {
    /// Nothing was written since something was read. A server that takes no more now has nothing to answer, and that
    /// nothing was sent is worth knowing.
    Heard,
    /// What was written may be answered.
    Said,
    /// The other end takes no more, and is heard out. What is written is lost, as it is on any connection that ends.
    HearingOut,
    /// There is no more to hear.
    Over,
}

impl<S> LastWord<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, state: State::Heard }
    }

    /// `written` of `length` bytes, or whatever became of it.
    fn after(&mut self, written: io::Result<usize>, length: usize) -> io::Result<usize> {
        match (written, &self.state) {
            (Err(error), State::Said) if is_gone(&error) => {
                self.state = State::HearingOut;
                Ok(length)
            }
            (Ok(written), _) => {
                self.state = State::Said;
                Ok(written)
            }
            (Err(error), _) => Err(error),
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
        let more = read.is_ok() && buffer.filled().len() > before;
        self.state = match self.state {
            State::Said if more => State::Heard,
            State::HearingOut if !more => State::Over,
            State::Heard => State::Heard,
            State::Said => State::Said,
            State::HearingOut => State::HearingOut,
            State::Over => State::Over,
        };
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LastWord<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if matches!(self.state, State::HearingOut) {
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
        if matches!(self.state, State::HearingOut) {
            return Poll::Ready(Ok(length));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        Poll::Ready(self.after(written, length))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
