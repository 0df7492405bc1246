//! The accounts: searched, filtered, page by page.

use askama::Template;

use super::super::kit::{Badge, Cell, Column, Filters, Pager, Search, Table, Tone};
use super::super::message::Messages;
use super::super::nav::Nav;
use super::super::{Frame, Page, Pages, page};
use super::{Desk, Link, Way, account_address, shown_name, status};
use crate::account::Account;
use crate::account::database::Entry;
use crate::words::Words;

#[derive(Clone, Copy)]
pub struct AccountsView<'a> {
    pub desk: Desk<'a>,
    pub accounts: &'a [Entry],
    /// One that stands in a file, and is called what was searched for.
    pub in_a_file: Option<&'a Account>,
    /// How many match.
    pub total: u64,
    /// What was searched for.
    pub search: &'a str,
    pub show: Show,
    /// The members of one group alone.
    pub group: Option<&'a str>,
    /// The same list with another of [`Show::ALL`], and without the group.
    pub ways: &'a [(Show, String)],
    pub all_groups: &'a str,
    pub previous: Option<&'a str>,
    pub next: Option<&'a str>,
}

/// Which accounts the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    #[default]
    All,
    Pending,
    Approved,
    Rejected,
    Disabled,
}

impl Show {
    pub const ALL: [Self; 5] = [Self::All, Self::Pending, Self::Approved, Self::Rejected, Self::Disabled];

    /// As it stands in an address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Disabled => "disabled",
        }
    }

    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|show| show.word() == word).unwrap_or_default()
    }

    const fn text(self) -> &'static str {
        match self {
            Self::All => "admin-show-all",
            Self::Pending => "admin-show-pending",
            Self::Approved => "admin-show-approved",
            Self::Rejected => "admin-show-rejected",
            Self::Disabled => "admin-show-disabled",
        }
    }
}

impl Pages<'_> {
    pub fn admin_accounts(&self, view: &AccountsView<'_>) -> Page {
        let (words, desk) = (self.words, &view.desk);
        let hidden = [("show", view.show.word()), ("group", view.group.unwrap_or_default())];
        page(&AccountsPage {
            frame: self.frame(&words.text("admin-accounts-heading"), desk.problem.is_some()),
            nav: desk.nav,
            words,
            messages: &desk.messages(words),
            again: None,
            ways: desk.ways(words, Way::Accounts),
            search: Search {
                action: "/_vestibule/admin/accounts",
                label: "admin-search",
                name: "search",
                query: view.search,
                hidden: hidden.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            },
            filters: Filters {
                label: "admin-show",
                ways: view
                    .ways
                    .iter()
                    .map(|(show, address)| (show.text(), address.as_str(), *show == view.show))
                    .collect(),
            },
            count: words.with("admin-accounts-count", &[("count", view.total.into())]),
            table: accounts(words, view),
            pager: Pager { previous: view.previous, next: view.next, shown: None },
            view,
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/admin/accounts.html")]
struct AccountsPage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    again: Option<&'a str>,
    ways: [Link; 3],
    search: Search<'a>,
    filters: Filters<'a>,
    count: String,
    table: Table<'a>,
    pager: Pager<'a>,
    view: &'a AccountsView<'a>,
}

fn accounts<'a>(words: &Words, view: &AccountsView<'a>) -> Table<'a> {
    let never = || Cell::Made(words.text("admin-never"));
    let row = |account: &'a Account, last| {
        vec![
            Cell::Link { text: &account.username, address: account_address(account.id.as_str()) },
            Cell::Text(shown_name(account)),
            Cell::Text(&account.email),
            Cell::Made(account.groups.join(", ")),
            Cell::Badge(status(account)),
            last,
        ]
    };
    let file = Badge { text: "admin-status-file", tone: Tone::Plain };
    let in_a_file = view.in_a_file.map(|account| row(account, Cell::Badge(file)));
    let ours = view
        .accounts
        .iter()
        .map(|entry| row(&entry.account, entry.last_sign_in.map_or_else(never, Cell::Moment)));
    Table {
        caption: "admin-accounts-heading",
        columns: [
            "admin-username",
            "admin-name",
            "admin-email",
            "admin-groups",
            "admin-status",
            "admin-last-sign-in",
        ]
        .map(Column::plain)
        .into(),
        rows: in_a_file.into_iter().chain(ours).collect(),
        none: "admin-accounts-none",
    }
}
