//! `vestibule secret`: 32 random bytes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Failure, print};
use crate::secret::random;

pub fn run() -> Result<(), Failure> {
    print(&format!("{}\n", STANDARD.encode(random::<32>())))
}
