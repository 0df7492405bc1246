//! The administration pages: who waits, the accounts, one account, the audit trail. What they have in common: start
//! from [`Desk`].

mod account;
mod accounts;
mod delete;
mod queue;
mod trail;

pub use account::AccountView;
pub use accounts::{AccountsView, Show};
pub use delete::DeleteView;
pub use queue::{Outcome, QueueView};
pub use trail::{Sought, TrailView};

use super::kit::{Badge, Cell, Column, Table, Tone};
use super::message::{Messages, Note};
use super::nav::Nav;
use crate::account::database::{Decision, Line, Named};
use crate::account::{Account, Approval};
use crate::flow::administer::AdministerError;
use crate::flow::by::COMMAND_LINE;
use crate::flow::look::Names;
use crate::words::{Value, Words};

/// What stands on every page of administration.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub nav: Nav<'a>,
    /// How many wait for a decision.
    pub waiting: u64,
    /// Where to sign in again, if what was proved is too old for a change.
    pub again: Option<&'a str>,
    pub note: Option<Note>,
    pub problem: Option<&'a str>,
}

/// The pages that administration consists of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Queue,
    Accounts,
    Trail,
}

/// A way to one of them: text, address, whether it leads here.
type Link = (String, &'static str, bool);

impl Desk<'_> {
    fn ways(&self, words: &Words, here: Way) -> [Link; 3] {
        [
            (
                words.with("admin-way-queue", &[("count", self.waiting.into())]),
                "/_vestibule/admin",
                here == Way::Queue,
            ),
            (words.text("admin-way-accounts"), "/_vestibule/admin/accounts", here == Way::Accounts),
            (words.text("admin-way-trail"), "/_vestibule/admin/trail", here == Way::Trail),
        ]
    }

    fn messages(&self, words: &Words) -> Messages {
        Messages::said(words, self.problem, self.note)
    }
}

/// The address of an account's page.
pub fn account_address(id: &str) -> String {
    format!("/_vestibule/admin/account?id={}", encoded(id))
}

/// The address of what the trail says of an account.
fn trail_address(id: &str) -> String {
    format!("/_vestibule/admin/trail?account={}", encoded(id))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// How an account stands, in a word.
fn status(account: &Account) -> Badge {
    let (text, tone) = match (account.approval, account.disabled) {
        (Approval::Rejected, _) => ("admin-status-rejected", Tone::Bad),
        (_, true) => ("admin-status-disabled", Tone::Bad),
        (Approval::Pending, _) => ("admin-status-pending", Tone::Waiting),
        (Approval::Approved, _) => ("admin-status-approved", Tone::Good),
    };
    Badge { text, tone }
}

/// What to call an account in a row of its own.
fn shown_name(account: &Account) -> &str {
    if account.name.is_empty() { &account.username } else { &account.name }
}

/// Why it was not done, or not wholly, for the administrator who wanted it.
pub fn why(words: &Words, error: &AdministerError, names: &Names) -> String {
    match error {
        AdministerError::Decided(approval, Some(Decision { at, by, .. })) => {
            let gaps = [("who", Value::from(called(words, names, by))), ("when", words.moment(*at).into())];
            match approval {
                Approval::Rejected => words.with("admin-why-rejected", &gaps),
                Approval::Approved | Approval::Pending => words.with("admin-why-approved", &gaps),
            }
        }
        AdministerError::Decided(..) => words.text("admin-why-decided"),
        AdministerError::Barred(_) => words.text("admin-why-barred"),
        AdministerError::Yourself => words.text("admin-why-yourself"),
        AdministerError::InFile(_) | AdministerError::NoDatabase => words.text("admin-why-file"),
        AdministerError::NotTold(_) => words.text("admin-why-not-told"),
        AdministerError::Unknown(_) | AdministerError::Taken(_) | AdministerError::Flow(_) => {
            words.text("admin-why-gone")
        }
    }
}

/// What somebody is called who did something: a name, or what the trail says.
fn called(words: &Words, names: &Names, id: &str) -> String {
    match names.of(id) {
        Some(Named { username, deleted: true }) => words.filled("admin-deleted", "name", username),
        Some(Named { username, deleted: false }) => username.clone(),
        None if id == COMMAND_LINE => words.text("admin-by-command-line"),
        None => id.to_owned(),
    }
}

/// Somebody in the trail, with a link to what it says of them.
fn somebody<'a>(words: &Words, names: &'a Names, id: Option<&'a str>) -> Cell<'a> {
    match id.map(|id| (id, names.of(id))) {
        None => Cell::Empty,
        Some((id, Some(Named { username, deleted: false }))) => {
            Cell::Link { text: username, address: trail_address(id) }
        }
        Some((COMMAND_LINE, _)) => Cell::Made(words.text("admin-command-line")),
        Some((id, _)) => Cell::Made(called(words, names, id)),
    }
}

/// Lines of the trail. The time is the log's, for programs to the millisecond, so that both can be laid side by side.
fn lines<'a>(words: &Words, lines: impl Iterator<Item = &'a Line>, names: &'a Names) -> Table<'a> {
    let row = |line: &'a Line| {
        let event = Cell::Link {
            text: &line.event,
            address: format!("/_vestibule/admin/trail?event={}", encoded(&line.event)),
        };
        vec![
            Cell::Instant(line.at),
            event,
            somebody(words, names, line.by.as_deref()),
            somebody(words, names, line.account.as_deref()),
            text(line.detail.as_deref()),
            text(line.address.as_deref()),
            text(line.request_id.as_deref()),
        ]
    };
    Table {
        caption: "admin-way-trail",
        columns: [
            "admin-trail-when",
            "admin-trail-event",
            "admin-trail-by",
            "admin-trail-account",
            "admin-trail-detail",
            "admin-address",
            "admin-trail-request",
        ]
        .map(Column::plain)
        .into(),
        rows: lines.map(row).collect(),
        none: "admin-trail-none",
    }
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, Cell::Text)
}
