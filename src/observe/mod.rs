//! What operators see: the log ([`logging`]), a line for each request ([`access`]), the audit trail ([`audit`]),
//! numbers ([`metrics`]), and the listener that says these and whether all is well ([`admin`]).
//!
//! No secret, cookie, code or query string ever comes here; control characters never come out of here.

pub mod access;
pub mod admin;
pub mod audit;
mod escape;
pub mod logging;
pub mod metrics;

pub use access::AccessLog;
pub use audit::{Audit, Event};
pub use metrics::Metrics;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub format: Format,
    /// As `RUST_LOG` has it: `info`, or `vestibule=debug,info`.
    pub level: String,
    pub access: bool,
}
