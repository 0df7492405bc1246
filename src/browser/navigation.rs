//! What a person does, as far as a request shows it, and what a page does by itself.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_USER: HeaderName = HeaderName::from_static("sec-fetch-user");

/// Whether a person goes to a page with this request, by a link, an address or a form. Frames load pages by themselves: what
/// goes on in one counts if a person clicked there. A page that reloads its own window cannot be told from its reader.
pub fn goes_to_a_page(method: &Method, headers: &HeaderMap) -> bool {
    let Some(mode) = headers.get(SEC_FETCH_MODE) else {
        let html = || headers.get_all(ACCEPT).iter().any(names_html);
        return matches!(*method, Method::GET | Method::HEAD) && html();
    };
    let in_the_window = || headers.get(SEC_FETCH_DEST).is_none_or(|dest| dest == "document");
    let by_hand = || headers.get(SEC_FETCH_USER).is_some_and(|user| user == "?1");
    mode == "navigate" && (in_the_window() || by_hand())
}

/// Whether an `Accept` names pages.
pub fn names_html(accept: &HeaderValue) -> bool {
    accept.to_str().is_ok_and(|accept| accept.split(',').any(|range| range.trim().starts_with("text/html")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_goes_to_a_page_by_a_link_or_a_form_and_a_page_asks_by_itself() {
        let navigate = &[("sec-fetch-mode", "navigate")][..];
        let by_script = &[("sec-fetch-mode", "cors"), ("accept", "text/html")][..];
        let old_browser = &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")][..];
        let to = |dest| [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", dest)];
        let clicked =
            |dest| [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", dest), ("sec-fetch-user", "?1")];
        for (method, headers, expected) in [
            ("GET", navigate, true),
            ("POST", navigate, true),
            ("GET", &to("document"), true),
            ("POST", &to("document"), true),
            ("GET", &to("iframe"), false),
            ("GET", &to("frame"), false),
            ("GET", &to("embed"), false),
            ("GET", &clicked("iframe"), true),
            ("POST", &clicked("frame"), true),
            ("GET", by_script, false),
            ("GET", &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty")], false),
            ("GET", &[("sec-fetch-mode", "websocket")], false),
            ("GET", old_browser, true),
            ("POST", old_browser, false),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[], false),
        ] {
            let lines = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(goes_to_a_page(&method, &lines.collect()), expected, "{method} {headers:?}");
        }
    }
}
