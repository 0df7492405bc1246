//! `vestibule account trail`: what the audit trail in the database says, as the administration pages show it.

use std::path::Path;

use serde::Serialize;

use super::super::table::aligned;
use super::super::{Failure, print};
use super::list::{as_json, no_database};
use super::with_app;
use crate::account::database::{Line, Named, Trace};
use crate::app::App;
use crate::flow::FlowError;
use crate::flow::look::{self, Names, Traced};

/// Lines read at once.
const PAGE: u32 = 1000;

/// What was found, page by page, the latest first. `None`: nobody is called so.
type Found = Option<Vec<Traced>>;

pub fn show(
    config: &Path,
    name: Option<&str>,
    event: Option<String>,
    last: Option<u32>,
    json: bool,
) -> Result<(), Failure> {
    let found = with_app(config, async |app| -> Result<Option<Found>, FlowError> {
        if app.snapshot.load().directory.database().is_none() {
            return Ok(None);
        }
        Ok(Some(read(&app, name, event, last).await?))
    })?;
    let pages = found.ok_or_else(no_database)?;
    let pages = pages.ok_or_else(|| super::unknown(name.unwrap_or_default()))?;
    let mut rows = Vec::new();
    for Traced { lines, names } in pages.iter().rev() {
        rows.extend(lines.iter().rev().map(|(_, line)| Row::of(line, names)));
    }
    print(&if json { as_json(&rows)? } else { as_table(&rows) })
}

async fn read(
    app: &App,
    name: Option<&str>,
    event: Option<String>,
    last: Option<u32>,
) -> Result<Found, FlowError> {
    let account = match name {
        Some(name) => match look::somebody(app, name).await? {
            Some(id) => Some(id.as_str().to_owned()),
            None => return Ok(None),
        },
        None => None,
    };
    let mut trace = Trace { account, event, ..Trace::default() };
    let mut pages = Vec::new();
    let mut left = last.unwrap_or(u32::MAX);
    while left > 0 {
        let page = left.min(PAGE);
        let traced = look::trail(app, &trace, page).await?;
        let read = u32::try_from(traced.lines.len()).unwrap_or(page);
        trace.before = traced.lines.last().map(|(number, _)| *number);
        pages.push(traced);
        left = if read < page { 0 } else { left - read };
    }
    Ok(Some(pages))
}

/// A line in `--json`; its keys are public interface, and those of the trail's file.
#[derive(Serialize)]
struct Row<'a> {
    at: String,
    event: &'a str,
    by: Option<&'a str>,
    by_username: Option<&'a str>,
    account: Option<&'a str>,
    username: Option<&'a str>,
    address: Option<&'a str>,
    request_id: Option<&'a str>,
    detail: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(line: &'a Line, names: &'a Names) -> Self {
        let called = |id: Option<&str>| names.of(id?).map(|Named { username, .. }| username.as_str());
        Self {
            at: line.at.to_string(),
            event: &line.event,
            by: line.by.as_deref(),
            by_username: called(line.by.as_deref()),
            account: line.account.as_deref(),
            username: called(line.account.as_deref()),
            address: line.address.as_deref(),
            request_id: line.request_id.as_deref(),
            detail: line.detail.as_deref(),
        }
    }
}

fn as_table(rows: &[Row<'_>]) -> String {
    let cell = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
    let rows = rows.iter().map(|row| {
        [
            row.at.clone(),
            row.event.to_owned(),
            cell(row.username.or(row.account)),
            cell(row.by_username.or(row.by)),
            cell(row.address),
            cell(row.detail),
        ]
    });
    aligned(["AT", "EVENT", "ACCOUNT", "BY", "FROM", "DETAIL"], rows)
}
