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

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderName;

use crate::subject::{Subject, Written};

pub use hygiene::{Upgrade, is_hop_by_hop, requested_upgrade, strip_hop_by_hop, strip_what_connection_names};
pub use rules::{HeaderRules, Headers, is_ours};
pub use stamp::{Forwarded, Place, Said, Stamped, StampedParts, Stamping, stamp};
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

/// An app's [`Settings`], made ready to be applied to many requests.
pub struct Prepared {
    settings: Settings,
    names: Arc<[HeaderName]>,
    /// No other has it.
    number: u64,
}

impl Prepared {
    pub fn new(settings: Settings) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let names = settings.headers.iter().map(|(name, _)| name.clone()).collect();
        Self { settings, names, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Every configured header for this subject; made once, as long as the subject is kept.
    fn headers(&self, subject: &Subject) -> Result<Written, StampError> {
        let values = subject.stamps.get_or_make(self.number, || value::values(&self.settings, subject))?;
        Ok(Written::new(&self.names, values))
    }
}
