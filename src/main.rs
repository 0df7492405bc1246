//! Parses the command line, runs the command, prints one error, chooses the exit status.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use vestibule::cli::{self, CommandLine};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match cli::run(CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be reading it any more, and the status still counts.
            writeln!(io::stderr(), "vestibule: {failure}").ok();
            ExitCode::from(failure.status())
        }
    }
}
