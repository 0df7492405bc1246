//! What pages and commands both do, once: signing in, stepping up, handing over to another host, signing out.
//!
//! A flow takes the [`Exchange`](crate::app::Exchange) and plain values, and says what came of it; it knows neither
//! HTTP nor HTML.

pub mod administer;
pub mod break_glass;
pub mod by;
pub mod code;
pub mod confirm;
pub mod device;
pub mod hand_over;
pub mod import;
pub mod look;
pub mod mailing;
pub mod notice;
pub mod own;
pub mod password;
pub mod register;
pub mod reset;
pub mod revoke;
pub mod sign_out;
pub mod step_up;
pub mod who;

pub use by::By;

use crate::account::{Busy, DatabaseError, DirectoryError};
use crate::session::Opened;
use crate::store::StoreError;

/// A flow that could not be walked to any end: nobody was let in, nothing was lost.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("too many passwords are being checked at once")]
    Busy(#[from] Busy),
}

impl From<DatabaseError> for FlowError {
    fn from(error: DatabaseError) -> Self {
        Self::Directory(DirectoryError::Database(error))
    }
}

/// The cookies of ours that a browser sent, as far as it sent each once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browser<'a> {
    pub session: Option<&'a str>,
    pub login: Option<&'a str>,
    pub device: Option<&'a str>,
}

/// How long a browser keeps the device cookie.
pub const fn device_cookie_age() -> std::time::Duration {
    device::KNOWN_FOR
}

/// Somebody is in: what the browser is to keep.
pub struct Entered {
    pub session: Opened,
    /// The value of the device cookie.
    pub device: String,
}

#[cfg(test)]
mod tests;
