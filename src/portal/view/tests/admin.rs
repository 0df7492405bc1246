//! The administration pages in each of their states.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::super::admin::{
    AccountView, AccountsView, DeleteView, Desk, Outcome, QueueView, Show, Sought, TrailView,
};
use super::super::{Nav, Note, Page, Pages, Section};
use crate::account::database::{Decision, Entry, Line, Named, New};
use crate::account::{Account, Approval};
use crate::browser::BrowserName;
use crate::clock::Timestamp;
use crate::flow::administer::AdministerError;
use crate::flow::device::KnownDevice;
use crate::flow::look::{Looked, Names};
use crate::session::{Client, SignOn};
use crate::subject::{AccountId, Proofs};

const MOMENT: Timestamp = Timestamp::from_millis(1_795_344_300_000);
const AGAIN: &str = "/_vestibule/login?rd=%2F_vestibule%2Fadmin&confirm=1";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const SECTIONS: [Section; 3] = [Section::Apps, Section::Account, Section::Admin];

/// Every state that looks different, with the name of its snapshot.
pub fn gallery(show: Pages<'_>) -> Vec<(String, Page)> {
    let mut pages = queue(show);
    pages.extend(accounts(show));
    pages.extend(account(show));
    pages.extend(trail(show));
    pages
}

/// `text` stands wherever something can be filled in.
pub fn filled_with(show: Pages<'_>, text: &str) -> Vec<Page> {
    let entries = [entry(text, Approval::Pending, false)];
    let outcomes = [already(text), Outcome { username: text.into(), error: None }];
    let looked = looked(entry(text, Approval::Pending, false), text);
    let names = names(text);
    let lines = [(7, line(text))];
    let desk = Desk { again: Some(text), problem: Some(text), ..desk(text) };
    let sought = Sought { account: text, event: text, since: text, until: text, ..Sought::default() };
    vec![
        show.admin_queue(&QueueView {
            groups: text,
            reason: text,
            picked: &[text.to_owned()],
            all: Some(text),
            outcomes: &outcomes,
            first: Some(text),
            next: Some(text),
            ..waiting(desk, &entries, &names)
        }),
        show.admin_accounts(&AccountsView {
            in_a_file: Some(&entries[0].account),
            search: text,
            group: Some(text),
            ways: &[(Show::All, text.to_owned())],
            all_groups: text,
            previous: Some(text),
            next: Some(text),
            ..listed(desk, &entries)
        }),
        show.admin_account(&AccountView { groups: Some(text), reason: text, ..one(desk, &looked) }),
        show.admin_delete(&DeleteView { desk, account: &looked.account }),
        show.admin_trail(&TrailView {
            desk,
            sought,
            lines: &lines,
            names: &names,
            newest: Some(text),
            older: Some(text),
        }),
    ]
}

fn queue(show: Pages<'_>) -> Vec<(String, Page)> {
    let entries = [entry("erin", Approval::Pending, false), entry("frank", Approval::Pending, false)];
    let (names, desk) = (names("carol"), desk("Alice Example"));
    let usual = waiting(desk, &entries, &names);
    let outcomes = [
        already("grace"),
        Outcome { username: "heidi".into(), error: Some(AdministerError::Unknown("heidi".into())) },
        Outcome { username: "ivan".into(), error: None },
    ];
    let none = Desk { waiting: 0, note: Some(Note::AccountsApproved), ..desk };
    vec![
        (
            "admin-queue".into(),
            show.admin_queue(&QueueView { all: Some("?pick=all"), next: Some("?after=1"), ..usual }),
        ),
        (
            "admin-queue-long-ago".into(),
            show.admin_queue(&QueueView { desk: Desk { again: Some(AGAIN), ..desk }, ..usual }),
        ),
        ("admin-queue-outcomes".into(), show.admin_queue(&QueueView { outcomes: &outcomes, ..usual })),
        (
            "admin-queue-refused".into(),
            show.admin_queue(&QueueView {
                picked: &[entries[1].account.id.to_string()],
                groups: "ops,,",
                groups_problem: Some("Separate the names of groups by commas."),
                ..usual
            }),
        ),
        ("admin-queue-none".into(), show.admin_queue(&waiting(none, &[], &names))),
    ]
}

fn accounts(show: Pages<'_>) -> Vec<(String, Page)> {
    let entries = [
        entry("erin", Approval::Pending, false),
        entry("frank", Approval::Approved, false),
        entry("grace", Approval::Rejected, false),
        entry("heidi", Approval::Approved, true),
    ];
    let (desk, ways) =
        (desk("Alice Example"), Show::ALL.map(|show| (show, format!("?show={}", show.word()))));
    let usual = AccountsView { ways: &ways, ..listed(desk, &entries) };
    let mut in_a_file = entry("mallory", Approval::Approved, false).account;
    in_a_file.id = AccountId::new("file", "mallory");
    vec![
        (
            "admin-accounts".into(),
            show.admin_accounts(&AccountsView {
                total: 100_000,
                previous: Some("?before=erin"),
                next: Some("?after=heidi"),
                ..usual
            }),
        ),
        (
            "admin-accounts-found".into(),
            show.admin_accounts(&AccountsView {
                accounts: &[],
                in_a_file: Some(&in_a_file),
                search: "mallory",
                show: Show::Approved,
                group: Some("ops"),
                total: 0,
                ..usual
            }),
        ),
        (
            "admin-accounts-none".into(),
            show.admin_accounts(&AccountsView { accounts: &[], search: "nobody", total: 0, ..usual }),
        ),
        ("admin-delete".into(), show.admin_delete(&DeleteView { desk, account: &entries[1].account })),
    ]
}

fn account(show: Pages<'_>) -> Vec<(String, Page)> {
    let desk = desk("Alice Example");
    let page = |name: &str, approval, disabled, change: &dyn Fn(&mut Looked)| {
        let mut looked = looked(entry("erin", approval, disabled), FIREFOX);
        change(&mut looked);
        (format!("admin-account{name}"), show.admin_account(&one(desk, &looked)))
    };
    let own = looked(entry("alice", Approval::Approved, false), FIREFOX);
    let refused = looked(entry("erin", Approval::Approved, false), FIREFOX);
    vec![
        page("", Approval::Approved, false, &|_| {}),
        page("-pending", Approval::Pending, false, &|looked| {
            looked.sign_ons.clear();
            looked.devices.clear();
            looked.lines.clear();
        }),
        page("-rejected", Approval::Rejected, false, &|_| {}),
        page("-disabled", Approval::Approved, true, &|_| {}),
        page("-in-file", Approval::Approved, false, &|looked| looked.entry = None),
        ("admin-account-own".into(), show.admin_account(&AccountView { own: true, ..one(desk, &own) })),
        (
            "admin-account-refused".into(),
            show.admin_account(&AccountView {
                groups: Some("ops,,"),
                groups_problem: Some("Separate the names of groups by commas."),
                ..one(Desk { again: Some(AGAIN), ..desk }, &refused)
            }),
        ),
    ]
}

fn trail(show: Pages<'_>) -> Vec<(String, Page)> {
    let (names, desk) = (names("carol"), desk("Alice Example"));
    let lines = [(7, line(FIREFOX)), (6, Line { by: Some("command line".into()), ..line("ops") })];
    let usual = TrailView {
        desk,
        sought: Sought::default(),
        lines: &lines,
        names: &names,
        newest: None,
        older: None,
    };
    let sought = Sought { account: "nobody", unknown: true, since: "2026-11-22", ..Sought::default() };
    vec![
        ("admin-trail".into(), show.admin_trail(&TrailView { older: Some("?before=6"), ..usual })),
        ("admin-trail-unknown".into(), show.admin_trail(&TrailView { sought, lines: &[], ..usual })),
    ]
}

fn desk(who: &str) -> Desk<'_> {
    let nav = Nav { here: Section::Admin, sections: &SECTIONS, who };
    Desk { nav, waiting: 2, again: None, note: None, problem: None }
}

fn waiting<'a>(desk: Desk<'a>, waiting: &'a [Entry], names: &'a Names) -> QueueView<'a> {
    QueueView {
        desk,
        waiting,
        picked: &[],
        groups: "",
        reason: "",
        groups_problem: None,
        reason_problem: None,
        outcomes: &[],
        names,
        all: None,
        first: None,
        next: None,
    }
}

fn listed<'a>(desk: Desk<'a>, accounts: &'a [Entry]) -> AccountsView<'a> {
    AccountsView {
        desk,
        accounts,
        in_a_file: None,
        total: accounts.len() as u64,
        search: "",
        show: Show::All,
        group: None,
        ways: &[],
        all_groups: "/_vestibule/admin/accounts",
        previous: None,
        next: None,
    }
}

fn one<'a>(desk: Desk<'a>, looked: &'a Looked) -> AccountView<'a> {
    AccountView {
        desk,
        looked,
        own: false,
        groups: None,
        reason: "",
        groups_problem: None,
        reason_problem: None,
    }
}

fn entry(username: &str, approval: Approval, disabled: bool) -> Entry {
    let reason = (approval == Approval::Rejected).then(|| "Not known to us".to_owned());
    let decision = Decision { at: MOMENT, by: "database:carol".into(), reason };
    let mut entry = Entry::new(
        New {
            username: username.into(),
            email: format!("{username}@example.com"),
            name: username.into(),
            groups: vec!["ops".into(), username.into()],
            attributes: [("phone".to_owned(), username.to_owned())].into(),
            approval,
            decision: (approval != Approval::Pending).then_some(decision),
            disabled,
            email_verified: Some(MOMENT),
            password: None,
            language: None,
        },
        MOMENT,
    );
    entry.account.id = AccountId::new("database", username);
    entry.last_sign_in = (approval == Approval::Approved).then_some(MOMENT);
    entry
}

fn looked(entry: Entry, user_agent: &str) -> Looked {
    let account: Account = entry.account.clone();
    let (address, browser) = (IpAddr::from(Ipv4Addr::new(203, 0, 113, 7)), BrowserName::of(user_agent));
    let client = Client { address, browser: browser.clone(), host: "auth.example.com".into(), device: None };
    Looked {
        sign_ons: vec![SignOn {
            id: [7; 32],
            account: account.id.clone(),
            proofs: Proofs { password: MOMENT, email_code: Some(MOMENT) },
            remember: false,
            started: MOMENT,
            last_seen: MOMENT,
            ends: MOMENT,
            client,
        }],
        devices: vec![KnownDevice { id: [9; 32], first_seen: MOMENT, last_seen: MOMENT, address, browser }],
        lines: vec![line("password")],
        names: names("carol"),
        account: Arc::new(account),
        entry: Some(entry),
    }
}

/// Of `erin`, who is no more, and of `carol`.
fn names(carol: &str) -> Names {
    let named = |username: &str, deleted| Named { username: username.to_owned(), deleted };
    Names::new([
        (AccountId::new("database", "carol"), named(carol, false)),
        (AccountId::new("database", "erin"), named("erin", true)),
    ])
}

fn line(detail: &str) -> Line {
    Line {
        at: MOMENT,
        event: "approved".into(),
        by: Some("database:carol".into()),
        account: Some("database:erin".into()),
        address: Some("203.0.113.7".into()),
        request_id: Some("0192f0c1a2b34c5d6e7f8091a2b3c4d5".into()),
        detail: Some(detail.into()),
    }
}

fn already(username: &str) -> Outcome {
    let decision = Decision { at: MOMENT, by: "database:carol".into(), reason: None };
    let error = AdministerError::Decided(Approval::Approved, Some(decision));
    Outcome { username: username.into(), error: Some(error) }
}
