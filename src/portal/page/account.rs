//! The visitor's own account.

use std::time::Duration;

use http::{Response, StatusCode};

use super::super::form::Form;
use super::super::view::{AS_BROWSER, AccountView, Mine, Note, Part, Refused, Row, Section};
use super::super::{PortalError, Visit, reply};
use super::{guard, minutes};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::own::address::{self, Begun, Ended};
use crate::flow::own::{self, open, password, profile};
use crate::flow::who::Visitor;
use crate::flow::{FlowError, confirm, device_cookie_age};
use crate::secret::Secret;
use crate::words::Words;

/// The page, as it comes back to.
const PAGE: &str = "account";

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    match guard::two_factors(visit, PAGE).await? {
        Ok(visitor) => page(visit, StatusCode::OK, &visitor, &Typed::default(), None).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// What to do stands in the field `do`.
pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    match form.field("do")?.as_str() {
        "profile" => set_profile(visit, form).await,
        "email" => begin_address(visit, form).await,
        "code" => confirm_address(visit, form).await,
        "stop" => stop_address(visit).await,
        "password" => set_password(visit, form).await,
        "end" => end(visit, &form.field("id")?).await,
        "end-others" => end_others(visit).await,
        "forget" => forget(visit, &form.field("id")?).await,
        _ => Err(PortalError::Form("it does nothing that this page knows")),
    }
}

async fn set_profile(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let visitor = match guard::two_factors(visit, PAGE).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (name, language) = (form.field("name")?, form.field("language")?);
    let chosen = if language == AS_BROWSER { "" } else { &language };
    match profile::set(&visit.x, &visitor, &name, chosen).await? {
        profile::Outcome::Changed => Ok(visit.done(PAGE, Note::ProfileChanged)),
        profile::Outcome::Name(error) => {
            let what = error.say(visit.words_for(&visitor));
            let refused = Refused { form: Part::Profile, field: Some("name"), what };
            let typed = Typed { name: Some(&name), language: Some(&language), ..Typed::default() };
            refuse(visit, &visitor, &typed, refused, None).await
        }
        profile::Outcome::Language => Err(PortalError::Form("there is no such language")),
        profile::Outcome::NotHere => Err(PortalError::NotFound),
    }
}

async fn begin_address(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let confirmed = match guard::recent(visit, PAGE).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let email = form.field("email")?;
    let words = visit.words_for(confirmed.visitor());
    let (form, field, what, wait) = match address::begin(&visit.x, &confirmed, &email).await? {
        Begun::Waiting => return Ok(reply::redirect(StatusCode::SEE_OTHER, &visit.own(PAGE))),
        Begun::NotHere => return Err(PortalError::NotFound),
        Begun::Address(error) => (Part::Email, Some("email"), error.say(words), None),
        Begun::Same => (Part::Email, Some("email"), words.text("account-email-same"), None),
        Begun::Domain => (Part::Email, Some("email"), words.text("account-email-domain"), None),
        Begun::TooSoon(wait) => (Part::Code, None, words.text("account-email-soon"), Some(wait)),
        Begun::Limited(wait) => (Part::Profile, None, too_many(words, wait), Some(wait)),
    };
    let refused = Refused { form, field, what };
    let typed = Typed { email: Some(&email), ..Typed::default() };
    refuse(visit, confirmed.visitor(), &typed, refused, wait).await
}

/// The sign-in was recent when the code was asked for; the code itself may take half an hour.
async fn confirm_address(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let visitor = match guard::two_factors(visit, PAGE).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let words = visit.words_for(&visitor);
    let mut wait = None;
    let refused = match address::confirm(&visit.x, &visitor, &form.field("code")?).await? {
        Ended::Changed => return Ok(visit.done(PAGE, Note::AddressChanged)),
        Ended::NotHere => return Err(PortalError::NotFound),
        Ended::Wrong => Refused { form: Part::Code, field: Some("code"), what: words.text("problem-code") },
        Ended::Gone => Refused { form: Part::Profile, field: None, what: words.text("account-email-gone") },
        Ended::TooMany(long) => {
            wait = Some(long);
            Refused { form: Part::Profile, field: None, what: too_many(words, long) }
        }
    };
    refuse(visit, &visitor, &Typed::default(), refused, wait).await
}

async fn stop_address(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    match guard::two_factors(visit, PAGE).await? {
        Ok(visitor) => address::stop(&visit.x, &visitor).await?,
        Err(elsewhere) => return Ok(elsewhere),
    }
    Ok(visit.done(PAGE, Note::AddressKept))
}

fn too_many(words: &Words, wait: Duration) -> String {
    words.with("problem-too-many", &[("minutes", minutes(wait).into())])
}

/// The page with what is wrong: 422, or 429 for who has to wait.
async fn refuse(
    visit: &Visit<'_>,
    visitor: &Visitor,
    typed: &Typed<'_>,
    refused: Refused,
    wait: Option<Duration>,
) -> Result<Response<Body>, PortalError> {
    let status = wait.map_or(StatusCode::UNPROCESSABLE_ENTITY, |_| StatusCode::TOO_MANY_REQUESTS);
    let mut response = page(visit, status, visitor, typed, Some(refused)).await?;
    if let Some(wait) = wait {
        reply::retry_after(&mut response, wait);
    }
    Ok(response)
}

async fn set_password(visit: &Visit<'_>, form: &Form) -> Result<Response<Body>, PortalError> {
    let confirmed = match guard::recent(visit, PAGE).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (present, new) = (Secret::new(form.field("present")?), Secret::new(form.field("password")?));
    let words = visit.words_for(confirmed.visitor());
    let (field, what, wait) = match password::set(&visit.x, visit.browser(), &confirmed, present, new).await {
        Ok(password::Outcome::Changed(entered)) => {
            let mut response = visit.done(PAGE, Note::PasswordChanged);
            visit.set(&mut response, Own::Session, &entered.session.cookie, entered.session.max_age);
            visit.set(&mut response, Own::Device, &entered.device, Some(device_cookie_age()));
            return Ok(response);
        }
        Ok(password::Outcome::NotHere) => return Err(PortalError::NotFound),
        Ok(password::Outcome::Wrong) => (Some("present"), words.text("account-password-wrong"), None),
        Ok(password::Outcome::Weak(weakness)) => (Some("password"), weakness.say(words), None),
        Ok(password::Outcome::Same) => (Some("password"), words.text("account-password-same"), None),
        Ok(password::Outcome::Locked(wait)) => (None, too_many(words, wait), Some(wait)),
        Err(FlowError::Busy(_)) => (None, words.text("problem-busy"), Some(Duration::from_secs(2))),
        Err(error) => return Err(error.into()),
    };
    let refused = Refused { form: Part::Password, field, what };
    refuse(visit, confirmed.visitor(), &Typed::default(), refused, wait).await
}

async fn end(visit: &Visit<'_>, id: &str) -> Result<Response<Body>, PortalError> {
    let confirmed = match guard::recent(visit, PAGE).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    // One that has ended meanwhile is as gone.
    open::end(&visit.x, &confirmed, id).await?;
    Ok(visit.done(PAGE, Note::SessionEnded))
}

async fn end_others(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let confirmed = match guard::recent(visit, PAGE).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    open::end_others(&visit.x, &confirmed).await?;
    Ok(visit.done(PAGE, Note::SessionsEnded))
}

async fn forget(visit: &Visit<'_>, id: &str) -> Result<Response<Body>, PortalError> {
    let confirmed = match guard::recent(visit, PAGE).await? {
        Ok(confirmed) => confirmed,
        Err(elsewhere) => return Ok(elsewhere),
    };
    open::forget(&visit.x, &confirmed, id).await?;
    Ok(visit.done(PAGE, Note::DeviceForgotten))
}

/// What was typed into a form that comes back.
#[derive(Default)]
struct Typed<'a> {
    name: Option<&'a str>,
    language: Option<&'a str>,
    email: Option<&'a str>,
}

async fn page(
    visit: &Visit<'_>,
    status: StatusCode,
    visitor: &Visitor,
    typed: &Typed<'_>,
    refused: Option<Refused>,
) -> Result<Response<Body>, PortalError> {
    let x = &visit.x;
    let Some(account) = own::account(x, visitor).await? else { return Err(PortalError::NotFound) };
    let words = visit.words_for(visitor);
    let groups =
        if account.groups.is_empty() { words.text("account-groups-none") } else { account.groups.join(", ") };
    let languages: Vec<_> =
        x.app.words.all().map(|words| (words.language(), words.text("account-language-name"))).collect();
    let awaited = address::awaited(x, &account).await?;
    let mine = own::is_changed_here(&account).then(|| Mine {
        name: typed.name.unwrap_or(&account.name),
        language: typed.language.or(account.language.as_deref()).unwrap_or(AS_BROWSER),
        languages: &languages,
        new_email: typed.email.unwrap_or_default(),
        waiting: awaited.as_deref(),
        minimum: x.snapshot.passwords.minimum_length,
    });
    let (sessions, devices) = rows(visit, visitor).await?;
    let again = guard::again_address(PAGE);
    let again = Some(again.as_str()).filter(|_| confirm::lacking(&visitor.session.proofs(), x.now).is_some());
    let page = visit.pages_for(visitor).account(&AccountView {
        nav: visit.nav(visitor, Section::Account),
        note: visit.note(),
        username: &account.username,
        email: &account.email,
        groups: &groups,
        name: &account.name,
        mine,
        again,
        refused,
        sessions: &sessions,
        devices: &devices,
    });
    Ok(reply::page(status, page))
}

/// The visitor's sessions and known browsers, the last used first.
async fn rows(visit: &Visit<'_>, visitor: &Visitor) -> Result<(Vec<Row>, Vec<Row>), PortalError> {
    let (x, words) = (&visit.x, visit.words_for(visitor));
    let own = open::sessions(x, visitor).await?;
    let Some(account) = own::account(x, visitor).await? else { return Ok((Vec::new(), Vec::new())) };
    let devices = open::devices(x, &account, &own).await?;
    let sessions = own.iter().map(|session| Row {
        id: session.sign_on.public_id(),
        browser: session.sign_on.client.browser.in_words(words),
        address: session.sign_on.client.address.to_canonical().to_string(),
        first: session.sign_on.started,
        last: words.ago(session.sign_on.last_seen, x.now),
        is_this: session.is_this,
    });
    let devices = devices.iter().map(|own| Row {
        id: own.device.public_id(),
        browser: own.device.browser.in_words(words),
        address: own.device.address.to_canonical().to_string(),
        first: own.device.first_seen,
        last: words.ago(own.device.last_seen, x.now),
        is_this: own.is_this,
    });
    Ok((sessions.collect(), devices.collect()))
}
