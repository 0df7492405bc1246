//! The parts that pages behind the sign-in are put together from: forms, tables, badges, pagers, searches.
//!
//! Each is plain data with a template of its own under `templates/kit/`; a page's template includes it with the part
//! under its name: `{% let table = view.accounts %}{% include "kit/table.html" %}`. Labels are names of texts, values are what
//! people and the database say. All of it works without JavaScript, at 390 px, by keyboard, in both colour schemes.

use crate::clock::Timestamp;
use crate::words::{Value, Words};

/// A form, its fields one below the other: `kit/form.html`, with what is wrong above the page's heading by
/// `kit/problems.html`.
#[derive(Clone, Debug, Default)]
pub struct Form<'a> {
    pub action: &'a str,
    pub fields: Vec<Field<'a>>,
    /// Sent along unseen.
    pub hidden: Vec<(&'static str, &'a str)>,
    /// Whose password is asked for, so that password managers know; sent along unseen as `username`.
    pub whose: Option<&'a str>,
    /// The button's text.
    pub submit: &'static str,
    pub weight: Weight,
    /// Above the fields: the question that what cannot be undone asks first.
    pub ask: Option<String>,
    /// What is wrong with the whole of it, as a text.
    pub problem: Option<String>,
}

/// How much a form's button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// What people mostly come for.
    #[default]
    Primary,
    Secondary,
    /// What is hard to undo.
    Danger,
}

impl Weight {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Danger => "small danger",
        }
    }
}

/// One thing to fill in.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// Of the form's field, and of the element.
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind<'a>,
    /// What was typed or is so far; never shown of a password.
    pub value: &'a str,
    /// Says below the label what is expected.
    pub help: Option<String>,
    /// What is wrong with it and how to mend it, as a text.
    pub problem: Option<String>,
    pub required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// With its `autocomplete`: `name`, `username`, `off`.
    Text(&'static str),
    Email,
    /// `current-password` or `new-password`.
    Password(&'static str),
    /// A day, as `2026-11-22`.
    Date,
    /// Several lines.
    Area,
    /// A box to tick; the value is `on` when it is.
    Check,
    /// One of these: values and what is shown for them.
    Choice(Vec<(&'a str, String)>),
}

impl<'a> Field<'a> {
    pub fn new(name: &'static str, label: &'static str, kind: Kind<'a>, value: &'a str) -> Self {
        Self { name, label, kind, value, help: None, problem: None, required: true }
    }

    #[must_use]
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    #[must_use]
    pub fn help(self, help: String) -> Self {
        Self { help: Some(help), ..self }
    }

    #[must_use]
    pub fn problem(self, problem: Option<String>) -> Self {
        Self { problem, ..self }
    }

    /// The ids of what is said about it, for `aria-describedby`; empty if nothing is.
    pub fn described_by(&self) -> String {
        let said = [("help", self.help.is_some()), ("problem", self.problem.is_some())];
        let ids: Vec<_> =
            said.iter().filter(|(_, is)| *is).map(|(what, _)| format!("{}-{what}", self.name)).collect();
        ids.join(" ")
    }
}

impl Form<'_> {
    pub fn is_refused(&self) -> bool {
        self.problem.is_some() || self.wrong() > 0
    }

    /// How many fields something is wrong with.
    pub fn wrong(&self) -> usize {
        self.fields.iter().filter(|field| field.problem.is_some()).count()
    }

    /// What stands above the list of what is wrong.
    pub fn summary(&self, words: &Words) -> String {
        let gaps = [("count", self.wrong().into())];
        self.problem.clone().unwrap_or_else(|| words.with("form-problems", &gaps))
    }
}

/// Rows of things: `kit/table.html`. On a narrow screen each row becomes a block with its columns' names in it.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    /// What it lists, for those who do not see it.
    pub caption: &'static str,
    pub columns: Vec<Column<'a>>,
    /// Each with a cell for every column; the first names the row.
    pub rows: Vec<Vec<Cell<'a>>>,
    /// Said in place of a table without rows.
    pub none: &'static str,
}

#[derive(Clone, Debug)]
pub struct Column<'a> {
    pub label: &'static str,
    /// Where its heading leads, and how the rows stand now; `None`: nobody sorts by it.
    pub sort: Option<(&'a str, Sorted)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorted {
    No,
    Up,
    Down,
}

#[derive(Clone, Debug)]
pub enum Cell<'a> {
    Text(&'a str),
    /// The same, put together for the page.
    Made(String),
    Number(u64),
    Moment(Timestamp),
    /// To the second, and for programs as the log has it.
    Instant(Timestamp),
    Link {
        text: &'a str,
        address: String,
    },
    Badge(Badge),
    /// Buttons, each a form of its own: no table with them stands inside a form.
    Acts(Vec<Act<'a>>),
    /// A box with which a row is picked, for a form around the table: the field's name, its value, and which row.
    Pick {
        name: &'static str,
        value: &'a str,
        of: &'a str,
        picked: bool,
    },
    Empty,
}

impl<'a> Table<'a> {
    /// The cells of a row with their columns.
    pub fn named<'b>(&'b self, row: &'b [Cell<'a>]) -> impl Iterator<Item = (&'b Column<'a>, &'b Cell<'a>)> {
        self.columns.iter().zip(row)
    }
}

impl Cell<'_> {
    /// For the look: whether people wrote it, so that it may be one word without an end, or there is nothing in it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Empty | Self::Text("") => "empty",
            Self::Made(text) if text.is_empty() => "empty",
            Self::Text(_) | Self::Made(_) | Self::Link { .. } => "free",
            Self::Number(_)
            | Self::Moment(_)
            | Self::Instant(_)
            | Self::Badge(_)
            | Self::Acts(_)
            | Self::Pick { .. } => "set",
        }
    }

    /// What is text and nothing else, as the language has it.
    pub fn written(&self, words: &Words) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Made(text) => text.clone(),
            Self::Number(number) => words.number(*number),
            Self::Moment(moment) => words.moment(*moment),
            Self::Instant(moment) => words.moment_to_the_second(*moment),
            Self::Link { .. } | Self::Badge(_) | Self::Acts(_) | Self::Pick { .. } | Self::Empty => {
                String::new()
            }
        }
    }
}

impl<'a> Column<'a> {
    pub const fn plain(label: &'static str) -> Self {
        Self { label, sort: None }
    }

    pub const fn sortable(label: &'static str, address: &'a str, sorted: Sorted) -> Self {
        Self { label, sort: Some((address, sorted)) }
    }
}

impl Sorted {
    /// For `aria-sort`.
    pub const fn aria(self) -> &'static str {
        match self {
            Self::No => "none",
            Self::Up => "ascending",
            Self::Down => "descending",
        }
    }
}

/// A word that says how something stands: `kit/badge.html`. The colour repeats it, and says nothing of its own.
#[derive(Clone, Copy, Debug)]
pub struct Badge {
    pub text: &'static str,
    pub tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Waiting,
    Bad,
}

impl Tone {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Waiting => "waiting",
            Self::Bad => "bad",
        }
    }
}

/// A button that posts: `kit/act.html`. What cannot be undone asks first.
#[derive(Clone, Debug)]
pub struct Act<'a> {
    pub action: &'a str,
    pub hidden: Vec<(&'static str, &'a str)>,
    /// The button's text; several in one table need `of` to be told apart.
    pub label: &'static str,
    /// Whom or what it is done to, for those who hear the button alone.
    pub of: &'a str,
    /// The question to ask first, and the text of the button that then does it.
    pub confirm: Option<(String, &'static str)>,
}

/// Names and values: `kit/facts.html`.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a>(pub Vec<(&'static str, Cell<'a>)>);

/// A search over a long list: `kit/search.html`. A GET, so that what was found has an address.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    pub action: &'a str,
    pub label: &'static str,
    /// The parameter, and what was searched for.
    pub name: &'static str,
    pub query: &'a str,
    /// Filters that stay as they are.
    pub hidden: Vec<(&'static str, &'a str)>,
}

/// Ways to see a part of a list, one of them chosen: `kit/filters.html`.
#[derive(Clone, Debug)]
pub struct Filters<'a> {
    pub label: &'static str,
    /// Text, address, and whether this is the one.
    pub ways: Vec<(&'static str, &'a str, bool)>,
}

/// The way through a long list: `kit/pager.html`.
#[derive(Clone, Copy, Debug)]
pub struct Pager<'a> {
    pub previous: Option<&'a str>,
    pub next: Option<&'a str>,
    /// The first and the last entry shown, counted from one, and how many there are.
    pub shown: Option<(u64, u64, u64)>,
}

impl Pager<'_> {
    pub fn range(&self, words: &Words) -> Option<String> {
        let (from, to, total) = self.shown?;
        let gaps = [("from", Value::from(from)), ("to", Value::from(to)), ("total", Value::from(total))];
        Some(words.with("pager-range", &gaps))
    }
}
