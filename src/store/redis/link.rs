//! One connection to one server, watched and renewed by a task of its own.
//!
//! Requests share a multiplexed connection and never make one: they take what [`State`] holds, and put it aside when
//! it failed them. The supervisor, on the runtime that opened the link, makes the next, one attempt at a time.
//! While the first attempt after a loss runs, requests wait for it within their own deadline, so that a server that
//! merely closed an idle connection costs nobody an error; once that attempt has failed they fail at once.
//! redis-rs's own `ConnectionManager` is not used: a time-out or a `READONLY` would not make it reconnect.
//!
//! A link with an [`Ear`] also listens to what other gateways change; a short pulse finds out when it hangs, or when its
//! server is no longer the primary that it was. The links of other runtimes follow it: see [`Siblings`].

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, PushInfo, PushKind, RedisError, Value};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::change::Change;
use super::ask::{Failure, plainly};
use super::ear::Ear;
use super::find::Find;
use super::lineage::{Lineage, Primary};
use super::siblings::{News, Siblings};
use crate::clock::stopwatch;
use crate::secret;
use crate::tasks::Tasks;

/// What an attempt to connect may take: name, TCP, TLS, authentication and a first answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// The first pause between attempts; it doubles. The first attempt after a loss is made at once, unless the connection
/// lived shorter than [`SHORT`] twice in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const SHORT: Duration = Duration::from_secs(1);

/// An attempt that has not succeeded within this was begun while the server could not be reached, and is given up for a
/// new one when another link reaches it.
const PROMPT: Duration = Duration::from_millis(100);

/// How often a connection that listens is tried, so that nobody believes for longer that nothing has changed.
const PULSE: Duration = Duration::from_millis(500);

pub struct Link {
    states: Arc<States>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

/// A connection that works, as far as is known.
#[derive(Clone)]
pub struct Line {
    pub connection: MultiplexedConnection,
    pub lineage: Lineage,
    /// Tells this connection from those before it.
    number: u64,
}

#[derive(Clone)]
enum State {
    /// The first attempt since the start, or since a connection was lost, is under way.
    Connecting,
    Up(Line),
    /// The last attempt failed, and why. The next will follow.
    Down(Arc<str>),
}

impl Link {
    /// Starts connecting and does not wait for it. Must be called on the runtime on which the connections shall live.
    pub fn open(
        find: Find,
        siblings: &Siblings,
        ear: Option<Ear>,
        stop: &CancellationToken,
        tasks: &Tasks,
    ) -> Self {
        Self::start(Supervisor::new(find, ear), siblings.listen(), stop, tasks)
    }

    fn start(supervisor: Supervisor, news: News, stop: &CancellationToken, tasks: &Tasks) -> Self {
        let (states, stop) = (Arc::clone(&supervisor.states), stop.child_token());
        let stopped = stop.clone();
        tasks.spawn("redis connection", async move {
            stopped.run_until_cancelled(supervisor.run(news)).await;
        });
        Self { states, _stop_on_drop: stop.clone().drop_guard(), stop }
    }

    /// The connection; waits while it is being made.
    pub async fn line(&self) -> Result<Line, Failure> {
        // The supervisor may have published once more while it was being stopped.
        if self.stop.is_cancelled() {
            return Err(closed());
        }
        if let State::Up(line) = &*self.states.now.borrow() {
            return Ok(line.clone());
        }
        let mut states = self.states.now.subscribe();
        let settled = states.wait_for(|state| !matches!(state, State::Connecting));
        let settled = self.stop.run_until_cancelled(settled).await;
        match settled.as_ref().and_then(|state| state.as_deref().ok()) {
            Some(State::Up(line)) => Ok(line.clone()),
            Some(State::Down(why)) => Err(Failure::Down(Arc::clone(why))),
            Some(State::Connecting) | None => Err(closed()),
        }
    }

    /// The connection, if there is one now.
    pub fn line_now(&self) -> Option<Line> {
        match &*self.states.now.borrow() {
            State::Up(line) => Some(line.clone()),
            State::Connecting | State::Down(_) => None,
        }
    }

    /// Takes a connection that failed out of use, unless a newer one is already there.
    pub fn put_aside(&self, failed: &Line) {
        self.states.put_aside(failed.number);
    }
}

fn closed() -> Failure {
    Failure::Down("closed".into())
}

/// The connection as it is, and the ear that goes with it.
struct States {
    now: watch::Sender<State>,
    ear: Option<Ear>,
}

impl States {
    fn set(&self, state: State, hears: bool) {
        self.now.send_modify(|now| {
            *now = state;
            self.hears(hears);
        });
    }

    fn put_aside(&self, failed: u64) {
        self.now.send_if_modified(|state| {
            let current = matches!(state, State::Up(line) if line.number == failed);
            if current {
                *state = State::Connecting;
                self.hears(false);
            }
            current
        });
    }

    fn hears(&self, hears: bool) {
        if let Some(ear) = &self.ear {
            ear.hears(hears);
        }
    }
}

struct Supervisor {
    find: Find,
    states: Arc<States>,
    patience: Patience,
}

struct Patience {
    /// See [`CONNECT_WITHIN`] and [`FIRST_PAUSE`].
    connect: Duration,
    first_pause: Duration,
}

/// A new connection, and whether it hears of changes.
struct Connected {
    line: Line,
    hears: bool,
    server: Client,
    /// See [`Primary::reign`].
    reign: String,
}

impl Supervisor {
    fn new(find: Find, ear: Option<Ear>) -> Self {
        let states = Arc::new(States { now: watch::Sender::new(State::Connecting), ear });
        let patience = Patience { connect: CONNECT_WITHIN, first_pause: FIRST_PAUSE };
        Self { find, states, patience }
    }

    /// Keeps one connection up until it is cancelled.
    async fn run(self, mut news: News) {
        let mut pause = Duration::ZERO;
        let mut known: Option<String> = None;
        for number in 0.. {
            let attempt = tokio::select! {
                attempt = self.connect(number) => attempt,
                () = is_overtaken(&mut news) => continue,
            };
            let failed = attempt.is_err();
            let why = match attempt {
                Ok(connected) => {
                    if known.take().is_some() {
                        self.say(|name| tracing::info!(server = name, "the store can be reached again"));
                    }
                    let up = stopwatch();
                    self.serve(connected, &mut news).await;
                    self.states.put_aside(number);
                    if up.elapsed() >= SHORT {
                        pause = Duration::ZERO;
                    }
                    "the connection was lost soon after it was made".into()
                }
                Err(why) => {
                    pause = pause.max(self.patience.first_pause);
                    why
                }
            };
            if pause.is_zero() {
                pause = self.patience.first_pause;
                continue;
            }
            // What keeps it away may change, from a server that is down to one that knows another password.
            if known.as_ref() != Some(&why) {
                self.say(|name| tracing::warn!(server = name, why, "the store cannot be reached"));
                known = Some(why.clone());
            }
            self.states.set(State::Down(why.into()), false);
            tokio::select! {
                () = tokio::time::sleep(with_jitter(pause)) => {}
                // A server that hangs up on everybody would otherwise have them wake each other without end.
                () = news.good(), if failed => self.states.set(State::Connecting, false),
            }
            pause = self.find.longest_pause().min(2 * pause);
        }
    }

    /// Has the connection used until it is worth nothing any more.
    async fn serve(&self, connected: Connected, news: &mut News) {
        let Connected { line, hears, server, reign } = connected;
        let connection = line.connection.clone();
        self.states.set(State::Up(line), hears);
        news.reached();
        tokio::select! {
            () = self.lost() => {}
            () = self.is_found_dead(connection, &reign, news) => {}
            () = self.find.has_moved_from(&server) => {}
        }
        news.lost();
    }

    /// Every runtime has a link, and all lose the same server: one of them says so.
    fn say(&self, say: impl FnOnce(&str)) {
        if self.states.ear.is_some() {
            say(self.find.name());
        }
    }

    async fn lost(&self) {
        let mut states = self.states.now.subscribe();
        // An error would mean that the sender is gone, and it is held here.
        let _ = states.wait_for(|state| !matches!(state, State::Up(_))).await;
    }

    /// Returns once the connection has not answered in time, or its server is no longer the primary that it was. What
    /// listens asks again and again; the others whenever a sibling has lost or found it.
    async fn is_found_dead(&self, connection: MultiplexedConnection, reign: &str, news: &mut News) {
        let mut ask = redis::cmd("INFO");
        ask.arg("replication");
        loop {
            if self.states.ear.is_some() {
                tokio::time::sleep(PULSE).await;
            } else {
                news.any().await;
            }
            let said = plainly::<String>(&ask, connection.clone()).await.unwrap_or_default();
            if Primary::read(&said).map_or(true, |primary| primary.reign() != reign) {
                return;
            }
        }
    }

    async fn connect(&self, number: u64) -> Result<Connected, String> {
        let within = self.patience.connect;
        match tokio::time::timeout(within, self.attempt(number)).await {
            Ok(attempt) => attempt,
            Err(_) => Err(format!("no connection within {within:?}")),
        }
    }

    async fn attempt(&self, number: u64) -> Result<Connected, String> {
        let server = self.find.server().await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(self.on_push(number));
        let connection = server.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connection.map_err(|error| refusal(&error))?;
        // A server that still loads its data greets, but answers nothing else; a replica would let nobody write.
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(|error| refusal(&error))?;
        let said: String =
            redis::cmd("INFO").query_async(&mut connection).await.map_err(|error| refusal(&error))?;
        let primary = Primary::read(&said)?;
        let lineage = primary.lineage().ok_or("it does not say in INFO which process it is")?;
        let reign = primary.reign().to_owned();
        let hears = self.listen(&mut connection).await.map_err(|error| refusal(&error))?;
        Ok(Connected { line: Line { connection, lineage, number }, hears, server, reign })
    }

    async fn listen(&self, connection: &mut MultiplexedConnection) -> Result<bool, RedisError> {
        let Some(ear) = &self.states.ear else { return Ok(false) };
        match connection.subscribe(ear.topic()).await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some("NOPERM") => {
                tracing::warn!(%error, "changes by other gateways are not heard, and every use of a session asks the store");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// What the server says without being asked.
    fn on_push(&self, number: u64) -> impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static {
        // Weak: what holds the connection must not be held by it.
        let states = Arc::downgrade(&self.states);
        move |push| {
            if let Some(states) = states.upgrade() {
                match push.kind {
                    PushKind::Disconnection => states.put_aside(number),
                    PushKind::Message => {
                        if let (Some(ear), Some(change)) = (&states.ear, heard(&push)) {
                            ear.heard(change);
                        }
                    }
                    _ => {}
                }
            }
            Ok(())
        }
    }
}

/// Returns once a sibling has reached the server that this attempt is still waiting for.
async fn is_overtaken(news: &mut News) {
    tokio::time::sleep(PROMPT).await;
    news.good().await;
}

/// The change that a message tells of.
fn heard(push: &PushInfo) -> Option<Change> {
    match push.data.as_slice() {
        [_topic, Value::BulkString(message)] => Change::from_bytes(message),
        _ => None,
    }
}

/// Why there is no connection, and what would be right where the configuration may be wrong.
fn refusal(error: &RedisError) -> String {
    let by_password = error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"));
    if by_password {
        format!("{error} (user and password stand in `store.redis`)")
    } else if error.code() == Some("NOPERM") {
        format!("{error} (the documentation has a list of what its user needs)")
    } else {
        error.to_string()
    }
}

/// Half to the whole of it, so that gateways that lost the same server do not come back in step.
fn with_jitter(pause: Duration) -> Duration {
    let [random] = secret::random::<1>();
    pause / 2 + pause * u32::from(random) / 512
}

#[cfg(test)]
mod tests;
