//! Small bodies that may be sent twice: what has passed is kept until the answer has begun, so that the request can be
//! repeated from the start and go on with what the visitor has still to send.
//!
//! Nothing is held back for that: chunks are passed on as they come, and copies of them are kept. A reference to a chunk
//! would keep the whole buffer that it was read into, and that of a single byte may be hundreds of kilobytes large. A
//! body that turns out too large, or to have trailers, is passed on like any other and not kept any longer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};

/// The most that is kept of one body, in bytes and in chunks.
const MOST: u64 = 64 * 1024;
const MOST_CHUNKS: usize = 256;

/// A body and what has passed of it.
#[derive(Clone)]
pub(super) struct Replay(Arc<Mutex<Tape>>);

struct Tape {
    /// What the visitor has still to send; `None`: nothing.
    rest: Option<Body>,
    /// `None`: not from the start any more.
    kept: Option<Kept>,
    /// The number of the one that may read; none has 0.
    reading: u64,
}

#[derive(Default)]
struct Kept {
    chunks: Vec<Bytes>,
    bytes: u64,
}

/// Reads the body from its start. An earlier one, which a connection that is about to go may still hold, gets nothing
/// more: it could take what belongs to the last.
struct Reading {
    tape: Arc<Mutex<Tape>>,
    number: u64,
    /// How many of the kept chunks it has had.
    place: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the request is sent once more, over another connection")]
struct Superseded;

impl Replay {
    /// Whether a body of this size may be small enough.
    pub(super) fn suits(size: &SizeHint) -> bool {
        size.lower() <= MOST
    }

    pub(super) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Tape { rest: Some(body), kept: Some(Kept::default()), reading: 0 })))
    }

    /// Whether it can be read from the start. For certain only while it is not read, see [`Replay::stop`].
    pub(super) fn is_whole(&self) -> bool {
        lock(&self.0).kept.is_some()
    }

    /// Nobody reads any more.
    pub(super) fn stop(&self) {
        lock(&self.0).reading += 1;
    }

    /// The body from the start. If it is not whole, this breaks off at once.
    pub(super) fn read(&self) -> Body {
        let mut tape = lock(&self.0);
        tape.reading += 1;
        let number = if tape.kept.is_some() { tape.reading } else { 0 };
        Body::stream(Reading { tape: Arc::clone(&self.0), number, place: 0 })
    }
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tape {
    /// The chunks that come after so many.
    fn kept_after(&self, place: usize) -> &[Bytes] {
        self.kept.as_ref().and_then(|kept| kept.chunks.get(place..)).unwrap_or_default()
    }

    /// The next frame from the visitor.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(rest).poll_frame(context));
        match &frame {
            Some(frame) => {
                let chunk = frame.as_ref().ok().and_then(Frame::data_ref);
                self.kept = self.kept.take().zip(chunk).and_then(|(kept, chunk)| kept.with(chunk));
            }
            None => self.rest = None,
        }
        Poll::Ready(frame)
    }
}

impl Kept {
    fn with(mut self, chunk: &Bytes) -> Option<Self> {
        self.bytes += chunk.len() as u64;
        self.chunks.push(Bytes::copy_from_slice(chunk));
        (self.bytes <= MOST && self.chunks.len() <= MOST_CHUNKS).then_some(self)
    }
}

impl HttpBody for Reading {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let mut tape = lock(&this.tape);
        if tape.reading != this.number {
            return Poll::Ready(Some(Err(Superseded.into())));
        }
        let chunk = match tape.kept_after(this.place).first() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk.clone())))),
            None => tape.poll_rest(context),
        };
        this.place += usize::from(chunk.is_ready());
        chunk
    }

    fn is_end_stream(&self) -> bool {
        let tape = lock(&self.tape);
        let read =
            tape.kept_after(self.place).is_empty() && tape.rest.as_ref().is_none_or(Body::is_end_stream);
        read && tape.reading == self.number
    }

    fn size_hint(&self) -> SizeHint {
        let tape = lock(&self.tape);
        let kept = tape.kept_after(self.place).iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        let rest = tape.rest.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint);
        let mut size = SizeHint::new();
        size.set_lower(rest.lower().saturating_add(kept));
        if let Some(upper) = rest.upper() {
            size.set_upper(upper.saturating_add(kept));
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;

    type Sent = Result<Frame<Bytes>, BodyError>;

    fn frames(frames: impl IntoIterator<Item = &'static str, IntoIter: Send> + Send + 'static) -> Body {
        let frames =
            frames.into_iter().map(|chunk| Sent::Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))));
        Body::stream(StreamBody::new(futures_util::stream::iter(frames)))
    }

    async fn next(body: &mut Body) -> Option<Result<Bytes, BodyError>> {
        body.frame().await.map(|frame| frame.map(|frame| frame.into_data().unwrap()))
    }

    #[tokio::test]
    async fn a_body_is_read_again_from_the_start_and_on_to_its_end() {
        let replay = Replay::new(frames(["one", "two", "three"]));
        let mut first = replay.read();
        assert_eq!(next(&mut first).await.unwrap().unwrap(), "one");
        let second = replay.read();
        // It has not come to its end, and gets nothing more.
        assert!(!first.is_end_stream() && next(&mut first).await.unwrap().is_err());
        assert_eq!(second.collect().await.unwrap().to_bytes(), "onetwothree");
        let third = replay.read();
        assert_eq!(third.size_hint().exact(), Some(11));
        assert_eq!(third.collect().await.unwrap().to_bytes(), "onetwothree");
        assert!(replay.is_whole());
    }

    #[tokio::test]
    async fn a_known_length_stays_known() {
        let replay = Replay::new(Body::stream(Full::new(Bytes::from_static(b"hello"))));
        for _ in 0..2 {
            let mut body = replay.read();
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(5), false));
            next(&mut body).await.unwrap().unwrap();
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        }
    }

    #[tokio::test]
    async fn what_is_too_large_or_has_trailers_passes_but_once() {
        let half: &str = Box::leak("x".repeat(32 * 1024).into_boxed_str());
        let trailers = Frame::trailers(http::HeaderMap::new());
        let with_trailers = [Sent::Ok(Frame::data(Bytes::from_static(b"x"))), Ok(trailers)];
        let broken = [Sent::Ok(Frame::data(Bytes::from_static(b"x"))), Err("broken".into())];
        for (body, size) in [
            (frames([half, half, "x"]), 64 * 1024 + 1),
            (frames(std::iter::repeat_n("x", 257)), 257),
            (Body::stream(StreamBody::new(futures_util::stream::iter(with_trailers))), 1),
            (Body::stream(StreamBody::new(futures_util::stream::iter(broken))), 1),
        ] {
            let replay = Replay::new(body);
            let mut body = replay.read();
            let mut passed = 0;
            while let Some(Ok(frame)) = body.frame().await {
                passed += frame.data_ref().map_or(0, Bytes::len);
            }
            assert_eq!((passed, replay.is_whole()), (size, false));
            let mut again = replay.read();
            assert!(!again.is_end_stream() && next(&mut again).await.unwrap().is_err());
        }
    }

    #[tokio::test]
    async fn what_is_kept_holds_no_more_memory_than_it_has_bytes() {
        let read_at_once = Bytes::from(vec![0; 400 * 1024]);
        let chunk = Sent::Ok(Frame::data(read_at_once.slice(..1)));
        let replay = Replay::new(Body::stream(StreamBody::new(futures_util::stream::iter([chunk]))));
        assert_eq!(replay.read().collect().await.unwrap().to_bytes().len(), 1);
        assert!(replay.is_whole() && read_at_once.is_unique());
    }

    #[tokio::test]
    async fn who_has_stopped_reads_nothing_away() {
        let replay = Replay::new(frames(["one"]));
        let mut first = replay.read();
        replay.stop();
        assert!(next(&mut first).await.unwrap().is_err());
        assert_eq!(replay.read().collect().await.unwrap().to_bytes(), "one");
    }
}
