//! Tells the app who is there. Start from [`stamp`].
//!
//! A request reaches an app only as a [`Stamped`] one, and only [`stamp`] makes those: it takes a permit, removes
//! whatever a visitor could claim to be, and only then says who it is. It never decides anything.

mod hygiene;
mod rules;
mod stamp;
mod strip;
mod trailers;
mod value;

use http::HeaderName;

pub use hygiene::{Upgrade, requested_upgrade, strip_hop_by_hop};
pub use rules::{HeaderRules, Headers, is_ours};
pub use stamp::{Forwarded, Stamped, StampedParts, Stamping, stamp};
pub use strip::StripList;
pub use trailers::{clean_answer_trailers, clean_request_trailers};
pub use value::StampError;

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
