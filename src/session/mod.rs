//! Sessions and sign-ons.

use std::time::Duration;

/// `session` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub idle: Duration,
    pub lifetime: Duration,
    /// Lifetime and idle time of a remembered sign-on; zero hides the box.
    pub remember: Duration,
    pub cache: usize,
}
