//! `vestibule serve`

use std::path::PathBuf;

use super::Failure;

pub fn run(_config: PathBuf) -> Result<(), Failure> {
    Err(Failure::Work("not built yet".into()))
}
