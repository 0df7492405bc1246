//! The visitor's own account: profile, address, password, sessions, known browsers.

use askama::Template;

use super::kit::{Act, Badge, Cell, Column, Facts, Field, Form, Kind, Table, Tone};
use super::message::{Messages, Note};
use super::nav::Nav;
use super::{Frame, Page, Pages, Stressed, page};
use crate::clock::Timestamp;
use crate::words::Words;

/// Where everything on this page is posted to; what it is stands in the field `do`.
const ACTION: &str = "/_vestibule/account";

#[derive(Clone)]
pub struct AccountView<'a> {
    pub nav: Nav<'a>,
    pub note: Option<Note>,
    pub username: &'a str,
    pub email: &'a str,
    pub groups: &'a str,
    pub name: &'a str,
    /// What the owner may change; `None`: the account is kept elsewhere.
    pub mine: Option<Mine<'a>>,
    /// Where to sign in again; `None`: that was not long ago, and what matters may be changed.
    pub again: Option<&'a str>,
    pub refused: Option<Refused>,
    pub sessions: &'a [Row],
    pub devices: &'a [Row],
}

/// For "as the browser asks" in the choice of languages: what has no value at all would not count as chosen.
pub const AS_BROWSER: &str = "browser";

/// What is in the forms, as it is or was typed.
#[derive(Clone, Copy)]
pub struct Mine<'a> {
    pub name: &'a str,
    /// A tag, or [`AS_BROWSER`].
    pub language: &'a str,
    /// Their tags, and what they call themselves.
    pub languages: &'a [(&'a str, String)],
    pub new_email: &'a str,
    /// The address to which a code was mailed.
    pub waiting: Option<&'a str>,
    /// How long a password is at least.
    pub minimum: usize,
}

/// What is wrong with something that was posted, as a text.
#[derive(Clone, Debug)]
pub struct Refused {
    pub form: Part,
    /// `None`: it lies in none of the fields.
    pub field: Option<&'static str>,
    pub what: String,
}

/// The forms of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Profile,
    Email,
    Code,
    Password,
}

/// A session, or a known browser.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub browser: String,
    pub address: String,
    pub first: Timestamp,
    /// In words.
    pub last: String,
    pub is_this: bool,
}

impl Pages<'_> {
    pub fn account(&self, view: &AccountView<'_>) -> Page {
        let words = self.words;
        let parts = [Part::Profile, Part::Email, Part::Code, Part::Password];
        let [profile, email, code, password] = parts.map(|part| form(words, view, part));
        let refused =
            [&profile, &email, &code, &password].into_iter().flatten().find(|form| form.is_refused());
        let messages = Messages::new(words, None, view.note.filter(|_| refused.is_none()));
        let waiting = view.mine.and_then(|mine| mine.waiting);
        let waiting = waiting
            .map(|address| Stressed::new(words.filled("account-email-waiting", "address", address), address));
        page(&AccountPage {
            frame: self.frame(&words.text("account-heading"), refused.is_some()),
            nav: view.nav,
            words,
            messages: &messages,
            refused: refused.cloned(),
            facts: facts(view),
            address: Facts(vec![("account-email", Cell::Text(view.email))]),
            waiting,
            resend: act("account-email-again", [("do", "email"), ("email", waiting_for(view))]),
            stop: act("account-email-stop", [("do", "stop"), ("email", waiting_for(view))]),
            sessions: table(&SESSIONS, view.sessions, view.again.is_none()),
            devices: table(&DEVICES, view.devices, view.again.is_none()),
            end_others: end_others(words, view),
            profile,
            email,
            code,
            password,
            view,
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/account.html")]
struct AccountPage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    refused: Option<Form<'a>>,
    facts: Facts<'a>,
    address: Facts<'a>,
    profile: Option<Form<'a>>,
    email: Option<Form<'a>>,
    code: Option<Form<'a>>,
    password: Option<Form<'a>>,
    waiting: Option<Stressed>,
    resend: Act<'a>,
    stop: Act<'a>,
    sessions: Table<'a>,
    devices: Table<'a>,
    end_others: Option<Act<'a>>,
    view: &'a AccountView<'a>,
}

fn facts<'a>(view: &AccountView<'a>) -> Facts<'a> {
    let mut facts = vec![("account-username", Cell::Text(view.username))];
    if view.mine.is_none() {
        facts.push(("account-name", Cell::Text(view.name)));
        facts.push(("account-email", Cell::Text(view.email)));
    }
    facts.push(("account-groups", Cell::Text(view.groups)));
    Facts(facts)
}

/// One of the forms, if it is offered.
fn form<'a>(words: &Words, view: &AccountView<'a>, part: Part) -> Option<Form<'a>> {
    let mine = view.mine?;
    let offered = match part {
        Part::Profile => true,
        Part::Code => mine.waiting.is_some(),
        Part::Email => view.again.is_none() && mine.waiting.is_none(),
        Part::Password => view.again.is_none(),
    };
    let refused = view.refused.as_ref().filter(|refused| refused.form == part);
    let wrong = |field: &str| {
        refused.filter(|refused| refused.field == Some(field)).map(|refused| refused.what.clone())
    };
    let mut form = match part {
        Part::Profile => profile(words, &mine),
        Part::Email => email(words, &mine),
        Part::Code => code(words),
        Part::Password => password(words, view.username, &mine),
    };
    for field in &mut form.fields {
        field.problem = wrong(field.name);
    }
    form.problem = refused.filter(|refused| refused.field.is_none()).map(|refused| refused.what.clone());
    offered.then_some(form)
}

fn profile<'a>(words: &Words, mine: &Mine<'a>) -> Form<'a> {
    let mut languages = vec![(AS_BROWSER, words.text("account-language-browser"))];
    languages.extend(mine.languages.iter().cloned());
    let language = Field::new("language", "account-language", Kind::Choice(languages), mine.language);
    Form {
        action: ACTION,
        fields: vec![Field::new("name", "account-name", Kind::Text("name"), mine.name), language],
        hidden: vec![("do", "profile")],
        submit: "account-profile-submit",
        ..Form::default()
    }
}

fn email<'a>(words: &Words, mine: &Mine<'a>) -> Form<'a> {
    let field = Field::new("email", "account-email-new", Kind::Email, mine.new_email);
    Form {
        action: ACTION,
        fields: vec![field.help(words.text("account-email-new-help"))],
        hidden: vec![("do", "email")],
        submit: "account-email-submit",
        ..Form::default()
    }
}

fn code<'a>(words: &Words) -> Form<'a> {
    let field = Field::new("code", "account-email-code", Kind::Text("one-time-code"), "");
    Form {
        action: ACTION,
        fields: vec![field.help(words.text("account-email-waiting-help"))],
        hidden: vec![("do", "code")],
        submit: "account-email-confirm",
        ..Form::default()
    }
}

fn password<'a>(words: &Words, username: &'a str, mine: &Mine<'a>) -> Form<'a> {
    let new = Field::new("password", "account-password-new", Kind::Password("new-password"), "");
    let minimum = [("minimum", mine.minimum.into())];
    Form {
        action: ACTION,
        fields: vec![
            Field::new("present", "account-password-present", Kind::Password("current-password"), ""),
            new.help(words.with("account-password-help", &minimum)),
        ],
        hidden: vec![("do", "password")],
        whose: Some(username),
        submit: "account-password-submit",
        ..Form::default()
    }
}

/// What a list of sessions or of browsers says differently.
struct Kinds {
    caption: &'static str,
    first: &'static str,
    last: &'static str,
    this: &'static str,
    act: &'static str,
    /// The value of `do`.
    does: &'static str,
    none: &'static str,
}

const SESSIONS: Kinds = Kinds {
    caption: "account-sessions",
    first: "account-session-started",
    last: "account-session-used",
    this: "account-session-this",
    act: "account-session-end",
    does: "end",
    none: "account-sessions-none",
};

const DEVICES: Kinds = Kinds {
    caption: "account-devices",
    first: "account-device-first",
    last: "account-device-last",
    this: "account-device-this",
    act: "account-device-forget",
    does: "forget",
    none: "account-devices-none",
};

/// `may_act`: whether each of them but this one has its button.
fn table<'a>(kinds: &Kinds, rows: &'a [Row], may_act: bool) -> Table<'a> {
    let cells = |row: &'a Row| {
        let last = match (row.is_this, may_act) {
            (true, _) => Cell::Badge(Badge { text: kinds.this, tone: Tone::Good }),
            (false, true) => Cell::Acts(vec![Act {
                of: &row.browser,
                ..act(kinds.act, [("do", kinds.does), ("id", &row.id)])
            }]),
            (false, false) => Cell::Empty,
        };
        let (browser, address) = (Cell::Text(&row.browser), Cell::Text(&row.address));
        vec![browser, address, Cell::Moment(row.first), Cell::Text(&row.last), last]
    };
    let columns = [
        "account-session-browser",
        "account-session-address",
        kinds.first,
        kinds.last,
        "account-session-act",
    ];
    Table {
        caption: kinds.caption,
        columns: columns.map(Column::plain).into(),
        rows: rows.iter().map(cells).collect(),
        none: kinds.none,
    }
}

fn end_others<'a>(words: &Words, view: &AccountView<'a>) -> Option<Act<'a>> {
    let others = view.sessions.iter().any(|session| !session.is_this);
    (others && view.again.is_none()).then(|| Act {
        confirm: Some((words.text("account-sessions-end-question"), "account-sessions-end-confirm")),
        ..act("account-sessions-end", [("do", "end-others"), ("id", "")])
    })
}

fn act<'a>(label: &'static str, hidden: [(&'static str, &'a str); 2]) -> Act<'a> {
    Act { action: ACTION, hidden: hidden.into(), label, of: "", confirm: None }
}

fn waiting_for<'a>(view: &AccountView<'a>) -> &'a str {
    view.mine.and_then(|mine| mine.waiting).unwrap_or_default()
}
