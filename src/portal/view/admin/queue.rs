//! Who waits for a decision.

use askama::Template;

use super::super::kit::{Cell, Column, Field, Kind, Pager, Table};
use super::super::message::Messages;
use super::super::nav::Nav;
use super::super::{Frame, Page, Pages, page};
use super::{Desk, Link, Way, account_address, shown_name, why};
use crate::account::database::Entry;
use crate::flow::administer::AdministerError;
use crate::flow::look::Names;
use crate::words::Words;

/// Who waits, and a form that decides over several at once.
#[derive(Clone, Copy)]
pub struct QueueView<'a> {
    pub desk: Desk<'a>,
    pub waiting: &'a [Entry],
    /// The ids of those who were picked.
    pub picked: &'a [String],
    /// What was typed.
    pub groups: &'a str,
    pub reason: &'a str,
    /// What is wrong with either.
    pub groups_problem: Option<&'a str>,
    pub reason_problem: Option<&'a str>,
    /// What came of each, where not everything could be done.
    pub outcomes: &'a [Outcome],
    pub names: &'a Names,
    /// The address of the same page with all of them picked, unless they are.
    pub all: Option<&'a str>,
    /// The address of the first page, and of the next.
    pub first: Option<&'a str>,
    pub next: Option<&'a str>,
}

/// What came of a decision over one account.
pub struct Outcome {
    /// The username, or what stood in the form.
    pub username: String,
    /// `None`: it was done.
    pub error: Option<AdministerError>,
}

impl Pages<'_> {
    pub fn admin_queue(&self, view: &QueueView<'_>) -> Page {
        let words = self.words;
        let problem = view.desk.problem.or(view.groups_problem).or(view.reason_problem);
        let desk = Desk { problem, ..view.desk };
        let field = |name, label, kind, value, problem: Option<&str>| {
            Field::new(name, label, kind, value).optional().problem(problem.map(str::to_owned))
        };
        page(&QueuePage {
            frame: self.frame(&words.text("admin-queue-heading"), problem.is_some()),
            nav: desk.nav,
            words,
            messages: &desk.messages(words),
            again: desk.again,
            ways: desk.ways(words, Way::Queue),
            outcomes: (!view.outcomes.is_empty()).then(|| outcomes(words, view)),
            table: waiting(view),
            all: view.all,
            groups: field("groups", "admin-groups", Kind::Text("off"), view.groups, view.groups_problem)
                .help(words.text("admin-groups-help")),
            reason: field("reason", "admin-reason", Kind::Area, view.reason, view.reason_problem)
                .help(words.text("admin-reason-help")),
            pager: Pager { previous: view.first, next: view.next, shown: None },
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/admin/queue.html")]
struct QueuePage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    again: Option<&'a str>,
    ways: [Link; 3],
    outcomes: Option<Table<'a>>,
    table: Table<'a>,
    all: Option<&'a str>,
    groups: Field<'a>,
    reason: Field<'a>,
    pager: Pager<'a>,
}

fn waiting<'a>(view: &QueueView<'a>) -> Table<'a> {
    let row = |entry: &'a Entry| {
        let (account, id) = (&entry.account, entry.account.id.as_str());
        vec![
            Cell::Link { text: shown_name(account), address: account_address(id) },
            Cell::Text(&account.username),
            Cell::Text(&account.email),
            Cell::Moment(entry.created),
            Cell::Pick {
                name: "account",
                value: id,
                of: &account.username,
                picked: view.picked.iter().any(|picked| picked == id),
            },
        ]
    };
    Table {
        caption: "admin-queue-heading",
        columns: ["admin-name", "admin-username", "admin-email", "admin-since", "admin-pick"]
            .map(Column::plain)
            .into(),
        rows: view.waiting.iter().map(row).collect(),
        none: "admin-queue-none",
    }
}

fn outcomes<'a>(words: &Words, view: &QueueView<'a>) -> Table<'a> {
    let row = |outcome: &'a Outcome| {
        let what = match &outcome.error {
            None => words.text("admin-outcome-done"),
            Some(error) => why(words, error, view.names),
        };
        vec![Cell::Text(&outcome.username), Cell::Made(what)]
    };
    Table {
        caption: "admin-outcome-heading",
        columns: ["admin-username", "admin-outcome"].map(Column::plain).into(),
        rows: view.outcomes.iter().map(row).collect(),
        none: "admin-queue-none",
    }
}
