//! The gateway's own pages: [`Portal::respond`] finds the page for an address below `/_vestibule` and has it answer.
//!
//! One file a page under `page/`, GET and POST side by side. Every page is complete without JavaScript, and no GET
//! changes anything but `enter`, which uses up its ticket.

pub mod assets;
mod form;
pub mod hand_over;
mod page;
pub mod reply;
mod trail;
pub mod view;

use bytes::Bytes;
use http::header::{ALLOW, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use crate::app::Exchange;
use crate::body::Body;
use crate::browser::goes_to_a_page;
use crate::cookies::{self, Found, Own};
use crate::flow::who::{self, Use, Visitor};
use crate::flow::{Browser, FlowError};
use crate::route::{OWN_PREFIX, Origin, Scheme};
use crate::words::{Locale, Words};
use trail::Trail;
use view::{Nav, Note, Pages, Section, Views};

/// `portal` of the configuration. Files are read when the configuration is.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where people sign in; `None`: on each app's own host.
    pub url: Option<Origin>,
    pub title: String,
    pub logo: Option<Logo>,
    /// `#rrggbb`.
    pub accent: Option<[u8; 3]>,
    pub notice: Option<String>,
    /// The text of the operator's own style sheet.
    pub stylesheet: Option<String>,
    /// The operator's own texts.
    pub locales: Vec<Locale>,
    pub support: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Logo {
    /// `image/svg+xml`, `image/png`, ...
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Why a page was not answered; the gateway has a page for each.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    #[error("none of the gateway's pages")]
    NotFound,
    #[error("the page does not take this method; it takes {0}")]
    Method(&'static str),
    #[error("a post that did not come from one of our pages")]
    WrongOrigin,
    #[error("malformed form: {0}")]
    Form(&'static str),
    #[error("not for this account")]
    Forbidden { username: String, origin: Origin },
    #[error("the form is larger than {} bytes", form::LARGEST)]
    FormTooLarge,
    #[error("nobody is signed in")]
    SignInRequired {
        /// The sign-in page, with its host.
        login_url: String,
    },
    #[error(transparent)]
    Flow(#[from] FlowError),
}

/// A request for one of our pages, and what it is answered with.
struct Visit<'a> {
    x: Exchange<'a>,
    views: &'a Views,
    headers: &'a HeaderMap,
    trail: Trail,
    query: &'a str,
    posted: bool,
    /// Whether it keeps somebody signed in.
    used: Use,
}

/// Answers a request whose path lies below `/_vestibule`.
pub async fn respond<B>(
    x: Exchange<'_>,
    views: &Views,
    request: Request<B>,
) -> Result<Response<Body>, PortalError>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
{
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let name = path.strip_prefix(OWN_PREFIX).and_then(|rest| rest.strip_prefix('/'));
    let query = head.uri.query().unwrap_or_default();
    if head.headers.get("service-worker").is_some() {
        return Err(PortalError::NotFound);
    }
    if let Some(file) = name.and_then(|name| name.strip_prefix("assets/")) {
        return asset(views, file, &head.method, &head.headers);
    }
    let get = matches!(head.method, Method::GET | Method::HEAD);
    let post = head.method == Method::POST;
    let (trail, used) = (Trail::read(&x, query), use_of(name, &head.method, &head.headers));
    let visit = Visit { x, views, headers: &head.headers, trail, query, posted: post, used };
    let Some(name) = name else {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("")));
    };
    let elsewhere = x.snapshot.portal.as_ref().filter(|portal| *portal != x.origin);
    if let Some(portal) = elsewhere
        && !matches!(name, "enter" | "logout" | "whoami")
    {
        return to_portal(&visit, portal, name, &head).await;
    }
    if post {
        same_origin(&head.headers, x.origin)?;
    }
    match name {
        "login" if get => page::login::show(&visit).await,
        "login" if post => page::login::submit(&visit, form::read(&head.headers, body).await?).await,
        "verify" if get => page::verify::show(&visit).await,
        "verify" if post => page::verify::submit(&visit, &form::read(&head.headers, body).await?).await,
        "verify/resend" if post => {
            form::discard(body).await?;
            page::verify::resend(&visit).await
        }
        "verify/cancel" if post => {
            form::discard(body).await?;
            page::verify::cancel(&visit).await
        }
        "step-up" if get => page::step_up::show(&visit).await,
        "step-up" if post => {
            form::discard(body).await?;
            page::step_up::submit(&visit).await
        }
        "account" if get => page::account::show(&visit).await,
        "account" if post => page::account::submit(&visit, &form::read(&head.headers, body).await?).await,
        "continue" if get => page::go_on::show(&visit).await,
        "logout" if get => page::logout::show(&visit).await,
        "logout" if post => {
            form::discard(body).await?;
            page::logout::submit(&visit).await
        }
        "enter" if get && elsewhere.is_some() => page::enter::show(&visit).await,
        "whoami" if get => page::whoami::show(&visit).await,
        "" if get => page::apps::show(&visit).await,
        "register" if get => page::register::show(&visit).await,
        "register" if post => page::register::submit(&visit, form::read(&head.headers, body).await?).await,
        "register/verify" if get => page::register::show_code(&visit).await,
        "register/verify" if post => {
            page::register::submit_code(&visit, &form::read(&head.headers, body).await?).await
        }
        "register/username" if post => {
            page::register::submit_username(&visit, &form::read(&head.headers, body).await?).await
        }
        "register/resend" if post => {
            form::discard(body).await?;
            page::register::resend(&visit).await
        }
        "register/cancel" if post => {
            form::discard(body).await?;
            page::register::cancel(&visit).await
        }
        "register/done" if get => page::register::show_done(&visit),
        "reset" if get => page::reset::show(&visit).await,
        "reset" if post => page::reset::submit(&visit, form::read(&head.headers, body).await?).await,
        "reset/sent" if get => page::reset::show_sent(&visit),
        "reset/done" if get => page::reset::show_done(&visit),
        _ if page::admin::is(name) && (get || post) => {
            let posted = if post { Some(form::read(&head.headers, body).await?) } else { None };
            page::admin::respond(&visit, name, posted.as_ref()).await
        }
        _ if page::admin::is(name) => Err(PortalError::Method("GET, HEAD, POST")),
        "login" | "verify" | "step-up" | "logout" | "account" | "register" | "register/verify" | "reset" => {
            Err(PortalError::Method("GET, HEAD, POST"))
        }
        "verify/resend" | "verify/cancel" | "register/username" | "register/resend" | "register/cancel" => {
            Err(PortalError::Method("POST"))
        }
        "" | "continue" | "whoami" | "register/done" | "reset/sent" | "reset/done" => {
            Err(PortalError::Method("GET, HEAD"))
        }
        _ => Err(PortalError::NotFound),
    }
}

/// What scripts ask for by themselves keeps nobody signed in, whatever app they are in; `whoami` is made for them.
fn use_of(name: Option<&str>, method: &Method, headers: &HeaderMap) -> Use {
    if name != Some("whoami") && goes_to_a_page(method, headers) { Use::Counts } else { Use::DoesNotCount }
}

/// What was asked for on an app's host, where it lives on the portal's.
async fn to_portal(
    visit: &Visit<'_>,
    portal: &Origin,
    name: &str,
    head: &Parts,
) -> Result<Response<Body>, PortalError> {
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return Err(PortalError::NotFound);
    }
    // What a script asks for could do nothing with the nonce.
    if matches!(name, "login" | "step-up")
        && goes_to_a_page(&head.method, &head.headers)
        && let Some(response) = page::enter::leave(visit, name).await?
    {
        return Ok(response);
    }
    let there = on_portal(portal, head.uri.path(), visit.query, &visit.trail);
    Ok(reply::redirect(StatusCode::FOUND, &there))
}

/// The same page on the portal's host. Where to go afterwards may be a path on this host: there it would be nowhere.
fn on_portal(portal: &Origin, path: &str, query: &str, trail: &Trail) -> String {
    match (&trail.destination, query) {
        (Some(_), _) => format!("{portal}{path}{}", trail.query()),
        (None, "") => format!("{portal}{path}"),
        (None, query) => format!("{portal}{path}?{query}"),
    }
}

/// A post is accepted from our own pages alone. A client that says nothing of where it comes from is no browser, and
/// carries no cookie that it was not given on purpose.
fn same_origin(headers: &HeaderMap, origin: &Origin) -> Result<(), PortalError> {
    let good = match (headers.get("sec-fetch-site"), headers.get("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(from)) => from.as_bytes() == origin.to_string().as_bytes(),
        (None, None) => true,
    };
    if good { Ok(()) } else { Err(PortalError::WrongOrigin) }
}

/// A file that pages are dressed in. The same for everybody, on every host.
pub fn asset(
    views: &Views,
    name: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response<Body>, PortalError> {
    let asset = views.asset(name).ok_or(PortalError::NotFound)?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(PortalError::Method("GET, HEAD"));
    }
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == asset.etag.as_bytes());
    let mut response = reply::asset(asset, known);
    if let Ok(tag) = HeaderValue::from_str(&asset.etag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// Names the methods that a page takes, in an answer with 405.
pub fn allow(response: &mut Response<Body>, methods: &'static str) {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
}

impl<'a> Visit<'a> {
    fn secure(&self) -> bool {
        self.x.origin.scheme == Scheme::Https
    }

    fn cookie(&self, own: Own) -> Option<&'a str> {
        match cookies::find(self.headers, own.name(self.secure())) {
            Found::One(value) => Some(value),
            // Two of one name: somebody planted one, and nobody can say which.
            Found::None | Found::Many => None,
        }
    }

    fn browser(&self) -> Browser<'a> {
        Browser {
            session: self.cookie(Own::Session),
            login: self.cookie(Own::Login),
            device: self.cookie(Own::Device),
        }
    }

    /// The pages for a reader whose account names this language, if it does.
    fn pages(&self, language: Option<&str>) -> Pages<'a> {
        self.views.with(self.x.words(language))
    }

    /// The texts for whoever is signed in.
    fn words_for(&self, visitor: &Visitor) -> &'a Words {
        self.x.words(visitor.subject.language.as_deref())
    }

    /// The pages for whoever is signed in.
    fn pages_for(&self, visitor: &Visitor) -> Pages<'a> {
        self.pages(visitor.subject.language.as_deref())
    }

    /// The frame of a page behind the sign-in.
    fn nav<'b>(&self, visitor: &'b Visitor, here: Section) -> Nav<'b> {
        let subject = &visitor.subject;
        let who = if subject.name.is_empty() { &subject.username } else { &subject.name };
        let sections: &[_] = if page::admin::is_open_to(self, visitor) {
            &[Section::Apps, Section::Account, Section::Admin]
        } else {
            &[Section::Apps, Section::Account]
        };
        Nav { here, sections, who }
    }

    /// What went well with the post that led here, if one did.
    fn note(&self) -> Option<Note> {
        self.parameter("done").and_then(|word| Note::of(&word))
    }

    /// After a good post: to the page of this name, which says so.
    fn done(&self, name: &str, note: Note) -> Response<Body> {
        let query = self.trail.query_with(&[("done", note.word())]);
        reply::redirect(StatusCode::SEE_OTHER, &format!("{OWN_PREFIX}/{name}{query}"))
    }

    async fn visitor(&self) -> Result<Option<Visitor>, FlowError> {
        who::visiting(&self.x, self.cookie(Own::Session), self.used).await
    }

    /// The address of a page on this host, with where the visitor wants to go.
    fn own(&self, name: &str) -> String {
        format!("{OWN_PREFIX}/{name}{}", self.trail.query())
    }

    /// The value of a query parameter that is given once.
    fn parameter(&self, name: &str) -> Option<String> {
        let mut found = form_urlencoded::parse(self.query.as_bytes()).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    }

    fn set(
        &self,
        response: &mut Response<Body>,
        own: Own,
        value: &str,
        max_age: Option<std::time::Duration>,
    ) {
        reply::add_cookie(response, cookies::set(own, self.secure(), value, max_age));
    }

    fn forget(&self, response: &mut Response<Body>, own: Own) {
        reply::add_cookie(response, cookies::delete(own, self.secure()));
    }

    /// The host that the visitor wants to reach, as pages name it.
    fn destination(&self) -> Option<String> {
        let destination = self.trail.destination.as_ref()?;
        destination.app.map(|_| destination.origin.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{AppUrl, Host, ReturnUrl, Routes};

    #[test]
    fn what_a_script_asks_for_by_itself_keeps_nobody_signed_in() {
        let line = |mode| {
            HeaderMap::from_iter([("sec-fetch-mode".parse().unwrap(), HeaderValue::from_static(mode))])
        };
        let check = |name, mode, expected| {
            assert_eq!(use_of(Some(name), &Method::GET, &line(mode)), expected, "{name} {mode}");
        };
        check("account", "navigate", Use::Counts);
        check("account", "cors", Use::DoesNotCount);
        check("login", "same-origin", Use::DoesNotCount);
        check("whoami", "cors", Use::DoesNotCount);
        check("whoami", "navigate", Use::DoesNotCount);
    }

    #[test]
    fn a_path_on_an_apps_host_still_leads_there_from_the_portal() {
        let origin = |host| Origin { scheme: Scheme::Https, host: Host::parse(host).unwrap(), port: 443 };
        let (portal, app) = (origin("auth.example.com"), origin("app.example.com"));
        let url = AppUrl { origin: app.clone(), path: "".into() };
        let routes = Routes::new([&url], Some(&portal));
        let check = |rd: &str, query: &str, expected: &str| {
            let trail = Trail { destination: ReturnUrl::parse(rd, &app, &routes), ..Trail::default() };
            let address = on_portal(&portal, "/_vestibule/login", query, &trail);
            assert_eq!(address, format!("https://auth.example.com/_vestibule/login{expected}"));
        };
        check("/a?b=c", "rd=/a?b=c", "?rd=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc");
        check("", "x=y", "?x=y");
        check("", "", "");
    }
}
