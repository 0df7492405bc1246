//! The one connection to Redis, watched and renewed by a task of its own.
//!
//! Requests share a multiplexed connection and never make one: they take what [`State`] holds, and put it aside when
//! it failed them. The supervisor, on the runtime that opened the store, makes the next, one attempt at a time.
//! While the first attempt after a loss runs, requests wait for it within their own deadline, so that a server that
//! merely closed an idle connection costs nobody an error; once that attempt has failed they fail at once.
//! redis-rs's own `ConnectionManager` is not used: a time-out or a `READONLY` would not make it reconnect.
//!
//! The same connection listens to what other gateways change. A short pulse finds out when it hangs.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind, TlsCertificates, Value,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::change::{Change, Channel};
use super::super::{RedisSettings, StoreError};
use crate::clock::stopwatch;
use crate::secret;
use crate::tasks::Tasks;

/// What a primitive may take, waiting for a connection included: the visitor's 503 must leave within 250 ms.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(200);

/// What an attempt to connect may take: name, TCP, TLS, authentication and a first answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Between attempts, doubling. The first attempt after a loss is made at once, unless the connection lived shorter
/// than the longer of these twice in a row.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// When Linux gives a connection up whose bytes are not acknowledged; also the pace of keep-alive probes.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How often the connection is tried when it listens, so that nobody believes for longer that nothing has changed.
const PULSE: Duration = Duration::from_millis(500);

pub struct Link {
    state: Arc<States>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

#[derive(Clone)]
enum State {
    /// The first attempt since the start, or since a connection was lost, is under way.
    Connecting,
    Up {
        connection: MultiplexedConnection,
        /// Tells this connection from those before it.
        number: u64,
    },
    /// The last attempt failed, and why. The next will follow.
    Down(Arc<str>),
}

impl Link {
    /// Starts connecting and does not wait for it. Must be called on the runtime on which the connections shall live.
    pub fn open(settings: &RedisSettings, channel: Arc<Channel>, tasks: &Tasks) -> Result<Self, StoreError> {
        let client = client(settings)?;
        let state = Arc::new(States { now: watch::Sender::new(State::Connecting), channel });
        let stop = CancellationToken::new();
        let listen = changes(&settings.prefix);
        let supervisor = Supervisor { client, state: Arc::clone(&state), listen };
        let stopped = stop.clone();
        tasks.spawn("redis connection", async move {
            stopped.run_until_cancelled(supervisor.run()).await;
        });
        Ok(Self { state, _stop_on_drop: stop.clone().drop_guard(), stop })
    }

    /// Does this work on the connection, or says within [`ANSWER_WITHIN`] why not. Callable from any runtime.
    pub async fn call<T, W>(&self, work: impl FnOnce(MultiplexedConnection) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = RedisResult<T>>,
    {
        let mut used = None;
        let answer = tokio::time::timeout(ANSWER_WITHIN, async {
            let (connection, number) = self.connection().await?;
            used = Some(number);
            Ok(work(connection).await)
        });
        let error = match answer.await {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Err(down)) => return Err(down),
            Ok(Ok(Err(error))) => Some(error),
            Err(_) => None,
        };
        if let Some(number) = used
            && error.as_ref().is_none_or(asks_for_another_connection)
        {
            self.state.put_aside(number);
        }
        Err(error.map_or(StoreError::Timeout(ANSWER_WITHIN), |error| store_error(&error)))
    }

    pub fn close(&self) {
        self.stop.cancel();
        self.state.set(State::Down("closed".into()), false);
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), StoreError> {
        // The supervisor may have published once more while it was being stopped.
        if self.stop.is_cancelled() {
            return Err(StoreError::Unreachable("closed".into()));
        }
        let mut states = self.state.now.subscribe();
        let state = states.wait_for(|state| !matches!(state, State::Connecting)).await;
        match state.as_deref() {
            Ok(State::Up { connection, number }) => Ok((connection.clone(), *number)),
            Ok(State::Down(why)) => Err(StoreError::Unreachable(why.to_string())),
            Ok(State::Connecting) | Err(_) => Err(StoreError::Unreachable("closed".into())),
        }
    }
}

/// Whether this is the form of a URL that [`Link::open`] takes; says what is wrong, never the URL itself.
pub fn check_url(url: &str) -> Result<(), String> {
    connection_info(url).map(drop)
}

/// The name of the channel on which gateways tell each other what changed.
pub fn changes(prefix: &str) -> String {
    format!("{prefix}changes")
}

/// The connection as it is, and the channel that goes up and down with it.
struct States {
    now: watch::Sender<State>,
    channel: Arc<Channel>,
}

impl States {
    fn set(&self, state: State, hears: bool) {
        self.now.send_modify(|now| {
            *now = state;
            if hears { self.channel.is_up() } else { self.channel.is_down() }
        });
    }

    /// Takes this connection out of use, unless a newer one is already there.
    fn put_aside(&self, failed: u64) {
        self.now.send_if_modified(|state| {
            let current = matches!(state, State::Up { number, .. } if *number == failed);
            if current {
                *state = State::Connecting;
                self.channel.is_down();
            }
            current
        });
    }
}

struct Supervisor {
    client: Client,
    state: Arc<States>,
    /// The name of the channel to subscribe to.
    listen: String,
}

/// A new connection, and whether it hears of changes.
struct Connected {
    connection: MultiplexedConnection,
    hears: bool,
}

impl Supervisor {
    /// Keeps one connection up until it is cancelled.
    async fn run(self) {
        let mut pause = Duration::ZERO;
        let server = self.client.get_connection_info().addr().to_string();
        let mut known: Option<String> = None;
        for number in 0.. {
            let why = match self.connect(number).await {
                Ok(Connected { connection, hears }) => {
                    if known.take().is_some() {
                        tracing::info!(server, "the store can be reached again");
                    }
                    self.state.set(State::Up { connection: connection.clone(), number }, hears);
                    let up = stopwatch();
                    tokio::select! {
                        () = self.lost() => {}
                        () = stops_answering(connection) => self.state.put_aside(number),
                    }
                    if up.elapsed() >= BACK_OFF.1 {
                        pause = Duration::ZERO;
                    }
                    "the connection was lost soon after it was made".into()
                }
                Err(why) => {
                    pause = pause.max(BACK_OFF.0);
                    why
                }
            };
            if pause.is_zero() {
                pause = BACK_OFF.0;
                continue;
            }
            // What keeps it away may change, from a server that is down to one that knows another password.
            if known.as_ref() != Some(&why) {
                tracing::warn!(server, why, "the store cannot be reached");
                known = Some(why.clone());
            }
            self.state.set(State::Down(why.into()), false);
            tokio::time::sleep(with_jitter(pause)).await;
            pause = BACK_OFF.1.min(2 * pause);
        }
    }

    async fn lost(&self) {
        let mut states = self.state.now.subscribe();
        // An error would mean that the sender is gone, and it is held here.
        let _ = states.wait_for(|state| !matches!(state, State::Up { .. })).await;
    }

    async fn connect(&self, number: u64) -> Result<Connected, String> {
        // Weak: what holds the connection must not be held by it.
        let state = Arc::downgrade(&self.state);
        let on_push = move |push: PushInfo| {
            if let Some(state) = state.upgrade() {
                match push.kind {
                    PushKind::Disconnection => state.put_aside(number),
                    PushKind::Message => {
                        if let Some(change) = heard(&push) {
                            state.channel.tell(change);
                        }
                    }
                    _ => {}
                }
            }
            Ok::<(), ()>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(on_push);
        let attempt = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            // A server that still loads its data greets, but answers nothing else.
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            let hears = match connection.subscribe(&self.listen).await {
                Ok(()) => true,
                Err(error) if error.code() == Some("NOPERM") => {
                    tracing::warn!(%error, "changes by other gateways are not heard, and every use of a session asks the store");
                    false
                }
                Err(error) => return Err(error),
            };
            Ok(Connected { connection, hears })
        };
        match tokio::time::timeout(CONNECT_WITHIN, attempt).await {
            Ok(attempt) => attempt.map_err(|error| refusal(&error)),
            Err(_) => Err(format!("no connection within {CONNECT_WITHIN:?}")),
        }
    }
}

/// Returns once the connection has not answered a ping in time.
async fn stops_answering(mut connection: MultiplexedConnection) {
    let ping = redis::cmd("PING");
    loop {
        tokio::time::sleep(PULSE).await;
        let answer = tokio::time::timeout(ANSWER_WITHIN, ping.query_async::<()>(&mut connection)).await;
        match answer {
            Ok(Err(error)) if asks_for_another_connection(&error) => return,
            // Any other answer is one.
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// The change that a message tells of.
fn heard(push: &PushInfo) -> Option<Change> {
    match push.data.as_slice() {
        [_channel, Value::BulkString(message)] => Change::from_bytes(message),
        _ => None,
    }
}

/// Why there is no connection, and what would be right where the configuration may be wrong.
fn refusal(error: &RedisError) -> String {
    let by_password = error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"));
    if by_password {
        format!("{error} (user and password stand in `store.redis.url`)")
    } else {
        error.to_string()
    }
}

/// Half to the whole of it, so that gateways that lost the same server do not come back in step.
fn with_jitter(pause: Duration) -> Duration {
    let [random] = secret::random::<1>();
    pause / 2 + pause * u32::from(random) / 512
}

/// A server that is read-only, loading or without its primary may have been replaced behind the same name.
fn asks_for_another_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
        ),
        _ => error.code() == Some("NOAUTH"),
    }
}

fn store_error(error: &RedisError) -> StoreError {
    match error.kind() {
        ErrorKind::UnexpectedReturnType => StoreError::Corrupt(error.to_string()),
        _ if asks_for_another_connection(error) => StoreError::Unreachable(error.to_string()),
        _ => StoreError::Refused(error.to_string()),
    }
}

fn client(settings: &RedisSettings) -> Result<Client, StoreError> {
    let info = connection_info(settings.url.expose()).map_err(StoreError::Refused)?;
    let client = match &settings.ca {
        None => Client::open(info),
        Some(file) => {
            let root_cert = Some(authorities(file)?);
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        }
    };
    client.map_err(|error| StoreError::Refused(error.to_string()))
}

fn connection_info(url: &str) -> Result<ConnectionInfo, String> {
    let info = url.into_connection_info().map_err(|error| error.to_string())?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(
            "`#insecure` would trust any server; name the server's CA in `store.redis.ca` instead".into()
        );
    }
    let keepalive = socket2::TcpKeepalive::new().with_time(UNACKNOWLEDGED).with_interval(UNACKNOWLEDGED / 5);
    let tcp =
        TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(UNACKNOWLEDGED);
    // In the third version of the protocol the end of an idle connection is told at once, not at its next use.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp).set_redis_settings(redis))
}

fn authorities(file: &Path) -> Result<Vec<u8>, StoreError> {
    let refused = |why: String| StoreError::Refused(format!("{}: {why}", file.display()));
    let pem = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(pem),
        Ok(_) => Err(refused("no certificate in it".into())),
        Err(error) => Err(refused(error.to_string())),
    }
}
