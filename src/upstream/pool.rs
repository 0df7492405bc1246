//! Connections of one worker that wait for the next request.
//!
//! A [`Connection`] is owned by whoever uses it: dropping it closes the socket at once, whatever the exchange was
//! doing. Only one whose exchange ended cleanly is given back.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::UpstreamError;
use super::backend::Backend;
use super::connect::{Dialed, Stream};
use super::direct::Direct;
use super::lanes::{self, Lanes, Place};
use super::last_word::{Deaf, LastWord};
use super::transfer::Upload;
use crate::clock;
use crate::tasks::{Leash, Tasks};

/// Idle connections kept for one upstream by one worker.
const MOST_IDLE: usize = 256;

/// How long a connection may have been idle, or open at all, and still be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleLimits {
    /// Shorter than what common servers grant (Node, uvicorn and Apache 5 s, nginx 75 s); what a server closes
    /// earlier is noticed, or repeated where that is safe.
    pub any: Duration,
    /// For a request that must not be sent twice: shorter than the shortest keep-alive in common use (gunicorn, 2 s).
    pub unrepeatable: Duration,
    /// Since it was opened: a server's name is looked up again some time, however much there is to do.
    pub age: Duration,
}

impl Default for IdleLimits {
    fn default() -> Self {
        Self { any: Duration::from_secs(4), unrepeatable: Duration::from_millis(1500), age: lanes::AGE }
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
    _closing: DropGuard,
}

struct Shared {
    kept: Mutex<Kept>,
    tasks: Tasks,
    limits: IdleLimits,
    closing: CancellationToken,
}

#[derive(Default)]
struct Kept {
    /// By server.
    servers: HashMap<u64, Server, BuildHasherDefault<ByNumber>>,
    /// A sweeper is running.
    swept: bool,
}

/// Servers are numbered one after another: a number is as good a hash as any.
#[derive(Default)]
struct ByNumber(u64);

impl Hasher for ByNumber {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |number, byte| number << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        // The table takes the place from the lower bits, and tells neighbours apart by the upper seven.
        self.0 = number | number << 57;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is kept for one server.
#[derive(Default)]
struct Server {
    idle: Idle,
    /// Those without a task of their own.
    direct: Idle,
    lanes: Lanes,
    /// Held by who opens a connection that others may share.
    opening: Arc<tokio::sync::Mutex<()>>,
    /// It chose HTTP/1.1 when it was last asked.
    http1: bool,
}

/// Connections, and since when they are idle. The last used stands last.
type Idle = Vec<(Connection, Instant)>;

/// A connection to an upstream, or a place on one.
pub(super) enum Connection {
    /// HTTP/1.1. Dropping it closes the socket.
    Own(Own),
    /// The same for requests without a body, without a task.
    Direct(Box<Direct>),
    /// HTTP/2.
    Shared(Place),
}

pub(super) struct Own {
    pub sender: SendRequest<Upload>,
    opened: Instant,
    deaf: Deaf,
    /// The connection's task ends when this is dropped.
    _leash: Leash,
}

/// What a request needs of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It has no body.
    Direct,
    Body,
    /// Only HTTP/1.1 will do, on a connection that nothing else was sent on.
    Upgrade,
}

/// Gives a connection back to where it came from.
#[derive(Clone)]
pub(super) struct Home {
    pool: Weak<Shared>,
    server: u64,
}

impl Pools {
    pub fn new(tasks: Tasks) -> Self {
        Self::with_limits(tasks, IdleLimits::default())
    }

    pub(crate) fn with_limits(tasks: Tasks, limits: IdleLimits) -> Self {
        let closing = CancellationToken::new();
        let shared = Arc::new(Shared { kept: Mutex::default(), tasks, limits, closing: closing.clone() });
        Self { shared, _closing: closing.drop_guard() }
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.shared.tasks
    }

    pub(super) fn home(&self, server: u64) -> Home {
        Home { pool: Arc::downgrade(&self.shared), server }
    }

    /// A place on a shared connection, or the connection used last, if it is young enough and still open.
    pub(super) fn take(&self, server: u64, need: Need, repeatable: bool, now: Instant) -> Option<Connection> {
        let limits = self.shared.limits;
        let limit = if repeatable { limits.any } else { limits.unrepeatable };
        let mut kept = self.shared.lock();
        let server = kept.servers.get_mut(&server)?;
        if need == Need::Upgrade {
            return None;
        }
        if let Some(place) = server.lanes.take(None) {
            return Some(Connection::Shared(place));
        }
        let lists = match need {
            Need::Direct => [&mut server.direct, &mut server.idle],
            Need::Body | Need::Upgrade => [&mut server.idle, &mut server.direct],
        };
        lists.into_iter().find_map(|idle| last_used(idle, limit, now))
    }

    /// The same connection with a task of its own, for a request that needs one.
    pub(super) async fn with_task(&self, direct: Box<Direct>) -> Result<Connection, UpstreamError> {
        let opened = direct.opened;
        let own = self.open_http1(direct.into_stream()).await;
        let own = own.map_err(|error| UpstreamError::from_hyper(error, None).0)?;
        Ok(Connection::Own(Own { opened, ..own }))
    }

    /// A new connection, within `limit`; or a place on one that another request has opened meanwhile, and not before
    /// `since`.
    pub(super) async fn connect(
        &self,
        backend: &Backend,
        (need, since): (Need, Option<Instant>),
        limit: Duration,
    ) -> Result<Connection, UpstreamError> {
        let began = clock::stopwatch();
        let alone = need == Need::Upgrade;
        let _turn = match self.opening(backend).filter(|_| !alone) {
            None => None,
            Some(opening) => {
                let turn =
                    timeout(limit, opening.lock_owned()).await.map_err(|_| backend.dialer.late(limit))?;
                let place = self.shared.lock().servers.entry(backend.id).or_default().lanes.take(since);
                if let Some(place) = place {
                    return Ok(Connection::Shared(place));
                }
                // Whoever had the turn before may have learnt that nothing can be shared.
                self.opening(backend).map(|_| turn)
            }
        };
        let left = limit.saturating_sub(began.elapsed());
        let Dialed { stream, http2 } = backend.dialer.dial(left, alone).await?;
        self.open(backend.id, stream, http2, need).await
    }

    /// What is held while a connection is opened that others may share; `None` if they cannot.
    fn opening(&self, backend: &Backend) -> Option<Arc<tokio::sync::Mutex<()>>> {
        if !backend.dialer.speaks_http2() {
            return None;
        }
        let mut kept = self.shared.lock();
        let server = kept.servers.entry(backend.id).or_default();
        (!server.http1).then(|| Arc::clone(&server.opening))
    }

    /// Begins to speak over a new stream; the connection's own task runs on the caller's runtime.
    async fn open(
        &self,
        server: u64,
        stream: Box<dyn Stream>,
        http2: bool,
        need: Need,
    ) -> Result<Connection, UpstreamError> {
        let failed = |error| UpstreamError::from_hyper(error, None).0;
        let connection = if http2 {
            let lane = lanes::open(stream, self.tasks()).await.map_err(failed)?;
            let mut kept = self.shared.lock();
            let server = kept.servers.entry(server).or_default();
            server.http1 = false;
            Connection::Shared(server.lanes.add(lane))
        } else {
            if need != Need::Upgrade {
                self.shared.lock().servers.entry(server).or_default().http1 = true;
            }
            match need {
                Need::Direct => Connection::Direct(Box::new(Direct::new(stream))),
                Need::Body | Need::Upgrade => Connection::Own(self.open_http1(stream).await.map_err(failed)?),
            }
        };
        self.shared.have_swept(&mut self.shared.lock());
        Ok(connection)
    }

    async fn open_http1(&self, stream: Box<dyn Stream>) -> Result<Own, hyper::Error> {
        let (stream, deaf) = LastWord::new(stream);
        let (sender, connection) =
            Builder::new().max_buf_size(LARGEST_HEAD).handshake(TokioIo::new(stream)).await?;
        let leash = self.tasks().spawn_leashed("upstream connection", async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended");
            }
        });
        Ok(Own { sender, opened: clock::stopwatch(), deaf, _leash: leash })
    }
}

/// The one that was used last, if it is young enough, and still open.
fn last_used(idle: &mut Idle, limit: Duration, now: Instant) -> Option<Connection> {
    while let Some((mut connection, since)) = idle.pop() {
        if now.saturating_duration_since(since) >= limit {
            // The others are older still.
            idle.push((connection, since));
            return None;
        }
        if connection.is_ready() {
            return Some(connection);
        }
    }
    None
}

impl Connection {
    /// Whether an idle one can still be used.
    fn is_ready(&mut self) -> bool {
        match self {
            Self::Own(own) => own.sender.is_ready(),
            Self::Direct(direct) => direct.is_ready(),
            Self::Shared(_) => true,
        }
    }
}

impl Home {
    /// Keeps a connection for the next request. A place on a shared one is simply free again.
    pub(super) fn give_back(&self, connection: Connection) {
        let Some(shared) = self.pool.upgrade() else { return };
        let (direct, opened) = match &connection {
            Connection::Own(own) if own.sender.is_closed() || own.deaf.is_so() => return,
            Connection::Own(own) => (false, own.opened),
            Connection::Direct(direct) => (true, direct.opened),
            Connection::Shared(_) => return,
        };
        let now = clock::stopwatch();
        if now - opened >= shared.limits.age {
            return;
        }
        let mut kept = shared.lock();
        let server = kept.servers.entry(self.server).or_default();
        let idle = if direct { &mut server.direct } else { &mut server.idle };
        if idle.len() >= MOST_IDLE {
            return;
        }
        idle.push((connection, now));
        shared.have_swept(&mut kept);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the sweeper, if it is not running.
    fn have_swept(self: &Arc<Self>, kept: &mut Kept) {
        if !std::mem::replace(&mut kept.swept, true) {
            self.tasks.spawn("upstream sweeper", sweep(Arc::downgrade(self), self.closing.clone()));
        }
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
        let mut kept = shared.lock();
        let mut empty = true;
        for server in kept.servers.values_mut() {
            for idle in [&mut server.idle, &mut server.direct] {
                idle.retain_mut(|(connection, since)| {
                    since.elapsed() < shared.limits.any && connection.is_ready()
                });
                empty &= idle.is_empty();
            }
            server.lanes.sweep();
            empty &= server.lanes.is_empty();
        }
        if empty {
            kept.swept = false;
            return;
        }
    }
}
