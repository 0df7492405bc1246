//! The gateway's own pages.

pub mod assets;
pub mod view;

use crate::route::Origin;

/// `portal` of the configuration. Files are read when the configuration is.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where people sign in; `None`: on each app's own host.
    pub url: Option<Origin>,
    /// The portal may be http on a host that is not loopback.
    pub insecure: bool,
    pub title: String,
    pub logo: Option<Logo>,
    /// `#rrggbb`.
    pub accent: Option<[u8; 3]>,
    pub notice: Option<String>,
    /// The text of the operator's own style sheet.
    pub stylesheet: Option<String>,
    pub support: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Logo {
    /// `image/svg+xml`, `image/png`, ...
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}
