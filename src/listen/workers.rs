//! The workers: one thread a core, each with a single-thread runtime, its own listeners and its own handler.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Builder;
use tracing::error;

use super::accept::{Shared, accept_loop};
use super::bind::{Bound, Listener};
use super::http::Http;
use super::{Handler, HttpSettings, Tls};
use crate::observe::metrics::OpenConnections;
use crate::tasks::{Shutdown, Tasks};

/// The workers that were started. Dropping this stops nothing: the [`Shutdown`] does.
pub struct Workers {
    threads: Tasks,
}

impl Workers {
    /// One a core that this process may use.
    pub fn count() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// Starts a worker for each row of listeners. `handler` is called once on each worker's runtime, with the
    /// worker's number from 0: what it opens there stays there.
    pub fn start<H, F>(
        bound: Bound,
        settings: HttpSettings,
        tls: Option<&Arc<Tls>>,
        connections: &OpenConnections,
        shutdown: &Shutdown,
        handler: F,
    ) -> io::Result<Self>
    where
        H: Handler,
        F: Fn(usize) -> H + Send + Sync + 'static,
    {
        let threads = Tasks::default();
        let handler = Arc::new(handler);
        for (number, listeners) in bound.rows.into_iter().enumerate() {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (token, handler) = (threads.token(), Arc::clone(&handler));
            let (tls, connections, shutdown) = (tls.cloned(), connections.clone(), shutdown.child());
            thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                let _running = token;
                runtime.block_on(async {
                    let handler = handler(number);
                    work(listeners, settings, tls, connections, shutdown, handler).await;
                });
            })?;
        }
        Ok(Self { threads })
    }

    /// Resolves when the last worker has ended, and with it every connection and tunnel.
    pub async fn finished(&self) {
        self.threads.finished().await;
    }
}

/// Accepts and serves until the shutdown has begun and everything has finished, or was told to drop what is left.
async fn work<H: Handler>(
    listeners: Vec<Listener>,
    settings: HttpSettings,
    tls: Option<Arc<Tls>>,
    connections: OpenConnections,
    shutdown: Shutdown,
    handler: H,
) {
    let tasks = Tasks::default();
    let http = Arc::new(Http::new(&settings, &tasks));
    let shared = Arc::new(Shared {
        handler,
        http,
        settings,
        tls,
        connections,
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    });
    for listener in listeners {
        tasks.spawn("accept", accept_loop(listener, Arc::clone(&shared)));
    }
    drop(shared);
    shutdown.begun().await;
    tokio::select! {
        () = tasks.finished() => {}
        () = shutdown.aborted() => {
            error!(connections = tasks.running(), "cutting what is still open");
        }
    }
}
