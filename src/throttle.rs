//! Named limits, kept in the store.

use std::time::Duration;

/// `limits` of the configuration, as far as it is about guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub failures: i64,
    pub within: Duration,
    pub lock: Duration,
    pub device_failures: i64,
}
