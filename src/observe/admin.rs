//! The admin listener: `/healthz` says that the process is alive, `/readyz` whether it should be sent visitors,
//! `/metrics` how it fares.
//!
//! It knows nothing but these three, and answers whoever can reach it; so it is bound to an address of its own.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::metrics::{self, Metrics};
use crate::body::Body;
use crate::tasks::{Shutdown, Tasks};

/// For a request's head, idle time included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says why the gateway should not be sent visitors now, one reason an entry; nothing: it is ready.
pub trait Readiness: Clone + Send + Sync + 'static {
    fn obstacles(&self) -> impl Future<Output = Vec<String>> + Send;
}

/// Serves on this listener until the shutdown is hard: while requests are finishing, `/readyz` says so.
pub async fn serve<R: Readiness>(
    listener: TcpListener,
    readiness: R,
    metrics: Metrics,
    tasks: Tasks,
    shutdown: Shutdown,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let admin = Admin { address: listener.local_addr()?, readiness, metrics, shutdown };
    let mut aborted = pin!(admin.shutdown.aborted());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut aborted => return Ok(()),
        };
        match accepted {
            Ok((stream, _)) => tasks.spawn("admin connection", admin.clone().connection(stream)),
            Err(error) => {
                tracing::warn!(%error, "the admin listener cannot accept");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

#[derive(Clone)]
struct Admin<R> {
    address: SocketAddr,
    readiness: R,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl<R: Readiness> Admin<R> {
    async fn connection(self, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let admin = self.clone();
            async move { Ok::<_, Infallible>(admin.respond(&request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_header_size(16 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "an admin connection broke");
                }
            }
            () = self.shutdown.aborted() => {}
        }
    }

    async fn respond<B>(&self, request: &Request<B>) -> Response<Body> {
        if !self.is_addressed_to_us(request) {
            return answer(
                StatusCode::MISDIRECTED_REQUEST,
                "this listener is reached by its address alone\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer(StatusCode::METHOD_NOT_ALLOWED, "GET alone\n");
        }
        match request.uri().path() {
            "/healthz" => answer(StatusCode::OK, "ok\n"),
            "/readyz" => self.ready().await,
            "/metrics" => self.metrics(),
            _ => answer(StatusCode::NOT_FOUND, "there is /healthz, /readyz and /metrics\n"),
        }
    }

    fn metrics(&self) -> Response<Body> {
        let Ok(text) = self.metrics.exposition() else {
            return answer(StatusCode::INTERNAL_SERVER_ERROR, "the numbers could not be written\n");
        };
        let mut response = answer(StatusCode::OK, text);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA_TYPE));
        response
    }

    async fn ready(&self) -> Response<Body> {
        if self.shutdown.has_begun() {
            return answer(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
        }
        let obstacles = self.readiness.obstacles().await;
        if obstacles.is_empty() {
            return answer(StatusCode::OK, "ready\n");
        }
        answer(StatusCode::SERVICE_UNAVAILABLE, obstacles.join("\n") + "\n")
    }

    /// A web page whose name was made to point here (DNS rebinding) brings its own name along; on loopback, which
    /// browsers on this machine reach, only loopback's names and addresses are answered.
    fn is_addressed_to_us<B>(&self, request: &Request<B>) -> bool {
        if !self.address.ip().is_loopback() {
            return true;
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.and_then(|host| host.parse::<Authority>().ok()) else { return false };
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn answer(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[derive(Clone)]
    struct Obstacles(Vec<String>);

    impl Readiness for Obstacles {
        async fn obstacles(&self) -> Vec<String> {
            self.0.clone()
        }
    }

    async fn get(admin: &Admin<Obstacles>, host: &str, path: &str) -> (u16, String) {
        let request = Request::get(path).header(HOST, host).body(()).expect("a request");
        let response = admin.respond(&request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    fn admin(obstacles: &[&str]) -> Admin<Obstacles> {
        Admin {
            address: "127.0.0.1:9180".parse().expect("an address"),
            readiness: Obstacles(obstacles.iter().map(ToString::to_string).collect()),
            metrics: Metrics::default(),
            shutdown: Shutdown::default(),
        }
    }

    #[tokio::test]
    async fn every_obstacle_is_named() {
        assert_eq!(get(&admin(&[]), "localhost:9180", "/readyz").await, (200, "ready\n".into()));
        let admin = admin(&["the store is down", "the mail server is down"]);
        let said = "the store is down\nthe mail server is down\n";
        assert_eq!(get(&admin, "127.0.0.1:9180", "/readyz").await, (503, said.into()));
        assert_eq!(get(&admin, "[::1]:9180", "/healthz").await, (200, "ok\n".into()));
    }

    #[tokio::test]
    async fn a_gateway_that_is_stopping_is_alive_but_not_ready() {
        let admin = admin(&[]);
        admin.shutdown.begin();
        assert_eq!(get(&admin, "localhost", "/readyz").await.0, 503);
        assert_eq!(get(&admin, "localhost", "/healthz").await.0, 200);
    }

    #[tokio::test]
    async fn the_numbers_are_there_for_whoever_asks() {
        let admin = admin(&["the store is down"]);
        let _open = admin.metrics.connections().open();
        let (status, said) = get(&admin, "localhost:9180", "/metrics").await;
        assert!(status == 200 && said.contains("\nvestibule_connections 1\n"), "{said}");
    }

    #[tokio::test]
    async fn foreign_names_on_loopback_and_other_paths_get_nothing() {
        let admin = admin(&[]);
        assert_eq!(get(&admin, "evil.example", "/readyz").await.0, 421);
        assert_eq!(get(&admin, "evil.example", "/metrics").await.0, 421);
        assert_eq!(get(&admin, "localhost", "/").await.0, 404);
        let post = Request::post("/healthz").header(HOST, "localhost").body(()).expect("a request");
        assert_eq!(admin.respond(&post).await.status(), 405);
    }
}
