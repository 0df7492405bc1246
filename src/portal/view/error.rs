//! Error pages: what can be refused, with which status, and in which words.

use askama::Template;

use super::{Frame, Page, Pages, page};
use crate::words::Words;

/// What a browser is refused, or what failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400: malformed or ambiguous.
    BadRequest,
    /// 401: not a navigation, but the answer may be a page.
    SignInRequired,
    /// 403: signed in, and not allowed.
    Forbidden,
    /// 403: a post to one of our pages that did not come from our pages.
    WrongOrigin,
    /// 403: plain http for an https app, and no method that a redirect could repeat.
    HttpsOnly,
    NotFound,
    MethodNotAllowed,
    /// 413
    BodyTooLarge,
    /// 414
    AddressTooLong,
    /// 417: an `Expect` other than `100-continue`.
    ExpectationFailed,
    /// 421: a host that no app has, or that the connection's certificate does not cover.
    UnknownHost,
    /// 431
    HeadersTooLarge,
    Internal,
    /// 502
    BadGateway,
    /// 503: the store or every upstream is down.
    Unavailable,
    /// 503: the app is being worked on.
    Maintenance,
    /// 504
    GatewayTimeout,
}

/// An error page.
#[derive(Clone, Copy)]
pub struct ErrorView<'a> {
    pub kind: ErrorKind,
    pub request_id: &'a str,
    /// Who is signed in, where that matters.
    pub account: Option<AccountLine<'a>>,
    /// The sign-in page's address, where signing in would help.
    pub sign_in: Option<&'a str>,
    /// The same where it would help administrators alone.
    pub administrators: Option<&'a str>,
}

/// Who is signed in, and where to become somebody else.
#[derive(Clone, Copy, Debug)]
pub struct AccountLine<'a> {
    pub username: &'a str,
    pub switch_address: &'a str,
}

impl Pages<'_> {
    pub fn error(&self, view: &ErrorView<'_>) -> Page {
        let (heading, what) = view.kind.words(self.words);
        let frame = self.frame(&heading, false);
        page(&ErrorPage { frame, words: self.words, heading, what, view })
    }
}

impl ErrorKind {
    pub const ALL: [Self; 17] = [
        Self::BadRequest,
        Self::SignInRequired,
        Self::Forbidden,
        Self::WrongOrigin,
        Self::HttpsOnly,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::AddressTooLong,
        Self::ExpectationFailed,
        Self::UnknownHost,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::BadGateway,
        Self::Unavailable,
        Self::Maintenance,
        Self::GatewayTimeout,
    ];

    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::SignInRequired => 401,
            Self::Forbidden | Self::WrongOrigin | Self::HttpsOnly => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::BodyTooLarge => 413,
            Self::AddressTooLong => 414,
            Self::ExpectationFailed => 417,
            Self::UnknownHost => 421,
            Self::HeadersTooLarge => 431,
            Self::Internal => 500,
            Self::BadGateway => 502,
            Self::Unavailable | Self::Maintenance => 503,
            Self::GatewayTimeout => 504,
        }
    }

    /// A heading, and what happened and what to do.
    fn words(self, words: &Words) -> (String, String) {
        let (heading, what) = match self {
            Self::BadRequest => ("error-bad-request", "error-bad-request-what"),
            Self::SignInRequired => ("error-sign-in", "error-sign-in-what"),
            Self::Forbidden => ("error-forbidden", "error-forbidden-what"),
            Self::WrongOrigin => ("error-wrong-origin", "error-wrong-origin-what"),
            Self::HttpsOnly => ("error-insecure", "error-insecure-what"),
            Self::NotFound => ("error-not-found", "error-not-found-what"),
            Self::MethodNotAllowed => ("error-method", "error-method-what"),
            Self::BodyTooLarge => ("error-too-large", "error-too-large-what"),
            Self::AddressTooLong => ("error-address-too-long", "error-address-too-long-what"),
            Self::ExpectationFailed => ("error-expectation", "error-expectation-what"),
            Self::UnknownHost => ("error-unknown-host", "error-unknown-host-what"),
            Self::HeadersTooLarge => ("error-headers-too-large", "error-headers-too-large-what"),
            Self::Internal => ("error-internal", "error-internal-what"),
            Self::BadGateway => ("error-upstream", "error-upstream-what"),
            Self::Unavailable => ("error-unavailable", "error-unavailable-what"),
            Self::Maintenance => ("error-maintenance", "error-maintenance-what"),
            Self::GatewayTimeout => ("error-timeout", "error-timeout-what"),
        };
        (words.text(heading), words.text(what))
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/error.html")]
struct ErrorPage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    heading: String,
    what: String,
    view: &'a ErrorView<'a>,
}
