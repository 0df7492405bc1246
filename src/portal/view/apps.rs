//! The list of apps.

use askama::Template;

use super::message::{Messages, Note};
use super::nav::Nav;
use super::{Frame, Page, Pages, page};
use crate::words::Words;

/// The apps that the visitor may open.
#[derive(Clone, Copy)]
pub struct AppsView<'a> {
    pub nav: Nav<'a>,
    pub note: Option<Note>,
    pub apps: &'a [AppLink<'a>],
}

#[derive(Clone, Copy, Debug)]
pub struct AppLink<'a> {
    pub name: &'a str,
    pub url: &'a str,
    /// What tells it apart: the host name, and the path if it has one.
    pub host: &'a str,
}

impl Pages<'_> {
    pub fn apps(&self, view: &AppsView<'_>) -> Page {
        let messages = Messages::new(self.words, None, view.note);
        let frame = self.frame(&self.words.text("apps-heading"), false);
        page(&AppsPage { frame, nav: view.nav, words: self.words, messages: &messages, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/apps.html")]
struct AppsPage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    view: &'a AppsView<'a>,
}

impl AppLink<'_> {
    /// The letter that stands for the app.
    fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default()
    }
}
