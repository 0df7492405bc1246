//! Tells the app who is there. Start from [`stamp`].

use http::HeaderName;

/// What an identity header holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Username,
    Name,
    Email,
    /// Comma-separated.
    Groups,
    Attribute(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// RFC 3986 percent-encoding.
    Percent,
}

/// `identity` of the configuration, or an app's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub headers: Vec<(HeaderName, Field)>,
    pub encoding: Encoding,
}
