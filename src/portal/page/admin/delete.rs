//! Deleting an account, after a question on a page of its own.

use http::{Response, StatusCode};

use super::super::super::form::Form;
use super::super::super::view::Note;
use super::super::super::view::admin::{DeleteView, Desk, why};
use super::super::super::{PortalError, Visit, reply};
use super::{administrator, again, confirmed, desk, done, told};
use crate::account::Account;
use crate::body::Body;
use crate::flow::administer::{self, AdministerError};
use crate::flow::look::{Names, account_id};
use crate::flow::who::Visitor;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let id = visit.parameter("id").unwrap_or_default();
    let visitor = match administrator(visit, &back(&id)).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    page(visit, &visitor, &id, StatusCode::OK, None).await
}

pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let id = form.field("id")?;
    let confirmed = match confirmed(visit, &back(&id)).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let account = account_id(&id).ok_or(PortalError::NotFound)?;
    match administer::delete(visit.x.app, super::by(visit, &confirmed), &account).await {
        Ok(_) => Ok(done("admin/accounts", &[], Note::AccountDeleted)),
        Err(error) => {
            let error = told(error)?;
            page(visit, confirmed.visitor(), &id, StatusCode::CONFLICT, Some(&error)).await
        }
    }
}

async fn page(
    visit: &Visit<'_>,
    visitor: &Visitor,
    id: &str,
    status: StatusCode,
    error: Option<&AdministerError>,
) -> Result<Response<Body>, PortalError> {
    let account = find(visit, id).await?;
    let words = visit.x.words(visitor.subject.language.as_deref());
    let problem = error.map(|error| why(words, error, &Names::default()));
    let again = again(visit, visitor, &back(id));
    let desk = desk(visit, visitor).await?;
    let page = visit.pages_for(visitor).admin_delete(&DeleteView {
        desk: Desk { problem: problem.as_deref(), again: again.as_deref(), ..desk },
        account: &account,
    });
    Ok(reply::page(status, page))
}

async fn find(visit: &Visit<'_>, id: &str) -> Result<Account, PortalError> {
    let id = account_id(id).ok_or(PortalError::NotFound)?;
    match administer::entry(visit.x.app, &id).await {
        Ok(entry) => Ok(entry.account),
        Err(AdministerError::Flow(error)) => Err(error.into()),
        Err(_) => Err(PortalError::NotFound),
    }
}

/// The page to come back to from signing in.
fn back(id: &str) -> String {
    super::address("admin/delete", &[("id", id)]).trim_start_matches("/_vestibule/").to_owned()
}
