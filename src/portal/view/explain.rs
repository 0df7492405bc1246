//! Why a sign-in cannot come to its end.

use askama::Template;

use super::{Frame, Page, Pages, page};
use crate::words::Words;

/// Why a sign-in cannot come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explain {
    /// The browser sent back no cookie of ours.
    CookiesNeeded,
    /// A ticket was used or foreign, twice in a row.
    HandOverFailed,
    /// The session that the browser got is not known when it comes back, again and again.
    InCircles,
}

#[derive(Clone, Copy)]
pub struct ExplainView<'a> {
    pub kind: Explain,
    pub retry_address: &'a str,
}

impl Pages<'_> {
    pub fn explain(&self, view: &ExplainView<'_>) -> Page {
        let words = self.words;
        let (heading, what) = match view.kind {
            Explain::CookiesNeeded => (words.text("explain-cookies"), words.text("explain-cookies-what")),
            Explain::HandOverFailed => {
                (words.text("explain-hand-over"), words.text("explain-hand-over-what"))
            }
            Explain::InCircles => (words.text("explain-circles"), words.text("explain-circles-what")),
        };
        let frame = self.frame(&heading, false);
        page(&ExplainPage { frame, words, heading, what, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/explain.html")]
struct ExplainPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    heading: String,
    what: String,
    view: &'a ExplainView<'a>,
}
