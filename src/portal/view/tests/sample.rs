//! A page with every part of the kit once.

use askama::Template;

use super::super::kit::{
    Act, Badge, Cell, Column, Facts, Field, Filters, Form, Kind, Pager, Search, Sorted, Table, Tone,
};
use super::super::message::{Messages, Note};
use super::super::{Frame, Nav, Page, Pages, Section, page};
use crate::clock::Timestamp;
use crate::words::Words;

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/kit/sample.html")]
struct Sample<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    form: Form<'a>,
    search: Search<'a>,
    filters: Filters<'a>,
    table: Table<'a>,
    picks: Table<'a>,
    pager: Pager<'a>,
    facts: Facts<'a>,
}

/// `text` stands wherever something can be filled in.
pub fn sample(pages: Pages<'_>, text: &str, refused: bool) -> Page {
    let words = pages.words;
    let form = form(text, refused);
    let messages = Messages::new(words, None, (!refused).then_some(Note::SentAgain));
    let nav =
        Nav { here: Section::Admin, sections: &[Section::Apps, Section::Account, Section::Admin], who: text };
    page(&Sample {
        frame: pages.frame(&words.text("nav-admin"), form.is_refused()),
        nav,
        words,
        messages: &messages,
        form,
        search: Search {
            action: "/_vestibule/admin",
            label: "login-username",
            name: "search",
            query: text,
            hidden: vec![("sort", text)],
        },
        filters: Filters {
            label: "nav-apps",
            ways: vec![("nav-apps", "?show=apps", true), ("nav-account", text, false)],
        },
        table: table(text),
        picks: picks(text),
        pager: Pager { previous: Some("?page=1"), next: Some(text), shown: Some((51, 100, 100_000)) },
        facts: Facts(vec![
            ("login-username", Cell::Text(text)),
            ("mail-code-time", Cell::Moment(MOMENT)),
            ("verify-code", Cell::Badge(Badge { text: "nav-apps", tone: Tone::Plain })),
        ]),
    })
}

const MOMENT: Timestamp = Timestamp::from_millis(1_795_344_300_000);

fn form(text: &str, refused: bool) -> Form<'_> {
    let wrong = |problem: &str| refused.then(|| format!("{problem}: {text}"));
    let ways = vec![("de", "Deutsch".into()), (text, text.to_owned())];
    Form {
        action: "/_vestibule/account",
        fields: vec![
            Field::new("name", "login-username", Kind::Text("name"), text).optional(),
            Field::new("email", "mail-code-address", Kind::Email, text).problem(wrong("No address")),
            Field::new("present", "login-password", Kind::Password("current-password"), "")
                .help(format!("Help for {text}"))
                .problem(wrong("Too short")),
            Field::new("reason", "verify-code", Kind::Area, text).help("Why?".into()),
            Field::new("language", "nav-label", Kind::Choice(ways), text),
            Field::new("remember", "login-remember", Kind::Check, "on").optional(),
        ],
        hidden: vec![("revision", text)],
        whose: Some(text),
        submit: "verify-submit",
        ..Form::default()
    }
}

fn table(text: &str) -> Table<'_> {
    let act = |confirm| Act {
        action: "/_vestibule/admin/x",
        hidden: vec![("id", text)],
        label: "apps-heading",
        of: text,
        confirm,
    };
    let row = |badge, tone, acts| {
        vec![
            Cell::Link { text, address: format!("/_vestibule/admin/{text}") },
            Cell::Badge(Badge { text: badge, tone }),
            Cell::Number(1_234_567),
            Cell::Moment(MOMENT),
            acts,
        ]
    };
    let asks = Some((format!("{text}?"), "logout-submit"));
    Table {
        caption: "apps-heading",
        columns: vec![
            Column::sortable("login-username", "?sort=name", Sorted::Up),
            Column::sortable("verify-code", text, Sorted::No),
            Column::plain("mail-code-browser"),
            Column::sortable("mail-code-time", "?sort=-time", Sorted::Down),
            Column::plain("nav-account"),
        ],
        rows: vec![
            row("nav-apps", Tone::Good, Cell::Acts(vec![act(None), act(asks)])),
            row("nav-account", Tone::Waiting, Cell::Empty),
            row("nav-admin", Tone::Bad, Cell::Empty),
        ],
        none: "apps-none",
    }
}

fn picks(text: &str) -> Table<'_> {
    Table {
        caption: "nav-apps",
        columns: vec![Column::plain("login-username"), Column::plain("verify-code")],
        rows: vec![vec![
            Cell::Text(text),
            Cell::Pick { name: "account", value: text, of: text, picked: true },
        ]],
        none: "apps-none",
    }
}
