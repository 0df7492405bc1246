//! One file a page.

pub mod account;
pub mod admin;
pub mod apps;
pub mod enter;
pub mod go_on;
pub mod guard;
pub mod login;
pub mod logout;
pub mod register;
pub mod reset;
pub mod step_up;
pub mod verify;
pub mod whoami;

use std::time::Duration;

/// Whole minutes to name in a message: never "0 minutes".
fn minutes(wait: Duration) -> u64 {
    wait.as_secs().div_ceil(60).max(1)
}
