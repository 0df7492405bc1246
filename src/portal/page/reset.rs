//! A forgotten password: who asks is mailed a link, who follows it chooses another.

use std::time::Duration;

use http::{Response, StatusCode};

use super::super::form::Form;
use super::super::view::kit::{self, Field, Kind};
use super::super::view::{AskView, Problem, TellView};
use super::super::{PortalError, Visit, reply};
use super::minutes;
use super::register::password_help;
use crate::body::Body;
use crate::flow::FlowError;
use crate::flow::reset::{self, Holder, Outcome};
use crate::route::OWN_PREFIX;
use crate::secret::Secret;

/// Where to ask for another password; `None`: none can be set here.
pub fn address(visit: &Visit<'_>) -> Option<String> {
    visit.x.snapshot.directory.database().map(|_| visit.own("reset"))
}

/// Looking at a link uses nothing up: scanners of mail follow it before its owner does.
pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let Some(token) = visit.parameter("token") else { return Ok(ask(visit, StatusCode::OK, "", None)) };
    Ok(match reset::look(&visit.x, &token).await? {
        Some(holder) => choose(visit, StatusCode::OK, &holder, &token, None, None),
        None => dead(visit, StatusCode::GONE),
    })
}

pub async fn submit(visit: &Visit<'_>, posted: Form) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let token = posted.field("token")?;
    if token.is_empty() { submit_login(visit, &posted).await } else { set(visit, &token, posted).await }
}

async fn submit_login(visit: &Visit<'_>, posted: &Form) -> Result<Response<Body>, PortalError> {
    let typed = posted.field("login")?;
    if typed.trim().is_empty() {
        let problem = Problem::UsernameMissing.text(visit.x.words(None));
        return Ok(ask(visit, StatusCode::UNPROCESSABLE_ENTITY, "", Some((true, problem))));
    }
    if let Some(wait) = reset::ask(&visit.x, &typed).await? {
        let problem = Problem::TooMany { minutes: minutes(wait) }.text(visit.x.words(None));
        let mut response = ask(visit, StatusCode::TOO_MANY_REQUESTS, &typed, Some((false, problem)));
        reply::retry_after(&mut response, wait);
        return Ok(response);
    }
    Ok(reply::redirect(StatusCode::SEE_OTHER, &visit.own("reset/sent")))
}

async fn set(visit: &Visit<'_>, token: &str, posted: Form) -> Result<Response<Body>, PortalError> {
    let password = Secret::new(posted.field("password")?);
    drop(posted);
    match reset::set(&visit.x, token, password).await {
        Ok(Outcome::Done) => Ok(reply::redirect(StatusCode::SEE_OTHER, &format!("{OWN_PREFIX}/reset/done"))),
        Ok(Outcome::Weak(weakness, holder)) => {
            let problem = Some(weakness.say(visit.x.words(None)));
            Ok(choose(visit, StatusCode::UNPROCESSABLE_ENTITY, &holder, token, problem, None))
        }
        Ok(Outcome::Dead) => Ok(dead(visit, StatusCode::UNPROCESSABLE_ENTITY)),
        Err(FlowError::Busy(busy)) => {
            let Some(holder) = reset::look(&visit.x, token).await? else {
                return Err(FlowError::Busy(busy).into());
            };
            let problem = Some(Problem::Busy.text(visit.x.words(None)));
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let mut response = choose(visit, status, &holder, token, None, problem);
            reply::retry_after(&mut response, Duration::from_secs(2));
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

pub fn show_sent(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let login = visit.own("login");
    let page = visit.pages(None).tell(&TellView {
        heading: "reset-sent-heading",
        says: &["reset-sent", "reset-sent-none"],
        onward: ("reset-sign-in", &login),
        prominent: false,
    });
    Ok(reply::page(StatusCode::OK, page))
}

pub fn show_done(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let login = visit.own("login");
    let page = visit.pages(None).tell(&TellView {
        heading: "reset-done-heading",
        says: &["reset-done"],
        onward: ("register-done-sign-in", &login),
        prominent: true,
    });
    Ok(reply::page(StatusCode::OK, page))
}

/// `problem`: whether it is about the field, and its text.
fn ask(
    visit: &Visit<'_>,
    status: StatusCode,
    typed: &str,
    problem: Option<(bool, String)>,
) -> Response<Body> {
    let (at_field, of_form) = match problem {
        Some((true, text)) => (Some(text), None),
        Some((false, text)) => (None, Some(text)),
        None => (None, None),
    };
    let field = Field::new("login", "reset-login", Kind::Text("username"), typed);
    let (action, login) = (visit.own("reset"), visit.own("login"));
    let form = kit::Form {
        action: &action,
        fields: vec![field.problem(at_field)],
        submit: "reset-submit",
        problem: of_form,
        ..kit::Form::default()
    };
    let page = visit.pages(None).ask(&AskView {
        heading: "reset-ask-heading",
        lead: Some(visit.x.words(None).text("reset-lead")),
        form,
        instead: Some(("reset-sign-in", &login)),
        back: None,
    });
    reply::page(status, page)
}

fn choose(
    visit: &Visit<'_>,
    status: StatusCode,
    holder: &Holder,
    token: &str,
    at_field: Option<String>,
    of_form: Option<String>,
) -> Response<Body> {
    let words = visit.x.words(None);
    let field = Field::new("password", "reset-password", Kind::Password("new-password"), "");
    // Without the link's own query: it goes along in the form.
    let action = format!("{OWN_PREFIX}/reset");
    let form = kit::Form {
        action: &action,
        fields: vec![field.help(password_help(visit, words)).problem(at_field)],
        hidden: vec![("token", token)],
        whose: Some(&holder.account.username),
        submit: "reset-set",
        problem: of_form,
        ..kit::Form::default()
    };
    let page = visit.pages(None).ask(&AskView {
        heading: "reset-heading",
        lead: Some(words.filled("reset-whose", "username", &holder.account.username)),
        form,
        instead: None,
        back: None,
    });
    reply::page(status, page)
}

/// The link is used or too old: another can be asked for here.
fn dead(visit: &Visit<'_>, status: StatusCode) -> Response<Body> {
    ask(visit, status, "", Some((false, visit.x.words(None).text("reset-dead"))))
}

fn offered(visit: &Visit<'_>) -> Result<(), PortalError> {
    visit.x.snapshot.directory.database().map(|_| ()).ok_or(PortalError::NotFound)
}
