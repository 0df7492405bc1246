//! An answer's body on its way, with the connection that it comes on, whoever reads it.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::answer::{self, Framing};
use super::pool::Connection;
use super::{UpstreamError, direct};
use crate::body::BodyError;

/// Dropping it closes the connection, or gives an HTTP/2 stream up.
pub(super) enum Arriving {
    Hyper(Incoming, Connection),
    Direct(direct::Body),
    /// Its connection has gone.
    Over,
}

#[derive(Debug, thiserror::Error)]
#[error("the upstream ended its answer before the end")]
pub(super) struct Unfinished;

impl Arriving {
    /// `head` as it came, see [`answer::framing`].
    pub(super) fn framing(&self, head: &response::Parts, head_only: bool) -> Result<Framing, UpstreamError> {
        match self {
            Self::Hyper(..) | Self::Over => answer::framing(head, head_only),
            Self::Direct(body) => Ok(body.framing()),
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Hyper(body, connection) => match ready!(Pin::new(&mut *body).poll_frame(context)) {
                // hyper takes a stream that was reset with NO_ERROR for one that has ended.
                None if matches!(connection, Connection::Shared(_)) && !body.is_end_stream() => {
                    Poll::Ready(Some(Err(Unfinished.into())))
                }
                frame => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            },
            Self::Direct(body) => Pin::new(body).poll_frame(context),
            Self::Over => Poll::Ready(None),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        match self {
            Self::Hyper(body, _) => body.is_end_stream(),
            Self::Direct(body) => body.is_end_stream(),
            Self::Over => true,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Hyper(body, _) => body.size_hint(),
            Self::Direct(body) => body.size_hint(),
            Self::Over => SizeHint::with_exact(0),
        }
    }

    /// The connection of a body that has ended; `None` if nothing can be made of it.
    pub(super) fn end(&mut self) -> Option<Connection> {
        match mem::replace(self, Self::Over) {
            Self::Hyper(_, connection) => Some(connection),
            Self::Direct(body) => body.into_direct().map(Connection::Direct),
            Self::Over => None,
        }
    }
}
