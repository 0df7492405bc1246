//! The apps that the visitor may open.

use http::{Response, StatusCode};

use super::super::view::{AppLink, AppsView, Section};
use super::super::{PortalError, Visit, reply};
use super::guard;
use crate::app::Application;
use crate::body::Body;
use crate::policy::{self, Facts, Policy};
use crate::route;
use crate::subject::Subject;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let visitor = match guard::two_factors(visit, "").await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let subject = &visitor.subject;
    let open: Vec<_> = visit.x.snapshot.apps.iter().filter(|app| may_open(visit, app, subject)).collect();
    let rows: Vec<_> = open.iter().map(|app| (app.url.to_string(), place(app))).collect();
    let links: Vec<_> =
        open.iter().zip(&rows).map(|(app, (url, host))| AppLink { name: &app.name, url, host }).collect();
    let page = visit.pages_for(&visitor).apps(&AppsView {
        nav: visit.nav(&visitor, Section::Apps),
        note: visit.note(),
        apps: &links,
    });
    Ok(reply::page(StatusCode::OK, page))
}

fn may_open(visit: &Visit<'_>, app: &Application, subject: &Subject) -> bool {
    let path = format!("{}/", app.url.path);
    let otherwise = route::otherwise(&path);
    let facts =
        Facts { method: "GET", path: &path, otherwise: otherwise.as_deref(), client: visit.x.address };
    policy::policy_for(&app.rules, Some(subject), &facts) != Policy::Deny
}

fn place(app: &Application) -> String {
    format!("{}{}", app.url.origin.authority(), app.url.path)
}
