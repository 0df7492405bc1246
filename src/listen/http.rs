//! HTTP on an accepted connection: limits and patience for hyper, and the end of a connection.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use ::http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::coop::has_budget_remaining;
use tokio::time::{sleep_until, timeout};
use tracing::{debug, info};

use super::activity::{Activity, Answer, UnderWay};
use super::rest::{LOOK, Look, Rest, Rested};
use super::seldom::Seldom;
use super::stall::{Taking, unless_stalled};
use super::{Connection, Handler, HttpSettings};
use crate::body::Body;
use crate::tasks::{Stage, Tasks};

/// What hyper may hold of what is read, and of what waits to be written: its own default. Of less, downloads cost half as
/// much again. A head larger than this needs more.
const BUFFER: usize = 400 * 1024 + 8 * 1024;

static UNREADABLE: Seldom = Seldom::new();

/// How much, and for how long, a client that was already answered may go on sending.
const LINGER_BYTES: u64 = 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);

/// A worker's HTTP: made once, used for each connection.
pub(super) struct Http {
    http1: http1::Builder,
    http2: http2::Builder<StreamTasks>,
    first_head: Duration,
    idle: Duration,
}

impl Http {
    pub fn new(settings: &HttpSettings, tasks: &Tasks) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .max_header_size(settings.max_request_headers)
            .max_buf_size(BUFFER.max(settings.max_request_headers))
            // One clock a connection, see `drive`, in place of one a request.
            .header_read_timeout(None);
        let mut http2 =
            http2::Builder::new(StreamTasks { tasks: tasks.clone(), stalled: settings.stalled_write });
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .max_header_list_size(u32::try_from(settings.max_request_headers).unwrap_or(u32::MAX))
            // Rapid reset (CVE-2023-44487) and its sister MadeYouReset (CVE-2025-8671): then the connection goes.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(256)
            .initial_stream_window_size(256 * 1024)
            // Room for many bodies that an app does not take yet, so that they do not hold up those for other apps.
            .initial_connection_window_size(16 * 1024 * 1024)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        Self { http1, http2, first_head: settings.first_head, idle: settings.idle }
    }

    /// Serves HTTP/1 until the connection ends, is upgraded, or the worker stops.
    pub async fn serve_http1<S, H>(
        self: Arc<Self>,
        stream: S,
        (connection, activity): (Arc<Connection>, Arc<Activity>),
        handler: H,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Handler,
    {
        let (connection, activity) = (&connection, &activity);
        let mut rest = Rest::begin(self.first_head, self.idle, LOOK);
        let mut stream = Rested::new(stream);
        loop {
            tokio::select! {
                biased;
                begun = poll_fn(|context| stream.poll_begun(context)) => match begun {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => return debug!(peer = ?connection.peer, %error, "the connection broke"),
                },
                () = connection.shutdown.begun() => break,
                () = sleep_until(rest.end()) => return too_long(connection, activity),
            }
            // In a box that goes when there is nothing to do, as does all that hyper has for a connection.
            let serving = self.serve_requests(stream, (connection, activity), handler.clone(), &mut rest);
            let serving = Box::pin(serving);
            match serving.await {
                Some(rested) => stream = rested,
                None => return,
            }
        }
        let lingering = Box::pin(linger(stream, connection));
        lingering.await;
    }

    /// Serves until there has been no request for a moment: then this gives the stream back.
    async fn serve_requests<S, H>(
        &self,
        stream: Rested<S>,
        (connection, activity): (&Arc<Connection>, &Arc<Activity>),
        handler: H,
        rest: &mut Rest,
    ) -> Option<Rested<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Handler,
    {
        let serving = self.http1.serve_connection(stream, service(connection, handler, activity));
        let mut http = serving.with_upgrades();
        let driven = self.drive(&mut http, (connection, activity), rest, Farewell::None, |http| {
            Pin::new(http).graceful_shutdown();
        });
        let driven = driven.await;
        let parts = http.into_parts()?;
        let mut stream = parts.io;
        match driven {
            Driven::ToRest => {
                stream.put_back(&parts.read_buf);
                return Some(stream);
            }
            // A farewell would say that the answer is whole.
            Driven::ToEnd if activity.has_broken_off() => {}
            Driven::ToEnd => {
                let lingering = Box::pin(linger(stream, connection));
                lingering.await;
            }
            Driven::Dropped => {}
        }
        None
    }

    /// Serves HTTP/2 until the connection ends or the worker stops.
    pub async fn serve_http2<S, H>(
        self: Arc<Self>,
        stream: S,
        (connection, activity): (Arc<Connection>, Arc<Activity>),
        handler: H,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Handler,
    {
        let mut http =
            pin!(self.http2.serve_connection(TokioIo::new(stream), service(&connection, handler, &activity)));
        let mut rest = Rest::begin(self.first_head, self.idle, self.idle);
        self.drive(&mut http, (&connection, &activity), &mut rest, Farewell::GoAway, |http| {
            http.as_mut().graceful_shutdown();
        })
        .await;
    }

    /// Drives a connection to its end, or to where it has nothing to do and can say no farewell.
    ///
    /// A connection ends when it has had nothing to do for `first_head` at its beginning, and for `idle` later, or up to
    /// a quarter more. That is looked at now and then, so that a request costs no timer. A head that comes in little by
    /// little is no request yet.
    async fn drive<C>(
        &self,
        http: &mut C,
        (connection, activity): (&Connection, &Activity),
        rest: &mut Rest,
        farewell: Farewell,
        stop: impl Fn(&mut C),
    ) -> Driven
    where
        C: Future<Output = hyper::Result<()>> + Unpin,
    {
        let shutdown = &connection.shutdown;
        let (mut begun, mut aborted) = (pin!(shutdown.begun()), pin!(shutdown.aborted()));
        let mut look = pin!(sleep_until(rest.due()));
        let (mut awaited, mut stopping) = (false, false);
        poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = Pin::new(&mut *http).poll(context) {
                    match ended {
                        // Where it can be answered hyper has done so by itself: the access log has nothing of it.
                        Err(error) if error.is_parse() && UNREADABLE.is_due() => {
                            let client = connection.address;
                            info!(%client, "a request could not be read: {error} (not said again for a minute)");
                        }
                        Err(error) => debug!(peer = ?connection.peer, %error, "the connection broke"),
                        Ok(()) => {}
                    }
                    return Poll::Ready(Driven::ToEnd);
                }
                // Every request comes by here, and nearly always goes back: what else may end a connection has this
                // task's waker since it was first asked, and shows when it has come.
                let stage = shutdown.stage();
                if awaited
                    && !look.is_elapsed()
                    && (stage == Stage::Running || (stopping && stage != Stage::Hard))
                {
                    return Poll::Pending;
                }
                if stage == Stage::Hard && stopping {
                    return Poll::Ready(Driven::Dropped);
                }
                if stage != Stage::Running && !stopping {
                    stopping = true;
                    stop(http);
                    continue;
                }
                if look.as_mut().poll(context).is_ready() {
                    let found = rest.look(activity);
                    if found == Look::TooLong
                        && (stopping || activity.begun() == 0 || farewell == Farewell::None)
                    {
                        too_long(connection, activity);
                        return Poll::Ready(Driven::Dropped);
                    }
                    if found == Look::Quiet
                        && !stopping
                        && farewell == Farewell::None
                        && activity.is_between_requests()
                    {
                        return Poll::Ready(Driven::ToRest);
                    }
                    look.as_mut().reset(rest.due());
                    // It wakes nobody who has not asked it since.
                    awaited = false;
                    if found == Look::TooLong {
                        // It has the same time again to come to its end.
                        stopping = true;
                        stop(http);
                    }
                    continue;
                }
                let come = begun.as_mut().poll(context).is_ready() && !stopping
                    || aborted.as_mut().poll(context).is_ready();
                // A task that has done much at one go is told to wait by each of these, and noticed by none.
                awaited = has_budget_remaining();
                if !come {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// What a protocol can say before an idle connection is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    None,
    GoAway,
}

/// Where a connection was driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driven {
    ToEnd,
    /// Between two requests, with nothing on its way.
    ToRest,
    Dropped,
}

fn too_long(connection: &Connection, activity: &Activity) {
    debug!(peer = ?connection.peer, requests = activity.begun(), "the client has nothing to say");
}

/// Calls the handler, and notes what is under way.
fn service<H: Handler>(
    connection: &Arc<Connection>,
    handler: H,
    activity: &Arc<Activity>,
) -> impl hyper::service::HttpService<Incoming, ResBody = Answer, Error = Infallible, Future: Send + 'static>
+ use<H> {
    let (connection, activity) = (Arc::clone(connection), Arc::clone(activity));
    service_fn(move |request: Request<Incoming>| {
        let under_way = UnderWay::begin(&activity, !request.body().is_end_stream());
        let (handler, connection) = (handler.clone(), Arc::clone(&connection));
        let request = Box::new(request);
        // In a box that goes with the request: hyper would keep room for it on every idle connection.
        Box::pin(async move {
            let is_http_10 = request.version() == Version::HTTP_10;
            // What comes after these was not walked over, see `grammar`.
            let may_switch = request.version() < Version::HTTP_2 && request.headers().contains_key(UPGRADE);
            let head_only = request.method() == Method::HEAD;
            let mut response = handler.handle(connection, request).await;
            if head_only {
                without_body(&mut response);
            }
            if may_switch && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let taking = Taking::of_this_stream();
            let ends_with_connection = is_http_10 && response.body().size_hint().exact().is_none();
            Ok::<_, Infallible>(response.map(|body| Answer { body, taking, ends_with_connection, under_way }))
        })
    })
}

/// The answer to HEAD: no body, but the length that GET would have told (RFC 9110 section 9.3.2). hyper sees to it in
/// HTTP/1 alone; in HTTP/2 it would send the body, for which the client gives the stream up.
fn without_body(response: &mut Response<Body>) {
    if let Body::Full(bytes) = std::mem::take(response.body_mut()) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(bytes.len()));
    }
}

/// Says that there will be no more, and reads on for a moment. A socket closed with bytes unread is reset, and a reset
/// can overtake the answer (RFC 9112 section 9.6).
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: Rested<S>, connection: &Connection) {
    let mut stream = stream.into_stream();
    let mut nowhere = tokio::io::sink();
    let close = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut nowhere).await
    };
    tokio::select! {
        closed = timeout(LINGER, close) => if closed.is_err() {
            debug!("the client did not close its side");
        },
        () = connection.shutdown.aborted() => {}
    }
}

/// Spawns the streams of HTTP/2 connections as tracked tasks.
#[derive(Clone)]
struct StreamTasks {
    tasks: Tasks,
    /// How long a client may take nothing of an answer.
    stalled: Duration,
}

impl<F> hyper::rt::Executor<F> for StreamTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.tasks.spawn("stream", unless_stalled(stream, self.stalled));
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::coop;

    use super::super::{Address, HttpSettings, ListenerSettings};
    use super::*;
    use crate::tasks::Shutdown;

    /// Has much to do at first, as a client can see to, and nothing afterwards.
    struct BusyAtFirst {
        begun: bool,
    }

    impl Future for BusyAtFirst {
        type Output = hyper::Result<()>;

        fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Self::Output> {
            while !self.begun && coop::has_budget_remaining() {
                let _ = pin!(coop::consume_budget()).poll(context);
            }
            self.begun = true;
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_connection_that_begins_busily_is_watched_like_any_other() {
        let soon = Duration::from_millis(10);
        let listener = ListenerSettings {
            address: Address::Unix("unused".into()),
            tls: false,
            redirect: false,
            proxy_protocol: None,
        };
        for (first_head, stopped) in [(soon, false), (Duration::from_mins(1), true)] {
            let (tasks, shutdown) = (Tasks::default(), Shutdown::default());
            let http = Http::new(&HttpSettings { first_head, ..HttpSettings::new(1024) }, &tasks);
            let connection = Connection::new(None, &listener, (tasks, shutdown.clone()), None);
            let (activity, mut client) = (Activity::default(), BusyAtFirst { begun: false });
            let mut rest = Rest::begin(first_head, http.idle, http.idle);
            let driven = http.drive(&mut client, (&connection, &activity), &mut rest, Farewell::None, |_| {});
            let stop = async {
                tokio::time::sleep(soon).await;
                if stopped {
                    shutdown.abort();
                }
            };
            let watched = timeout(Duration::from_secs(5), async { tokio::join!(driven, stop).0 });
            assert_eq!(watched.await, Ok(Driven::Dropped), "stopped: {stopped}");
        }
    }
}
