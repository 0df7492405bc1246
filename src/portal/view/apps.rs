//! The list of apps.

use askama::Template;

use super::message::Messages;
use super::{Frame, Page, Pages, page};
use crate::words::Words;

/// The apps that the visitor may open.
#[derive(Clone, Copy)]
pub struct AppsView<'a> {
    pub username: &'a str,
    /// Empty: the username stands for it.
    pub name: &'a str,
    pub apps: &'a [AppLink<'a>],
    pub logout_address: &'a str,
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
        let who = if view.name.is_empty() { view.username } else { view.name };
        let frame = self.frame(&self.words.text("apps-heading"), &Messages::default());
        page(&AppsPage { frame, words: self.words, who, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/apps.html")]
struct AppsPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    who: &'a str,
    view: &'a AppsView<'a>,
}

impl AppLink<'_> {
    /// The letter that stands for the app.
    fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default()
    }
}
