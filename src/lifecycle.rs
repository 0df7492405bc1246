//! The one owner of signals, and so of the end. Start from [`Lifecycle::run`].
//!
//! SIGTERM or SIGINT: soft shutdown; after a grace period hard shutdown; a second signal is hard at once. SIGHUP ends
//! nothing, unless the gateway runs in a terminal: whoever sends it wants changed files to be read, which happens anyway.

use std::future::Future;
use std::io::{self, IsTerminal as _};
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
    signals: Signals,
    shutdown: Shutdown,
}

/// Where signals come from.
enum Signals {
    System {
        terminate: Signal,
        interrupt: Signal,
        /// None in a terminal, whose end is the gateway's.
        hang_up: Option<Signal>,
    },
    /// A real signal would reach every test of the process.
    #[cfg(test)]
    Told(tokio::sync::mpsc::Receiver<&'static str>),
}

impl Signals {
    /// The name of the next one that asks for the end.
    async fn next(&mut self) -> &'static str {
        loop {
            match self.any().await {
                "SIGHUP" => info!(
                    signal = "SIGHUP",
                    "account files and certificates are read when they change; anything else takes a restart"
                ),
                name => return name,
            }
        }
    }

    async fn any(&mut self) -> &'static str {
        match self {
            Self::System { terminate, interrupt, hang_up } => {
                let hung_up = async {
                    match hang_up {
                        Some(hang_up) => hang_up.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                    _ = hung_up => "SIGHUP",
                }
            }
            #[cfg(test)]
            Self::Told(told) => match told.recv().await {
                Some(name) => name,
                None => std::future::pending().await,
            },
        }
    }
}

impl Lifecycle {
    /// From here on signals no longer end the process by themselves. Must be called on a runtime.
    pub fn install() -> io::Result<Self> {
        let signals = Signals::System {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: (!io::stderr().is_terminal()).then(|| signal(SignalKind::hangup())).transpose()?,
        };
        Ok(Self { signals, shutdown: Shutdown::default() })
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
            name = self.signals.next() => name,
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
            second = self.signals.next() => warn!(signal = second, "stopping at once"),
            () = tokio::time::sleep(grace) => warn!("requests still under way after {} s are cut", grace.as_secs()),
        }
        self.shutdown.abort();
        if timeout(LET_GO, drained).await.is_err() {
            warn!("some connections did not close");
        }
        Ended::Cut
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{Sender, channel};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn lifecycle() -> (Lifecycle, Sender<&'static str>) {
        let (tell, told) = channel(2);
        (Lifecycle { signals: Signals::Told(told), shutdown: Shutdown::default() }, tell)
    }

    #[tokio::test]
    async fn a_signal_begins_the_end() {
        let (lifecycle, tell) = lifecycle();
        let shutdown = lifecycle.shutdown().clone();
        tell.send("SIGTERM").await.expect("it listens");
        let ended = timeout(DEADLINE, lifecycle.run(DEADLINE * 2, shutdown.begun())).await;
        assert_eq!(ended.expect("in time"), Ended::Drained);
    }

    #[tokio::test]
    async fn a_second_signal_cuts_it_short() {
        let (lifecycle, tell) = lifecycle();
        let shutdown = lifecycle.shutdown().clone();
        for name in ["SIGINT", "SIGINT"] {
            tell.send(name).await.expect("it listens");
        }
        let ended = timeout(DEADLINE, lifecycle.run(DEADLINE * 2, shutdown.aborted())).await;
        assert_eq!(ended.expect("in time"), Ended::Cut);
    }

    #[tokio::test]
    async fn a_hang_up_ends_nothing_and_does_not_count_as_a_first_signal() {
        let (lifecycle, tell) = lifecycle();
        let shutdown = lifecycle.shutdown().clone();
        for name in ["SIGHUP", "SIGTERM"] {
            tell.send(name).await.expect("it listens");
        }
        let ended = timeout(DEADLINE, lifecycle.run(DEADLINE * 2, shutdown.begun())).await;
        assert_eq!(ended.expect("in time"), Ended::Drained);
        let (lifecycle, tell) = self::lifecycle();
        tell.send("SIGHUP").await.expect("it listens");
        let ran = lifecycle.run(DEADLINE, std::future::pending());
        assert!(timeout(Duration::from_millis(50), ran).await.is_err(), "it runs on");
    }

    #[tokio::test]
    async fn what_does_not_finish_is_cut_after_the_grace_period() {
        let (lifecycle, _tell) = lifecycle();
        let shutdown = lifecycle.shutdown().clone();
        shutdown.begin();
        let ended = lifecycle.run(Duration::from_millis(10), shutdown.aborted()).await;
        assert_eq!(ended, Ended::Cut);
    }

    #[tokio::test]
    async fn workers_that_end_by_themselves_are_not_taken_for_a_stop() {
        let (lifecycle, _tell) = lifecycle();
        assert_eq!(lifecycle.run(DEADLINE, std::future::ready(())).await, Ended::Crashed);
    }
}
