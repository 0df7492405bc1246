//! `vestibule serve`: runs the gateway until a signal ends it.

use std::path::PathBuf;

use super::{Failure, configuration};
use crate::boot;

#[expect(clippy::needless_pass_by_value, reason = "every command takes what it was given")]
pub fn run(config: PathBuf) -> Result<(), Failure> {
    boot::run(configuration(&config)?).map_err(|error| Failure::Work(error.to_string()))
}
