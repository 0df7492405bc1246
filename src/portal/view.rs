//! Writes pages. The pages' handlers and the gateway's table of answers say what there is to tell; the templates in
//! `templates/` say how it looks, the words come from [`Words`], in the reader's language.
//!
//! Everything is escaped on its way into a page, and nothing inline is written: the content security policy allows
//! neither script nor style of a page's own. Start from [`Views`].
//!
//! # How to write a page
//!
//! A page has one name in four places: `page/NAME.rs` answers its GET and POST, `view/NAME.rs` holds what the handler
//! says (`NameView`), the function that writes it (`impl Pages<'_>`) and the template's struct, `templates/NAME.html` is
//! the template, and its texts stand together in both `words/en.ftl` and `words/de.ftl`.
//!
//! - Before the sign-in a template extends `layout.html`: one column, one sheet. Behind it, `signed_in.html`: the struct
//!   then has `nav` ([`Nav`], from the handler's `visit.nav`) and `messages` besides `frame` and `words`.
//! - Forms, tables, badges, searches and pagers are the parts in [`kit`]: fill in the data, include the template;
//!   `templates/kit/sample.html` shows each.
//! - A handler takes its pages from `visit.pages_for(&visitor)`, or from `visit.pages(None)` while nobody is known: an
//!   account's language may only be used once its password was proved, or it would tell that the account is there.
//! - A form that was refused comes back with 422, what was typed in it (passwords apart), the problem at its field. A
//!   good post is answered by `visit.done(page, Note::..)`: 303, and the page says so.
//! - Put every state that looks different into the gallery of the tests: it is then checked for what it says, for
//!   escaping, and in a real browser with axe-core, in both languages, light and dark, from 320 to 1280 px.

mod account;
pub mod admin;
mod apps;
mod ask;
mod error;
mod explain;
mod go_on;
pub mod kit;
mod login;
mod logout;
mod message;
mod nav;
mod step_up;
mod tell;
mod verify;

pub use account::{AS_BROWSER, AccountView, Mine, Part, Refused, Row};
pub use apps::{AppLink, AppsView};
pub use ask::AskView;
pub use error::{AccountLine, ErrorKind, ErrorView};
pub use explain::{Explain, ExplainView};
pub use go_on::ContinueView;
pub use login::LoginView;
pub use logout::LogoutView;
pub use message::{Note, Problem};
pub use nav::{Nav, Section};
pub use step_up::StepUpView;
pub use tell::TellView;
pub use verify::VerifyView;

use askama::Template;

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
    /// `refused`: whether the page says that something went wrong.
    fn frame(&self, heading: &str, refused: bool) -> Frame<'_> {
        let Self { views, words } = self;
        let gaps = [("page", Value::from(heading)), ("title", Value::from(views.title.as_str()))];
        let tab_title =
            if refused { words.with("page-title-problem", &gaps) } else { words.with("page-title", &gaps) };
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
