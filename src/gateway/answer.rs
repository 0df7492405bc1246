//! Every refusal and what it is answered with, in one table.

use std::time::Duration;

use form_urlencoded::Serializer;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONNECTION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use serde_json::{Value, json};

use super::admit::{self, Refusal};
use super::{Context, grpc};
use crate::body::Body;
use crate::browser::names_html;
use crate::flow::FlowError;
use crate::identity::StampError;
use crate::policy::Missing;
use crate::portal::hand_over::ToSignIn;
use crate::portal::view::{AccountLine, ErrorKind, ErrorView};
use crate::portal::{self, PortalError, reply};
use crate::route::Origin;
use crate::subject::Subject;
use crate::upstream::{Fault, UpstreamError};

/// When to come back to an app that is being maintained.
const MAINTENANCE_RETRY: Duration = Duration::from_mins(1);

/// When to come back while the store is down, or every server of an app, or the app has more to do than it may.
const RETRY: Duration = Duration::from_secs(5);

/// Why a request is not answered by an app or a page.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Admission(#[from] Refusal),
    #[error("a path that could be read in two ways")]
    Ambiguous,
    #[error("a host that no app has here")]
    UnknownHost,
    #[error("no app has this path")]
    NotFound,
    #[error("plain http for an https address")]
    HttpsOnly,
    #[error("a WebSocket from a foreign origin")]
    ForeignOrigin,
    #[error("sign-in required")]
    Challenge(Challenge),
    #[error("the app sends everybody elsewhere")]
    Moved { location: String, origin: Origin },
    #[error("the app is being maintained")]
    Maintenance {
        /// What an administrator would still have to prove, if this may be one.
        missing: Option<Missing>,
        origin: Origin,
        /// Where to come back to.
        back: String,
    },
    #[error("not allowed")]
    Forbidden { username: Option<String>, origin: Origin },
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Portal(PortalError),
    #[error(transparent)]
    Stamp(#[from] StampError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// What is missing, and the way to it.
#[derive(Debug)]
pub(super) struct Challenge {
    pub missing: Missing,
    /// Where the pages live.
    pub pages: Origin,
    /// The host that was asked.
    pub origin: Origin,
    /// Where to come back to.
    pub back: String,
    /// The nonce that the browser holds already.
    pub nonce: Option<String>,
}

impl From<PortalError> for Refused {
    fn from(error: PortalError) -> Self {
        match error {
            PortalError::Flow(error) => Self::Flow(error),
            PortalError::Forbidden { username, origin } => {
                Self::Forbidden { username: Some(username), origin }
            }
            error => Self::Portal(error),
        }
    }
}

/// In what form the client wants to be refused, and what becomes of the connection.
pub(super) struct Manner {
    form: Form,
    /// `Accept-Language`, where a page may have to be written.
    accept_language: Option<HeaderValue>,
    /// The language that the account of whoever is signed in names.
    language: Option<String>,
    http1: bool,
    /// The answer is given without reading the request's body.
    unread_body: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A browser goes to a page: it can be sent elsewhere.
    Navigation,
    /// A page can be shown.
    Html,
    Json,
    Grpc,
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl Manner {
    pub fn of<B: HttpBody>(request: &Request<B>) -> Self {
        // One walk: every request is asked, and hardly any is refused.
        let (mut html, mut mode, mut content_type) = (false, None, None);
        for (name, value) in request.headers() {
            if *name == ACCEPT {
                html = html || names_html(value);
            } else if *name == SEC_FETCH_MODE {
                mode = mode.or(Some(value));
            } else if *name == CONTENT_TYPE {
                content_type = content_type.or(Some(value));
            }
        }
        let get = matches!(*request.method(), Method::GET | Method::HEAD);
        let navigation = get && mode.map_or(html, |mode| mode == "navigate");
        let call = grpc::may_call(request.method(), request.version());
        let form = match (navigation, html) {
            _ if call && content_type.is_some_and(grpc::is_calls) => Form::Grpc,
            (true, _) => Form::Navigation,
            (false, true) => Form::Html,
            (false, false) => Form::Json,
        };
        let page = matches!(form, Form::Navigation | Form::Html);
        Self {
            form,
            accept_language: page.then(|| request.headers().get(ACCEPT_LANGUAGE).cloned()).flatten(),
            language: None,
            http1: request.version() < Version::HTTP_2,
            unread_body: admit::must_close(request),
        }
    }
}

impl Manner {
    /// The same towards somebody who is signed in.
    pub fn towards(self, subject: Option<&Subject>) -> Self {
        Self { language: subject.and_then(|subject| subject.language.clone()), ..self }
    }
}

/// `app`: the name of the one that took the request.
pub(super) fn answer(
    context: &Context<'_>,
    manner: &Manner,
    app: Option<&str>,
    refused: &Refused,
) -> Response<Body> {
    log(context, app, refused);
    let mut response = match refused {
        _ if manner.form == Form::Grpc => {
            let (kind, word) = said(refused);
            grpc::refusal(status(kind), word)
        }
        Refused::Challenge(missing) => challenge(context, manner, missing),
        Refused::Portal(PortalError::SignInRequired { login_url }) => {
            with_login_url(context, manner, login_url)
        }
        // Whatever the method: what was posted is posted there. No browser is to remember it for ever.
        Refused::Moved { location, .. } => reply::redirect(StatusCode::PERMANENT_REDIRECT, location),
        _ => refusal(context, manner, refused),
    };
    match refused {
        Refused::Portal(PortalError::Method(methods)) => portal::allow(&mut response, methods),
        Refused::Flow(_) => reply::retry_after(&mut response, RETRY),
        Refused::Upstream(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE => {
            reply::retry_after(&mut response, RETRY);
        }
        Refused::Maintenance { origin, .. } => {
            reply::retry_after(&mut response, MAINTENANCE_RETRY);
            reply::strict_transport(&mut response, origin);
        }
        Refused::Challenge(Challenge { origin, .. })
        | Refused::Forbidden { origin, .. }
        | Refused::Moved { origin, .. } => {
            reply::strict_transport(&mut response, origin);
        }
        _ => {}
    }
    let broken = matches!(refused, Refused::Admission(_) | Refused::Ambiguous);
    if manner.http1 && (broken || manner.unread_body) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What is said for each refusal: the kind of page, and the word for programs.
fn said(refused: &Refused) -> (ErrorKind, &'static str) {
    match refused {
        Refused::Admission(Refusal::Malformed(_)) | Refused::Ambiguous => {
            (ErrorKind::BadRequest, "bad_request")
        }
        Refused::Admission(Refusal::Method) | Refused::Portal(PortalError::Method(_)) => {
            (ErrorKind::MethodNotAllowed, "method_not_allowed")
        }
        Refused::Admission(Refusal::Expectation) => (ErrorKind::ExpectationFailed, "expectation_failed"),
        Refused::Admission(Refusal::TargetTooLong) => (ErrorKind::AddressTooLong, "uri_too_long"),
        Refused::Admission(Refusal::TooManyFields) => (ErrorKind::HeadersTooLarge, "headers_too_large"),
        Refused::Admission(Refusal::BodyTooLarge) | Refused::Portal(PortalError::FormTooLarge) => {
            (ErrorKind::BodyTooLarge, "body_too_large")
        }
        Refused::UnknownHost => (ErrorKind::UnknownHost, "unknown_host"),
        Refused::Moved { .. } => (ErrorKind::NotFound, "moved"),
        Refused::NotFound | Refused::Portal(PortalError::NotFound) => (ErrorKind::NotFound, "not_found"),
        Refused::HttpsOnly => (ErrorKind::HttpsOnly, "https_only"),
        Refused::ForeignOrigin | Refused::Portal(PortalError::WrongOrigin) => {
            (ErrorKind::WrongOrigin, "wrong_origin")
        }
        Refused::Challenge(_) | Refused::Portal(PortalError::SignInRequired { .. }) => {
            (ErrorKind::SignInRequired, "sign_in_required")
        }
        Refused::Forbidden { .. } | Refused::Portal(PortalError::Forbidden { .. }) => {
            (ErrorKind::Forbidden, "forbidden")
        }
        Refused::Portal(PortalError::Form(_)) => (ErrorKind::BadRequest, "bad_request"),
        Refused::Flow(_) | Refused::Portal(PortalError::Flow(_)) => (ErrorKind::Unavailable, "unavailable"),
        Refused::Maintenance { .. } => (ErrorKind::Maintenance, "maintenance"),
        Refused::Stamp(_) => (ErrorKind::Internal, "internal"),
        Refused::Upstream(error) => match error.status() {
            StatusCode::GATEWAY_TIMEOUT => (ErrorKind::GatewayTimeout, "gateway_timeout"),
            StatusCode::PAYLOAD_TOO_LARGE => (ErrorKind::BodyTooLarge, "body_too_large"),
            StatusCode::SERVICE_UNAVAILABLE => (ErrorKind::Unavailable, "unavailable"),
            StatusCode::BAD_GATEWAY => (ErrorKind::BadGateway, "bad_gateway"),
            _ => (ErrorKind::BadRequest, "bad_request"),
        },
    }
}

fn refusal(context: &Context<'_>, manner: &Manner, refused: &Refused) -> Response<Body> {
    let (kind, word) = said(refused);
    let switch = match refused {
        Refused::Forbidden { username: Some(username), origin } => {
            let pages = context.snapshot.pages(origin);
            Some((username.as_str(), format!("{pages}/_vestibule/logout")))
        }
        _ => None,
    };
    let account = switch.as_ref().map(|(username, switch_address)| AccountLine { username, switch_address });
    let administrators = match refused {
        Refused::Maintenance { missing: Some(missing), back, .. } => {
            Some(format!("/_vestibule/{}?{}", page_for(*missing), back_to(back).finish()))
        }
        _ => None,
    };
    // A script that is forbidden something reads JSON, whatever it accepts.
    let forbidden = matches!(refused, Refused::Forbidden { .. });
    if manner.form == Form::Navigation || manner.form == Form::Html && !forbidden {
        let administrators = administrators.as_deref();
        page_of(context, manner, &ErrorView { account, administrators, ..view(context, kind) })
    } else {
        json_of(kind, &json!({ "error": word }))
    }
}

/// The way to the sign-in, for browsers that can be sent there, and in words for everybody else.
fn challenge(context: &Context<'_>, manner: &Manner, challenge: &Challenge) -> Response<Body> {
    let Challenge { missing, pages, origin, back, nonce } = challenge;
    let (page, mut query) = (page_for(*missing), back_to(back));
    if manner.form != Form::Navigation {
        let login_url = format!("{pages}/_vestibule/{page}?{}", query.finish());
        return with_login_url(context, manner, &login_url);
    }
    ToSignIn { pages, origin, nonce: nonce.as_deref() }.redirect(page, query)
}

fn page_for(missing: Missing) -> &'static str {
    match missing {
        Missing::SignIn => "login",
        Missing::SecondFactor => "step-up",
    }
}

/// What a page of the sign-in is told.
fn back_to(address: &str) -> Serializer<'static, String> {
    let mut query = Serializer::new(String::new());
    query.append_pair("rd", address);
    query
}

fn with_login_url(context: &Context<'_>, manner: &Manner, login_url: &str) -> Response<Body> {
    let kind = ErrorKind::SignInRequired;
    let mut response = match manner.form {
        Form::Navigation | Form::Html => {
            page_of(context, manner, &ErrorView { sign_in: Some(login_url), ..view(context, kind) })
        }
        Form::Json | Form::Grpc => {
            json_of(kind, &json!({ "error": "sign_in_required", "login_url": login_url }))
        }
    };
    if let Ok(challenge) = HeaderValue::try_from(format!("Vestibule login=\"{login_url}\"")) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn view<'a>(context: &'a Context<'_>, kind: ErrorKind) -> ErrorView<'a> {
    let request_id = context.client.request_id();
    ErrorView { kind, request_id, account: None, sign_in: None, administrators: None }
}

fn page_of(context: &Context<'_>, manner: &Manner, view: &ErrorView<'_>) -> Response<Body> {
    let accepted = manner.accept_language.as_ref().and_then(|languages| languages.to_str().ok());
    let words = context.gateway.app.words.choose(manner.language.as_deref(), accepted.unwrap_or_default());
    let pages = context.gateway.settings.views.with(words);
    reply::page(status(view.kind), pages.error(view))
}

fn json_of(kind: ErrorKind, value: &Value) -> Response<Body> {
    reply::json(status(kind), value)
}

fn status(kind: ErrorKind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A client's fault is worth a debug line; what an operator can mend is an error.
fn log(context: &Context<'_>, app: Option<&str>, refused: &Refused) {
    let request_id = context.client.request_id();
    match refused {
        Refused::Flow(FlowError::Busy(_)) => tracing::warn!(request_id, app, "{refused}"),
        Refused::Flow(_) | Refused::Stamp(_) => tracing::error!(request_id, app, "{refused}"),
        Refused::Upstream(error) => match error.fault() {
            Fault::Visitor => tracing::debug!(request_id, app, "{error}"),
            Fault::Upstream => tracing::warn!(request_id, app, "{error}"),
            Fault::Configuration => tracing::error!(request_id, app, "{error}"),
        },
        _ => tracing::debug!(request_id, app, "{refused}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_post_over_http2_is_refused_as_a_call() {
        for (method, version, content_type, expected) in [
            (Method::POST, Version::HTTP_2, "application/grpc", true),
            (Method::POST, Version::HTTP_2, "application/json", false),
            (Method::POST, Version::HTTP_11, "application/grpc", false),
            (Method::GET, Version::HTTP_2, "application/grpc", false),
            (Method::GET, Version::HTTP_11, "application/grpc", false),
            (Method::HEAD, Version::HTTP_2, "application/grpc", false),
            (Method::TRACE, Version::HTTP_2, "application/grpc", false),
        ] {
            let request = Request::builder().method(&method).version(version);
            let request = request.header(CONTENT_TYPE, content_type).body(Body::Empty).expect("a request");
            let form = Manner::of(&request).form;
            assert_eq!(form == Form::Grpc, expected, "{method} {version:?} {content_type}");
        }
    }
}
