//! The question before signing out.

use askama::Template;

use super::{Frame, Page, Pages, page};
use crate::words::Words;

#[derive(Clone, Copy)]
pub struct LogoutView<'a> {
    pub username: &'a str,
    pub action: &'a str,
    /// Where those go who do not sign out.
    pub stay_address: &'a str,
}

impl Pages<'_> {
    pub fn logout(&self, view: &LogoutView<'_>) -> Page {
        let frame = self.frame(&self.words.text("logout-heading"), false);
        page(&LogoutPage { frame, words: self.words, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/logout.html")]
struct LogoutPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    view: &'a LogoutView<'a>,
}
