//! The form for the mailed code, with "send again" and "use a different account".

use std::time::Duration;

use http::{Response, StatusCode};

use super::super::form::Form;
use super::super::view::{Explain, ExplainView, Note, Problem, VerifyView};
use super::super::{PortalError, Visit, reply};
use super::login::{self, Typed};
use super::minutes;
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::Browser;
use crate::flow::code::{self, Awaiting, Outcome};
use crate::flow::mailing::Mailed;
use crate::mail::mask_address;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    if let Some(awaiting) = code::awaiting(&visit.x, visit.browser()).await? {
        let note = visit.note();
        return Ok(form(
            visit,
            StatusCode::OK,
            &Shown { awaiting, typed: String::new(), problem: None, note },
        ));
    }
    if visit.parameter("started").is_some() && visit.headers.get(http::header::COOKIE).is_none() {
        // Straight from the first step, and no cookie came along: going back there would only turn in a circle.
        let retry = visit.own("login");
        let page =
            visit.pages(None).explain(&ExplainView { kind: Explain::CookiesNeeded, retry_address: &retry });
        return Ok(reply::page(StatusCode::OK, page));
    }
    Ok(reply::redirect(StatusCode::FOUND, &visit.own("login")))
}

pub async fn submit(visit: &Visit<'_>, posted: &Form) -> Result<Response<Body>, PortalError> {
    let typed = posted.field("code")?;
    if typed.trim().is_empty()
        && let Some(awaiting) = code::awaiting(&visit.x, visit.browser()).await?
    {
        let shown = Shown { awaiting, typed, problem: Some(Problem::CodeMissing), note: None };
        return Ok(form(visit, StatusCode::UNPROCESSABLE_ENTITY, &shown));
    }
    match code::verify(&visit.x, visit.browser(), &typed).await? {
        Outcome::Entered(entered) => Ok(login::entered_here(visit, &entered)),
        Outcome::Wrong(awaiting) => {
            let problem = Some(Problem::InvalidCode);
            let shown = Shown { awaiting: *awaiting, typed, problem, note: None };
            Ok(form(visit, StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Outcome::Expired => expired(visit).await,
        Outcome::TooMany(wait) => {
            let mut response = login::too_many(visit, &Typed::default(), wait);
            visit.forget(&mut response, Own::Login);
            Ok(response)
        }
        Outcome::Pending => Ok(start_over(visit, Problem::Pending)),
        Outcome::Disabled => Ok(start_over(visit, Problem::Disabled)),
    }
}

pub async fn resend(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let destination = visit.trail.destination.as_ref();
    let Some((mailed, awaiting)) = code::resend(&visit.x, visit.browser(), destination).await? else {
        return expired(visit).await;
    };
    let (status, problem, wait) = match mailed {
        Mailed::Sent => return Ok(visit.done("verify", Note::SentAgain)),
        Mailed::Failed => (StatusCode::SERVICE_UNAVAILABLE, Problem::MailFailed, Duration::from_secs(5)),
        Mailed::TooEarly(wait) => (StatusCode::TOO_MANY_REQUESTS, Problem::TooSoon, wait),
        Mailed::Limited(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, Problem::TooMany { minutes: minutes(wait) }, wait)
        }
    };
    let shown = Shown { awaiting, typed: String::new(), problem: Some(problem), note: None };
    let mut response = form(visit, status, &shown);
    reply::retry_after(&mut response, wait);
    Ok(response)
}

pub async fn cancel(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    code::cancel(&visit.x, visit.browser()).await?;
    let mut response = reply::redirect(StatusCode::SEE_OTHER, &visit.own("login"));
    visit.forget(&mut response, Own::Login);
    Ok(response)
}

/// The code page of a sign-in whose first mail could not be sent: it waits, and the mail can be tried again.
pub async fn mail_failed(visit: &Visit<'_>, cookie: &str) -> Result<Response<Body>, PortalError> {
    let browser = Browser { login: Some(cookie), ..visit.browser() };
    let Some(awaiting) = code::awaiting(&visit.x, browser).await? else { return expired(visit).await };
    let problem = Some(Problem::MailFailed);
    let shown = Shown { awaiting, typed: String::new(), problem, note: None };
    let mut response = form(visit, StatusCode::SERVICE_UNAVAILABLE, &shown);
    reply::retry_after(&mut response, Duration::from_secs(5));
    visit.set(&mut response, Own::Login, cookie, None);
    Ok(response)
}

struct Shown {
    awaiting: Awaiting,
    typed: String,
    problem: Option<Problem>,
    note: Option<Note>,
}

fn form(visit: &Visit<'_>, status: StatusCode, shown: &Shown) -> Response<Body> {
    let settings = &visit.x.snapshot.email_code;
    let destination = visit.destination();
    let wait = shown.awaiting.resend_wait;
    let language = shown.awaiting.account.language.as_deref();
    let page = visit.pages(language).verify(&VerifyView {
        action: &visit.own("verify"),
        resend_action: &visit.own("verify/resend"),
        cancel_action: &visit.own("verify/cancel"),
        cancel_text: "use-another-account",
        destination: destination.as_deref(),
        masked_address: &mask_address(&shown.awaiting.account.email),
        code: &shown.typed,
        digits: settings.digits,
        valid_minutes: settings.lifetime.as_secs().div_ceil(60),
        resend_wait_seconds: whole_seconds(wait),
        resend_possible: shown.awaiting.resend_possible,
        problem: shown.problem,
        note: shown.note,
    });
    reply::page(status, page)
}

/// As a page counts a wait down; `None`: there is none.
pub fn whole_seconds(wait: Duration) -> Option<u64> {
    (!wait.is_zero()).then(|| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// The sign-in is gone. If another tab has finished it, this one goes on as well.
async fn expired(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let visitor = visit.visitor().await?;
    if visitor.is_some() && login::again(visit, visitor.as_ref()).is_none() {
        return Ok(reply::redirect(StatusCode::SEE_OTHER, &visit.own("continue")));
    }
    Ok(start_over(visit, Problem::Expired))
}

fn start_over(visit: &Visit<'_>, problem: Problem) -> Response<Body> {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let mut response = login::form(visit, status, &Typed::default(), Some(problem));
    visit.forget(&mut response, Own::Login);
    response
}
