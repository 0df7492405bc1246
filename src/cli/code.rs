//! `vestibule code NAME`: a one-time code for somebody who waits while mail is down.

use std::io::{self, Write as _};
use std::path::Path;

use super::{Failure, print};
use crate::boot;
use crate::flow::break_glass;

pub fn run(config: &Path, name: &str) -> Result<(), Failure> {
    let config = super::configuration(config)?;
    let handed_out = boot::once(config, async |app| break_glass::code(&app, name).await);
    let handed_out = handed_out.map_err(|error| Failure::Work(error.to_string()))?;
    let break_glass::HandedOut { code, host, started, valid_for } =
        handed_out.map_err(|error| Failure::Work(error.to_string()))?;
    print(&format!("{code}\n"))?;
    // Beside the point if nobody reads it: the code was printed.
    let note =
        format!("for the sign-in at {host} that began at {started}; good for {} s\n", valid_for.as_secs());
    let _ = io::stderr().write_all(note.as_bytes());
    Ok(())
}
