//! Pure: which app a request is for, path patterns, and where a visitor may be sent.

mod origin;

pub use origin::{AppUrl, Host, Origin, Scheme};
