//! Forwards stamped requests. Start from [`forward`].

use std::path::PathBuf;

use http::HeaderName;

use crate::route::{Host, Scheme};

/// Where an app's requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Tcp {
        scheme: Scheme,
        host: Host,
        port: u16,
    },
    Unix(PathBuf),
    /// The built-in page that shows what an app receives.
    Whoami,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    Preserve,
    Upstream,
}

/// How an app's requests are forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub target: Target,
    pub host_header: HostHeader,
    /// Removed from the path before forwarding, if `strip_prefix` is set: the app's url path.
    pub strip_prefix: Option<String>,
    /// Header names with characters other than letters, digits and `-` that pass nevertheless.
    pub allow_headers: Vec<HeaderName>,
}
