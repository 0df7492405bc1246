//! `vestibule code NAME`

use std::path::PathBuf;

use super::Failure;

pub fn run(_config: PathBuf, _name: &str) -> Result<(), Failure> {
    Err(Failure::Work("not built yet".into()))
}
