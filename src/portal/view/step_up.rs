//! The page that asks somebody who is signed in for a code besides.

use askama::Template;

use super::message::{Messages, Problem};
use super::{Frame, Page, Pages, Stressed, page};
use crate::words::{Value, Words};

/// A button that has a code mailed to somebody who is signed in with the password alone.
#[derive(Clone, Copy)]
pub struct StepUpView<'a> {
    pub action: &'a str,
    pub cancel_action: &'a str,
    pub destination: Option<&'a str>,
    pub username: &'a str,
    pub masked_address: &'a str,
    pub problem: Option<Problem>,
}

impl Pages<'_> {
    pub fn step_up(&self, view: &StepUpView<'_>) -> Page {
        let messages = Messages::new(self.words, view.problem, None);
        let gaps = [("username", view.username.into()), ("address", Value::from(view.masked_address))];
        let who = Stressed::new(self.words.with("step-up-who", &gaps), view.masked_address);
        let frame = self.frame(&self.words.text("step-up-heading"), messages.problem.is_some());
        page(&StepUpPage { frame, words: self.words, messages: &messages, who, view })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/step_up.html")]
struct StepUpPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    messages: &'a Messages,
    who: Stressed,
    view: &'a StepUpView<'a>,
}
