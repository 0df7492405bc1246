//! Parses the command line, runs the command, prints one error, chooses the exit status.

use std::process::ExitCode;

use clap::Parser as _;
use vestibule::cli::{self, CommandLine};

fn main() -> ExitCode {
    match cli::run(CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("vestibule: {failure}");
            ExitCode::from(failure.status())
        }
    }
}
