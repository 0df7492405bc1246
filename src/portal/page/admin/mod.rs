//! The administration pages. Each looks anew at who asks: a member of one of the groups of `admins`, with two factors,
//! on the portal's host. What changes something asks for a recent sign-in besides.
//!
//! A script in an app that shares the pages' host could act as the administrator who looks at it: without a host of the
//! portal's own, there are no such pages.

mod account;
mod accounts;
mod delete;
mod queue;
mod trail;

use form_urlencoded::Serializer;
use http::{Response, StatusCode};

use super::super::form::Form;
use super::super::view::admin::Desk;
use super::super::view::{Note, Section};
use super::super::{PortalError, Visit, reply};
use super::guard;
use crate::account::database::Database;
use crate::account::{Groups, LabelError};
use crate::body::Body;
use crate::flow::administer::AdministerError;
use crate::flow::confirm::{self, Confirmed};
use crate::flow::who::Visitor;
use crate::flow::{By, FlowError};
use crate::route::OWN_PREFIX;

/// How many rows a page has.
const ROWS: u32 = 50;

/// Answers what lies at or below `admin`. `posted`: what came with a POST.
pub async fn respond(
    visit: &Visit<'_>,
    name: &str,
    posted: Option<&Form>,
) -> Result<Response<Body>, PortalError> {
    match (name, posted) {
        ("admin", None) => queue::show(visit).await,
        ("admin", Some(form)) => queue::submit(visit, form).await,
        ("admin/accounts", None) => accounts::show(visit).await,
        ("admin/account", None) => account::show(visit).await,
        ("admin/account", Some(form)) => account::submit(visit, form).await,
        ("admin/delete", None) => delete::show(visit).await,
        ("admin/delete", Some(form)) => delete::submit(visit, form).await,
        ("admin/trail", None) => trail::show(visit).await,
        ("admin/accounts" | "admin/trail", Some(_)) => Err(PortalError::Method("GET, HEAD")),
        _ => Err(PortalError::NotFound),
    }
}

/// Whether this address is one of theirs.
pub fn is(name: &str) -> bool {
    name == "admin" || name.starts_with("admin/")
}

/// Whether the visitor may use these pages on this host.
pub fn is_open_to(visit: &Visit<'_>, visitor: &Visitor) -> bool {
    database(visit).is_ok() && visit.x.snapshot.is_admin(&visitor.subject)
}

/// An administrator who looks at a page; `page` is where they come back to from signing in.
async fn administrator(
    visit: &Visit<'_>,
    page: &str,
) -> Result<Result<Visitor, Response<Body>>, PortalError> {
    database(visit)?;
    let found = guard::two_factors(visit, page).await?;
    if let Ok(visitor) = &found {
        allow(visit, visitor)?;
    }
    Ok(found)
}

/// An administrator who changes something, after a fresh look into the store.
async fn confirmed(visit: &Visit<'_>, page: &str) -> Result<Result<Confirmed, Response<Body>>, PortalError> {
    database(visit)?;
    // Who is none is told so, before anything is asked of them.
    if let Some(visitor) = visit.visitor().await?
        && visitor.subject.proofs.two_factors()
    {
        allow(visit, &visitor)?;
    }
    let found = guard::recent(visit, page).await?;
    if let Ok(confirmed) = &found {
        allow(visit, confirmed.visitor())?;
    }
    Ok(found)
}

fn allow(visit: &Visit<'_>, visitor: &Visitor) -> Result<(), PortalError> {
    if is_open_to(visit, visitor) {
        return Ok(());
    }
    Err(PortalError::Forbidden { username: visitor.subject.username.clone(), origin: visit.x.origin.clone() })
}

/// The database, where there are such pages at all.
fn database<'a>(visit: &Visit<'a>) -> Result<&'a Database, PortalError> {
    let snapshot = visit.x.snapshot;
    let here = snapshot.portal.as_ref() == Some(visit.x.origin);
    snapshot.directory.database().filter(|_| here).ok_or(PortalError::NotFound)
}

/// What stands on every page.
async fn desk<'a>(visit: &Visit<'_>, visitor: &'a Visitor) -> Result<Desk<'a>, PortalError> {
    let waiting = database(visit)?.waiting().await.map_err(FlowError::from)?;
    Ok(Desk {
        nav: visit.nav(visitor, Section::Admin),
        waiting: waiting.unsigned_abs(),
        again: None,
        note: visit.note(),
        problem: None,
    })
}

/// Where a page with something to change leads whose visitor signed in too long ago for that.
fn again(visit: &Visit<'_>, visitor: &Visitor, page: &str) -> Option<String> {
    let lacking = confirm::lacking(&visitor.session.proofs(), visit.x.now);
    lacking.map(|_| guard::again_address(page))
}

/// What went wrong with it is either the administrator's to know, or ours to mend.
fn told(error: AdministerError) -> Result<AdministerError, PortalError> {
    match error {
        AdministerError::Flow(error) => Err(error.into()),
        error => Ok(error),
    }
}

/// After a good post: to this page, which says so.
fn done(page: &str, parameters: &[(&str, &str)], note: Note) -> Response<Body> {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters).append_pair("done", note.word());
    reply::redirect(StatusCode::SEE_OTHER, &format!("{OWN_PREFIX}/{page}?{}", query.finish()))
}

/// The address of a page with those parameters that say something.
fn address(page: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => format!("{OWN_PREFIX}/{page}"),
        query => format!("{OWN_PREFIX}/{page}?{query}"),
    }
}

fn by<'a>(visit: &Visit<'a>, confirmed: &'a Confirmed) -> By<'a> {
    By::visitor(&visit.x, confirmed.visitor())
}

fn groups(typed: &str) -> Result<Groups, LabelError> {
    Groups::parse(typed)
}
