//! A request on its way: written for one connection when that is known, and for another if it comes back untouched.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, request, uri};
use http_body::Body as _;

use super::UpstreamError;
use super::transfer::Upload;

pub(super) struct Outgoing {
    request: Request<Upload>,
    /// What the visitor asked for.
    host: Option<HeaderValue>,
    /// The protocol to change to, where the connection can.
    upgrade: Option<HeaderValue>,
    /// The visitor takes trailers.
    trailers: bool,
    bodiless: bool,
    repeatable: bool,
    /// How often it was handed to a connection.
    written: u64,
}

/// How a request is written.
pub(super) enum Form {
    Http1,
    Http2 { tls: bool },
}

impl Outgoing {
    /// `head` has its target in origin form and no framing.
    pub(super) fn new(
        head: request::Parts,
        body: Upload,
        upgrade: Option<HeaderValue>,
        trailers: bool,
    ) -> Self {
        let host = head.headers.get(HOST).cloned();
        let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
        let bodiless = body.is_end_stream();
        let repeatable = bodiless && idempotent.contains(&head.method);
        Self {
            request: Request::from_parts(head, body),
            host,
            upgrade,
            trailers,
            bodiless,
            repeatable,
            written: 0,
        }
    }

    pub(super) fn wants_upgrade(&self) -> bool {
        self.upgrade.is_some()
    }

    /// Can be sent twice, if nobody has acted on the first.
    pub(super) fn is_bodiless(&self) -> bool {
        self.bodiless
    }

    /// May be sent twice even then (RFC 9110 §9.2.2).
    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The request to send, `host` in place of the visitor's. One without a body stays here for another time.
    pub(super) fn write(
        &mut self,
        form: &Form,
        host: Option<&HeaderValue>,
    ) -> Result<Request<Upload>, UpstreamError> {
        self.written += 1;
        let mut request = if self.bodiless {
            copy(&self.request)
        } else {
            std::mem::replace(&mut self.request, Request::new(Upload::empty()))
        };
        let origin = origin_form(request.uri());
        match form {
            Form::Http1 => {
                *request.uri_mut() = origin;
                *request.version_mut() = Version::HTTP_11;
                let headers = request.headers_mut();
                if self.written > 1 {
                    // It may have been written for HTTP/2 before.
                    headers.remove(TE);
                    if let Some(host) = &self.host {
                        headers.insert(HOST, host.clone());
                    }
                }
                if let Some(host) = host {
                    headers.insert(HOST, host.clone());
                }
                if let Some(protocol) = &self.upgrade {
                    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                    headers.insert(UPGRADE, protocol.clone());
                }
                frame(&mut request);
            }
            Form::Http2 { tls } => {
                let scheme = if *tls { Scheme::HTTPS } else { Scheme::HTTP };
                *request.uri_mut() = absolute_form(scheme, host.or(self.host.as_ref()), origin)?;
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

    /// How often it was sent again, or handed to another connection.
    pub(super) fn retries(&self) -> u64 {
        self.written.saturating_sub(1)
    }

    /// Takes back what was not sent.
    pub(super) fn put_back(&mut self, request: Request<Upload>) {
        self.request = request;
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

/// A copy of a request without a body.
fn copy(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
