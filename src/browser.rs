//! Tells which browser a `User-Agent` claims to be, so that people recognise their own. Start from [`BrowserName`].
//!
//! The header is whatever the client writes: it is never kept or shown itself, only one of the names known here.
//! [`goes_to_a_page`] tells what a person does from what a page does by itself.

mod navigation;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use navigation::{goes_to_a_page, names_html};

use crate::words::{Value, Words};

/// Tokens and the names people know; the first that occurs decides, since most browsers also claim to be others.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
    ("BSD", "BSD"),
];

/// A browser and the system it runs on, as far as they are known here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserName {
    pub browser: Option<Cow<'static, str>>,
    pub system: Option<Cow<'static, str>>,
}

impl BrowserName {
    pub fn of(user_agent: &str) -> Self {
        let find = |known: &[(&str, &'static str)]| {
            known.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| Cow::Borrowed(*name))
        };
        Self { browser: find(&BROWSERS), system: find(&SYSTEMS) }
    }

    /// `Firefox on Linux`, `Firefox`, or `an unknown browser`.
    pub fn in_words(&self, words: &Words) -> String {
        match (self.browser.as_deref(), self.system.as_deref()) {
            (Some(browser), Some(system)) => {
                let names = [("browser", Value::from(browser)), ("system", Value::from(system))];
                words.with("browser-on-system", &names)
            }
            (Some(browser), None) => browser.to_owned(),
            (None, _) => words.text("browser-unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_by_their_names() {
        let chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0";
        let cases = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".into(), "Firefox on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {chrome} Safari/537.36"), "Chrome on Windows"),
            (format!("Mozilla/5.0 (Windows NT 10.0) {chrome} Safari/537.36 Edg/142.0"), "Edge on Windows"),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {chrome} Mobile Safari/537.36"), "Chrome on Android"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.1 Mobile/15E148 Safari/604.1"
                    .into(),
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
                    .into(),
                "Safari on macOS",
            ),
            ("curl/8.5.0".into(), "curl"),
            ("<b>Firefox</b>\r\nX: y".into(), "an unknown browser"),
            (String::new(), "an unknown browser"),
        ];
        for (user_agent, expected) in cases {
            assert_eq!(BrowserName::of(&user_agent).in_words(&Words::english()), expected, "{user_agent}");
        }
    }
}
