//! The command line.

pub mod serve;

/// Why a command failed: one line for standard error, and the exit status.
#[derive(Debug)]
pub struct Failure {
    pub message: String,
    pub status: u8,
}
