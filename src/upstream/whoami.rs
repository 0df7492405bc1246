//! The built-in app: shows what an app receives, as a page to browsers and as JSON to everybody else.

use askama::Template;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, request};
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::identity::{StampedParts, StripList};

const CSS: &str = include_str!("whoami.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(config = "src/askama.toml", path = "upstream/whoami.html")]
struct Page<'a> {
    /// Empty for an anonymous visitor.
    person: &'a str,
    method: &'a str,
    target: &'a str,
    sections: [Section; 3],
}

struct Section {
    title: &'static str,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    value: String,
}

/// Answers any request but one for the page's own style sheet with what it holds. The body is not read.
pub(super) fn answer(parts: &StampedParts<'_>) -> Response<Body> {
    let head = &parts.head;
    // Relative, since the app may live below any path.
    if head.uri.path().ends_with("/whoami.css") {
        return written("text/css; charset=utf-8", CSS.to_owned(), &head.method);
    }
    if !wants_page(&head.headers) {
        return written("application/json", format!("{}\n", as_json(head)), &head.method);
    }
    match page(head, &parts.strip).render() {
        Ok(page) => written("text/html; charset=utf-8", page, &head.method),
        Err(error) => {
            tracing::error!(%error, "the whoami page cannot be written");
            let mut answer = Response::new(Body::Empty);
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            answer
        }
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .any(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"))
}

fn page<'a>(head: &'a request::Parts, strip: &StripList) -> Page<'a> {
    let mut sections = ["Who is there", "How the request came", "Everything else"]
        .map(|title| Section { title, rows: Vec::new() });
    let [person, way, rest] = &mut sections;
    for (name, value) in &head.headers {
        let row = Row { name: name.to_string(), value: text(value) };
        let section = if strip.is_identity(name) {
            &mut *person
        } else if is_of_the_way(name) {
            &mut *way
        } else {
            &mut *rest
        };
        section.rows.push(row);
    }
    for section in &mut sections {
        section.rows.sort_by(|one, other| one.name.cmp(&other.name));
    }
    let person = head.headers.get("remote-name").filter(|name| !name.is_empty());
    let person = person.or_else(|| head.headers.get("remote-user"));
    Page {
        person: person.and_then(|name| std::str::from_utf8(name.as_bytes()).ok()).unwrap_or_default(),
        method: head.method.as_str(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
        sections,
    }
}

fn is_of_the_way(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "host" | "x-request-id") || name.starts_with("x-forwarded-")
}

/// Several lines of one name are joined by a comma and a blank.
fn as_json(head: &request::Parts) -> Value {
    let mut headers = Map::new();
    for name in head.headers.keys() {
        let lines: Vec<_> = head.headers.get_all(name).iter().map(text).collect();
        headers.insert(name.to_string(), Value::String(lines.join(", ")));
    }
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    json!({ "method": head.method.as_str(), "target": target, "path": head.uri.path(), "headers": headers })
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn written(media_type: &'static str, text: String, method: &Method) -> Response<Body> {
    let length = HeaderValue::from(text.len());
    let mut answer = Response::new(if *method == Method::HEAD { Body::Empty } else { Body::from(text) });
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(http::header::CONTENT_LENGTH, length);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    answer
}
