//! The one owner of signals, and so of the end. Start from [`Lifecycle::run`].
//!
//! SIGTERM or SIGINT: soft shutdown; after a grace period hard shutdown; a second signal is hard at once.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tracing::{info, warn};

pub use crate::tasks::Shutdown;

/// How long requests under way may take to finish once a stop is asked for.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long those that are dropped get to let go of their sockets.
const LET_GO: Duration = Duration::from_secs(1);

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that was under way has finished.
    Drained,
    /// Some of it was dropped, after the grace period or at a second signal.
    Cut,
    /// Nobody asked for it: what should have been serving has ended by itself.
    Crashed,
}

pub struct Lifecycle {
    terminate: Signal,
    interrupt: Signal,
    shutdown: Shutdown,
}

impl Lifecycle {
    /// From here on signals no longer end the process by themselves. Must be called on a runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            shutdown: Shutdown::default(),
        })
    }

    /// What everybody watches who must end when the process does.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Waits for a signal (or for a shutdown that was begun otherwise), then until `drained` resolves or `grace` is
    /// over.
    pub async fn run(mut self, grace: Duration, drained: impl Future<Output = ()>) -> Ended {
        let mut drained = pin!(drained);
        let shutdown = self.shutdown.clone();
        let first = tokio::select! {
            biased;
            name = self.signal() => name,
            () = shutdown.begun() => "none",
            () = &mut drained => {
                self.shutdown.abort();
                return Ended::Crashed;
            }
        };
        info!(signal = first, "stopping: requests under way have {} s to finish", grace.as_secs());
        self.shutdown.begin();
        tokio::select! {
            () = &mut drained => {
                info!("stopped");
                return Ended::Drained;
            }
            second = self.signal() => warn!(signal = second, "stopping at once"),
            () = tokio::time::sleep(grace) => warn!("requests still under way after {} s are cut", grace.as_secs()),
        }
        self.shutdown.abort();
        if timeout(LET_GO, drained).await.is_err() {
            warn!("some connections did not close");
        }
        Ended::Cut
    }

    async fn signal(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
