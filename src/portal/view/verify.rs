//! The form for the e-mailed code.

use askama::Template;

use super::message::{Messages, Note, Problem};
use super::{Frame, Page, Pages, Stressed, page};
use crate::words::{Value, Words};

/// The form for the e-mailed code.
#[derive(Clone, Copy)]
pub struct VerifyView<'a> {
    pub action: &'a str,
    pub resend_action: &'a str,
    pub cancel_action: &'a str,
    /// The name of the text of the button that forgets all this.
    pub cancel_text: &'static str,
    pub destination: Option<&'a str>,
    /// As [`crate::mail::mask_address`] has it.
    pub masked_address: &'a str,
    /// What was typed.
    pub code: &'a str,
    pub digits: u32,
    pub valid_minutes: u64,
    /// How long until a code can be sent again; `None`: now.
    pub resend_wait_seconds: Option<u64>,
    /// Whether this sign-in may have another mail at all.
    pub resend_possible: bool,
    pub problem: Option<Problem>,
    pub note: Option<Note>,
}

impl Pages<'_> {
    pub fn verify(&self, view: &VerifyView<'_>) -> Page {
        let messages = Messages::new(self.words, view.problem, view.note);
        let focus = if messages.problem.is_some() { "problem" } else { "code" };
        let wait = view.resend_wait_seconds.filter(|seconds| *seconds > 0).map(Wait::new);
        let mail_failed = view.problem == Some(Problem::MailFailed);
        let gaps = [("digits", view.digits.into()), ("address", Value::from(view.masked_address))];
        let sent = if mail_failed { "verify-not-sent" } else { "verify-sent" };
        let sent = Stressed::new(self.words.with(sent, &gaps), view.masked_address);
        let minutes = [("minutes", view.valid_minutes.into())];
        let valid = if mail_failed { String::new() } else { self.words.with("verify-valid", &minutes) };
        let frame = self.frame(&self.words.text("verify-heading"), messages.problem.is_some());
        page(&VerifyPage {
            frame,
            words: self.words,
            messages: &messages,
            focus,
            sent,
            valid,
            wait,
            mail_failed,
            view,
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/verify.html")]
struct VerifyPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    messages: &'a Messages,
    focus: &'static str,
    sent: Stressed,
    valid: String,
    wait: Option<Wait>,
    /// Then sending it again is what the page is for.
    mail_failed: bool,
    view: &'a VerifyView<'a>,
}

/// A waiting time, in seconds and as a clock shows it.
struct Wait {
    seconds: u64,
    clock: String,
}

impl Wait {
    fn new(seconds: u64) -> Self {
        Self { seconds, clock: format!("{}:{:02}", seconds / 60, seconds % 60) }
    }
}
