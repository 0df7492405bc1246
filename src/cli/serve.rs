//! `vestibule serve`: runs the gateway.

use super::Failure;
use crate::boot;
use crate::config::Config;

pub fn run(config: Config) -> Result<(), Failure> {
    boot::run(config).map_err(|error| Failure { message: error.to_string(), status: 1 })
}
