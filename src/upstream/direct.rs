//! HTTP/1.1 without a task of its own: a request without a body is written, and its answer read, by whoever waits for it.
//!
//! Most requests are of this kind, and nothing can happen on such a connection that its user does not wait for: there is
//! no other task to wake, and no copy of the head to make. Requests with a body, upgrades and HTTP/2 go by hyper. The
//! grammar of heads is httparse's; how bodies are framed is checked in [`answer::framing`]. Whatever is not understood
//! ends the connection. Start from [`Direct`].

use std::future::{Future as _, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use httparse::{ParserConfig, Status};
use hyper::ext::ReasonPhrase;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep_until};
use tokio_util::io::poll_read_buf;

use super::UpstreamError;
use super::answer::{self, Framing};
use super::arriving::Unfinished;
use super::chunked::{Chunks, Step};
use super::connect::Stream;
use super::interim;
use super::send::{Failed, Fate};
use crate::body::BodyError;
use crate::clock;
use crate::identity::Said;

/// The largest head of an answer, in bytes, and the most fields in it.
const LARGEST_HEAD: usize = 256 * 1024;
const MOST_FIELDS: usize = 100;

/// How much room there is for a read, in bytes: at the least, usually, and within a large body.
const LEAST_READ: usize = 2 * 1024;
const READ: usize = 8 * 1024;
const LARGE_READ: usize = 64 * 1024;

/// In place of a time that no clock reaches.
const FAR_AWAY: Duration = Duration::from_hours(24 * 365);

/// A connection with no request under way.
pub(super) struct Direct {
    stream: Box<dyn Stream>,
    /// Read, and not yet understood.
    read: BytesMut,
    /// Kept for its memory.
    written: Vec<u8>,
    pub opened: Instant,
    /// Goes on from one request to the next, and is set anew only when it rings too early: a request costs no timer.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// A request's head as it is to be written.
pub(super) struct Head<'a> {
    pub method: &'a Method,
    /// Path and query.
    pub target: &'a str,
    pub host: Option<&'a HeaderValue>,
    /// Without framing.
    pub headers: &'a HeaderMap,
    /// What is said beside them.
    pub said: Option<&'a Said<'a>>,
}

/// An answer's body on its way, and the connection that it comes on.
pub(super) struct Body {
    direct: Box<Direct>,
    rest: Rest,
    framing: Framing,
}

/// An answer's head, and whether the connection ends with it.
struct Received {
    head: response::Parts,
    closes: bool,
}

/// What of a body has not come yet.
enum Rest {
    Length(u64),
    Chunks(Chunks),
    /// Whatever comes before the connection ends.
    Everything,
    Nothing,
}

impl Direct {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, read: BytesMut::new(), written: Vec::new(), opened: clock::stopwatch(), alarm: None }
    }

    /// What is under a connection that is ready.
    pub(super) fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    /// Whether it can still be used: the other end has neither closed it nor said anything unasked.
    pub(super) fn is_ready(&mut self) -> bool {
        let (mut byte, mut context) = ([0; 1], Context::from_waker(Waker::noop()));
        let mut read = ReadBuf::new(&mut byte);
        let stream = &mut self.stream;
        // A task that has done much at one go would be told to wait, whatever there is to read: after a server's end,
        // every connection behind the first hundred would look as good as new.
        let look = unconstrained(poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut read)));
        self.read.is_empty() && pin!(look).poll(&mut context).is_pending()
    }

    /// Sends a request that has no body, and waits from `now` on for at most `limit` for the head of its answer.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: &Head<'_>,
        (now, limit): (Instant, Duration),
    ) -> Result<Response<Body>, Failed> {
        let now = tokio::time::Instant::from_std(now);
        let due = now.checked_add(limit).unwrap_or(now + FAR_AWAY);
        let mut alarm = self.alarm.take().unwrap_or_else(|| Box::pin(sleep_until(due)));
        let mut answer = pin!(self.ask(request));
        let answered = poll_fn(|context| {
            if let Poll::Ready(answered) = answer.as_mut().poll(context) {
                return Poll::Ready(answered);
            }
            while alarm.as_mut().poll(context).is_ready() {
                if due <= tokio::time::Instant::now() {
                    return Poll::Ready(Err(Failed::from(UpstreamError::Timeout(limit))));
                }
                alarm.as_mut().reset(due);
            }
            Poll::Pending
        });
        let mut answer = answered.await?;
        answer.body_mut().direct.alarm = Some(alarm);
        Ok(answer)
    }

    /// Interim answers are passed over, up to a point.
    async fn ask(mut self: Box<Self>, request: &Head<'_>) -> Result<Response<Body>, Failed> {
        self.send(request).await?;
        let mut interim = 0;
        loop {
            // What an end before any answer means: once an interim one has come, the request was begun with.
            let silence = if interim == 0 { Fate::Lost } else { Fate::Final };
            let Received { head, closes } = self.receive(silence).await?;
            if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
                interim += 1;
                if interim > interim::MOST {
                    return Err(Failed::from(UpstreamError::OnlyInterim));
                }
                continue;
            }
            let mut framing = answer::framing(&head, request.method == Method::HEAD)?;
            let rest = rest(&head, &framing);
            framing.reusable &=
                head.version == Version::HTTP_11 && !matches!(rest, Rest::Everything) && !closes;
            return Ok(Response::from_parts(head, Body { direct: self, rest, framing }));
        }
    }

    async fn send(&mut self, head: &Head<'_>) -> Result<(), Failed> {
        self.written.clear();
        head.write(&mut self.written);
        let mut rest = self.written.as_slice();
        while !rest.is_empty() {
            let fate = if rest.len() == self.written.len() { Fate::Unsent } else { Fate::Lost };
            let written = self.stream.write(rest).await.map_err(|error| broken(error, fate))?;
            if written == 0 {
                return Err(broken(io::ErrorKind::WriteZero.into(), fate));
            }
            rest = rest.get(written..).unwrap_or_default();
        }
        self.stream.flush().await.map_err(|error| broken(error, Fate::Lost))
    }

    async fn receive(&mut self, silence: Fate) -> Result<Received, Failed> {
        let mut seen = 0;
        loop {
            // First: httparse passes over empty lines, and whether one stands alone is a matter of how the bytes come.
            if !begins_like_http(&self.read) {
                return Err(garbled("it does not begin with HTTP/1"));
            }
            if let Some(length) = end_of_head(&self.read, seen) {
                return parse(&self.read.split_to(length).freeze());
            }
            if self.read.len() >= LARGEST_HEAD {
                return Err(garbled("its head is too large"));
            }
            seen = self.read.len();
            let fate = if seen == 0 { silence } else { Fate::Final };
            let read = poll_fn(|context| self.poll_read(context, READ)).await;
            if read.map_err(|error| broken(error, fate))? == 0 {
                return Err(broken(io::ErrorKind::UnexpectedEof.into(), fate));
            }
        }
    }

    /// Reads what has come, with room for so much: how many bytes that were; none at the end.
    fn poll_read(&mut self, context: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        if self.read.capacity() - self.read.len() < LEAST_READ.min(room) {
            self.read.reserve(room);
        }
        poll_read_buf(Pin::new(&mut self.stream), context, &mut self.read)
    }
}

impl Head<'_> {
    fn write(&self, to: &mut Vec<u8>) {
        for part in [self.method.as_str(), " ", self.target, " HTTP/1.1\r\n"] {
            to.extend_from_slice(part.as_bytes());
        }
        let visitors = self.headers.iter().filter(|(name, _)| **name != HOST);
        let said = self.said.into_iter().flat_map(Said::headers);
        let host = self.host.iter().map(|host| (&HOST, *host));
        for (name, value) in host.chain(visitors).chain(said) {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                to.extend_from_slice(part);
            }
        }
        // RFC 9110 §8.6: where a body is expected, it is said that there is none.
        if matches!(*self.method, Method::POST | Method::PUT | Method::PATCH) {
            to.extend_from_slice(b"content-length: 0\r\n");
        }
        to.extend_from_slice(b"\r\n");
    }
}

impl Body {
    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// The connection, if it can be used for another request.
    pub(super) fn into_direct(self) -> Option<Box<Direct>> {
        (self.framing.reusable && matches!(self.rest, Rest::Nothing) && self.direct.read.is_empty())
            .then_some(self.direct)
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let Self { direct, rest, .. } = self;
            match rest {
                Rest::Nothing => return Poll::Ready(None),
                Rest::Length(left) if !direct.read.is_empty() => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(direct.read.len());
                    *left -= length as u64;
                    if *left == 0 {
                        *rest = Rest::Nothing;
                    }
                    return Poll::Ready(Some(Ok(Frame::data(direct.read.split_to(length).freeze()))));
                }
                Rest::Everything if !direct.read.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(direct.read.split().freeze()))));
                }
                Rest::Chunks(chunks) => match chunks.step(&mut direct.read)? {
                    Step::Data(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Step::Trailers(trailers) => {
                        *rest = Rest::Nothing;
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Step::Over => *rest = Rest::Nothing,
                    Step::More => {}
                },
                Rest::Length(_) | Rest::Everything => {}
            }
            if matches!(self.rest, Rest::Nothing) {
                continue;
            }
            let room = self.room();
            if ready!(self.direct.poll_read(context, room))? == 0 {
                let whole = matches!(self.rest, Rest::Everything);
                self.rest = Rest::Nothing;
                return Poll::Ready((!whole).then(|| Err(Unfinished.into())));
            }
        }
    }

    fn room(&self) -> usize {
        match self.rest {
            Rest::Length(left) => usize::try_from(left).unwrap_or(usize::MAX).clamp(READ, LARGE_READ),
            Rest::Chunks(_) | Rest::Everything => LARGE_READ,
            Rest::Nothing => READ,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.get_mut().poll_rest(context)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest {
            Rest::Length(left) => SizeHint::with_exact(left),
            Rest::Nothing => SizeHint::with_exact(0),
            Rest::Chunks(_) | Rest::Everything => SizeHint::default(),
        }
    }
}

/// What follows a head (RFC 9112 §6.3).
fn rest(head: &response::Parts, framing: &Framing) -> Rest {
    match framing.length {
        Some(0) => Rest::Nothing,
        Some(length) => Rest::Length(length),
        None if head.headers.contains_key(TRANSFER_ENCODING) => Rest::Chunks(Chunks::default()),
        None => Rest::Everything,
    }
}

fn names_close(head: &response::Parts) -> bool {
    let tokens =
        head.headers.get_all(CONNECTION).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    tokens.into_iter().any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// The length of the head at the front, if it is whole: up to an empty line. What was `seen` before has no end in it.
fn end_of_head(read: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3);
    let searched = read.get(from..)?;
    memchr::memchr_iter(b'\n', searched).map(|place| from + place).find_map(|place| {
        let before = read.get(..place)?;
        (before.ends_with(b"\n") || before.ends_with(b"\n\r")).then_some(place + 1)
    })
}

fn begins_like_http(read: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let length = read.len().min(BEGINNING.len());
    read.get(..length) == BEGINNING.get(..length)
}

fn parse(block: &Bytes) -> Result<Received, Failed> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut parsed, block, &mut fields) {
        Ok(Status::Complete(length)) if length == block.len() => {}
        Ok(_) => return Err(garbled("its head")),
        Err(error) => return Err(Failed::from(UpstreamError::Garbled(error.to_string()))),
    }
    let (mut head, ()) = Response::new(()).into_parts();
    head.version = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    head.status =
        parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(|| garbled("its status"))?;
    if let Some(reason) = parsed.reason.filter(|reason| head.status.canonical_reason() != Some(*reason)) {
        let reason = ReasonPhrase::try_from(block.slice_ref(reason.as_bytes()));
        head.extensions.insert(reason.map_err(|_| garbled("its reason"))?);
    }
    head.headers.reserve(parsed.headers.len());
    let (mut closes, mut connection) = (false, false);
    for field in parsed.headers.iter() {
        if field.name.eq_ignore_ascii_case("connection") {
            // The usual words name no field, and are not passed on: they need not be kept to be removed.
            if field.value.eq_ignore_ascii_case(b"keep-alive") {
                continue;
            }
            if field.value.eq_ignore_ascii_case(b"close") {
                closes = true;
                continue;
            }
            connection = true;
        }
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| garbled("a field's name"))?;
        let value = HeaderValue::from_maybe_shared(block.slice_ref(field.value));
        head.headers.append(name, value.map_err(|_| garbled("a field's value"))?);
    }
    closes |= connection && names_close(&head);
    Ok(Received { head, closes })
}

fn garbled(what: &str) -> Failed {
    Failed::from(UpstreamError::Garbled(what.to_owned()))
}

fn broken(error: io::Error, fate: Fate) -> Failed {
    Failed { error: UpstreamError::Closed(error.into()), fate, repeated: false, stale: false }
}

#[cfg(test)]
mod tests {
    use tokio::task::coop;

    use super::*;

    #[tokio::test]
    async fn a_closed_connection_is_not_ready_however_much_its_user_has_done() {
        let (ours, theirs) = tokio::io::duplex(64);
        let mut direct = Direct::new(Box::new(ours));
        assert!(direct.is_ready());
        drop(theirs);
        while coop::has_budget_remaining() {
            coop::consume_budget().await;
        }
        assert!(!direct.is_ready());
    }

    #[tokio::test]
    async fn an_empty_line_before_an_answer_is_refused_however_it_comes() {
        let answer = "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        for piece in [1, 2, answer.len()] {
            let (ours, mut theirs) = tokio::io::duplex(1024);
            let headers = HeaderMap::new();
            let head = Head { method: &Method::GET, target: "/", host: None, headers: &headers, said: None };
            let answering = async {
                for piece in answer.as_bytes().chunks(piece) {
                    theirs.write_all(piece).await.ok();
                    tokio::task::yield_now().await;
                }
            };
            let (answered, ()) = tokio::join!(
                Box::new(Direct::new(Box::new(ours)))
                    .exchange(&head, (clock::stopwatch(), Duration::from_secs(5))),
                answering
            );
            assert!(answered.is_err(), "in pieces of {piece}");
        }
    }

    #[tokio::test]
    async fn a_connection_is_used_again_unless_its_last_answer_says_close() {
        for (connection, again, kept) in [
            ("keep-alive", true, false),
            ("Close", false, false),
            ("X-Odd, close", false, true),
            ("X-Odd", true, true),
        ] {
            let (ours, mut theirs) = tokio::io::duplex(1024);
            let headers = HeaderMap::new();
            let head = Head { method: &Method::GET, target: "/", host: None, headers: &headers, said: None };
            let answer = format!("HTTP/1.1 200 OK\r\nConnection: {connection}\r\nContent-Length: 0\r\n\r\n");
            theirs.write_all(answer.as_bytes()).await.expect("there is room");
            let limit = (clock::stopwatch(), Duration::from_secs(5));
            let Ok(answered) = Box::new(Direct::new(Box::new(ours))).exchange(&head, limit).await else {
                panic!("no answer with {connection}");
            };
            // What names fields is there for whoever removes them.
            assert_eq!(answered.headers().contains_key(CONNECTION), kept, "{connection}");
            assert_eq!(answered.into_body().into_direct().is_some(), again, "{connection}");
        }
    }
}
