//! The built-in app: shows what an app receives.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::body::Body;
use crate::identity::StampedParts;

pub(super) fn answer(parts: StampedParts) -> Response<Body> {
    let StampedParts { head, .. } = parts;
    let _ = head.headers.get(ACCEPT);
    let mut answer = Response::new(Body::from(format!("{} {}\n", head.method, head.uri)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
