//! A page with a button for who is signed in with the password alone; only its POST mails a code.

use http::{Response, StatusCode};

use super::super::view::{Problem, StepUpView};
use super::super::{PortalError, Visit, reply};
use super::{go_on, minutes, verify};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::step_up::{self, Outcome};
use crate::flow::who::Visitor;
use crate::mail::mask_address;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let Some(visitor) = visit.visitor().await? else {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("login")));
    };
    if visitor.subject.proofs.two_factors() {
        let target = go_on::target(visit, &visitor).await?;
        return Ok(reply::redirect(StatusCode::FOUND, &target));
    }
    Ok(form(visit, StatusCode::OK, &visitor, None))
}

pub async fn submit(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let Some(visitor) = visit.visitor().await? else {
        return Ok(reply::redirect(StatusCode::SEE_OTHER, &visit.own("login")));
    };
    if visitor.subject.proofs.two_factors() {
        return Ok(reply::redirect(StatusCode::SEE_OTHER, &visit.own("continue")));
    }
    let destination = visit.trail.destination.as_ref();
    match step_up::begin(&visit.x, visit.browser(), &visitor, destination).await? {
        Outcome::CodeSent(cookie) => {
            let mut response = reply::redirect(StatusCode::SEE_OTHER, &visit.own("verify"));
            visit.set(&mut response, Own::Login, &cookie, None);
            Ok(response)
        }
        Outcome::MailFailed(cookie) => verify::mail_failed(visit, &cookie).await,
        Outcome::Limited(wait) => {
            let problem = Problem::TooMany { minutes: minutes(wait) };
            let mut response = form(visit, StatusCode::TOO_MANY_REQUESTS, &visitor, Some(problem));
            reply::retry_after(&mut response, wait);
            Ok(response)
        }
        Outcome::Gone => Ok(reply::redirect(StatusCode::SEE_OTHER, &visit.own("login"))),
    }
}

fn form(
    visit: &Visit<'_>,
    status: StatusCode,
    visitor: &Visitor,
    problem: Option<Problem>,
) -> Response<Body> {
    let destination = visit.destination();
    let page = visit.pages_for(visitor).step_up(&StepUpView {
        action: &visit.own("step-up"),
        cancel_action: "/_vestibule/logout",
        destination: destination.as_deref(),
        username: &visitor.subject.username,
        masked_address: &mask_address(&visitor.subject.email),
        problem,
    });
    reply::page(status, page)
}
