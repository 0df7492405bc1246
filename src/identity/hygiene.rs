//! Hop-by-hop header fields (RFC 9110 §7.6.1): what belongs to one connection and is never passed on, in both
//! directions, and the one exception, an upgrade.

use http::header::{CONNECTION, TE, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};
use http_body::Body;

/// A change of protocol that the visitor asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// One token, as the visitor wrote it.
    pub protocol: HeaderValue,
    pub websocket: bool,
}

/// The upgrade that a request asks for, if it is one that may be passed on: a GET without a body over HTTP/1.1, one
/// protocol, and not cleartext HTTP/2, which would carry requests that nobody checks. Any other wish is passed over, as
/// RFC 9110 §7.8 allows, and the request is an ordinary one.
pub fn requested_upgrade<B: Body>(request: &Request<B>) -> Option<Upgrade> {
    let headers = request.headers();
    let mut lines = headers.get_all(UPGRADE).iter();
    let protocol = lines.next()?;
    let allowed = lines.next().is_none()
        && request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && connection_names(headers, "upgrade")
        && is_one_token(protocol)
        && !is_http2(protocol.as_bytes());
    allowed.then(|| Upgrade {
        websocket: protocol.as_bytes().eq_ignore_ascii_case(b"websocket"),
        protocol: protocol.clone(),
    })
}

/// Whether the sender takes trailers, as gRPC demands (RFC 9110 §10.1.4).
pub(super) fn accepts_trailers(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Removes what any `Connection` line names.
pub fn strip_what_connection_names(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = connection_tokens(headers)
        .filter(|token| !is_ordinary_connection_token(token))
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Removes all hop-by-hop fields: first what any `Connection` line names, then the fixed set, `Connection` included.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    strip_what_connection_names(headers);
    let found: Vec<HeaderName> =
        headers.keys().filter(|name| is_hop_by_hop(name.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Whether any `Connection` line names this option.
pub(super) fn connection_names(headers: &HeaderMap, option: &str) -> bool {
    connection_tokens(headers).any(|token| token.eq_ignore_ascii_case(option.as_bytes()))
}

/// The tokens of all `Connection` lines; bytes, since one that is not ASCII must not hide the others.
fn connection_tokens(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

fn is_ordinary_connection_token(token: &[u8]) -> bool {
    [&b"keep-alive"[..], b"close", b"upgrade"].iter().any(|known| token.eq_ignore_ascii_case(known))
}

/// `name` is lower case, as header names are.
pub fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

fn is_one_token(value: &HeaderValue) -> bool {
    !value.is_empty()
        && value
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(byte))
}

fn is_http2(protocol: &[u8]) -> bool {
    let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
    [&b"h2c"[..], b"h2", b"http"].iter().any(|known| name.eq_ignore_ascii_case(known))
}
