//! A page with one form, for who is not signed in: to register, or for another password.

use askama::Template;

use super::kit::{Form, Kind};
use super::{Frame, Page, Pages, page};
use crate::words::Words;

#[derive(Clone, Debug)]
pub struct AskView<'a> {
    /// The name of its text.
    pub heading: &'static str,
    pub lead: Option<String>,
    pub form: Form<'a>,
    /// Where else one may go: text and address.
    pub instead: Option<(&'static str, &'a str)>,
    /// The same by a post.
    pub back: Option<(&'static str, &'a str)>,
}

impl Pages<'_> {
    pub fn ask(&self, view: &AskView<'_>) -> Page {
        let frame = self.frame(&self.words.text(view.heading), view.form.is_refused());
        page(&AskPage { frame, words: self.words, form: &view.form, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/ask.html")]
struct AskPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    form: &'a Form<'a>,
    view: &'a AskView<'a>,
}
