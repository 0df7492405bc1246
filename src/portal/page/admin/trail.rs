//! The audit trail: what was asked for stands in the address, and pages go on from a line's number.

use http::{Response, StatusCode};

use super::super::super::view::admin::{Sought, TrailView};
use super::super::super::{PortalError, Visit, reply};
use super::{ROWS, address, administrator, desk};
use crate::account::database::Trace;
use crate::body::Body;
use crate::clock::Timestamp;
use crate::flow::look::{self, Traced};

const PAGE: &str = "admin/trail";

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let asked = Asked::read(visit);
    let back = asked.address(&asked.before);
    let visitor = match administrator(visit, back.trim_start_matches("/_vestibule/")).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (since, until) = (day(&asked.since), day(&asked.until));
    let account = match asked.account.trim() {
        "" => None,
        text => Some(look::somebody(visit.x.app, text).await?),
    };
    let unknown = account == Some(None);
    let wrong_day = since.is_err() || until.is_err();
    let trace = Trace {
        account: account.flatten().map(|id| id.as_str().to_owned()),
        event: Some(asked.event.trim().to_owned()).filter(|event| !event.is_empty()),
        since: since.unwrap_or_default(),
        // The day itself belongs to it.
        until: until.unwrap_or_default().map(|day| day.plus(std::time::Duration::from_hours(24))),
        before: asked.before.parse().ok(),
    };
    let mut traced = if unknown || wrong_day {
        Traced::default()
    } else {
        look::trail(visit.x.app, &trace, ROWS + 1).await?
    };
    let more = traced.lines.len() > ROWS as usize;
    traced.lines.truncate(ROWS as usize);
    let older = traced.lines.last().filter(|_| more).map(|(number, _)| asked.address(&number.to_string()));
    let newest = (!asked.before.is_empty()).then(|| asked.address(""));
    let Asked { account, event, since, until, .. } = &asked;
    let page = visit.pages_for(&visitor).admin_trail(&TrailView {
        desk: desk(visit, &visitor).await?,
        sought: Sought { account, unknown, event, since, until, wrong_day },
        lines: &traced.lines,
        names: &traced.names,
        newest: newest.as_deref(),
        older: older.as_deref(),
    });
    Ok(reply::page(StatusCode::OK, page))
}

/// What the address asks for.
struct Asked {
    account: String,
    event: String,
    since: String,
    until: String,
    before: String,
}

impl Asked {
    fn read(visit: &Visit<'_>) -> Self {
        let parameter = |name| visit.parameter(name).unwrap_or_default();
        Self {
            account: parameter("account"),
            event: parameter("event"),
            since: parameter("since"),
            until: parameter("until"),
            before: parameter("before"),
        }
    }

    fn address(&self, before: &str) -> String {
        address(
            PAGE,
            &[
                ("account", self.account.as_str()),
                ("event", self.event.as_str()),
                ("since", self.since.as_str()),
                ("until", self.until.as_str()),
                ("before", before),
            ],
        )
    }
}

/// The beginning of a day, if one was given.
fn day(typed: &str) -> Result<Option<Timestamp>, ()> {
    match typed.trim() {
        "" => Ok(None),
        typed => Timestamp::of_day(typed).map(Some).ok_or(()),
    }
}
