//! What may stand in trailers, in both directions: they arrive after everything was decided.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, COOKIE,
    EXPECT, HOST, LOCATION, MAX_FORWARDS, RANGE, SET_COOKIE, TRAILER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName};

use super::{StripList, hygiene};

/// What frames, routes, authenticates or changes how a message is read (RFC 9110 §6.5.1), and cookies.
const NEVER: [HeaderName; 15] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    EXPECT,
    HOST,
    LOCATION,
    MAX_FORWARDS,
    RANGE,
    SET_COOKIE,
    TRAILER,
    WWW_AUTHENTICATE,
];

/// Leaves in a request's trailers what a visitor may say in headers, and less.
pub fn clean_request_trailers(trailers: &mut HeaderMap, strip: &StripList) {
    clean(trailers);
    strip.apply(trailers, &[]);
}

/// Leaves in an answer's trailers what is not ours to say.
pub fn clean_answer_trailers(trailers: &mut HeaderMap, strip: &StripList) {
    clean(trailers);
    let found: Vec<HeaderName> = trailers.keys().filter(|name| strip.is_identity(name)).cloned().collect();
    for name in found {
        trailers.remove(name);
    }
}

fn clean(trailers: &mut HeaderMap) {
    hygiene::strip_hop_by_hop(trailers);
    for name in &NEVER {
        trailers.remove(name);
    }
}
