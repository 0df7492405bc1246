//! Refuses requests that are malformed or that two servers could read in two ways, before anything looks at them.
//!
//! hyper has checked the grammar of the head and the framing; it does not look at `Host`, accepts several transfer
//! codings, any method and any expectation. What is left is checked here. Start from [`admit`].

use http::header::COOKIE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use http_body::Body as HttpBody;
use http_body_util::Limited;
use hyper::body::Incoming;

use crate::body::Body;
use crate::identity::{self, Upgrade};
use crate::listen::Named;
use crate::route::{Host, Scheme};

/// In bytes, path and query.
const LONGEST_TARGET: usize = 8 * 1024;
const MOST_FIELDS: usize = 100;
const LONGEST_METHOD: usize = 32;

/// What a request is for, once it can be read in one way only.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub host: Host,
    /// As the visitor typed it.
    pub port: Option<u16>,
    /// Byte for byte as the visitor typed it: the very value that is forwarded. `*` for `OPTIONS *`.
    pub target: PathAndQuery,
    /// The protocol that the visitor wants to change to, if an upgrade is allowed.
    pub upgrade: Option<Upgrade>,
}

impl Admitted {
    pub fn path(&self) -> &str {
        self.target.path()
    }
}

/// Why a request goes no further. Shown to the visitor by status alone; the text is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    #[error("the method is not allowed")]
    Method,
    #[error("an expectation other than 100-continue")]
    Expectation,
    #[error("the target is longer than {LONGEST_TARGET} bytes")]
    TargetTooLong,
    #[error("more than {MOST_FIELDS} header fields")]
    TooManyFields,
    #[error("the body is larger than max_request_body allows")]
    BodyTooLarge,
}

impl Refusal {
    /// Every one of these also closes the connection: nobody can say where the next request would begin.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

/// Checks a request's head. `known` is of the connection that it came on.
pub fn admit<B: HttpBody>(request: &Request<B>, known: &Named) -> Result<Admitted, Refusal> {
    method(request.method())?;
    if has_too_many_fields(request) {
        return Err(Refusal::TooManyFields);
    }
    let fields = Fields::of(request.headers());
    framing(request.version(), &fields)?;
    expectation(&fields)?;
    let target = target(request)?;
    let (host, port) = authority(request, &fields, known)?;
    let upgrade = if fields.upgrade { identity::requested_upgrade(request) } else { None };
    Ok(Admitted { host, port, target, upgrade })
}

/// What a head says of the message itself, gathered in one walk: most requests have hardly any of these.
#[derive(Default)]
struct Fields<'a> {
    host: Once<'a>,
    length: Once<'a>,
    coding: Once<'a>,
    expectation: Once<'a>,
    upgrade: bool,
    /// What only HTTP/1 connections have.
    http1: bool,
    /// `TE` asks for more than trailers.
    codings_wanted: bool,
}

/// A field that should stand there once at the most.
#[derive(Clone, Copy, Default)]
enum Once<'a> {
    #[default]
    Not,
    One(&'a HeaderValue),
    More,
}

impl<'a> Fields<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "host" => fields.host.add(value),
                "content-length" => fields.length.add(value),
                "transfer-encoding" => {
                    fields.coding.add(value);
                    fields.http1 = true;
                }
                "expect" => fields.expectation.add(value),
                "upgrade" => (fields.upgrade, fields.http1) = (true, true),
                "connection" | "keep-alive" | "proxy-connection" => fields.http1 = true,
                "te" => fields.codings_wanted |= !is(value, "trailers"),
                _ => {}
            }
        }
        fields
    }
}

impl<'a> Once<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Not => Self::One(value),
            Self::One(_) | Self::More => Self::More,
        };
    }
}

/// Refuses a body that says how large it is, if that is more than `most` bytes; zero: no limit. One that does not is
/// limited while it is read, see [`body`].
pub fn size<B: HttpBody>(request: &Request<B>, most: u64) -> Result<(), Refusal> {
    if most > 0 && request.body().size_hint().lower() > most { Err(Refusal::BodyTooLarge) } else { Ok(()) }
}

/// Whether an answer that is given without reading the request's body has to end the connection: else the rest of
/// the body would be read as the next request.
pub fn must_close<B: HttpBody>(request: &Request<B>) -> bool {
    !request.body().is_end_stream()
}

/// A request's body, limited to `max_body` bytes (zero: no limit), trailers included for now.
pub fn body(incoming: Incoming, max_body: u64) -> Body {
    if incoming.is_end_stream() {
        return Body::Empty;
    }
    match usize::try_from(max_body) {
        Ok(0) | Err(_) => Body::stream(incoming),
        Ok(limit) => Body::stream(Limited::new(incoming, limit)),
    }
}

fn has_too_many_fields<B>(request: &Request<B>) -> bool {
    let fields = request.headers().len();
    if fields <= MOST_FIELDS {
        return false;
    }
    // Browsers send each cookie on its own line, and may have nearly two hundred: together they are one field (RFC 9113
    // §8.2.3).
    let crumbs = if request.version() < Version::HTTP_2 { 0 } else { cookie_lines(request.headers()) };
    fields - crumbs.saturating_sub(1) > MOST_FIELDS
}

fn cookie_lines(headers: &HeaderMap) -> usize {
    headers.get_all(COOKIE).iter().count()
}

fn method(method: &Method) -> Result<(), Refusal> {
    let name = method.as_str();
    if matches!(name, "CONNECT" | "TRACE" | "TRACK") {
        return Err(Refusal::Method);
    }
    let sane = name.len() <= LONGEST_METHOD
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
    if sane { Ok(()) } else { Err(Refusal::Malformed("method")) }
}

/// RFC 9112 §6 and RFC 9113 §8.2.2, more strictly.
fn framing(version: Version, fields: &Fields<'_>) -> Result<(), Refusal> {
    match (fields.length, fields.coding) {
        (Once::More, _) => return Err(Refusal::Malformed("several Content-Length fields")),
        (Once::One(_), Once::One(_) | Once::More) => {
            return Err(Refusal::Malformed("both Content-Length and Transfer-Encoding"));
        }
        (Once::One(length), Once::Not)
            if length.is_empty() || !length.as_bytes().iter().all(u8::is_ascii_digit) =>
        {
            return Err(Refusal::Malformed("Content-Length"));
        }
        _ => {}
    }
    if version >= Version::HTTP_2 {
        return connection_specific(fields);
    }
    match fields.coding {
        Once::Not => Ok(()),
        Once::One(coding) if version == Version::HTTP_11 && is(coding, "chunked") => Ok(()),
        Once::One(_) | Once::More => Err(Refusal::Malformed("Transfer-Encoding")),
    }
}

fn connection_specific(fields: &Fields<'_>) -> Result<(), Refusal> {
    match fields {
        Fields { http1: true, .. } => Err(Refusal::Malformed("a field of HTTP/1 connections in HTTP/2")),
        Fields { codings_wanted: true, .. } => Err(Refusal::Malformed("TE")),
        _ => Ok(()),
    }
}

fn expectation(fields: &Fields<'_>) -> Result<(), Refusal> {
    match fields.expectation {
        Once::Not => Ok(()),
        Once::One(value) if is(value, "100-continue") => Ok(()),
        Once::One(_) | Once::More => Err(Refusal::Expectation),
    }
}

fn target<B>(request: &Request<B>) -> Result<PathAndQuery, Refusal> {
    let uri = request.uri();
    let target = uri.path_and_query().cloned();
    let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
    if target.as_str().len() > LONGEST_TARGET {
        return Err(Refusal::TargetTooLong);
    }
    if uri.scheme().is_none() && uri.authority().is_some() {
        return Err(Refusal::Malformed("an authority as target"));
    }
    match target.path() {
        "*" if request.method() == Method::OPTIONS => Ok(target),
        path if path.starts_with('/') => Ok(target),
        _ => Err(Refusal::Malformed("target")),
    }
}

/// The one host that the request names. HTTP/1: exactly one `Host`, and an absolute target must name the same.
/// HTTP/2: `:authority`, and a `Host` beside it must name the same.
fn authority<B>(
    request: &Request<B>,
    fields: &Fields<'_>,
    known: &Named,
) -> Result<(Host, Option<u16>), Refusal> {
    let line = match fields.host {
        Once::Not => None,
        Once::One(line) => Some(line),
        Once::More => return Err(Refusal::Malformed("several Host fields")),
    };
    let uri = request.uri();
    let scheme = match uri.scheme_str() {
        None | Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        Some(_) => return Err(Refusal::Malformed("scheme of the target")),
    };
    let read = |written| known.get_or_read(written, host_and_port);
    let named = line.map(|line| read(line.as_bytes())).transpose()?;
    let targeted = uri.authority().map(|authority| read(authority.as_str().as_bytes())).transpose()?;
    match (named, targeted) {
        (Some(named), None) if request.version() < Version::HTTP_2 => Ok(named),
        (None, Some(targeted)) if request.version() >= Version::HTTP_2 => Ok(targeted),
        (Some(named), Some(targeted)) => {
            let port = |of: &(Host, Option<u16>)| of.1.unwrap_or(scheme.default_port());
            if named.0 == targeted.0 && port(&named) == port(&targeted) {
                Ok(targeted)
            } else {
                Err(Refusal::Malformed("target and Host name different hosts"))
            }
        }
        _ => Err(Refusal::Malformed("no Host")),
    }
}

/// `host` or `host:port`; no user, no path, no blanks.
fn host_and_port(text: &[u8]) -> Result<(Host, Option<u16>), Refusal> {
    const WRONG: Refusal = Refusal::Malformed("Host");
    let text = std::str::from_utf8(text).map_err(|_| WRONG)?;
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse::<u16>().ok().filter(|port| *port != 0).ok_or(WRONG)?)
        }
        Some(_) => return Err(WRONG),
    };
    Ok((Host::parse(host).ok_or(WRONG)?, port))
}

fn is(value: &HeaderValue, word: &str) -> bool {
    value.as_bytes().eq_ignore_ascii_case(word.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, target: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(Body::Empty).unwrap()
    }

    fn check(
        version: Version,
        target: &str,
        fields: &[(&str, &str)],
        expected: Result<(&str, Option<u16>), u16>,
    ) {
        let admitted = admit(&request(version, target, fields), &Named::default());
        let shown = admitted.as_ref().map(|admitted| (admitted.host.as_str(), admitted.port));
        assert_eq!(shown.map_err(|refusal| refusal.status().as_u16()), expected, "{target} {fields:?}");
    }

    #[test]
    fn http2_names_its_host_once() {
        let check = |target, fields: &[_], expected| check(Version::HTTP_2, target, fields, expected);
        check("https://app.example.com/x", &[], Ok(("app.example.com", None)));
        check("https://APP/x", &[("host", "app")], Ok(("app", None)));
        check("https://app/x", &[("host", "app:443")], Ok(("app", None)));
        check("https://app:8443/x", &[("host", "app:8443")], Ok(("app", Some(8443))));
        check("https://app/x", &[("host", "evil")], Err(400));
        check("https://app/x", &[("host", "app:444")], Err(400));
        check("https://app/x", &[("host", "app"), ("host", "app")], Err(400));
        check("/x", &[("host", "app")], Err(400));
        check("https://user@app/x", &[], Err(400));
        check("javascript://app/x", &[], Err(400));
    }

    #[test]
    fn http2_has_no_fields_of_http1_connections() {
        for (name, value) in [
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("keep-alive", "5"),
            ("proxy-connection", "x"),
            ("te", "gzip"),
            ("content-length", "+5"),
            ("content-length", ""),
        ] {
            check(Version::HTTP_2, "https://app/", &[(name, value)], Err(400));
        }
        check(Version::HTTP_2, "https://app/", &[("te", "trailers")], Ok(("app", None)));
    }

    #[test]
    fn too_many_fields_are_refused() {
        let mut fields = vec![("x", "y"); MOST_FIELDS - 1];
        fields.push(("host", "app"));
        check(Version::HTTP_11, "/", &fields, Ok(("app", None)));
        fields.push(("x", "y"));
        check(Version::HTTP_11, "/", &fields, Err(431));
    }

    #[test]
    fn cookies_that_http2_cuts_up_are_one_field() {
        let mut fields = vec![("cookie", "a=b"); 180];
        fields.extend(vec![("x", "y"); MOST_FIELDS - 1]);
        check(Version::HTTP_2, "https://app/", &fields, Ok(("app", None)));
        fields.push(("x", "y"));
        check(Version::HTTP_2, "https://app/", &fields, Err(431));
    }

    #[test]
    fn the_target_is_kept_byte_for_byte() {
        let admitted = admit(
            &request(Version::HTTP_11, "/a%2Fb//../c;x?y=%zz&&", &[("host", "app")]),
            &Named::default(),
        )
        .unwrap();
        assert_eq!(admitted.target.as_str(), "/a%2Fb//../c;x?y=%zz&&");
        assert_eq!(admitted.path(), "/a%2Fb//../c;x");
    }

    #[test]
    fn both_framings_are_refused_where_they_can_be_seen() {
        let both = [("host", "app"), ("content-length", "0"), ("transfer-encoding", "chunked")];
        check(Version::HTTP_11, "/", &both, Err(400));
    }
}
