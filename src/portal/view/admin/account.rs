//! One account: how it stands, what can be done to it, its sessions and devices, and what the trail says of it.

use askama::Template;

use super::super::kit::{Act, Cell, Column, Facts, Field, Form, Kind, Table, Weight};
use super::super::message::Messages;
use super::super::nav::Nav;
use super::super::{Frame, Page, Pages, page};
use super::{Desk, Link, Way, called, shown_name, status, trail_address};
use crate::account::database::Decision;
use crate::account::{Approval, Standing};
use crate::flow::device::KnownDevice;
use crate::flow::look::Looked;
use crate::session::SignOn;
use crate::words::{Value, Words};

#[derive(Clone, Copy)]
pub struct AccountView<'a> {
    pub desk: Desk<'a>,
    pub looked: &'a Looked,
    /// Whether it is the administrator's own: nobody decides over their own account.
    pub own: bool,
    /// What was typed, if a form came back; the form of the groups is otherwise filled with those of today.
    pub groups: Option<&'a str>,
    pub reason: &'a str,
    pub groups_problem: Option<&'a str>,
    pub reason_problem: Option<&'a str>,
}

impl Pages<'_> {
    pub fn admin_account(&self, view: &AccountView<'_>) -> Page {
        let (words, looked) = (self.words, view.looked);
        let (account, id) = (&looked.account, looked.account.id.as_str());
        let problem = view.desk.problem.or(view.groups_problem).or(view.reason_problem);
        let desk = Desk { problem, ..view.desk };
        let may = looked.entry.is_some() && !view.own;
        let groups = account.groups.join(", ");
        let ids = Ids::of(looked);
        let decided = looked.entry.as_ref().and_then(|entry| entry.decision.as_ref());
        page(&AccountPage {
            frame: self.frame(shown_name(account), problem.is_some()),
            nav: desk.nav,
            words,
            messages: &desk.messages(words),
            again: desk.again.filter(|_| !view.own),
            ways: desk.ways(words, Way::Accounts),
            heading: shown_name(account),
            notice: notice(view),
            facts: facts(words, looked, decided),
            acts: if view.own { Vec::new() } else { acts(words, view) },
            groups: (may && account.approval != Approval::Pending).then(|| groups_form(words, view, &groups)),
            approve: (may && account.approval == Approval::Pending)
                .then(|| approve_form(words, view, &groups)),
            reject: (may && account.approval != Approval::Rejected).then(|| reject_form(words, view)),
            delete: may.then(|| format!("/_vestibule/admin/delete?id={}", super::encoded(id))),
            sessions: sessions(words, looked, &ids),
            end_all: (!looked.sign_ons.is_empty()).then(|| Act {
                action: ACTION,
                hidden: vec![("id", id), ("do", "end-sessions")],
                label: "admin-end-sessions",
                of: "",
                confirm: Some((words.text("admin-end-sessions-ask"), "admin-end-sessions")),
            }),
            devices: devices(words, looked, &ids),
            lines: super::lines(words, looked.lines.iter(), &looked.names),
            trail: trail_address(id),
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/admin/account.html")]
struct AccountPage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    again: Option<&'a str>,
    ways: [Link; 3],
    heading: &'a str,
    notice: Option<&'static str>,
    facts: Facts<'a>,
    acts: Vec<Act<'a>>,
    groups: Option<Form<'a>>,
    approve: Option<Form<'a>>,
    reject: Option<Form<'a>>,
    delete: Option<String>,
    sessions: Table<'a>,
    end_all: Option<Act<'a>>,
    devices: Table<'a>,
    lines: Table<'a>,
    trail: String,
}

/// Where every form of the page posts to.
const ACTION: &str = "/_vestibule/admin/account";

/// The public ids of sessions and devices, which buttons hold.
struct Ids {
    sessions: Vec<String>,
    devices: Vec<String>,
}

impl Ids {
    fn of(looked: &Looked) -> Self {
        Self {
            sessions: looked.sign_ons.iter().map(SignOn::public_id).collect(),
            devices: looked.devices.iter().map(KnownDevice::public_id).collect(),
        }
    }
}

/// Why some of it cannot be changed here.
fn notice(view: &AccountView<'_>) -> Option<&'static str> {
    match (view.own, &view.looked.entry) {
        (true, _) => Some("admin-account-own"),
        (false, None) => Some("admin-account-file"),
        (false, Some(_)) => None,
    }
}

fn facts<'a>(words: &Words, looked: &'a Looked, decided: Option<&'a Decision>) -> Facts<'a> {
    let (account, entry) = (&looked.account, looked.entry.as_ref());
    let mut facts = vec![
        ("admin-username", Cell::Text(&account.username)),
        ("admin-name", Cell::Text(&account.name)),
        ("admin-email", Cell::Text(&account.email)),
    ];
    if let Some(verified) = entry.and_then(|entry| entry.email_verified) {
        facts.push(("admin-email-verified", Cell::Moment(verified)));
    }
    facts.push(("admin-status", Cell::Badge(status(account))));
    if let Some(Decision { at, by, reason }) = decided {
        let gaps = [
            ("who", Value::from(called(words, &looked.names, by))),
            ("when", Value::from(words.moment(*at))),
        ];
        facts.push(("admin-decision", Cell::Made(words.with("admin-decision-what", &gaps))));
        if let Some(reason) = reason {
            facts.push(("admin-reason", Cell::Text(reason)));
        }
    }
    facts.push(("admin-groups", Cell::Made(account.groups.join(", "))));
    for (name, value) in &account.attributes {
        facts.push(("admin-attribute", Cell::Made(format!("{name}: {value}"))));
    }
    if let Some(entry) = entry {
        facts.push(("admin-created", Cell::Moment(entry.created)));
        let never = || Cell::Made(words.text("admin-never"));
        facts.push(("admin-last-sign-in", entry.last_sign_in.map_or_else(never, Cell::Moment)));
    }
    facts.push(("admin-id", Cell::Text(account.id.as_str())));
    Facts(facts)
}

fn acts<'a>(words: &Words, view: &AccountView<'a>) -> Vec<Act<'a>> {
    let account = &view.looked.account;
    let username = account.username.as_str();
    let act = |what, label, ask: Option<&str>| Act {
        action: ACTION,
        hidden: vec![("id", account.id.as_str()), ("do", what)],
        label,
        of: username,
        confirm: ask.map(|ask| (words.filled(ask, "username", username), label)),
    };
    let mut acts = Vec::new();
    if view.looked.entry.is_some() {
        if account.approval == Approval::Rejected {
            acts.push(act("approve", "admin-approve", Some("admin-approve-ask")));
        }
        acts.push(if account.disabled {
            act("enable", "admin-enable", None)
        } else {
            act("disable", "admin-disable", Some("admin-disable-ask"))
        });
        // A link for who may not come in would be of no use.
        if account.standing() != Standing::Barred {
            acts.push(act("reset", "admin-reset", Some("admin-reset-ask")));
        }
    }
    acts.push(act("unlock", "admin-unlock", None));
    acts
}

fn groups_form<'a>(words: &Words, view: &AccountView<'a>, groups: &'a str) -> Form<'a> {
    let id = view.looked.account.id.as_str();
    Form {
        action: ACTION,
        fields: vec![groups_field(words, view, groups)],
        hidden: vec![("id", id), ("do", "groups")],
        submit: "admin-groups-submit",
        ..Form::default()
    }
}

fn groups_field<'a>(words: &Words, view: &AccountView<'a>, groups: &'a str) -> Field<'a> {
    Field::new("groups", "admin-groups", Kind::Text("off"), view.groups.unwrap_or(groups))
        .optional()
        .help(words.text("admin-groups-help"))
        .problem(view.groups_problem.map(str::to_owned))
}

fn approve_form<'a>(words: &Words, view: &AccountView<'a>, groups: &'a str) -> Form<'a> {
    let hidden = vec![("id", view.looked.account.id.as_str()), ("do", "approve")];
    let fields = vec![groups_field(words, view, groups)];
    Form { action: ACTION, fields, hidden, submit: "admin-approve", ..Form::default() }
}

fn reject_form<'a>(words: &Words, view: &AccountView<'a>) -> Form<'a> {
    let reason = Field::new("reason", "admin-reason", Kind::Area, view.reason)
        .optional()
        .help(words.text("admin-reason-help"))
        .problem(view.reason_problem.map(str::to_owned));
    let account = &view.looked.account;
    let hidden = vec![("id", account.id.as_str()), ("do", "reject")];
    // Of a request it is one of two answers; of an account that is in use it takes something away.
    let (weight, ask) = match account.approval {
        Approval::Pending => (Weight::Secondary, None),
        Approval::Approved | Approval::Rejected => {
            (Weight::Danger, Some(words.filled("admin-reject-ask", "username", &account.username)))
        }
    };
    let fields = vec![reason];
    Form { action: ACTION, fields, hidden, submit: "admin-reject", weight, ask, ..Form::default() }
}

fn sessions<'a>(words: &Words, looked: &'a Looked, ids: &'a Ids) -> Table<'a> {
    let row = |(sign_on, name): (&'a SignOn, &'a String)| {
        let end = Act {
            action: ACTION,
            hidden: vec![("id", looked.account.id.as_str()), ("do", "end-session"), ("session", name)],
            label: "admin-end-session",
            of: name,
            confirm: None,
        };
        vec![
            Cell::Made(sign_on.client.browser.in_words(words)),
            Cell::Made(sign_on.client.address.to_string()),
            Cell::Moment(sign_on.started),
            Cell::Moment(sign_on.last_seen),
            Cell::Text(&sign_on.client.host),
            Cell::Acts(vec![end]),
        ]
    };
    Table {
        caption: "admin-sessions-heading",
        columns: [
            "admin-browser",
            "admin-address",
            "admin-session-started",
            "admin-session-seen",
            "admin-session-host",
            "admin-actions",
        ]
        .map(Column::plain)
        .into(),
        rows: looked.sign_ons.iter().zip(&ids.sessions).map(row).collect(),
        none: "admin-sessions-none",
    }
}

fn devices<'a>(words: &Words, looked: &'a Looked, ids: &'a Ids) -> Table<'a> {
    let row = |(device, name): (&'a KnownDevice, &'a String)| {
        let forget = Act {
            action: ACTION,
            hidden: vec![("id", looked.account.id.as_str()), ("do", "forget-device"), ("device", name)],
            label: "admin-forget-device",
            of: name,
            confirm: None,
        };
        vec![
            Cell::Made(device.browser.in_words(words)),
            Cell::Made(device.address.to_string()),
            Cell::Moment(device.first_seen),
            Cell::Moment(device.last_seen),
            Cell::Acts(vec![forget]),
        ]
    };
    Table {
        caption: "admin-devices-heading",
        columns: [
            "admin-browser",
            "admin-address",
            "admin-device-first",
            "admin-session-seen",
            "admin-actions",
        ]
        .map(Column::plain)
        .into(),
        rows: looked.devices.iter().zip(&ids.devices).map(row).collect(),
        none: "admin-devices-none",
    }
}
