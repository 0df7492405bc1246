//! The accept loop: takes connections, and goes on taking them when the machine has run short of something.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, UnixListener};
use tokio::time::sleep;
use tracing::{error, info};

use super::bind::{Listener, ListenerSocket, SocketFile};
use super::http::Http;
use super::socket::Socket;
use super::{Connection, Handler, HttpSettings, ListenerSettings, Tls, proxy};
use crate::clock::stopwatch;
use crate::observe::metrics::OpenConnections;
use crate::tasks::{Shutdown, Tasks};

/// The shortest and the longest pause after an accept that failed for want of a resource.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What a worker has for all its connections.
pub(super) struct Shared<H> {
    pub handler: H,
    pub http: Arc<Http>,
    pub settings: HttpSettings,
    /// Of the listeners that speak TLS.
    pub tls: Option<Arc<Tls>>,
    /// Those of all workers.
    pub connections: OpenConnections,
    pub tasks: Tasks,
    pub shutdown: Shutdown,
}

/// Accepts until the shutdown begins. Connections that the kernel has taken by then are served still: closing the
/// listener would reset them.
pub(super) async fn accept_loop<H: Handler>(listener: Listener, shared: Arc<Shared<H>>) {
    let settings = Arc::new(listener.settings);
    let socket = match Acceptor::new(listener.socket) {
        Ok(socket) => socket,
        Err(error) => {
            error!(%error, "cannot accept on {}", settings.address);
            return;
        }
    };
    let mut trouble = Trouble::default();
    let mut shutdown = std::pin::pin!(shared.shutdown.begun());
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = socket.accept(&shared) => accepted,
            () = &mut shutdown => return,
        };
        match accepted {
            Ok(accepted) => {
                trouble.over(&settings);
                let connection = serve(accepted, Arc::clone(&settings), Arc::clone(&shared));
                shared.tasks.spawn("connection", connection);
            }
            // The client has gone before it was taken.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                let pause = trouble.met(&settings, &error);
                tokio::select! {
                    () = sleep(pause) => {}
                    () = &mut shutdown => return,
                }
            }
        }
    }
}

struct Accepted {
    socket: Socket,
    peer: Option<SocketAddr>,
}

enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener, #[expect(dead_code, reason = "removes the file when dropped")] Arc<SocketFile>),
}

impl Acceptor {
    fn new(socket: ListenerSocket) -> io::Result<Self> {
        Ok(match socket {
            ListenerSocket::Tcp(socket) => Self::Tcp(TcpListener::from_std(socket)?),
            ListenerSocket::Unix(socket, file) => Self::Unix(UnixListener::from_std(socket)?, file),
        })
    }

    async fn accept<H>(&self, shared: &Shared<H>) -> io::Result<Accepted> {
        let patience = shared.settings.stalled_write;
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting for more to send only delays them.
                stream.set_nodelay(true).ok();
                Ok(Accepted {
                    socket: Socket::tcp(stream, patience, shared.connections.open()),
                    peer: Some(canonical(peer)),
                })
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted { socket: Socket::unix(stream, patience, shared.connections.open()), peer: None })
            }
        }
    }
}

/// An IPv4 visitor on a listener for both families is still an IPv4 visitor: rules and limits compare addresses.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// What only the beginning of a connection needs lies in boxes of its own, so that an idle connection is small. Each box
/// has a name: what is boxed within an expression that waits is given its place here all the same.
async fn serve<H: Handler>(accepted: Accepted, settings: Arc<ListenerSettings>, shared: Arc<Shared<H>>) {
    let beginning = Box::pin(begin(accepted, settings, shared));
    if let Some(serving) = beginning.await {
        serving.await;
    }
}

/// A connection with its beginning behind it.
type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a load balancer says, and the handshake.
async fn begin<H: Handler>(
    accepted: Accepted,
    settings: Arc<ListenerSettings>,
    shared: Arc<Shared<H>>,
) -> Option<Serving> {
    let Accepted { mut socket, mut peer } = accepted;
    if let Some(protocol) = &settings.proxy_protocol {
        let greeting = proxy::greet(&mut socket, peer, protocol, shared.settings.handshake);
        let (said, unread) = greeting.await?;
        peer = said.or(peer);
        socket.put_back(unread);
    }
    let connection = |certificate| {
        let (tasks, shutdown) = (shared.tasks.clone(), shared.shutdown.clone());
        Arc::new(Connection::new(peer, &settings, (tasks, shutdown), certificate))
    };
    let (handler, activity) = (shared.handler.clone(), socket.activity());
    let Some(tls) = shared.tls.as_ref().filter(|_| settings.tls) else {
        // Without TLS nothing says h2; guessing it from the first bytes is h2c, which stays off.
        let connection = (connection(None), activity);
        return Some(Box::pin(shared.http.clone().serve_http1(socket, connection, handler)));
    };
    let (stream, certificate) = tls.accept(socket, shared.settings.handshake).await?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let connection = (connection(Some(certificate)), activity);
    let http = shared.http.clone();
    Some(if http2 {
        Box::pin(http.serve_http2(stream, connection, handler))
    } else {
        Box::pin(http.serve_http1(stream, connection, handler))
    })
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A listener that cannot accept: pauses that grow, and a word to the operator once a second.
#[derive(Default)]
struct Trouble {
    pause: Duration,
    met: Option<Instant>,
    said: Option<Instant>,
}

impl Trouble {
    fn met(&mut self, settings: &ListenerSettings, error: &io::Error) -> Duration {
        let now = stopwatch();
        self.met = Some(now);
        if self.said.is_none_or(|said| now.duration_since(said) >= PAUSE.1) {
            self.said = Some(now);
            let remedy = if is_about_files(error) { " (raise the limit: ulimit -n)" } else { "" };
            error!("cannot accept on {}: {error}{remedy}; trying on", settings.address);
        }
        self.pause = (self.pause * 2).clamp(PAUSE.0, PAUSE.1);
        self.pause
    }

    /// While descriptors are short, one accept succeeds and the next does not: it is over when a second was good.
    fn over(&mut self, settings: &ListenerSettings) {
        self.pause = Duration::ZERO;
        if self.met.is_some_and(|met| met.elapsed() >= PAUSE.1) {
            *self = Self::default();
            info!("accepting again on {}", settings.address);
        }
    }
}

/// EMFILE or ENFILE, which have no `ErrorKind`; the numbers are the same on all Unixes that we know.
fn is_about_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}
