//! The page that greets and goes on by itself.

use askama::Template;

use super::{Frame, Page, Pages, page};
use crate::words::{Value, Words};

/// Where a finished sign-in lands, and goes on from by itself.
#[derive(Clone, Copy)]
pub struct ContinueView<'a> {
    pub name: &'a str,
    /// A path of this host, or an http or https address; anything else becomes `/`.
    pub target: &'a str,
}

impl Pages<'_> {
    pub fn continue_page(&self, view: &ContinueView<'_>) -> Page {
        let ContinueView { name, target } = view;
        let heading = self.words.with("continue-heading", &[("name", Value::from(*name))]);
        let frame = self.frame(&heading, false);
        page(&ContinuePage { frame, words: self.words, name, target: refresh_target(target) })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/continue.html")]
struct ContinuePage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    name: &'a str,
    target: &'a str,
}

/// What may stand after `url=` in a refresh: a browser reads quotes at its start in a way of its own, and would run
/// a `javascript:` address. The handler's own check of return addresses stands before this one.
fn refresh_target(target: &str) -> &str {
    let is_path = target.starts_with('/') && !target.starts_with("//") && !target.starts_with("/\\");
    let is_address = target.starts_with("https://") || target.starts_with("http://");
    if (is_path || is_address) && !target.contains(char::is_control) { target } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_leads_to_paths_and_web_addresses_alone() {
        let cases = [
            ("/", "/"),
            ("/a?b=c;d='e'", "/a?b=c;d='e'"),
            ("https://grafana.example.com/d?a=1", "https://grafana.example.com/d?a=1"),
            ("http://whoami.localhost:8080/", "http://whoami.localhost:8080/"),
            ("javascript:alert(1)", "/"),
            ("'javascript:alert(1)'", "/"),
            ("data:text/html,x", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\nb", "/"),
            ("", "/"),
        ];
        for (target, expected) in cases {
            assert_eq!(refresh_target(target), expected, "{target}");
        }
    }
}
