//! Answers of our own: the headers that every one of them carries.

use std::time::Duration;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::assets::Asset;
use super::view::Page;
use crate::body::Body;
use crate::route::{Origin, Scheme};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'";

pub fn page(status: StatusCode, page: Page) -> Response<Body> {
    page_with_forms_to(status, page, None)
}

/// A page one of whose forms ends, by a redirect, on another origin: Chromium applies `form-action` to that too.
pub fn page_with_forms_to(status: StatusCode, page: Page, origin: Option<&Origin>) -> Response<Body> {
    let mut response = bare(status);
    *response.body_mut() = page.html.into();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
    if let Some(policy) = origin.and_then(|origin| HeaderValue::try_from(format!("{POLICY} {origin}")).ok()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = bare(status);
    *response.body_mut() = value.to_string().into();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `location` is one of our own making: a path, or the address of a configured app.
pub fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = bare(status);
    let location = HeaderValue::from_str(location).unwrap_or_else(|_| HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}

/// A file under a name with its content's hash: kept for ever.
pub fn asset(asset: &Asset, known: bool) -> Response<Body> {
    let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = bare(status);
    if !known {
        *response.body_mut() = Body::Full(asset.bytes.clone());
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

pub fn add_cookie(response: &mut Response<Body>, cookie: HeaderValue) {
    response.headers_mut().append(SET_COOKIE, cookie);
}

pub fn retry_after(response: &mut Response<Body>, wait: Duration) {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
}

/// Browsers that have been here by https come by https from then on.
pub fn strict_transport(response: &mut Response<Body>, origin: &Origin) {
    if origin.scheme == Scheme::Https {
        let always = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, always);
    }
}

/// An empty answer with the headers that all of ours have.
fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
