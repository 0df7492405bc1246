//! The sign-in form: a name and a password.

use http::{Response, StatusCode};

use super::super::form::Form;
use super::super::view::{LoginView, Note, Problem};
use super::super::{PortalError, Visit, reply};
use super::{go_on, minutes, register, reset, verify};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::device_cookie_age;
use crate::flow::password::{self, Attempt, Outcome};
use crate::flow::who::Visitor;
use crate::flow::{Entered, FlowError, code, confirm};
use crate::secret::Secret;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let visitor = visit.visitor().await?;
    let again = again(visit, visitor.as_ref());
    if let Some(visitor) = visitor.as_ref().filter(|_| again.is_none()) {
        let target = go_on::target(visit, visitor).await?;
        return Ok(reply::redirect(StatusCode::FOUND, &target));
    }
    if code::awaiting(&visit.x, visit.browser()).await?.is_some() {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("verify")));
    }
    let username = again.map(|visitor| visitor.subject.username.clone()).unwrap_or_default();
    Ok(form(visit, StatusCode::OK, &Typed { username, remember: false }, None))
}

/// Who is signed in, if they are to prove both factors again.
pub fn again<'a>(visit: &Visit<'_>, visitor: Option<&'a Visitor>) -> Option<&'a Visitor> {
    let lacking = |visitor: &&Visitor| confirm::lacking(&visitor.session.proofs(), visit.x.now).is_some();
    visitor.filter(|_| visit.trail.confirm).filter(lacking)
}

pub async fn submit(visit: &Visit<'_>, form: Form) -> Result<Response<Body>, PortalError> {
    let typed = Typed { username: form.field("username")?, remember: form.field("remember")? == "on" };
    let password = Secret::new(form.field("password")?);
    drop(form);
    for (empty, problem) in [
        (typed.username.trim().is_empty(), Problem::UsernameMissing),
        (password.expose().is_empty(), Problem::PasswordMissing),
    ] {
        if empty {
            return Ok(self::form(visit, StatusCode::UNPROCESSABLE_ENTITY, &typed, Some(problem)));
        }
    }
    let visitor = if visit.trail.confirm { visit.visitor().await? } else { None };
    let attempt = Attempt {
        username: &typed.username,
        password,
        remember: typed.remember && remember_offered(visit),
        destination: visit.trail.destination.as_ref(),
        again: visitor.as_ref(),
    };
    let refuse = |problem| Ok(self::form(visit, StatusCode::UNPROCESSABLE_ENTITY, &typed, Some(problem)));
    match password::sign_in(&visit.x, visit.browser(), attempt).await {
        Ok(Outcome::Wrong) => refuse(Problem::InvalidCredentials),
        Ok(Outcome::Pending) => refuse(Problem::Pending),
        Ok(Outcome::Disabled) => refuse(Problem::Disabled),
        Ok(Outcome::Locked(wait) | Outcome::MailLimited(wait)) => Ok(too_many(visit, &typed, wait)),
        Ok(Outcome::Entered(entered)) => Ok(entered_here(visit, &entered)),
        Ok(Outcome::CodeSent(cookie)) => {
            let next = format!("/_vestibule/verify{}", visit.trail.query_with(&[("started", "1")]));
            let mut response = reply::redirect(StatusCode::SEE_OTHER, &next);
            visit.set(&mut response, Own::Login, &cookie, None);
            Ok(response)
        }
        Ok(Outcome::MailFailed(cookie)) => verify::mail_failed(visit, &cookie).await,
        Err(FlowError::Busy(_)) => {
            let mut response =
                self::form(visit, StatusCode::SERVICE_UNAVAILABLE, &typed, Some(Problem::Busy));
            reply::retry_after(&mut response, std::time::Duration::from_secs(2));
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// What was typed, kept when the form comes back; the password is not.
#[derive(Default)]
pub struct Typed {
    pub username: String,
    pub remember: bool,
}

pub fn form(
    visit: &Visit<'_>,
    status: StatusCode,
    typed: &Typed,
    problem: Option<Problem>,
) -> Response<Body> {
    let destination = visit.destination();
    let (reset, register) = (reset::address(visit), register::address(visit));
    let page = visit.pages(None).login(&LoginView {
        action: &visit.own("login"),
        destination: destination.as_deref(),
        username: &typed.username,
        remember: remember_offered(visit).then_some(typed.remember),
        reset: reset.as_deref(),
        register: register.as_ref().map(|(text, address)| (*text, address.as_str())),
        note: visit.trail.confirm.then_some(Note::SignInAgain),
        problem,
    });
    reply::page(status, page)
}

/// 429 and the form.
pub fn too_many(visit: &Visit<'_>, typed: &Typed, wait: std::time::Duration) -> Response<Body> {
    let problem = Problem::TooMany { minutes: minutes(wait) };
    let mut response = form(visit, StatusCode::TOO_MANY_REQUESTS, typed, Some(problem));
    reply::retry_after(&mut response, wait);
    response
}

/// Somebody is in: the cookies, and on to the page that greets.
pub fn entered_here(visit: &Visit<'_>, entered: &Entered) -> Response<Body> {
    let mut response = reply::redirect(StatusCode::SEE_OTHER, &visit.own("continue"));
    visit.set(&mut response, Own::Session, &entered.session.cookie, entered.session.max_age);
    visit.set(&mut response, Own::Device, &entered.device, Some(device_cookie_age()));
    visit.forget(&mut response, Own::Login);
    response
}

/// Not where the present sign-on goes on.
fn remember_offered(visit: &Visit<'_>) -> bool {
    !visit.x.snapshot.session.remember.is_zero() && !visit.trail.confirm
}
