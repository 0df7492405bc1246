//! What is checked and changed in the head of an upstream's answer before the visitor sees it.

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, EXPIRES, PRAGMA, SET_COOKIE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, response};
use hyper::ext::ReasonPhrase;

use super::UpstreamError;
use crate::cookies;
use crate::identity::{self, StripList};

/// How the answer's body is framed.
#[derive(Clone, Copy)]
pub(super) struct Framing {
    /// In bytes, if the upstream says.
    pub length: Option<u64>,
    /// The next answer on this connection would be the next request's.
    pub reusable: bool,
}

/// Checks the framing that hyper lets pass. To be called before [`clean`].
pub(super) fn framing(head: &response::Parts, head_only: bool) -> Result<Framing, UpstreamError> {
    let (mut chunked, mut length) = (false, None);
    for (name, value) in &head.headers {
        if *name == TRANSFER_ENCODING {
            if head.version < Version::HTTP_11 {
                return Err(UpstreamError::Garbled("a Transfer-Encoding in HTTP/1.0".into()));
            }
            if chunked || !value.as_bytes().eq_ignore_ascii_case(b"chunked") {
                // Another coding would have to be undone here, since it is not passed on.
                return Err(UpstreamError::Garbled("a Transfer-Encoding other than chunked".into()));
            }
            chunked = true;
        } else if *name == CONTENT_LENGTH {
            length = Some(content_length(value, length)?);
        }
    }
    let bodiless = head_only || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length_said = length.is_some_and(|length| length > 0);
    Ok(Framing {
        length: if bodiless { Some(0) } else { length.filter(|_| !chunked) },
        // A 204 that announces a body may well send one; both framings at once are a smuggler's (RFC 9112 §6.3).
        reusable: !(chunked && length.is_some())
            && !(head.status == StatusCode::NO_CONTENT && (chunked || length_said)),
    })
}

/// Removes what is between us and the upstream, or only ours to say, and adds what keeps private pages out of caches.
pub(super) fn clean(head: &mut response::Parts, strip: &StripList, authenticated: bool) {
    head.version = Version::HTTP_11;
    let reason = head.extensions.remove::<ReasonPhrase>();
    head.extensions.clear();
    if let Some(reason) = reason {
        head.extensions.insert(reason);
    }
    let headers = &mut head.headers;
    let seen = Seen::of(headers, strip);
    if seen.coded || head.status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
    } else if seen.length
        && headers.get_all(CONTENT_LENGTH).iter().count() > 1
        && let Some(length) = headers.get(CONTENT_LENGTH).cloned()
    {
        headers.insert(CONTENT_LENGTH, length);
    }
    if seen.connection {
        identity::strip_what_connection_names(headers);
        headers.remove(CONNECTION);
    }
    for name in seen.stripped {
        headers.remove(name);
    }
    if seen.cookies {
        drop_own_cookies(headers);
    }
    let dated = || [CACHE_CONTROL, EXPIRES, PRAGMA].iter().any(|name| headers.contains_key(name));
    // `Connection` may have named what was seen.
    if authenticated && !(seen.dated && (!seen.connection || dated())) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

/// What there is among an answer's headers, gathered in one walk.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a header that is there or not")]
struct Seen {
    coded: bool,
    length: bool,
    connection: bool,
    cookies: bool,
    /// It says for how long it may be kept.
    dated: bool,
    /// Not passed on; `Connection` apart.
    stripped: Vec<HeaderName>,
}

impl Seen {
    fn of(headers: &HeaderMap, strip: &StripList) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                "content-length" => seen.length = true,
                "connection" => seen.connection = true,
                "set-cookie" => seen.cookies = true,
                "cache-control" | "expires" | "pragma" => seen.dated = true,
                text => {
                    seen.coded |= text == "transfer-encoding";
                    if identity::is_hop_by_hop(text) || is_reserved(name, strip) {
                        seen.stripped.push(name.clone());
                    }
                }
            }
        }
        seen
    }
}

/// A name that only we may use towards visitors: identity headers, which a proxy in front could read; the leave for a
/// service worker to take over our own pages where they share the app's host; and ways around us (RFC 7838).
fn is_reserved(name: &HeaderName, strip: &StripList) -> bool {
    matches!(name.as_str(), "alt-svc" | "service-worker-allowed" | "x-request-id") || strip.is_identity(name)
}

fn drop_own_cookies(headers: &mut HeaderMap) {
    if !headers.get_all(SET_COOKIE).iter().any(cookies::is_own_set_cookie) {
        return;
    }
    let http::header::Entry::Occupied(entry) = headers.entry(SET_COOKIE) else { return };
    let (_, lines) = entry.remove_entry_mult();
    let kept: Vec<_> = lines.filter(|line| !cookies::is_own_set_cookie(line)).collect();
    for line in kept {
        headers.append(SET_COOKIE, line);
    }
}

/// The length that one more `Content-Length` line says: the same as those `before`. Digits only (RFC 9110 §8.6).
fn content_length(line: &HeaderValue, before: Option<u64>) -> Result<u64, UpstreamError> {
    let digits = line.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length = digits.and_then(|text| text.parse::<u64>().ok());
    let agreed = length.filter(|length| before.is_none_or(|before| before == *length));
    agreed.ok_or_else(|| UpstreamError::Garbled("its Content-Length".into()))
}
