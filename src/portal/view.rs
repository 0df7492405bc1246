//! Writes pages. The pages' handlers and the gateway's table of answers say what there is to tell; the templates in
//! `templates/` say how it looks, the words come from [`Words`].
//!
//! Everything is escaped on its way into a page, and nothing inline is written: the content security policy allows
//! neither script nor style of a page's own. Start from [`Views`].

mod error;
mod message;

pub use error::{AccountLine, ErrorKind, ErrorView};
pub use message::{Note, Problem};

use askama::Template;
use message::Messages;

use super::Settings;
use super::assets::{Asset, Assets};
use crate::words::{Value, Words};

/// A whole page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub html: String,
}

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
    pub problem: Option<Problem>,
}

/// The form for the e-mailed code.
#[derive(Clone, Copy)]
pub struct VerifyView<'a> {
    pub action: &'a str,
    pub resend_action: &'a str,
    pub cancel_action: &'a str,
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

/// Where a finished sign-in lands, and goes on from by itself.
#[derive(Clone, Copy)]
pub struct ContinueView<'a> {
    pub name: &'a str,
    /// A path of this host, or an http or https address; anything else becomes `/`.
    pub target: &'a str,
}

#[derive(Clone, Copy)]
pub struct LogoutView<'a> {
    pub username: &'a str,
    pub action: &'a str,
    /// Where those go who do not sign out.
    pub stay_address: &'a str,
}

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

/// Why a sign-in cannot come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explain {
    /// The browser sent back no cookie of ours.
    CookiesNeeded,
    /// A ticket was used or foreign, twice in a row.
    HandOverFailed,
}

#[derive(Clone, Copy)]
pub struct ExplainView<'a> {
    pub kind: Explain,
    pub retry_address: &'a str,
}

/// Writes every page, in the company's dress.
pub struct Views {
    words: Words,
    language: String,
    title: String,
    notice: Option<String>,
    support: Option<Support>,
    assets: Assets,
}

impl Views {
    pub fn new(settings: &Settings, words: Words) -> Self {
        Self {
            language: words.language(),
            words,
            title: settings.title.clone(),
            notice: settings.notice.clone(),
            support: settings.support.as_deref().map(Support::new),
            assets: Assets::new(settings),
        }
    }

    /// The file of this name below [`super::assets::FOLDER`].
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.find(name)
    }

    pub fn login(&self, view: &LoginView<'_>) -> Page {
        let messages = Messages::new(&self.words, view.problem, None);
        let focus = match (&messages.problem, view.username) {
            (Some(_), _) => "problem",
            (None, "") => "username",
            (None, _) => "password",
        };
        let frame = self.frame(&self.words.text("login-heading"), &messages);
        page(&LoginPage { frame, words: &self.words, messages: &messages, focus, view })
    }

    pub fn verify(&self, view: &VerifyView<'_>) -> Page {
        let messages = Messages::new(&self.words, view.problem, view.note);
        let focus = if messages.problem.is_some() { "problem" } else { "code" };
        let wait = view.resend_wait_seconds.filter(|seconds| *seconds > 0).map(Wait::new);
        let mail_failed = view.problem == Some(Problem::MailFailed);
        let gaps = [("digits", view.digits.into()), ("address", Value::from(view.masked_address))];
        let sent = if mail_failed { "verify-not-sent" } else { "verify-sent" };
        let sent = Stressed::new(self.words.with(sent, &gaps), view.masked_address);
        let minutes = [("minutes", view.valid_minutes.into())];
        let valid = if mail_failed { String::new() } else { self.words.with("verify-valid", &minutes) };
        let frame = self.frame(&self.words.text("verify-heading"), &messages);
        page(&VerifyPage {
            frame,
            words: &self.words,
            messages: &messages,
            focus,
            sent,
            valid,
            wait,
            mail_failed,
            view,
        })
    }

    pub fn step_up(&self, view: &StepUpView<'_>) -> Page {
        let messages = Messages::new(&self.words, view.problem, None);
        let gaps = [("username", view.username.into()), ("address", Value::from(view.masked_address))];
        let who = Stressed::new(self.words.with("step-up-who", &gaps), view.masked_address);
        let frame = self.frame(&self.words.text("step-up-heading"), &messages);
        page(&StepUpPage { frame, words: &self.words, messages: &messages, who, view })
    }

    pub fn continue_page(&self, view: &ContinueView<'_>) -> Page {
        let ContinueView { name, target } = view;
        let heading = self.words.with("continue-heading", &[("name", Value::from(*name))]);
        let frame = self.frame(&heading, &Messages::default());
        page(&ContinuePage { frame, words: &self.words, name, target: refresh_target(target) })
    }

    pub fn logout(&self, view: &LogoutView<'_>) -> Page {
        let frame = self.frame(&self.words.text("logout-heading"), &Messages::default());
        page(&LogoutPage { frame, words: &self.words, view })
    }

    pub fn apps(&self, view: &AppsView<'_>) -> Page {
        let who = if view.name.is_empty() { view.username } else { view.name };
        let frame = self.frame(&self.words.text("apps-heading"), &Messages::default());
        page(&AppsPage { frame, words: &self.words, who, view })
    }

    pub fn error(&self, view: &ErrorView<'_>) -> Page {
        let (heading, what) = view.kind.words(&self.words);
        let frame = self.frame(&heading, &Messages::default());
        page(&ErrorPage { frame, words: &self.words, heading, what, view })
    }

    pub fn explain(&self, view: &ExplainView<'_>) -> Page {
        let words = &self.words;
        let (heading, what) = match view.kind {
            Explain::CookiesNeeded => (words.text("explain-cookies"), words.text("explain-cookies-what")),
            Explain::HandOverFailed => {
                (words.text("explain-hand-over"), words.text("explain-hand-over-what"))
            }
        };
        let frame = self.frame(&heading, &Messages::default());
        page(&ExplainPage { frame, words, heading, what, view })
    }

    fn frame(&self, heading: &str, messages: &Messages) -> Frame<'_> {
        let gaps = [("page", Value::from(heading)), ("title", Value::from(self.title.as_str()))];
        let tab_title = match messages.problem {
            Some(_) => self.words.with("page-title-problem", &gaps),
            None => self.words.with("page-title", &gaps),
        };
        Frame {
            language: &self.language,
            tab_title,
            title: &self.title,
            notice: self.notice.as_deref(),
            support: self.support.as_ref(),
            assets: &self.assets,
        }
    }
}

/// What stands around every page.
struct Frame<'a> {
    language: &'a str,
    tab_title: String,
    title: &'a str,
    notice: Option<&'a str>,
    support: Option<&'a Support>,
    assets: &'a Assets,
}

/// How to reach somebody who can help: an e-mail address or a web page becomes a link.
struct Support {
    text: String,
    link: Option<String>,
}

impl Support {
    fn new(text: &str) -> Self {
        let is_address = text.contains('@') && !text.contains(char::is_whitespace);
        let link = match text {
            _ if text.starts_with("https://") || text.starts_with("http://") => Some(text.to_owned()),
            _ if is_address => Some(format!("mailto:{text}")),
            _ => None,
        };
        Self { text: text.to_owned(), link }
    }
}

/// A sentence in which one thing is set in bold: what comes before it, it, and what comes after.
struct Stressed {
    before: String,
    what: String,
    after: String,
}

impl Stressed {
    fn new(sentence: String, what: &str) -> Self {
        match sentence.split_once(what) {
            Some((before, after)) => Self { before: before.into(), what: what.into(), after: after.into() },
            None => Self { before: sentence, what: String::new(), after: String::new() },
        }
    }
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

/// What may stand after `url=` in a refresh: a browser reads quotes at its start in a way of its own, and would run
/// a `javascript:` address. The handler's own check of return addresses stands before this one.
fn refresh_target(target: &str) -> &str {
    let is_path = target.starts_with('/') && !target.starts_with("//") && !target.starts_with("/\\");
    let is_address = target.starts_with("https://") || target.starts_with("http://");
    if (is_path || is_address) && !target.contains(char::is_control) { target } else { "/" }
}

impl AppLink<'_> {
    /// The letter that stands for the app.
    fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default()
    }
}

fn page(template: &impl Template) -> Page {
    // Writing to a string fails only if a template itself says so, and none does.
    Page { html: template.render().unwrap_or_default() }
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

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/step_up.html")]
struct StepUpPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    messages: &'a Messages,
    who: Stressed,
    view: &'a StepUpView<'a>,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/continue.html")]
struct ContinuePage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    name: &'a str,
    target: &'a str,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/logout.html")]
struct LogoutPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    view: &'a LogoutView<'a>,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/apps.html")]
struct AppsPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    who: &'a str,
    view: &'a AppsView<'a>,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/error.html")]
struct ErrorPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    heading: String,
    what: String,
    view: &'a ErrorView<'a>,
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

#[cfg(test)]
mod tests;
