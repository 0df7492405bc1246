//! Writes pages. The pages' handlers and the gateway's table of answers say what there is to tell; the templates in
//! `templates/` say how it looks, the words come from [`Words`], in the reader's language.
//!
//! Everything is escaped on its way into a page, and nothing inline is written: the content security policy allows
//! neither script nor style of a page's own. Start from [`Views`].

mod apps;
mod error;
mod explain;
mod go_on;
mod login;
mod logout;
mod message;
mod step_up;
mod verify;

pub use apps::{AppLink, AppsView};
pub use error::{AccountLine, ErrorKind, ErrorView};
pub use explain::{Explain, ExplainView};
pub use go_on::ContinueView;
pub use login::LoginView;
pub use logout::LogoutView;
pub use message::{Note, Problem};
pub use step_up::StepUpView;
pub use verify::VerifyView;

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

/// Writes every page, in the company's dress.
pub struct Views {
    title: String,
    notice: Option<String>,
    support: Option<Support>,
    assets: Assets,
}

/// The same in one language: each page is a function here, in a file of its own.
#[derive(Clone, Copy)]
pub struct Pages<'a> {
    views: &'a Views,
    words: &'a Words,
}

impl Views {
    pub fn new(settings: &Settings) -> Self {
        Self {
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

    pub fn with<'a>(&'a self, words: &'a Words) -> Pages<'a> {
        Pages { views: self, words }
    }
}

impl Pages<'_> {
    fn frame(&self, heading: &str, messages: &Messages) -> Frame<'_> {
        let Self { views, words } = self;
        let gaps = [("page", Value::from(heading)), ("title", Value::from(views.title.as_str()))];
        let tab_title = match messages.problem {
            Some(_) => words.with("page-title-problem", &gaps),
            None => words.with("page-title", &gaps),
        };
        Frame {
            language: words.language(),
            tab_title,
            title: &views.title,
            notice: views.notice.as_deref(),
            support: views.support.as_ref(),
            assets: &views.assets,
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

fn page(template: &impl Template) -> Page {
    // Writing to a string fails only if a template itself says so, and none does.
    Page { html: template.render().unwrap_or_default() }
}

#[cfg(test)]
mod tests;
