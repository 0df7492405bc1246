//! The sign-in form.

use askama::Template;

use super::message::{Messages, Note, Problem};
use super::{Frame, Page, Pages, page};
use crate::words::Words;

/// The sign-in form.
#[derive(Clone, Copy)]
pub struct LoginView<'a> {
    /// The form's own address with its query.
    pub action: &'a str,
    /// The host name of the app that the visitor wanted to open.
    pub destination: Option<&'a str>,
    /// What was typed.
    pub username: &'a str,
    /// Whether the box is ticked; `None` hides it.
    pub remember: Option<bool>,
    /// Where to ask for another password, or for an account; where neither is, nothing is said.
    pub reset: Option<&'a str>,
    pub register: Option<(&'static str, &'a str)>,
    pub note: Option<Note>,
    pub problem: Option<Problem>,
}

impl Pages<'_> {
    pub fn login(&self, view: &LoginView<'_>) -> Page {
        let messages = Messages::new(self.words, view.problem, view.note);
        let focus = match (&messages.problem, view.username) {
            (Some(_), _) => "problem",
            (None, "") => "username",
            (None, _) => "password",
        };
        let frame = self.frame(&self.words.text("login-heading"), messages.problem.is_some());
        page(&LoginPage { frame, words: self.words, messages: &messages, focus, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/login.html")]
struct LoginPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    messages: &'a Messages,
    focus: &'static str,
    view: &'a LoginView<'a>,
}
