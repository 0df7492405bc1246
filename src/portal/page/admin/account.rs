//! One account. Nobody decides over their own: the buttons are not there, and the use cases refuse.

use http::{Response, StatusCode};

use super::super::super::form::Form;
use super::super::super::view::Note;
use super::super::super::view::admin::{AccountView, Desk, why};
use super::super::super::{PortalError, Visit, reply};
use super::{administrator, confirmed, desk, done, told};
use crate::account::Reason;
use crate::body::Body;
use crate::flow::administer::{self, AdministerError};
use crate::flow::look::{self, Looked, account_id};
use crate::flow::who::Visitor;
use crate::flow::{By, revoke};
use crate::subject::AccountId;

/// How many lines of the trail stand on an account's page.
const LINES: u32 = 20;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let id = visit.parameter("id").unwrap_or_default();
    let visitor = match administrator(visit, &back(&id)).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let looked = look_at(visit, &id).await?;
    page(visit, &visitor, &looked, StatusCode::OK, &Shown::default()).await
}

pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let id = form.field("id")?;
    let confirmed = match confirmed(visit, &back(&id)).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visitor, by) = (confirmed.visitor(), super::by(visit, &confirmed));
    let looked = look_at(visit, &id).await?;
    let words = visit.x.words(visitor.subject.language.as_deref());
    let mut shown = Shown::default();
    let status = match change(visit, by, &looked, form).await? {
        Change::Done(note) => return Ok(done("admin/account", &[("id", id.as_str())], note)),
        Change::Groups(typed) => {
            shown.groups_problem = Some(words.text("admin-groups-wrong"));
            shown.groups = Some(typed);
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Change::Reason(typed) => {
            shown.reason_problem = Some(words.text("admin-reason-long"));
            shown.reason = typed;
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Change::Refused(error) => {
            let decided = match &error {
                AdministerError::Decided(_, Some(decision)) => account_id(&decision.by),
                _ => None,
            };
            let names = look::names(visit.x.app, decided).await?;
            shown.problem = Some(why(words, &error, &names));
            StatusCode::CONFLICT
        }
    };
    // As it stands now: somebody else may have changed it just now.
    let looked = look_at(visit, &id).await?;
    page(visit, visitor, &looked, status, &shown).await
}

/// What the page has to show besides the account.
#[derive(Default)]
struct Shown {
    problem: Option<String>,
    groups: Option<String>,
    groups_problem: Option<String>,
    reason: String,
    reason_problem: Option<String>,
}

enum Change {
    Done(Note),
    /// No groups, and no reason: what was typed.
    Groups(String),
    Reason(String),
    Refused(AdministerError),
}

async fn change(visit: &Visit<'_>, by: By<'_>, looked: &Looked, form: &Form) -> Result<Change, PortalError> {
    let (app, id) = (visit.x.app, &looked.account.id);
    let done = match form.field("do")?.as_str() {
        "approve" | "groups" if super::groups(&form.field("groups")?).is_err() => {
            return Ok(Change::Groups(form.field("groups")?));
        }
        "reject" if Reason::parse(&form.field("reason")?).is_err() => {
            return Ok(Change::Reason(form.field("reason")?));
        }
        "approve" => {
            let groups = super::groups(&form.field("groups")?).unwrap_or_default();
            let given = !form.all("groups").is_empty();
            let groups = given.then_some(groups);
            administer::approve(app, by, id, groups).await.map(|_| Note::AccountsApproved)
        }
        "reject" => {
            let reason = Reason::parse(&form.field("reason")?).unwrap_or_default();
            administer::reject(app, by, id, reason).await.map(|_| Note::AccountsRejected)
        }
        "groups" => {
            let groups = super::groups(&form.field("groups")?).unwrap_or_default();
            administer::set_groups(app, by, id, groups).await.map(|_| Note::GroupsChanged)
        }
        "disable" => administer::set_disabled(app, by, id, true).await.map(|_| Note::AccountDisabled),
        "enable" => administer::set_disabled(app, by, id, false).await.map(|_| Note::AccountEnabled),
        "unlock" => administer::unlock(app, by, &looked.account).await.map(|()| Note::AccountUnlocked),
        "reset" => administer::send_reset(app, by, id).await.map(|()| Note::ResetSent),
        "end-session" => {
            revoke::one(app, by, id, &form.field("session")?).await?;
            Ok(Note::SessionEnded)
        }
        "end-sessions" => {
            revoke::all_of(app, by, id, None).await?;
            Ok(Note::AllSessionsEnded)
        }
        "forget-device" => {
            revoke::device(app, by, id, &form.field("device")?).await?;
            Ok(Note::DeviceForgotten)
        }
        _ => return Err(PortalError::Form("it says nothing of what to do")),
    };
    match done {
        Ok(note) => Ok(Change::Done(note)),
        Err(error) => Ok(Change::Refused(told(error)?)),
    }
}

async fn page(
    visit: &Visit<'_>,
    visitor: &Visitor,
    looked: &Looked,
    status: StatusCode,
    shown: &Shown,
) -> Result<Response<Body>, PortalError> {
    let back = back(looked.account.id.as_str());
    let again = super::again(visit, visitor, &back);
    let desk = desk(visit, visitor).await?;
    let page = visit.pages_for(visitor).admin_account(&AccountView {
        desk: Desk { problem: shown.problem.as_deref(), again: again.as_deref(), ..desk },
        looked,
        own: *visitor.session.account() == looked.account.id,
        groups: shown.groups.as_deref(),
        reason: &shown.reason,
        groups_problem: shown.groups_problem.as_deref(),
        reason_problem: shown.reason_problem.as_deref(),
    });
    Ok(reply::page(status, page))
}

pub(super) async fn look_at(visit: &Visit<'_>, id: &str) -> Result<Looked, PortalError> {
    let id: AccountId = account_id(id).ok_or(PortalError::NotFound)?;
    look::account(visit.x.app, &id, LINES).await?.ok_or(PortalError::NotFound)
}

/// The page to come back to from signing in.
fn back(id: &str) -> String {
    super::address("admin/account", &[("id", id)]).trim_start_matches("/_vestibule/").to_owned()
}
