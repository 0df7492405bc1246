//! The sign-in as a state machine, pure: password, then code, then done. Codes are derived here and nowhere else.

use std::time::Duration;

/// `email_code` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub digits: u32,
    pub lifetime: Duration,
    pub attempts: i64,
    pub resend_after: Duration,
    pub hourly: i64,
    pub daily: i64,
    pub quarantine: i64,
}
