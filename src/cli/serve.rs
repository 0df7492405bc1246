//! `vestibule serve`: runs the gateway.

use std::path::Path;

use super::Failure;
use crate::boot;

pub fn run(config: &Path) -> Result<(), Failure> {
    let config = super::configuration(config)?;
    boot::run(config).map_err(|error| Failure::Work(error.to_string()))
}
