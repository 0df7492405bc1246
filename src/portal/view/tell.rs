//! A page that says what has happened, and where to go on.

use askama::Template;

use super::{Frame, Page, Pages, page};
use crate::words::Words;

/// Names of texts, and an address.
#[derive(Clone, Copy, Debug)]
pub struct TellView<'a> {
    pub heading: &'static str,
    pub says: &'a [&'static str],
    pub onward: (&'static str, &'a str),
    /// Whether going on is what the page is for.
    pub prominent: bool,
}

impl Pages<'_> {
    pub fn tell(&self, view: &TellView<'_>) -> Page {
        let frame = self.frame(&self.words.text(view.heading), false);
        page(&TellPage { frame, words: self.words, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/tell.html")]
struct TellPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    view: &'a TellView<'a>,
}
