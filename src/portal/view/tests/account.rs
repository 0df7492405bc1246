//! The account page in each of its states.

use super::super::{AccountView, Mine, Nav, Note, Page, Pages, Part, Refused, Row, Section};
use crate::clock::Timestamp;

const AGAIN: &str = "/_vestibule/login?rd=%2F_vestibule%2Faccount&confirm=1";

/// What stands in a mailed code's place is never in it.
const MINE: Mine<'_> =
    Mine { name: "Alice Example", language: "de", languages: &[], new_email: "", waiting: None, minimum: 12 };

/// Every state that looks different, with the name of its snapshot.
pub fn gallery(show: Pages<'_>) -> Vec<(String, Page)> {
    let rows = rows("Firefox on Linux");
    let languages = [("en", "English".to_owned()), ("de", "Deutsch".to_owned())];
    let mine = Mine { languages: &languages, ..MINE };
    let usual = AccountView { mine: Some(mine), ..view("alice", &rows) };
    let refuse = |form, field, what: &str| Some(Refused { form, field, what: what.to_owned() });
    let weak = refuse(Part::Password, Some("password"), "This password is too short.");
    let locked = refuse(Part::Password, None, "Zu viele Versuche. (Too many attempts.)");
    let wrong = refuse(Part::Code, Some("code"), "Invalid or expired code.");
    let waiting = Mine { waiting: Some("alice@new.example"), ..mine };
    vec![
        ("account".into(), show.account(&usual)),
        (
            "account-saved".into(),
            show.account(&AccountView { note: Some(Note::ProfileChanged), ..usual.clone() }),
        ),
        ("account-long-ago".into(), show.account(&AccountView { again: Some(AGAIN), ..usual.clone() })),
        ("account-weak".into(), show.account(&AccountView { refused: weak, ..usual.clone() })),
        ("account-locked".into(), show.account(&AccountView { refused: locked, ..usual.clone() })),
        ("account-waiting".into(), show.account(&AccountView { mine: Some(waiting), ..usual.clone() })),
        (
            "account-wrong-code".into(),
            show.account(&AccountView { mine: Some(waiting), refused: wrong, ..usual.clone() }),
        ),
        ("account-in-file".into(), show.account(&AccountView { mine: None, ..usual })),
    ]
}

/// `text` stands wherever something can be filled in.
pub fn filled_with(show: Pages<'_>, text: &str) -> Page {
    let (rows, languages) = (rows(text), [(text, text.to_owned())]);
    let mine = Mine {
        name: text,
        language: text,
        languages: &languages,
        new_email: text,
        waiting: Some(text),
        minimum: 12,
    };
    let refused = Refused { form: Part::Profile, field: Some("name"), what: text.to_owned() };
    let mut view = view(text, &rows);
    (view.mine, view.refused, view.again) = (Some(mine), Some(refused), Some(text));
    show.account(&view)
}

fn view<'a>(text: &'a str, rows: &'a [Row]) -> AccountView<'a> {
    AccountView {
        nav: Nav { here: Section::Account, sections: &[Section::Apps, Section::Account], who: text },
        note: None,
        username: text,
        email: "alice@example.com",
        groups: text,
        name: text,
        mine: None,
        again: None,
        refused: None,
        sessions: rows,
        devices: rows,
    }
}

fn rows(text: &str) -> Vec<Row> {
    let row = |address: &str, is_this| Row {
        id: text.to_owned(),
        browser: text.to_owned(),
        address: address.to_owned(),
        first: Timestamp::from_millis(1_795_344_300_000),
        last: "5 minutes ago".to_owned(),
        is_this,
    };
    vec![row("203.0.113.7", true), row("2001:db8::17", false)]
}
