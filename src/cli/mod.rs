//! The command line.

pub mod serve;

use std::path::Path;

use crate::config::{self, Config};

/// Why a command did not do what was asked, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The work failed.
    #[error("{0}")]
    Work(String),
    /// Wrong usage or wrong configuration.
    #[error("{0}")]
    Usage(String),
}

/// The configuration of a command that needs one.
pub fn configuration(path: &Path) -> Result<Config, Failure> {
    config::load(path).map(|(config, _)| config).map_err(|error| Failure::Usage(error.to_string()))
}
