//! The one way to a [`Stamped`] request.

use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version, request};
use hyper::upgrade::OnUpgrade;

use super::value::{StampError, value};
use super::{HeaderRules, Settings, StripList, Upgrade, hygiene};
use crate::body::Body;
use crate::cookies;
use crate::policy::Permit;
use crate::route::{Host, Scheme};

/// What one app's requests are stamped with.
#[derive(Clone, Copy)]
pub struct Stamping<'a> {
    /// The app's own.
    pub settings: &'a Settings,
    pub strip: &'a StripList,
    /// The odd header names that the app wants nevertheless.
    pub allow_headers: &'a [HeaderName],
    /// What the app changes before anything is stamped.
    pub rules: &'a HeaderRules,
    pub forwarded: Forwarded<'a>,
    pub request_id: &'a HeaderValue,
    /// Requests with the same number go to the same of several servers, where the app wants that.
    pub affinity: u64,
}

/// How the visitor reached us.
#[derive(Clone, Copy)]
pub struct Forwarded<'a> {
    /// The chain to send on, the peer last.
    pub chain: &'a str,
    pub scheme: Scheme,
    pub host: &'a Host,
    /// As the visitor typed it.
    pub port: Option<u16>,
}

/// A request that may be forwarded: permitted, cleaned of what the visitor claimed, and carrying who is asking.
pub struct Stamped(StampedParts);

/// What `upstream` makes of a [`Stamped`] request.
pub struct StampedParts {
    pub head: request::Parts,
    pub body: Body,
    /// An upgrade asked for, and the visitor's end of it.
    pub upgrade: Option<(Upgrade, OnUpgrade)>,
    /// The visitor takes trailers.
    pub trailers: bool,
    /// See [`Stamping::affinity`].
    pub affinity: u64,
    /// Somebody is signed in.
    pub authenticated: bool,
    pub strip: StripList,
}

impl Stamped {
    /// For `upstream` alone.
    pub(crate) fn into_parts(self) -> StampedParts {
        self.0
    }
}

/// Makes a request ready to be forwarded.
///
/// The order is the point: `Connection` can name any header, so what it names goes first; then whatever a visitor may
/// not send, and what the app's rules change; then ours is set, and nothing is removed after that.
#[expect(clippy::needless_pass_by_value, reason = "a permit is good for one request")]
pub fn stamp(permit: Permit, request: Request<Body>, stamping: &Stamping<'_>) -> Result<Stamped, StampError> {
    let upgrade = hygiene::requested_upgrade(&request);
    let (mut head, body) = request.into_parts();
    let upgrade = upgrade.and_then(|upgrade| Some((upgrade, head.extensions.remove::<OnUpgrade>()?)));
    head.extensions.clear();

    let headers = &mut head.headers;
    let trailers = hygiene::accepts_trailers(headers);
    hygiene::strip_hop_by_hop(headers);
    for framing in [CONTENT_LENGTH, TRAILER, EXPECT, HOST] {
        headers.remove(framing);
    }
    stamping.strip.apply(headers, stamping.allow_headers);
    cookies::strip(headers);
    stamping.rules.apply(headers);

    set_forwarded(headers, stamping)?;
    if let Some(subject) = permit.subject() {
        for (name, field) in &stamping.settings.headers {
            headers.insert(name, value(name, field, stamping.settings.encoding, subject)?);
        }
    }
    head.version = Version::HTTP_11;
    Ok(Stamped(StampedParts {
        head,
        body,
        upgrade,
        trailers,
        affinity: stamping.affinity,
        authenticated: permit.subject().is_some(),
        strip: stamping.strip.clone(),
    }))
}

fn set_forwarded(headers: &mut HeaderMap, stamping: &Stamping<'_>) -> Result<(), StampError> {
    const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
    const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
    const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

    let Forwarded { chain, scheme, host, port } = stamping.forwarded;
    let authority = match port.filter(|port| *port != scheme.default_port()) {
        None => HeaderValue::from_str(host.as_str()),
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")),
    };
    let authority = authority.map_err(|_| StampError::Forwarding("the host"))?;
    headers.insert(HOST, authority.clone());
    headers.insert(FORWARDED_HOST, authority);
    headers.insert(
        FOR,
        HeaderValue::from_str(chain).map_err(|_| StampError::Forwarding("the chain of addresses"))?,
    );
    headers.insert(PROTO, HeaderValue::from_static(scheme.as_str()));
    headers.insert(PORT, HeaderValue::from(port.unwrap_or(scheme.default_port())));
    headers.insert(REQUEST_ID, stamping.request_id.clone());
    Ok(())
}
