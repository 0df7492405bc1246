//! A request on its way: written for one connection when that is known, and for another if it comes back untouched.

use std::sync::Arc;
use std::time::Instant;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, request, uri};
use http_body::Body as _;

use super::UpstreamError;
use super::direct::Head;
use super::transfer::{Progress, Upload};
use crate::clock::stopwatch;
use crate::identity::Said;

pub(super) struct Outgoing<'a> {
    request: Request<Upload>,
    /// What is said beside the request's own headers.
    said: Option<Said<'a>>,
    /// The protocol to change to, where the connection can.
    upgrade: Option<HeaderValue>,
    /// The visitor takes trailers.
    trailers: bool,
    bodiless: bool,
    /// How far the body has got at this sending; `None`: there is none.
    progress: Option<Arc<Progress>>,
    repeat: Repeat,
    began: Instant,
    /// How often it was handed to a connection.
    written: u64,
}

/// Whether it may be sent twice even if a server has acted on the first (RFC 9110 §9.2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Never,
    /// If the body, whose length the visitor does not say, turns out to be small.
    Perhaps,
    /// If the body is small.
    Surely,
}

/// How a request is written.
pub(super) enum Form {
    Http1,
    Http2 { tls: bool },
}

impl<'a> Outgoing<'a> {
    /// `head` has its target in origin form and no framing.
    pub(super) fn new(
        head: request::Parts,
        said: Option<Said<'a>>,
        mut body: Upload,
        upgrade: Option<HeaderValue>,
        trailers: bool,
    ) -> Self {
        let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
        let bodiless = body.is_end_stream();
        let repeat = match body.size_hint().exact() {
            _ if !idempotent.contains(&head.method) => Repeat::Never,
            None => Repeat::Perhaps,
            Some(_) => Repeat::Surely,
        };
        if repeat != Repeat::Never && !bodiless {
            body.keep();
        }
        Self {
            progress: body.progress(),
            request: Request::from_parts(head, body),
            said,
            upgrade,
            trailers,
            bodiless,
            repeat,
            began: stopwatch(),
            written: 0,
        }
    }

    /// When it was set on its way.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) fn wants_upgrade(&self) -> bool {
        self.upgrade.is_some()
    }

    /// Its head is all there is to it.
    pub(super) fn is_direct(&self) -> bool {
        self.bodiless && !self.wants_upgrade()
    }

    /// The head to send on a connection of HTTP/1.1 whose user writes it.
    pub(super) fn head<'b>(&'b mut self, host: Option<&'b HeaderValue>) -> Head<'b> {
        self.written += 1;
        let (uri, headers) = (self.request.uri(), self.request.headers());
        let typed = self.said.as_ref().map(Said::host).or_else(|| headers.get(HOST));
        Head {
            method: self.request.method(),
            target: uri.path_and_query().map_or("/", PathAndQuery::as_str),
            host: host.or(typed),
            headers,
            said: self.said.as_ref(),
        }
    }

    /// `None`: it is no visitor's.
    pub(super) fn request_id(&self) -> Option<&'a HeaderValue> {
        self.said.as_ref().map(Said::request_id)
    }

    /// How far the body has got at this sending; `None`: there is none.
    pub(super) fn progress(&self) -> Option<&Arc<Progress>> {
        self.progress.as_ref()
    }

    /// Can be sent twice, if nobody has acted on the first.
    pub(super) fn is_at_hand(&self) -> bool {
        self.bodiless || self.request.body().is_kept()
    }

    /// May be sent twice even then.
    pub(super) fn is_repeatable(&self) -> bool {
        self.repeat != Repeat::Never && self.is_at_hand()
    }

    /// And will be so still when its body has been sent.
    pub(super) fn stays_repeatable(&self) -> bool {
        self.repeat == Repeat::Surely && self.is_at_hand()
    }

    /// The request to send, `host` in place of the visitor's. One that can be sent twice stays here for another time.
    pub(super) fn write(
        &mut self,
        form: &Form,
        host: Option<&HeaderValue>,
    ) -> Result<Request<Upload>, UpstreamError> {
        self.written += 1;
        let mut request = if self.bodiless {
            copy(&self.request, Upload::empty())
        } else if let Some(body) = self.request.body().again() {
            self.progress = body.progress();
            copy(&self.request, body)
        } else {
            std::mem::replace(&mut self.request, Request::new(Upload::empty()))
        };
        let origin = origin_form(request.uri());
        let headers = request.headers_mut();
        // It may have been written for another kind of connection before.
        headers.remove(TE);
        if let Some(said) = &self.said {
            said.set(headers);
        }
        if let Some(host) = host {
            headers.insert(HOST, host.clone());
        }
        match form {
            Form::Http1 => {
                *request.uri_mut() = origin;
                *request.version_mut() = Version::HTTP_11;
                let headers = request.headers_mut();
                if let Some(protocol) = &self.upgrade {
                    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                    headers.insert(UPGRADE, protocol.clone());
                }
                frame(&mut request);
            }
            Form::Http2 { tls } => {
                let scheme = if *tls { Scheme::HTTPS } else { Scheme::HTTP };
                *request.uri_mut() = absolute_form(scheme, request.headers().get(HOST), origin)?;
                *request.version_mut() = Version::HTTP_2;
                let headers = request.headers_mut();
                for http1 in [HOST, CONNECTION, UPGRADE, TRANSFER_ENCODING] {
                    headers.remove(http1);
                }
                if self.trailers {
                    headers.insert(TE, HeaderValue::from_static("trailers"));
                }
            }
        }
        request.body_mut().set_trailers(matches!(form, Form::Http2 { .. }));
        Ok(request)
    }

    /// Must be called when a sending has failed: the connection may go on for a moment, and read.
    pub(super) fn failed(&self) {
        self.request.body().stop();
    }

    /// How often it was sent again, or handed to another connection.
    pub(super) fn retries(&self) -> u64 {
        self.written.saturating_sub(1)
    }

    /// Takes back what was not sent.
    pub(super) fn put_back(&mut self, request: Request<Upload>) {
        if !self.is_at_hand() {
            self.request = request;
        }
    }
}

/// Says how long the body is: hyper would leave out that of a GET whose length it does not know.
fn frame(request: &mut Request<Upload>) {
    let length = request.body().size_hint().exact();
    let empty = length == Some(0) && request.body().is_end_stream();
    let expected = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let headers: &mut HeaderMap = request.headers_mut();
    match length {
        Some(_) if empty && !expected => {}
        Some(length) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

fn origin_form(uri: &Uri) -> Uri {
    let mut parts = uri::Parts::default();
    parts.path_and_query =
        Some(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

fn absolute_form(scheme: Scheme, host: Option<&HeaderValue>, origin: Uri) -> Result<Uri, UpstreamError> {
    let mut parts = origin.into_parts();
    parts.authority = Some(Authority::try_from(host.map_or(&b"localhost"[..], HeaderValue::as_bytes))?);
    parts.scheme = Some(scheme);
    Ok(Uri::from_parts(parts).unwrap_or_default())
}

fn copy(request: &Request<Upload>, body: Upload) -> Request<Upload> {
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
