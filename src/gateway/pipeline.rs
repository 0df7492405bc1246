//! The life of a request, top to bottom: sanitize, route, session, policy, act.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{ACCEPT_LANGUAGE, ORIGIN, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::admit::{self, Admitted};
use super::answer::{Challenge, Refused};
use super::cutoff::{self, Grounds};
use super::{Context, Noted};
use crate::app::{Application, Behind, Exchange};
use crate::body::Body;
use crate::browser::goes_to_a_page;
use crate::clock::stopwatch;
use crate::cookies::{self, Found, Own};
use crate::flow::{FlowError, who};
use crate::identity::{self, Forwarded, StampError, Stamped, Stamping};
use crate::listen::Arriving;
use crate::policy::{self, Decision, Facts, Missing, Permit};
use crate::portal::{self, reply};
use crate::route::{self, AppUrl, Origin, Otherwise, OwnPath, Route, Scheme};
use crate::session::{Activity, Session, Use};
use crate::upstream;

/// Answers a request, or says why it is refused.
pub(super) async fn respond(
    context: &Context<'_>,
    request: Arriving,
    noted: &mut Noted,
) -> Result<Response<Body>, Refused> {
    let admitted = admit::admit(&request, &context.connection.named)?;
    let place = find(context, &admitted);
    if let (Err(Refused::UnknownHost), Some(file)) =
        (&place, admitted.path().strip_prefix(portal::assets::FOLDER))
    {
        // What the page that says so is dressed in: it can load nothing from another host.
        return Ok(portal::asset(
            &context.gateway.settings.views,
            file,
            request.method(),
            request.headers(),
        )?);
    }
    let (target, origin) = match place? {
        Place::Here(target, origin) => (target, origin),
        Place::Elsewhere(origin) => return to_configured(&origin, &admitted, request.method()),
    };
    if origin.scheme == Scheme::Https && !arrived_by_https(context) {
        return to_configured(&origin, &admitted, request.method());
    }
    admit::size(&request, max_body(context, &target))?;
    // Told to nobody but our own pages.
    let told = |name| matches!(target, Target::Own).then(|| request.headers().get(name).cloned()).flatten();
    let (user_agent, accept_language) = (told(USER_AGENT), told(ACCEPT_LANGUAGE));
    let x = Exchange {
        app: &context.gateway.app,
        snapshot: context.snapshot,
        now: context.now,
        address: context.client.address,
        user_agent: text(user_agent.as_ref()),
        accept_language: text(accept_language.as_ref()),
        request_id: context.client.request_id(),
        origin: &origin,
    };
    match target {
        // In a box: the pages' ways are long, and requests of apps are to carry little along.
        Target::Own => {
            let page = Box::pin(own_page(context, x, request));
            page.await
        }
        Target::Portal if admitted.path() == "/" => Ok(reply::redirect(StatusCode::FOUND, "/_vestibule/")),
        Target::Portal | Target::Nothing => Err(Refused::NotFound),
        Target::App(index) => {
            noted.app = Some(index);
            let app = context.snapshot.apps.get(index).ok_or(Refused::NotFound)?;
            app_request(context, &x, app, &admitted, request, noted).await
        }
    }
}

fn text(header: Option<&HeaderValue>) -> &str {
    header.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// How large a request's body may be, in bytes; zero: no limit.
fn max_body(context: &Context<'_>, target: &Target) -> u64 {
    let app = match target {
        Target::App(index) => context.snapshot.apps.get(*index),
        Target::Own | Target::Portal | Target::Nothing => None,
    };
    app.map_or(context.gateway.settings.max_request_body, |app| app.max_request_body)
}

/// What a request is for.
enum Target {
    App(usize),
    /// One of our own pages.
    Own,
    /// The portal's host, but none of our pages.
    Portal,
    /// A known host without an app for this path.
    Nothing,
}

enum Place {
    Here(Target, Origin),
    /// The host is known, but by another address, to which browsers are sent.
    Elsewhere(Origin),
}

fn find(context: &Context<'_>, admitted: &Admitted) -> Result<Place, Refused> {
    let routes = &context.snapshot.routes;
    let Admitted { host, port, .. } = admitted;
    if !context.connection.covers(host) {
        return Err(Refused::UnknownHost);
    }
    if context.connection.redirect {
        return routes.origin_by_name(host).cloned().map(Place::Elsewhere).ok_or(Refused::UnknownHost);
    }
    let Some(configured) = routes.at(host, *port) else {
        // A plain port that nobody configured as an address, in front of https apps.
        let named = routes.origin_by_name(host).filter(|_| !arrived_by_https(context));
        let named = named.filter(|origin| origin.scheme == Scheme::Https);
        return named.cloned().map(Place::Elsewhere).ok_or(Refused::UnknownHost);
    };
    let target = match route::own_path(admitted.path()) {
        OwnPath::Yes => Target::Own,
        OwnPath::Lookalike => return Err(Refused::Ambiguous),
        OwnPath::No => {
            let path = route::canonical_path(admitted.path());
            let path = path.unwrap_or(Cow::Borrowed(admitted.path()));
            match configured.find(&path) {
                Route::App(index) => Target::App(index),
                Route::Portal => Target::Portal,
                Route::NoApp => Target::Nothing,
                Route::Unknown => return Err(Refused::UnknownHost),
            }
        }
    };
    let origin = match target {
        Target::App(index) => {
            context.snapshot.apps.get(index).map_or(configured.origin, |app| &app.url.origin)
        }
        Target::Own | Target::Portal | Target::Nothing => configured.origin,
    };
    Ok(Place::Here(target, origin.clone()))
}

fn arrived_by_https(context: &Context<'_>) -> bool {
    context.connection.tls || context.client.scheme == Some(Scheme::Https)
}

/// To the same path at the configured address; what a redirect would lose or expose again is refused.
fn to_configured(origin: &Origin, admitted: &Admitted, method: &Method) -> Result<Response<Body>, Refused> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refused::HttpsOnly);
    }
    let location = format!("{origin}{}", admitted.target.as_str());
    Ok(reply::redirect(StatusCode::PERMANENT_REDIRECT, &location))
}

async fn own_page(
    context: &Context<'_>,
    x: Exchange<'_>,
    request: Arriving,
) -> Result<Response<Body>, Refused> {
    let mut response = portal::respond(x, &context.gateway.settings.views, *request).await?;
    reply::strict_transport(&mut response, x.origin);
    Ok(response)
}

async fn app_request(
    context: &Context<'_>,
    x: &Exchange<'_>,
    app: &Application,
    admitted: &Admitted,
    request: Arriving,
    noted: &mut Noted,
) -> Result<Response<Body>, Refused> {
    if app.maintenance {
        admins_alone(context, x, app, admitted, &request).await?;
    }
    let path = readable_path(app, admitted)?;
    let (upstream, rewrite) = match &app.behind {
        Behind::Upstream(upstream, rewrite) => (upstream, rewrite),
        Behind::Redirect(to) => {
            let (location, origin) = (elsewhere(to, app, admitted), x.origin.clone());
            return Err(Refused::Moved { location, origin });
        }
    };
    if admitted.upgrade.as_ref().is_some_and(|upgrade| upgrade.websocket)
        && !from_own_origin(&request, x.origin)
    {
        return Err(Refused::ForeignOrigin);
    }
    let method = request.method().clone();
    let otherwise = otherwise(context, app, admitted, &path)?;
    let otherwise = otherwise.as_deref();
    let facts = Facts { method: method.as_str(), path: &path, otherwise, client: x.address };
    let (decision, visitor) = judge(context, x, app, &request, &facts).await?;
    noted.subject = visitor.as_ref().map(|visitor| Arc::clone(&visitor.subject));
    let permit = match decision {
        Decision::Allow(permit) => permit,
        Decision::Challenge(missing) => return Err(challenge(x, app, admitted, &request, missing)),
        Decision::Deny => {
            let username = visitor.map(|visitor| visitor.subject.username.clone());
            return Err(Refused::Forbidden { username, origin: x.origin.clone() });
        }
    };
    let session = visitor.map(|visitor| visitor.session);
    let affinity = affinity(session.as_deref(), x.address);
    let cutoff = || {
        let (app, path, address) = (app.name.clone(), path.into_owned(), x.address);
        cutoff::later(context, session.map(|session| Grounds { session, app, method, path, address }))
    };
    let typed = typed_place(context, app, admitted)?;
    let place = typed.as_ref().or(app.place.as_ref()).ok_or(Refused::NotFound)?;
    let stamped = stamp(context, app, place, request, (permit, affinity))?;
    let sent = stopwatch();
    let answer = upstream::forward(&context.gateway.pools, upstream, stamped, cutoff).await;
    noted.upstream = Some(sent.elapsed());
    let mut answer = answer?;
    rewrite.apply(answer.headers_mut());
    app.headers.response.apply(answer.headers_mut());
    Ok(answer)
}

/// Lets administrators pass, whom an app in maintenance is open to. Who may be one is told where to prove it.
async fn admins_alone(
    context: &Context<'_>,
    x: &Exchange<'_>,
    app: &Application,
    admitted: &Admitted,
    request: &Request<Incoming>,
) -> Result<(), Refused> {
    let snapshot = context.snapshot;
    let looking = Box::pin(who::visiting(x, cookie(x, request, Own::Session), Use::DoesNotCount));
    let missing = match looking.await {
        Ok(None) => snapshot.has_admins().then_some(Missing::SignIn),
        Ok(Some(visitor)) if snapshot.is_admin(&visitor.subject) => return Ok(()),
        Ok(Some(visitor)) => snapshot.is_one_of_the_admins(&visitor.subject).then_some(Missing::SecondFactor),
        // The store is down: who it is cannot be told, nor would signing in again help.
        Err(_) => None,
    };
    Err(Refused::Maintenance { missing, origin: x.origin.clone(), back: back(x, app, admitted, request) })
}

fn cookie<'a>(x: &Exchange<'_>, request: &'a Request<Incoming>, own: Own) -> Option<&'a str> {
    match cookies::find(request.headers(), own.name(x.origin.scheme == Scheme::Https)) {
        Found::One(value) => Some(value),
        Found::None | Found::Many => None,
    }
}

/// The same path and query below another address, without the app's own path if that is not sent on.
fn elsewhere(to: &AppUrl, app: &Application, admitted: &Admitted) -> String {
    let whole = if admitted.path() == "*" { "" } else { admitted.target.as_str() };
    let rest = app.strip_prefix.as_ref().and_then(|prefix| whole.strip_prefix(prefix.as_str()));
    let rest = rest.unwrap_or(whole);
    let slash = if to.path.is_empty() && !rest.starts_with('/') { "/" } else { "" };
    format!("{to}{slash}{rest}")
}

/// The same number for all requests of a sign-on, whose id is random; without one, of an address.
fn affinity(session: Option<&Session>, address: IpAddr) -> u64 {
    match session.and_then(|session| session.sign_on().first_chunk::<8>()) {
        Some(id) => u64::from_le_bytes(*id),
        None => BuildHasherDefault::<DefaultHasher>::default().hash_one(address),
    }
}

/// The path as rules read it. Where paths decide anything, one that could be read in two ways is refused.
fn readable_path<'a>(app: &Application, admitted: &'a Admitted) -> Result<Cow<'a, str>, Refused> {
    let raw = admitted.path();
    if app.by_path && raw != "*" && route::is_ambiguous(raw) {
        return Err(Refused::Ambiguous);
    }
    if let Some(prefix) = &app.strip_prefix {
        let rest = raw.strip_prefix(prefix.as_str()).ok_or(Refused::Ambiguous)?;
        if route::own_path(rest) != OwnPath::No {
            return Err(Refused::Ambiguous);
        }
    }
    Ok(route::canonical_path(raw).unwrap_or(Cow::Borrowed(raw)))
}

/// How else the app may read the path, where paths decide anything. One that would lead to another app is refused.
fn otherwise(
    context: &Context<'_>,
    app: &Application,
    admitted: &Admitted,
    path: &str,
) -> Result<Option<Box<Otherwise>>, Refused> {
    if !app.by_path {
        return Ok(None);
    }
    let Some(otherwise) = route::otherwise(path) else { return Ok(None) };
    let routes = &context.snapshot.routes;
    let led_away = routes.at(&admitted.host, admitted.port).is_some_and(|place| {
        let here = place.find(path);
        place.find(&otherwise.bare) != here || place.find(&otherwise.folded) != here
    });
    if led_away { Err(Refused::Ambiguous) } else { Ok(Some(otherwise)) }
}

fn from_own_origin(request: &Request<Incoming>, origin: &Origin) -> bool {
    let mut given = request.headers().get_all(ORIGIN).iter();
    given.all(|given| given.as_bytes() == origin.to_string().as_bytes())
}

/// Who it is, and whether they may. While the store is down nobody is known: what needs nobody passes.
async fn judge(
    context: &Context<'_>,
    x: &Exchange<'_>,
    app: &Application,
    request: &Request<Incoming>,
    facts: &Facts<'_>,
) -> Result<(Decision, Option<who::Visitor>), Refused> {
    let cookie = cookie(x, request, Own::Session);
    let used = match app.activity {
        Activity::Navigation if !goes_to_a_page(request.method(), request.headers()) => Use::DoesNotCount,
        Activity::Navigation | Activity::Any => Use::Counts,
    };
    let visitor = match who::visiting(x, cookie, used).await {
        Ok(visitor) => visitor,
        Err(error) => return without_store(app, facts, error),
    };
    if let (Some(visitor), Some(cookie)) = (&visitor, cookie)
        && visitor.session.wants_look(x.now)
    {
        look_ahead(context, x, cookie);
    }
    let decision = decide(app, visitor.as_ref(), facts);
    let (Decision::Challenge(Missing::SecondFactor), Some(cookie)) = (&decision, cookie) else {
        return Ok((decision, visitor));
    };
    // The second factor may have been proved a moment ago, at another gateway.
    let looking = Box::pin(who::look_again(x, cookie, used));
    let visitor = looking.await?;
    Ok((decide(app, visitor.as_ref(), facts), visitor))
}

/// Has the store asked for a session that is trusted for a little longer.
fn look_ahead(context: &Context<'_>, x: &Exchange<'_>, cookie: &str) {
    let (app, snapshot) = (Arc::clone(&context.gateway.app), Arc::clone(context.snapshot));
    let (cookie, host) = (cookie.to_owned(), x.host().clone());
    context.connection.tasks.spawn("session look", async move {
        if let Err(error) = who::look_ahead(&app, &snapshot, &cookie, &host).await {
            tracing::debug!(%error, "a session could not be looked up ahead of time");
        }
    });
}

fn decide(app: &Application, visitor: Option<&who::Visitor>, facts: &Facts<'_>) -> Decision {
    policy::decide(&app.rules, visitor.map(|visitor| &visitor.subject), facts)
}

fn without_store(
    app: &Application,
    facts: &Facts<'_>,
    error: FlowError,
) -> Result<(Decision, Option<who::Visitor>), Refused> {
    match decide(app, None, facts) {
        Decision::Challenge(_) => Err(error.into()),
        decision @ (Decision::Allow(_) | Decision::Deny) => Ok((decision, None)),
    }
}

/// Where to sign in, and where to come back to.
fn challenge(
    x: &Exchange<'_>,
    app: &Application,
    admitted: &Admitted,
    request: &Request<Incoming>,
    missing: Missing,
) -> Refused {
    Refused::Challenge(Challenge {
        missing,
        pages: x.snapshot.pages(x.origin).clone(),
        origin: x.origin.clone(),
        back: back(x, app, admitted, request),
        nonce: cookie(x, request, Own::Enter).map(str::to_owned),
    })
}

/// Where to come back to: what was asked, or the app where asking again would send something again.
fn back(x: &Exchange<'_>, app: &Application, admitted: &Admitted, request: &Request<Incoming>) -> String {
    let repeatable = matches!(*request.method(), Method::GET | Method::HEAD);
    if repeatable { format!("{}{}", x.origin, admitted.target.as_str()) } else { app.url.to_string() }
}

/// The place that the visitor typed, where it is not the app's own as it is kept.
fn typed_place(
    context: &Context<'_>,
    app: &Application,
    admitted: &Admitted,
) -> Result<Option<identity::Place>, StampError> {
    let (scheme, configured) = (scheme(context), &app.url.origin);
    let as_configured =
        scheme == configured.scheme && admitted.port.unwrap_or(scheme.default_port()) == configured.port;
    if as_configured && app.place.is_some() {
        return Ok(None);
    }
    identity::Place::new(scheme, &admitted.host, admitted.port).map(Some)
}

fn scheme(context: &Context<'_>) -> Scheme {
    if arrived_by_https(context) { Scheme::Https } else { Scheme::Http }
}

/// The request as the app is to get it.
fn stamp<'a>(
    context: &Context<'a>,
    app: &'a Application,
    place: &'a identity::Place,
    request: Arriving,
    (permit, affinity): (Permit, u64),
) -> Result<Stamped<'a>, StampError> {
    let request = request.map(|body| admit::body(body, app.max_request_body));
    let forwarded = Forwarded { chain: &context.client.forwarded_for, scheme: scheme(context), place };
    let stamping = Stamping {
        identity: &app.identity,
        strip: &context.snapshot.strip,
        allow_headers: &app.allow_headers,
        rules: &app.headers.request,
        forwarded,
        request_id: &context.client.request_id,
        affinity,
    };
    identity::stamp(permit, request, &stamping)
}
