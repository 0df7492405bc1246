//! HTTP on an accepted connection: limits and patience for hyper, and the end of a connection.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::http::header::CONTENT_LENGTH;
use ::http::{HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::activity::{Activity, Answer, UnderWay};
use super::{Connection, Handler, HttpSettings};
use crate::body::Body;
use crate::tasks::{Stage, Tasks};

/// hyper's own default. A head larger than this needs more.
const READ_BUFFER: usize = 400 * 1024 + 8 * 1024;

/// How much, and for how long, a client that was already answered may go on sending.
const LINGER_BYTES: u64 = 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);

/// A worker's HTTP: made once, used for each connection.
#[derive(Clone)]
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
            .max_buf_size(READ_BUFFER.max(settings.max_request_headers))
            // One clock a connection, see `drive`, in place of one a request.
            .header_read_timeout(None);
        let mut http2 = http2::Builder::new(StreamTasks(tasks.clone()));
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .max_header_list_size(u32::try_from(settings.max_request_headers).unwrap_or(u32::MAX))
            // Rapid reset (CVE-2023-44487) and its sister MadeYouReset (CVE-2025-8671): then the connection goes.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(256)
            .initial_stream_window_size(256 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        Self { http1, http2, first_head: settings.first_head, idle: settings.idle }
    }

    /// Serves HTTP/1 until the connection ends, is upgraded, or the worker stops.
    pub async fn serve_http1<S, H>(
        &self,
        stream: S,
        (connection, activity): (Arc<Connection>, Arc<Activity>),
        handler: H,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Handler,
    {
        let mut http = self
            .http1
            .serve_connection(TokioIo::new(stream), service(&connection, handler, &activity))
            .with_upgrades();
        let driven = self.drive(&mut http, &connection, &activity, Farewell::None, |http| {
            Pin::new(http).graceful_shutdown();
        });
        if driven.await
            && let Some(parts) = http.into_parts()
        {
            let lingering = Box::pin(linger(parts.io.into_inner()));
            tokio::select! {
                () = lingering => {}
                () = connection.shutdown.aborted() => {}
            }
        }
    }

    /// Serves HTTP/2 until the connection ends or the worker stops.
    pub async fn serve_http2<S, H>(
        &self,
        stream: S,
        (connection, activity): (Arc<Connection>, Arc<Activity>),
        handler: H,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Handler,
    {
        let mut http =
            pin!(self.http2.serve_connection(TokioIo::new(stream), service(&connection, handler, &activity)));
        self.drive(&mut http, &connection, &activity, Farewell::GoAway, |http| {
            http.as_mut().graceful_shutdown();
        })
        .await;
    }

    /// Drives a connection to its end. Whether it came there by itself, and was not dropped.
    ///
    /// A connection ends when it has had nothing to do for `first_head` at its beginning, and for `idle` later, or up to
    /// a quarter more. That is looked at now and then, so that a request costs no timer. A head that comes in little by
    /// little is no request yet.
    async fn drive<C>(
        &self,
        http: &mut C,
        connection: &Connection,
        activity: &Activity,
        farewell: Farewell,
        stop: impl Fn(&mut C),
    ) -> bool
    where
        C: Future<Output = hyper::Result<()>> + Unpin,
    {
        let shutdown = &connection.shutdown;
        let (mut begun, mut aborted) = (pin!(shutdown.begun()), pin!(shutdown.aborted()));
        let mut rest = Rest::begin(self.first_head, self.idle);
        let mut look = pin!(sleep_until(rest.due()));
        let (mut awaited, mut stopping) = (false, false);
        poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = Pin::new(&mut *http).poll(context) {
                    if let Err(error) = ended {
                        debug!(peer = ?connection.peer, %error, "the connection broke");
                    }
                    return Poll::Ready(true);
                }
                // Every request comes by here, and nearly always goes back: what else may end a connection has this
                // task's waker since it was first asked, and shows when it has come.
                let stage = shutdown.stage();
                if awaited && !look.is_elapsed() && (stage == Stage::Running || (stopping && stage != Stage::Hard)) {
                    return Poll::Pending;
                }
                if stage == Stage::Hard && stopping {
                    return Poll::Ready(false);
                }
                if stage != Stage::Running && !stopping {
                    stopping = true;
                    stop(http);
                    continue;
                }
                if look.as_mut().poll(context).is_ready() {
                    let too_long = rest.is_too_long(activity);
                    if too_long && (stopping || activity.begun() == 0 || farewell == Farewell::None) {
                        debug!(peer = ?connection.peer, requests = activity.begun(), "the client has nothing to say");
                        return Poll::Ready(false);
                    }
                    look.as_mut().reset(rest.due());
                    // It wakes nobody who has not asked it since.
                    awaited = false;
                    if too_long {
                        // It has the same time again to come to its end.
                        stopping = true;
                        stop(http);
                    }
                    continue;
                }
                let come = begun.as_mut().poll(context).is_ready() && !stopping || aborted.as_mut().poll(context).is_ready();
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

/// How long a connection has had nothing to do, looked at now and then.
struct Rest {
    first_head: Duration,
    idle: Duration,
    requests: u64,
    since: Instant,
}

impl Rest {
    fn begin(first_head: Duration, idle: Duration) -> Self {
        Self { first_head, idle, requests: 0, since: Instant::now() }
    }

    fn limit(&self) -> Duration {
        if self.requests == 0 { self.first_head } else { self.idle }
    }

    /// When to look next.
    fn due(&self) -> Instant {
        (self.since + self.limit()).min(Instant::now() + self.idle / 4)
    }

    /// Whether it has been at rest for too long; from then on, the time begins anew.
    fn is_too_long(&mut self, activity: &Activity) -> bool {
        let (now, requests) = (Instant::now(), activity.begun());
        let worked = requests != self.requests || !activity.at_rest();
        let too_long = !worked && self.since + self.limit() <= now;
        if worked || too_long {
            (self.requests, self.since) = (requests, now);
        }
        too_long
    }
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
        let under_way = UnderWay::begin(&activity);
        let (handler, connection) = (handler.clone(), Arc::clone(&connection));
        // In a box that goes with the request: hyper would keep room for it on every idle connection.
        Box::pin(async move {
            let head_only = request.method() == Method::HEAD;
            let mut response = handler.handle(connection, request).await;
            if head_only {
                without_body(&mut response);
            }
            Ok::<_, Infallible>(response.map(|body| Answer { body, _under_way: under_way }))
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
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut nowhere = tokio::io::sink();
    let close = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut nowhere).await
    };
    if timeout(LINGER, close).await.is_err() {
        debug!("the client did not close its side");
    }
}

/// Spawns the streams of HTTP/2 connections as tracked tasks.
#[derive(Clone)]
struct StreamTasks(Tasks);

impl<F> hyper::rt::Executor<F> for StreamTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.spawn("stream", stream);
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
            let driven = http.drive(&mut client, &connection, &activity, Farewell::None, |_| {});
            let stop = async {
                tokio::time::sleep(soon).await;
                if stopped {
                    shutdown.abort();
                }
            };
            let watched = timeout(Duration::from_secs(5), async { tokio::join!(driven, stop).0 });
            assert_eq!(watched.await, Ok(false), "stopped: {stopped}");
        }
    }
}
