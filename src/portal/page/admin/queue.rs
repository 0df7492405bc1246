//! Who waits: approve or reject several at once. Of two administrators who decide at the same time, the second is told
//! who was first.

use http::{Response, StatusCode};

use super::super::super::form::Form;
use super::super::super::view::Note;
use super::super::super::view::admin::{Desk, Outcome, QueueView};
use super::super::super::{PortalError, Visit, reply};
use super::{ROWS, address, administrator, again, confirmed, database, desk, done, told};
use crate::account::database::Entry;
use crate::account::{Groups, Reason};
use crate::body::Body;
use crate::clock::Timestamp;
use crate::flow::administer::{self, AdministerError};
use crate::flow::look::{self, Names, account_id};
use crate::flow::who::Visitor;
use crate::flow::{By, FlowError};
use crate::subject::AccountId;

const PAGE: &str = "admin";

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let visitor = match administrator(visit, PAGE).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let shown = Shown { all: visit.parameter("pick").as_deref() == Some("all"), ..Shown::default() };
    page(visit, &visitor, StatusCode::OK, &shown).await
}

pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let confirmed = match confirmed(visit, PAGE).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visitor = confirmed.visitor();
    let mut shown = Shown {
        picked: form.all("account"),
        groups: form.field("groups")?,
        reason: form.field("reason")?,
        ..Shown::default()
    };
    let Some(decision) = decision(visit, visitor, &form.field("decide")?, &mut shown)? else {
        return page(visit, visitor, StatusCode::UNPROCESSABLE_ENTITY, &shown).await;
    };
    for id in std::mem::take(&mut shown.picked) {
        shown.outcomes.push(decide(visit, super::by(visit, &confirmed), &id, &decision).await?);
    }
    if shown.outcomes.iter().all(|outcome| outcome.error.is_none()) {
        return Ok(done(PAGE, &[], decision.note()));
    }
    page(visit, visitor, StatusCode::CONFLICT, &shown).await
}

enum Decision {
    /// With these groups, if any were given.
    Approve(Option<Groups>),
    /// For this reason.
    Reject(Option<Reason>),
}

impl Decision {
    const fn note(&self) -> Note {
        match self {
            Self::Approve(_) => Note::AccountsApproved,
            Self::Reject(_) => Note::AccountsRejected,
        }
    }
}

/// What the page has to show besides who waits.
#[derive(Default)]
struct Shown {
    picked: Vec<String>,
    /// All on the page are picked.
    all: bool,
    groups: String,
    reason: String,
    problem: Option<String>,
    groups_problem: Option<String>,
    reason_problem: Option<String>,
    outcomes: Vec<Outcome>,
}

/// What was decided. `None`: the form is not complete, and `shown` says why.
fn decision(
    visit: &Visit<'_>,
    visitor: &Visitor,
    word: &str,
    shown: &mut Shown,
) -> Result<Option<Decision>, PortalError> {
    let words = visit.x.words(visitor.subject.language.as_deref());
    if shown.picked.is_empty() {
        shown.problem = Some(words.text("admin-pick-none"));
    }
    let decision = match word {
        "approve" => super::groups(&shown.groups)
            .inspect_err(|_| shown.groups_problem = Some(words.text("admin-groups-wrong")))
            .ok()
            .map(|groups| Decision::Approve(Some(groups).filter(|groups| !groups.as_slice().is_empty()))),
        "reject" => Reason::parse(&shown.reason)
            .inspect_err(|_| shown.reason_problem = Some(words.text("admin-reason-long")))
            .ok()
            .map(Decision::Reject),
        _ => return Err(PortalError::Form("it says nothing of what to do")),
    };
    Ok(decision.filter(|_| shown.problem.is_none()))
}

async fn decide(
    visit: &Visit<'_>,
    by: By<'_>,
    id: &str,
    decision: &Decision,
) -> Result<Outcome, PortalError> {
    let app = visit.x.app;
    let Some(account) = account_id(id) else {
        return Ok(Outcome { username: id.to_owned(), error: Some(AdministerError::Unknown(id.to_owned())) });
    };
    let decided = match decision {
        Decision::Approve(groups) => administer::approve(app, by, &account, groups.clone()).await,
        Decision::Reject(reason) => administer::reject(app, by, &account, reason.clone()).await,
    };
    match decided {
        Ok(entry) => Ok(Outcome { username: entry.account.username.clone(), error: None }),
        Err(error) => {
            let names = look::names(app, [account]).await?;
            let username = names.of(id).map_or_else(|| id.to_owned(), |named| named.username.clone());
            Ok(Outcome { username, error: Some(told(error)?) })
        }
    }
}

async fn page(
    visit: &Visit<'_>,
    visitor: &Visitor,
    status: StatusCode,
    shown: &Shown,
) -> Result<Response<Body>, PortalError> {
    let after = visit.parameter("after").and_then(|cursor| read(&cursor));
    let further = after.is_some();
    let queue = database(visit)?.queue(after, ROWS + 1).await;
    let mut waiting = queue.map_err(FlowError::from)?;
    let next = next(&mut waiting);
    let (desk, again) = (desk(visit, visitor).await?, again(visit, visitor, PAGE));
    let names = names(visit, &shown.outcomes).await?;
    let everybody: Vec<String> = waiting.iter().map(|entry| entry.account.id.to_string()).collect();
    let cursor = visit.parameter("after").unwrap_or_default();
    let all = address(PAGE, &[("after", cursor.as_str()), ("pick", "all")]);
    let page = visit.pages_for(visitor).admin_queue(&QueueView {
        desk: Desk { problem: shown.problem.as_deref(), again: again.as_deref(), ..desk },
        waiting: &waiting,
        picked: if shown.all { &everybody } else { &shown.picked },
        groups: &shown.groups,
        reason: &shown.reason,
        groups_problem: shown.groups_problem.as_deref(),
        reason_problem: shown.reason_problem.as_deref(),
        outcomes: &shown.outcomes,
        names: &names,
        all: Some(all.as_str()).filter(|_| !shown.all && waiting.len() > 1),
        first: further.then_some("/_vestibule/admin"),
        next: next.as_deref(),
    });
    Ok(reply::page(status, page))
}

/// Where the next page begins, after the last of this one. A row beyond the page says that there is one.
fn next(waiting: &mut Vec<Entry>) -> Option<String> {
    let more = waiting.len() > ROWS as usize;
    waiting.truncate(ROWS as usize);
    let last = waiting.last().filter(|_| more)?;
    let cursor = format!("{}.{}", last.created.millis(), last.account.id);
    Some(address(PAGE, &[("after", cursor.as_str())]))
}

fn read(cursor: &str) -> Option<(Timestamp, AccountId)> {
    let (since, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(since.parse().ok()?), account_id(id)?))
}

/// Who was first, where somebody was.
async fn names(visit: &Visit<'_>, outcomes: &[Outcome]) -> Result<Names, PortalError> {
    let by = outcomes.iter().filter_map(|outcome| match &outcome.error {
        Some(AdministerError::Decided(_, Some(decision))) => account_id(&decision.by),
        _ => None,
    });
    Ok(look::names(visit.x.app, by).await?)
}
