//! The one way to a [`Stamped`] request.

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, TE, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version, request};
use hyper::upgrade::OnUpgrade;

use super::value::StampError;
use super::{HeaderRules, Prepared, StripList, Upgrade, hygiene};
use crate::body::Body;
use crate::cookies;
use crate::policy::Permit;
use crate::route::{Host, Scheme};
use crate::subject::Written;

/// What one app's requests are stamped with.
#[derive(Clone, Copy)]
pub struct Stamping<'a> {
    /// The app's own.
    pub identity: &'a Prepared,
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
    pub chain: &'a HeaderValue,
    pub scheme: Scheme,
    pub place: &'a Place,
}

/// The host and port that the visitor typed, as headers tell them to an app.
pub struct Place {
    authority: HeaderValue,
    port: HeaderValue,
}

impl Place {
    pub fn new(scheme: Scheme, host: &Host, port: Option<u16>) -> Result<Self, StampError> {
        let authority = match port.filter(|port| *port != scheme.default_port()) {
            None => HeaderValue::from_str(host.as_str()),
            Some(port) => HeaderValue::try_from(format!("{host}:{port}")),
        };
        let authority = authority.map_err(|_| StampError::Forwarding("the host"))?;
        Ok(Self { authority, port: HeaderValue::from(port.unwrap_or(scheme.default_port())) })
    }
}

/// A request that may be forwarded: permitted, cleaned of what the visitor claimed, and carrying who is asking. In a box,
/// as it is handed on often.
pub struct Stamped<'a>(Box<StampedParts<'a>>);

/// What `upstream` makes of a [`Stamped`] request.
pub struct StampedParts<'a> {
    /// With what is left of the visitor's headers.
    pub head: request::Parts,
    pub body: Body,
    /// An upgrade asked for, and the visitor's end of it.
    pub upgrade: Option<(Upgrade, OnUpgrade)>,
    /// The visitor takes trailers.
    pub trailers: bool,
    pub said: Said<'a>,
    /// See [`Stamping::affinity`].
    pub affinity: u64,
    /// Somebody is signed in.
    pub authenticated: bool,
    pub strip: StripList,
}

impl<'a> Stamped<'a> {
    /// For `upstream` alone.
    pub(crate) fn into_parts(self) -> Box<StampedParts<'a>> {
        self.0
    }
}

/// Makes a request ready to be forwarded.
///
/// The order is the point: `Connection` can name any header, so what it names goes first; then whatever a visitor may
/// not send, and what the app's rules change; then ours is set, and nothing is removed after that.
#[expect(clippy::needless_pass_by_value, reason = "a permit is good for one request")]
pub fn stamp<'a>(
    permit: Permit,
    request: Request<Body>,
    stamping: &Stamping<'a>,
) -> Result<Stamped<'a>, StampError> {
    let seen = Seen::of(request.headers(), stamping);
    let upgrade = if seen.upgrade { hygiene::requested_upgrade(&request) } else { None };
    let (mut head, body) = request.into_parts();
    let upgrade = upgrade.and_then(|upgrade| Some((upgrade, head.extensions.remove::<OnUpgrade>()?)));
    head.extensions.clear();

    let headers = &mut head.headers;
    let trailers = seen.codings && hygiene::accepts_trailers(headers);
    if seen.connection {
        hygiene::strip_what_connection_names(headers);
    }
    headers.remove(HOST);
    for name in seen.stripped {
        headers.remove(name);
    }
    if seen.cookies {
        cookies::strip(headers);
    }
    stamping.rules.apply(headers);

    let identity = permit.subject().map(|subject| stamping.identity.headers(subject)).transpose()?;
    let authenticated = identity.is_some();
    let said = Said::new(stamping, identity);
    if !stamping.rules.set.is_empty() {
        // The configuration refuses rules for these; nothing hangs on that.
        said.headers().for_each(|(name, _)| drop(headers.remove(name)));
        headers.remove(HOST);
    }
    head.version = Version::HTTP_11;
    Ok(Stamped(Box::new(StampedParts {
        head,
        body,
        upgrade,
        trailers,
        said,
        affinity: stamping.affinity,
        authenticated,
        strip: stamping.strip.clone(),
    })))
}

/// What there is among a request's headers, gathered in one walk: most have hardly any of these.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a header that is there or not")]
struct Seen {
    connection: bool,
    codings: bool,
    upgrade: bool,
    cookies: bool,
    /// Not passed on.
    stripped: Vec<HeaderName>,
}

impl Seen {
    fn of(headers: &HeaderMap, stamping: &Stamping<'_>) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            seen.connection |= *name == CONNECTION;
            seen.codings |= *name == TE;
            seen.upgrade |= *name == UPGRADE;
            seen.cookies |= *name == COOKIE;
            let of_one_hop = hygiene::is_hop_by_hop(name.as_str()) || is_framing(name);
            if of_one_hop || stamping.strip.removes(name, stamping.allow_headers) {
                seen.stripped.push(name.clone());
            }
        }
        seen
    }
}

/// What frames a message: it is written anew.
fn is_framing(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, TRAILER, EXPECT].contains(name)
}

/// What only we say to an app. None of these names is left among the visitor's headers: they are set, or written, beside
/// them, and nothing is removed after that.
pub struct Said<'a> {
    authority: &'a HeaderValue,
    chain: &'a HeaderValue,
    scheme: &'static HeaderValue,
    port: &'a HeaderValue,
    request_id: &'a HeaderValue,
    /// `None`: nobody is signed in.
    identity: Option<Written>,
}

impl<'a> Said<'a> {
    fn new(stamping: &Stamping<'a>, identity: Option<Written>) -> Self {
        static HTTP: HeaderValue = HeaderValue::from_static("http");
        static HTTPS: HeaderValue = HeaderValue::from_static("https");

        let Forwarded { chain, scheme, place } = stamping.forwarded;
        let scheme = match scheme {
            Scheme::Http => &HTTP,
            Scheme::Https => &HTTPS,
        };
        let Place { authority, port } = place;
        Self { authority, chain, scheme, port, request_id: stamping.request_id, identity }
    }

    /// For `Host`: what the visitor asked for.
    pub fn host(&self) -> &HeaderValue {
        self.authority
    }

    pub fn request_id(&self) -> &'a HeaderValue {
        self.request_id
    }

    /// All but `Host`.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
        const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
        const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
        const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
        const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
        static NAMES: [HeaderName; 5] = [FOR, PROTO, HOST, PORT, REQUEST_ID];

        let values = [self.chain, self.scheme, self.authority, self.port, self.request_id];
        NAMES.iter().zip(values).chain(self.identity.iter().flat_map(Written::iter))
    }

    /// Sets all of them, `Host` too.
    pub fn set(&self, headers: &mut HeaderMap) {
        headers.insert(HOST, self.authority.clone());
        for (name, value) in self.headers() {
            headers.insert(name, value.clone());
        }
    }
}
