//! The audit trail.

use askama::Template;

use super::super::kit::{Cell, Field, Kind, Pager, Table};
use super::super::message::Messages;
use super::super::nav::Nav;
use super::super::{Frame, Page, Pages, page};
use super::{Desk, Link, Way};
use crate::account::database::Line;
use crate::flow::look::Names;
use crate::words::Words;

#[derive(Clone, Copy)]
pub struct TrailView<'a> {
    pub desk: Desk<'a>,
    pub sought: Sought<'a>,
    pub lines: &'a [(i64, Line)],
    pub names: &'a Names,
    /// The address of the newest lines, and of the next older ones.
    pub newest: Option<&'a str>,
    pub older: Option<&'a str>,
}

/// What was asked for, as it was typed.
#[derive(Clone, Copy, Default)]
pub struct Sought<'a> {
    pub account: &'a str,
    /// No account is called so, nor was.
    pub unknown: bool,
    pub event: &'a str,
    /// Days, as `2026-11-22`; both belong to what is shown.
    pub since: &'a str,
    pub until: &'a str,
    /// One of the two is no day.
    pub wrong_day: bool,
}

impl Pages<'_> {
    pub fn admin_trail(&self, view: &TrailView<'_>) -> Page {
        let (words, sought) = (self.words, &view.sought);
        let unknown = sought.unknown.then(|| words.text("admin-trail-unknown"));
        let wrong_day = sought.wrong_day.then(|| words.text("admin-trail-wrong-day"));
        let problem = unknown.as_deref().or(wrong_day.as_deref());
        let desk = Desk { problem, ..view.desk };
        page(&TrailPage {
            frame: self.frame(&words.text("admin-trail-heading"), problem.is_some()),
            nav: desk.nav,
            words,
            messages: &desk.messages(words),
            again: None,
            ways: desk.ways(words, Way::Trail),
            fields: vec![
                Field::new("account", "admin-trail-of", Kind::Text("off"), sought.account)
                    .optional()
                    .problem(unknown.clone()),
                Field::new("event", "admin-trail-event", Kind::Text("off"), sought.event).optional(),
                Field::new("since", "admin-trail-since", Kind::Date, sought.since).optional(),
                Field::new("until", "admin-trail-until", Kind::Date, sought.until)
                    .optional()
                    .problem(wrong_day.clone()),
            ],
            table: super::lines(words, view.lines.iter().map(|(_, line)| line), view.names),
            pager: Pager { previous: view.newest, next: view.older, shown: None },
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/admin/trail.html")]
struct TrailPage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    again: Option<&'a str>,
    ways: [Link; 3],
    fields: Vec<Field<'a>>,
    table: Table<'a>,
    pager: Pager<'a>,
}
