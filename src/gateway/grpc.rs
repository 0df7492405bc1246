//! Refusals as gRPC clients read them: a status of their own in an answer that is otherwise a success.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode, Version};

use crate::body::Body;

/// Whether a request can be a gRPC call at all. To any other, a refusal that looks like a success would be a lie: a cache
/// in front would keep it for everybody in the place of the page.
pub(super) fn may_call(method: &Method, version: Version) -> bool {
    *method == Method::POST && version >= Version::HTTP_2
}

/// Whether this `Content-Type` is a gRPC call's. `application/grpc-web` is another protocol, whose clients read plain statuses.
pub(super) fn is_calls(content_type: &HeaderValue) -> bool {
    let Some(rest) = content_type.as_bytes().strip_prefix(b"application/grpc") else { return false };
    matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// A whole answer in its head ("trailers-only"). `word` says why, in ASCII letters and `_`.
pub(super) fn refusal(status: StatusCode, word: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(code(status)));
    headers.insert("grpc-message", HeaderValue::from_static(word));
    response
}

/// The gRPC status nearest to an HTTP status; after the project's own table for answers that are not gRPC, but for
/// causes that we know better than it can.
fn code(status: StatusCode) -> u16 {
    const DEADLINE_EXCEEDED: u16 = 4;
    const PERMISSION_DENIED: u16 = 7;
    const RESOURCE_EXHAUSTED: u16 = 8;
    const UNIMPLEMENTED: u16 = 12;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    const UNAUTHENTICATED: u16 = 16;
    match status {
        StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::MISDIRECTED_REQUEST => {
            UNIMPLEMENTED
        }
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => RESOURCE_EXHAUSTED,
        StatusCode::GATEWAY_TIMEOUT => DEADLINE_EXCEEDED,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => {
            UNAVAILABLE
        }
        _ => INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_their_content_type() {
        let check = |value: &'static str, expected| {
            assert_eq!(is_calls(&HeaderValue::from_static(value)), expected, "{value}");
        };
        check("application/grpc", true);
        check("application/grpc+proto", true);
        check("application/grpc;charset=utf-8", true);
        check("application/grpc-web", false);
        check("application/json", false);
    }

    #[test]
    fn a_refusal_is_a_success_with_a_status_of_its_own() {
        let check = |status: u16, expected: &str| {
            let response = refusal(StatusCode::from_u16(status).unwrap(), "why");
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["grpc-status"], expected, "{status}");
            assert_eq!(response.headers()["grpc-message"], "why");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/grpc");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        };
        check(401, "16");
        check(403, "7");
        check(502, "14");
        check(503, "14");
        check(504, "4");
        check(413, "8");
        check(421, "12");
        check(400, "13");
    }
}
