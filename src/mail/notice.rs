//! Mails about an account that are no codes: what was asked for, what was decided, what has happened.
//!
//! Their links come from the configuration, and open a page with a button or a form. Nothing that a stranger typed
//! stands in a mail to somebody whose address is not proved.

use std::net::IpAddr;

use askama::Template;

use super::message::Brand;
use super::{Message, mask_address};
use crate::accent::{Scheme, Shades};
use crate::clock::Timestamp;
use crate::words::{Value, Words};

/// Where something was done from.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// `None`: at the command line.
    pub address: Option<IpAddr>,
    /// In words.
    pub browser: String,
    pub at: Timestamp,
}

/// What there is to tell. Addresses are those of our own pages.
#[derive(Clone, Debug)]
pub enum Notice<'a> {
    /// To administrators: somebody asks for an account.
    Waiting {
        name: &'a str,
        username: &'a str,
        email: &'a str,
        page: Option<String>,
    },
    /// To the applicant.
    Approved {
        username: &'a str,
        reason: Option<&'a str>,
        page: String,
    },
    Rejected {
        reason: Option<&'a str>,
    },
    /// Somebody asks for an account with an address that has one.
    Known {
        page: String,
        reset: Option<String>,
        occasion: Occasion,
    },
    /// The same with the address of an account that waits for a decision.
    KnownPending {
        occasion: Occasion,
    },
    /// The same with the address of an account that was rejected or disabled.
    KnownBarred {
        occasion: Occasion,
    },
    /// The same with an address that another account had before; or somebody wants to change theirs to it.
    Retired {
        occasion: Occasion,
    },
    /// A forgotten password.
    Reset {
        username: &'a str,
        page: String,
        minutes: u64,
        occasion: Occasion,
    },
    /// The same for an account whose password is kept elsewhere.
    ResetElsewhere {
        username: &'a str,
        occasion: Occasion,
    },
    /// An administrator wants another to be chosen.
    ResetByAdministrator {
        username: &'a str,
        page: String,
        minutes: u64,
    },
    /// An account was made for somebody, who has yet to choose a password.
    Invited {
        username: &'a str,
        page: String,
        hours: u64,
        again: String,
    },
    PasswordChanged {
        username: &'a str,
        reset: String,
        occasion: Occasion,
    },
    /// To the address that the account had before.
    AddressChanged {
        username: &'a str,
        to: &'a str,
        occasion: Occasion,
    },
    /// Somebody else wants the address for their account.
    AddressWanted,
    /// The first sign-in from a browser.
    NewDevice {
        username: &'a str,
        reset: Option<String>,
        occasion: Occasion,
    },
}

pub fn notice_mail(words: &Words, brand: &Brand, to: &str, notice: &Notice<'_>) -> Message {
    let written = Written::of(words, &brand.title, notice);
    let parts = Parts {
        language: words.language(),
        title: &brand.title,
        subject: &written.subject,
        light: brand.accent.shades(Scheme::Light),
        dark: brand.accent.shades(Scheme::Dark),
        says: &written.says,
        link: written.link.as_ref(),
        facts: &written.facts,
        then: &written.then,
        sender: words.filled("mail-notice-sender", "title", &brand.title),
    };
    // Rendering into a string fails only if a template itself says so, and none does.
    let text = NoticeText { parts: &parts }.render().unwrap_or_default();
    let html = NoticeHtml { parts: &parts }.render().unwrap_or_default();
    Message { to: to.to_owned(), text: text.trim_start().to_owned(), html, subject: written.subject }
}

/// A mail in its reader's language.
#[derive(Default)]
struct Written {
    subject: String,
    /// Paragraphs before the link.
    says: Vec<String>,
    link: Option<Link>,
    /// Labels and values.
    facts: Vec<(String, String)>,
    /// Paragraphs at the end.
    then: Vec<String>,
}

struct Link {
    text: String,
    address: String,
}

impl Written {
    fn of(words: &Words, title: &str, notice: &Notice<'_>) -> Self {
        let site = |name| words.filled(name, "title", title);
        let whose = |name, username: &str| {
            words.with(name, &[("title", Value::from(title)), ("username", username.into())])
        };
        let link = |name, address: &String| Some(Link { text: words.text(name), address: address.clone() });
        match notice {
            Notice::Waiting { name, username, email, page } => Self {
                subject: site("mail-waiting-subject"),
                says: vec![site("mail-waiting")],
                link: page.as_ref().and_then(|page| link("mail-waiting-link", page)),
                facts: applicant(words, [name, username, email]),
                then: vec![words.text("mail-waiting-then")],
            },
            Notice::Approved { username, reason, page } => Self {
                subject: site("mail-approved-subject"),
                says: with_reason(words, whose("mail-approved", username), *reason),
                link: link("mail-approved-link", page),
                ..Self::default()
            },
            Notice::Rejected { reason } => Self {
                subject: site("mail-rejected-subject"),
                says: with_reason(words, site("mail-rejected"), *reason),
                ..Self::default()
            },
            Notice::Known { page, reset, occasion } => Self {
                subject: site("mail-known-subject"),
                says: vec![site("mail-known")],
                link: link("mail-known-link", page),
                facts: from(words, occasion),
                then: if_known(words, reset.as_deref()),
            },
            Notice::KnownPending { occasion } => {
                Self::asked(site("mail-known-pending"), words, title, occasion)
            }
            Notice::KnownBarred { occasion } => {
                Self::asked(site("mail-known-barred"), words, title, occasion)
            }
            Notice::Retired { occasion } => Self::asked(site("mail-retired"), words, title, occasion),
            Notice::Reset { username, page, minutes, occasion } => Self {
                subject: site("mail-reset-subject"),
                says: vec![whose("mail-reset", username), valid(words, *minutes)],
                link: link("mail-reset-link", page),
                facts: from(words, occasion),
                then: vec![words.text("mail-reset-not-you")],
            },
            Notice::ResetElsewhere { username, occasion } => Self {
                subject: site("mail-reset-subject"),
                says: vec![whose("mail-reset", username), words.text("mail-reset-elsewhere")],
                facts: from(words, occasion),
                then: vec![words.text("mail-asked-not-you")],
                ..Self::default()
            },
            Notice::ResetByAdministrator { username, page, minutes } => Self {
                subject: site("mail-reset-subject"),
                says: vec![whose("mail-reset-administrator", username), valid(words, *minutes)],
                link: link("mail-reset-link", page),
                ..Self::default()
            },
            Notice::Invited { username, page, hours, again } => Self {
                subject: site("mail-invited-subject"),
                says: vec![
                    whose("mail-invited", username),
                    words.with("mail-invited-valid", &[("hours", (*hours).into())]),
                ],
                link: link("mail-invited-link", page),
                then: vec![words.filled("mail-invited-again", "page", again)],
                ..Self::default()
            },
            Notice::PasswordChanged { username, reset, occasion } => Self {
                subject: site("mail-password-subject"),
                says: vec![whose("mail-password", username)],
                facts: from(words, occasion),
                then: vec![words.filled("mail-password-not-you", "page", reset)],
                ..Self::default()
            },
            Notice::AddressChanged { username, to, occasion } => Self {
                subject: site("mail-address-subject"),
                says: vec![changed_address(words, title, username, to)],
                facts: from(words, occasion),
                then: vec![words.text("mail-address-not-you")],
                ..Self::default()
            },
            Notice::AddressWanted => Self {
                subject: site("mail-wanted-subject"),
                says: vec![site("mail-wanted")],
                then: vec![words.text("mail-wanted-then")],
                ..Self::default()
            },
            Notice::NewDevice { username, reset, occasion } => Self {
                subject: site("mail-device-subject"),
                says: vec![whose("mail-device", username)],
                facts: from(words, occasion),
                then: vec![match reset {
                    Some(reset) => words.filled("mail-device-not-you", "page", reset),
                    None => words.text("mail-device-not-you-ask"),
                }],
                ..Self::default()
            },
        }
    }

    /// To who asked for an account, and cannot have one.
    fn asked(says: String, words: &Words, title: &str, occasion: &Occasion) -> Self {
        Self {
            subject: words.filled("mail-known-subject", "title", title),
            says: vec![says],
            facts: from(words, occasion),
            then: vec![words.text("mail-asked-not-you")],
            ..Self::default()
        }
    }
}

fn changed_address(words: &Words, title: &str, username: &str, to: &str) -> String {
    let to = mask_address(to);
    words.with(
        "mail-address",
        &[("title", title.into()), ("username", username.into()), ("address", to.into())],
    )
}

fn applicant(words: &Words, [name, username, email]: [&str; 3]) -> Vec<(String, String)> {
    vec![
        (words.text("mail-waiting-name"), name.to_owned()),
        (words.text("mail-waiting-username"), username.to_owned()),
        (words.text("mail-waiting-email"), email.to_owned()),
    ]
}

fn with_reason(words: &Words, decision: String, reason: Option<&str>) -> Vec<String> {
    let reason = reason.map(|reason| words.filled("mail-decision-reason", "reason", reason));
    [Some(decision), reason].into_iter().flatten().collect()
}

fn if_known(words: &Words, reset: Option<&str>) -> Vec<String> {
    let reset = reset.map(|reset| words.filled("mail-known-reset", "page", reset));
    reset.into_iter().chain([words.text("mail-asked-not-you")]).collect()
}

fn valid(words: &Words, minutes: u64) -> String {
    words.with("mail-reset-valid", &[("minutes", minutes.into())])
}

fn from(words: &Words, occasion: &Occasion) -> Vec<(String, String)> {
    let time = (words.text("mail-code-time"), words.moment(occasion.at));
    let Some(address) = occasion.address else { return vec![time] };
    vec![
        (words.text("mail-code-browser"), occasion.browser.clone()),
        (words.text("mail-code-address"), address.to_canonical().to_string()),
        time,
    ]
}

struct Parts<'a> {
    language: &'a str,
    title: &'a str,
    subject: &'a str,
    light: Shades,
    dark: Shades,
    says: &'a [String],
    link: Option<&'a Link>,
    facts: &'a [(String, String)],
    then: &'a [String],
    sender: String,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "mail/templates/notice.txt", whitespace = "preserve")]
struct NoticeText<'a> {
    parts: &'a Parts<'a>,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "mail/templates/notice.html")]
struct NoticeHtml<'a> {
    parts: &'a Parts<'a>,
}

#[cfg(test)]
mod tests;
