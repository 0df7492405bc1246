//! Asking for an account: the form, the code that proves the address, and another username where that one is taken.

use std::time::Duration;

use http::{Response, StatusCode};

use super::super::form::Form;
use super::super::view::kit::{self, Field, Kind};
use super::super::view::{AskView, Note, Problem, TellView, VerifyView};
use super::super::{PortalError, Visit, reply};
use super::minutes;
use super::verify::whole_seconds;
use crate::account::{Approval, Registration};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::FlowError;
use crate::flow::register::{self, Awaiting, Begun, Outcome, Resent, Wrong, WrongAddress};
use crate::secret::Secret;
use crate::words::Words;

/// Where to register, with the text of a link there; `None`: nobody can.
pub fn address(visit: &Visit<'_>) -> Option<(&'static str, String)> {
    register::offered(visit.x.snapshot).map(|registration| (heading(registration), visit.own("register")))
}

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    if visit.visitor().await?.is_some() {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("")));
    }
    if register::awaiting(&visit.x, cookie(visit)).await?.is_some() {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("register/verify")));
    }
    form(visit, StatusCode::OK, &Typed::default(), &Wrong::default(), None)
}

pub async fn submit(visit: &Visit<'_>, posted: Form) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let typed = Typed {
        name: posted.field("name")?,
        email: posted.field("email")?,
        username: posted.field("username")?,
    };
    let password = Secret::new(posted.field("password")?);
    drop(posted);
    let wanted =
        register::Typed { name: &typed.name, email: &typed.email, username: &typed.username, password };
    match register::begin(&visit.x, wanted).await {
        Ok(Begun::Mailed(cookie)) => {
            let mut response = reply::redirect(StatusCode::SEE_OTHER, &visit.own("register/verify"));
            visit.set(&mut response, Own::Register, &cookie, None);
            Ok(response)
        }
        Ok(Begun::Wrong(wrong)) => form(visit, StatusCode::UNPROCESSABLE_ENTITY, &typed, &wrong, None),
        Ok(Begun::Limited(wait)) => too_many(visit, &typed, wait),
        Err(FlowError::Busy(_)) => {
            let (status, problem) = (StatusCode::SERVICE_UNAVAILABLE, Some(Problem::Busy));
            let mut response = form(visit, status, &typed, &Wrong::default(), problem)?;
            reply::retry_after(&mut response, Duration::from_secs(2));
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn show_code(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let Some(awaiting) = register::awaiting(&visit.x, cookie(visit)).await? else {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("register")));
    };
    if awaiting.is_proved() {
        return Ok(username_form(visit, StatusCode::OK, "", None));
    }
    Ok(code_form(visit, StatusCode::OK, &awaiting, "", None))
}

pub async fn submit_code(visit: &Visit<'_>, posted: &Form) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let typed = posted.field("code")?;
    if typed.trim().is_empty()
        && let Some(awaiting) = register::awaiting(&visit.x, cookie(visit)).await?
        && !awaiting.is_proved()
    {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(code_form(visit, status, &awaiting, "", Some(Problem::CodeMissing)));
    }
    let outcome = register::verify(&visit.x, cookie(visit), &typed).await?;
    answer(visit, outcome, &typed, None)
}

pub async fn submit_username(visit: &Visit<'_>, posted: &Form) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let typed = posted.field("username")?;
    let outcome = register::choose(&visit.x, cookie(visit), &typed).await?;
    answer(visit, outcome, "", Some(&typed))
}

fn answer(
    visit: &Visit<'_>,
    outcome: Outcome,
    code: &str,
    username: Option<&str>,
) -> Result<Response<Body>, PortalError> {
    let (words, refused) = (visit.x.words(None), StatusCode::UNPROCESSABLE_ENTITY);
    match outcome {
        Outcome::Made(approval) => {
            let done = if approval == Approval::Approved { "register/done?ready=1" } else { "register/done" };
            let mut response =
                reply::redirect(StatusCode::SEE_OTHER, &format!("{}/{done}", crate::route::OWN_PREFIX));
            visit.forget(&mut response, Own::Register);
            Ok(response)
        }
        Outcome::Wrong(awaiting) => {
            Ok(code_form(visit, refused, &awaiting, code, Some(Problem::InvalidCode)))
        }
        Outcome::UsernameTaken(_) => {
            let taken = words.text("register-username-taken");
            Ok(username_form(visit, refused, username.unwrap_or_default(), Some(taken)))
        }
        Outcome::WrongUsername(wrong, _) => {
            Ok(username_form(visit, refused, username.unwrap_or_default(), Some(wrong.say(words))))
        }
        Outcome::Expired => start_over(visit, refused, Problem::RegistrationExpired),
        Outcome::TooMany(wait) => {
            let problem = Problem::TooMany { minutes: minutes(wait) };
            let mut response = start_over(visit, StatusCode::TOO_MANY_REQUESTS, problem)?;
            reply::retry_after(&mut response, wait);
            Ok(response)
        }
    }
}

pub async fn resend(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let (awaiting, problem, wait) = match register::resend(&visit.x, cookie(visit)).await? {
        None => return start_over(visit, StatusCode::UNPROCESSABLE_ENTITY, Problem::RegistrationExpired),
        Some(Resent::Mailed) => return Ok(visit.done("register/verify", Note::SentAgain)),
        Some(Resent::TooEarly(wait, awaiting)) => (awaiting, Problem::TooSoon, wait),
        Some(Resent::Exhausted(wait, awaiting)) => {
            (awaiting, Problem::TooMany { minutes: minutes(wait) }, wait)
        }
    };
    let mut response = code_form(visit, StatusCode::TOO_MANY_REQUESTS, &awaiting, "", Some(problem));
    reply::retry_after(&mut response, wait);
    Ok(response)
}

pub async fn cancel(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    register::cancel(&visit.x, cookie(visit)).await?;
    let mut response = reply::redirect(StatusCode::SEE_OTHER, &visit.own("register"));
    visit.forget(&mut response, Own::Register);
    Ok(response)
}

/// It says nothing that anybody could act upon, since anybody can make its address.
pub fn show_done(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    offered(visit)?;
    let (heading, says) = match visit.parameter("ready") {
        Some(_) => ("register-done-open-heading", "register-done-open"),
        None => ("register-done-heading", "register-done"),
    };
    let login = visit.own("login");
    let page = visit.pages(None).tell(&TellView {
        heading,
        says: &[says],
        onward: ("register-done-sign-in", &login),
        prominent: heading == "register-done-open-heading",
    });
    Ok(reply::page(StatusCode::OK, page))
}

/// What was typed, kept when the form comes back; the password is not.
#[derive(Default)]
struct Typed {
    name: String,
    email: String,
    username: String,
}

fn form(
    visit: &Visit<'_>,
    status: StatusCode,
    typed: &Typed,
    wrong: &Wrong,
    problem: Option<Problem>,
) -> Result<Response<Body>, PortalError> {
    let words = visit.x.words(None);
    let email = wrong.email.as_ref().map(|wrong| match wrong {
        WrongAddress::Malformed(wrong) => wrong.say(words),
        WrongAddress::Domain(domain) => words.filled("register-domain", "domain", domain),
    });
    let name = Field::new("name", "register-name", Kind::Text("name"), &typed.name);
    let address = Field::new("email", "register-email", Kind::Email, &typed.email);
    let username = Field::new("username", "register-username", Kind::Text("username"), &typed.username);
    let password = Field::new("password", "register-password", Kind::Password("new-password"), "");
    let (action, login) = (visit.own("register"), visit.own("login"));
    let form = kit::Form {
        action: &action,
        fields: vec![
            name.problem(wrong.name.as_ref().map(|wrong| wrong.say(words))),
            address.problem(email),
            username
                .optional()
                .help(words.text("register-username-help"))
                .problem(wrong.username.as_ref().map(|wrong| wrong.say(words))),
            password
                .help(password_help(visit, words))
                .problem(wrong.password.as_ref().map(|wrong| wrong.say(words))),
        ],
        submit: "register-submit",
        problem: problem.map(|problem| problem.text(words)),
        ..kit::Form::default()
    };
    let page = visit.pages(None).ask(&AskView {
        heading: heading(offered(visit)?),
        lead: None,
        form,
        instead: Some(("register-sign-in", &login)),
        back: None,
    });
    Ok(reply::page(status, page))
}

/// How long a password has to be.
pub fn password_help(visit: &Visit<'_>, words: &Words) -> String {
    let minimum = visit.x.snapshot.passwords.minimum_length;
    words.with("register-password-help", &[("minimum", minimum.into())])
}

fn code_form(
    visit: &Visit<'_>,
    status: StatusCode,
    awaiting: &Awaiting,
    typed: &str,
    problem: Option<Problem>,
) -> Response<Body> {
    let settings = &visit.x.snapshot.email_code;
    let page = visit.pages(None).verify(&VerifyView {
        action: &visit.own("register/verify"),
        resend_action: &visit.own("register/resend"),
        cancel_action: &visit.own("register/cancel"),
        cancel_text: "register-start-over",
        destination: None,
        // As it was typed in this browser: a slip shows.
        masked_address: awaiting.email(),
        code: typed,
        digits: settings.digits,
        valid_minutes: settings.lifetime.as_secs().div_ceil(60),
        resend_wait_seconds: whole_seconds(awaiting.resend_wait),
        resend_possible: awaiting.resend_possible,
        problem,
        note: if problem.is_none() { visit.note() } else { None },
    });
    reply::page(status, page)
}

fn username_form(
    visit: &Visit<'_>,
    status: StatusCode,
    typed: &str,
    problem: Option<String>,
) -> Response<Body> {
    let field = Field::new("username", "register-username", Kind::Text("username"), typed);
    let (action, cancel) = (visit.own("register/username"), visit.own("register/cancel"));
    let form = kit::Form {
        action: &action,
        fields: vec![field.problem(problem)],
        submit: "register-submit",
        ..kit::Form::default()
    };
    let page = visit.pages(None).ask(&AskView {
        heading: "register-username-heading",
        lead: Some(visit.x.words(None).text("register-username-lead")),
        form,
        instead: None,
        back: Some(("register-start-over", &cancel)),
    });
    reply::page(status, page)
}

fn too_many(visit: &Visit<'_>, typed: &Typed, wait: Duration) -> Result<Response<Body>, PortalError> {
    let problem = Some(Problem::TooMany { minutes: minutes(wait) });
    let mut response = form(visit, StatusCode::TOO_MANY_REQUESTS, typed, &Wrong::default(), problem)?;
    reply::retry_after(&mut response, wait);
    Ok(response)
}

fn start_over(
    visit: &Visit<'_>,
    status: StatusCode,
    problem: Problem,
) -> Result<Response<Body>, PortalError> {
    let mut response = form(visit, status, &Typed::default(), &Wrong::default(), Some(problem))?;
    visit.forget(&mut response, Own::Register);
    Ok(response)
}

fn offered(visit: &Visit<'_>) -> Result<Registration, PortalError> {
    register::offered(visit.x.snapshot).ok_or(PortalError::NotFound)
}

fn heading(registration: Registration) -> &'static str {
    match registration {
        Registration::Open => "register-heading-open",
        Registration::Approval | Registration::Closed => "register-heading",
    }
}

fn cookie<'a>(visit: &Visit<'a>) -> Option<&'a str> {
    visit.cookie(Own::Register)
}
