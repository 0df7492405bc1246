//! What can go wrong between a stamped request and its answer, and whose fault it is.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::interim;
use super::send::Fate;
use super::transfer::Progress;
use crate::body::BodyError;

/// Whose fault an error is: decides how loudly it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Visitor,
    Upstream,
    Configuration,
}

#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("cannot look up {host}: {source}")]
    Lookup { host: String, source: io::Error },
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("{address} did not accept a connection within {after:?}")]
    ConnectTimeout { address: String, after: Duration },
    #[error("no TLS connection to {address}: {source}")]
    Tls { address: String, source: io::Error },
    #[error("{0} is not a name that a TLS certificate can have")]
    ServerName(String),
    #[error("no certificate authority to verify upstreams with: {0}")]
    NoRoots(String),
    #[error("{} cannot be used for TLS to an upstream: {problem}", path.display())]
    TlsFile { path: PathBuf, problem: String },
    #[error("no server of the upstream is healthy")]
    NoneHealthy,
    #[error(
        "requests under way at the app: {connections}, waiting: {waiting}, as many as its `limits` grant"
    )]
    Crowded { connections: u32, waiting: u32 },
    #[error(
        "no room at the app within {after:?}: requests under way: {connections}, as many as its `limits` grant"
    )]
    WaitedInVain { connections: u32, after: Duration },
    #[error("the upstream closed the connection before it answered: {0}")]
    Closed(BodyError),
    #[error("the upstream's answer is not HTTP: {0}")]
    Garbled(String),
    #[error("the upstream sent more than {} interim answers, and no other", interim::MOST)]
    OnlyInterim,
    #[error(
        "the upstream sent more than {} interim answers, and no other, to this or another request on its connection",
        interim::MOST
    )]
    Flooded,
    #[error("the upstream changed protocols without being asked to, or to another one")]
    UnaskedUpgrade,
    #[error("the upstream did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the visitor broke off the request's body: {0}")]
    RequestBroken(hyper::Error),
    #[error("the visitor stopped sending the request's body for {0:?}")]
    RequestStalled(Duration),
    #[error("the request's body is larger than max_request_body allows")]
    RequestTooLarge,
    #[error("the path without its prefix cannot be written: {0}")]
    Target(#[from] http::uri::InvalidUri),
    #[error("{server}: {error}")]
    Of { server: String, error: Box<UpstreamError> },
}

impl UpstreamError {
    /// What the visitor gets.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::ConnectTimeout { .. } | Self::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Lookup { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::ServerName(_)
            | Self::NoRoots(_)
            | Self::TlsFile { .. }
            | Self::Closed(_)
            | Self::Garbled(_)
            | Self::OnlyInterim
            | Self::Flooded
            | Self::UnaskedUpgrade => StatusCode::BAD_GATEWAY,
            Self::NoneHealthy | Self::Crowded { .. } | Self::WaitedInVain { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::RequestBroken(_) | Self::Target(_) => StatusCode::BAD_REQUEST,
            Self::RequestStalled(_) => StatusCode::REQUEST_TIMEOUT,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Of { error, .. } => error.status(),
        }
    }

    pub fn fault(&self) -> Fault {
        match self {
            Self::RequestBroken(_) | Self::RequestStalled(_) | Self::RequestTooLarge | Self::Target(_) => {
                Fault::Visitor
            }
            Self::ServerName(_) | Self::NoRoots(_) | Self::TlsFile { .. } => Fault::Configuration,
            Self::Lookup { .. }
            | Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Tls { .. }
            | Self::Closed(_)
            | Self::Garbled(_)
            | Self::OnlyInterim
            | Self::Flooded
            | Self::UnaskedUpgrade
            | Self::NoneHealthy
            | Self::Crowded { .. }
            | Self::WaitedInVain { .. }
            | Self::Timeout(_) => Fault::Upstream,
            Self::Of { error, .. } => error.fault(),
        }
    }

    /// Names the server where the error itself does not: an app may have several.
    pub(super) fn of(self, server: impl FnOnce() -> String) -> Self {
        match self {
            Self::Closed(_)
            | Self::Garbled(_)
            | Self::OnlyInterim
            | Self::Flooded
            | Self::UnaskedUpgrade
            | Self::Timeout(_) => Self::Of { server: server(), error: Box::new(self) },
            error => error,
        }
    }

    /// Sorts what hyper says of an exchange that gave no answer. `upload` is the request's body.
    pub(super) fn from_hyper(error: hyper::Error, upload: Option<&Arc<Progress>>) -> (Self, Fate) {
        // HTTP/2 says nothing of its own when a request's body breaks off.
        if error.is_user() || upload.is_some_and(|upload| upload.is_broken()) {
            let too_large = upload.is_some_and(|upload| upload.is_too_large());
            let error = if too_large { Self::RequestTooLarge } else { Self::RequestBroken(error) };
            return (error, Fate::Final);
        }
        if error.is_parse() {
            return (Self::Garbled(error.to_string()), Fate::Final);
        }
        let fate = fate(&error);
        (Self::Closed(error.into()), fate)
    }
}

fn fate(error: &hyper::Error) -> Fate {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<h2::Error>() {
            return match error.reason() {
                Some(h2::Reason::REFUSED_STREAM) if error.is_reset() && error.is_remote() => {
                    Fate::Unprocessed
                }
                Some(_) if error.is_go_away() && error.is_remote() => Fate::Unprocessed,
                // The server has chosen to end this one request.
                Some(_) if error.is_reset() => Fate::Final,
                _ => Fate::Lost,
            };
        }
        cause = inner.source();
    }
    Fate::Lost
}
