//! Connections of one worker that wait for the next request.
//!
//! A [`Connection`] is owned by whoever uses it: dropping it closes the socket at once, whatever the exchange was
//! doing. Only one whose exchange ended cleanly is given back.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connect::Stream;
use super::transfer::Upload;
use crate::clock;
use crate::tasks::Tasks;

/// Idle connections kept for one upstream by one worker.
const MOST_IDLE: usize = 256;

/// How long a connection may have been idle and still be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleLimits {
    /// Shorter than what common servers grant (Node, uvicorn and Apache 5 s, nginx 75 s); what a server closes
    /// earlier is noticed, or repeated where that is safe.
    pub any: Duration,
    /// For a request that must not be sent twice: shorter than the shortest keep-alive in common use (gunicorn, 2 s).
    pub unrepeatable: Duration,
}

impl Default for IdleLimits {
    fn default() -> Self {
        Self { any: Duration::from_secs(4), unrepeatable: Duration::from_millis(1500) }
    }
}

/// How often idle connections are looked through while there are any.
const SWEEP: Duration = Duration::from_secs(1);

/// The largest head of an answer, in bytes.
const LARGEST_HEAD: usize = 256 * 1024;

/// A worker's connections. They belong to the runtime that made them, so every worker has its own `Pools`.
/// Dropping it closes those that are idle.
pub struct Pools {
    shared: Arc<Shared>,
    tasks: Tasks,
    _closing: DropGuard,
}

struct Shared {
    idle: Mutex<Idle>,
    limits: IdleLimits,
    closing: CancellationToken,
}

#[derive(Default)]
struct Idle {
    /// By upstream; the last used stands last.
    connections: HashMap<u64, Vec<(Connection, Instant)>>,
    /// A sweeper is running.
    swept: bool,
}

/// A connection to an upstream. Dropping it closes the socket.
pub(super) struct Connection {
    pub sender: SendRequest<Upload>,
    /// The connection's task ends when this is dropped.
    _held: oneshot::Sender<Infallible>,
}

/// Gives a connection back to where it came from.
#[derive(Clone)]
pub(super) struct Home {
    pool: Weak<Shared>,
    tasks: Tasks,
    upstream: u64,
}

impl Pools {
    pub fn new(tasks: Tasks) -> Self {
        Self::with_limits(tasks, IdleLimits::default())
    }

    pub(crate) fn with_limits(tasks: Tasks, limits: IdleLimits) -> Self {
        let closing = CancellationToken::new();
        let shared = Arc::new(Shared { idle: Mutex::default(), limits, closing: closing.clone() });
        Self { shared, tasks, _closing: closing.drop_guard() }
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(super) fn home(&self, upstream: u64) -> Home {
        Home { pool: Arc::downgrade(&self.shared), tasks: self.tasks.clone(), upstream }
    }

    /// The connection used last, if it is young enough and still open.
    pub(super) fn take(&self, upstream: u64, repeatable: bool) -> Option<Connection> {
        let limits = self.shared.limits;
        let limit = if repeatable { limits.any } else { limits.unrepeatable };
        let mut idle = self.shared.lock();
        let connections = idle.connections.get_mut(&upstream)?;
        while let Some((connection, since)) = connections.pop() {
            if since.elapsed() >= limit {
                // The others are older still.
                connections.push((connection, since));
                return None;
            }
            if connection.sender.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Speaks HTTP/1.1 over a new stream; the connection's own task runs on the caller's runtime.
    pub(super) async fn open(&self, stream: Box<dyn Stream>) -> Result<Connection, hyper::Error> {
        let (sender, connection) =
            Builder::new().max_buf_size(LARGEST_HEAD).handshake(TokioIo::new(stream)).await?;
        let (held, mut dropped) = oneshot::channel();
        self.tasks.spawn("upstream connection", async move {
            tokio::select! {
                // Before the drop is looked at: an answer that has arrived is to be delivered.
                biased;
                ended = connection.with_upgrades() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "upstream connection ended");
                    }
                }
                _ = &mut dropped => {}
            }
        });
        Ok(Connection { sender, _held: held })
    }
}

impl Home {
    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, connection: Connection) {
        let Some(shared) = self.pool.upgrade() else { return };
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = shared.lock();
        let connections = idle.connections.entry(self.upstream).or_default();
        if connections.len() >= MOST_IDLE {
            return;
        }
        connections.push((connection, clock::stopwatch()));
        if !std::mem::replace(&mut idle.swept, true) {
            let closing = shared.closing.clone();
            self.tasks.spawn("upstream sweeper", sweep(Weak::clone(&self.pool), closing));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that have been idle too long; ends when none are left.
async fn sweep(pool: Weak<Shared>, closing: CancellationToken) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        let Some(shared) = pool.upgrade() else { return };
        let mut idle = shared.lock();
        for connections in idle.connections.values_mut() {
            connections.retain(|(connection, since)| {
                since.elapsed() < shared.limits.any && !connection.sender.is_closed()
            });
        }
        idle.connections.retain(|_, connections| !connections.is_empty());
        if idle.connections.is_empty() {
            idle.swept = false;
            return;
        }
    }
}
