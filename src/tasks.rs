//! The only place that spawns. Every task has a name and is tracked, so that shutdown can wait for it.
//!
//! [`Tasks`] spawns; [`Shutdown`] is how a task learns that it is time to end. [`crate::lifecycle`] alone decides when.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::{
    CancellationToken, DropGuard, WaitForCancellationFuture, WaitForCancellationFutureOwned,
};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::{TaskTrackerToken, TrackedFuture};

/// Spawns and tracks tasks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
}

impl Tasks {
    /// Runs `task` on the runtime of the caller.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(self.named(name, task));
    }

    /// The same, but `task` is dropped where it stands when the leash is.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn_leashed<F>(&self, name: &'static str, task: F) -> Leash
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Leash(tokio::spawn(self.named(name, task)).abort_handle())
    }

    /// Runs `task` on another runtime: what it opens lives there.
    pub fn spawn_on<F>(&self, runtime: &Handle, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        runtime.spawn(self.named(name, task));
    }

    fn named<F: Future>(&self, name: &'static str, task: F) -> Named<TrackedFuture<F>> {
        Named { task: self.tracker.track_future(task), end: End { name, finished: false } }
    }

    /// Counts as a task until dropped; for what is no task, such as a thread.
    pub fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// How many are running.
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until none is running. Tasks spawned meanwhile are waited for too.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Whether none is running any more, after waiting for at most this long.
    pub async fn finished_within(&self, deadline: Duration) -> bool {
        tokio::time::timeout(deadline, self.finished()).await.is_ok()
    }
}

pin_project! {
    /// A task and its name. An `async fn` in its place would hold every task twice over.
    struct Named<F> {
        #[pin]
        task: F,
        end: End,
    }
}

impl<F: Future<Output = ()>> Future for Named<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let polled = this.task.poll(context);
        this.end.finished |= polled.is_ready();
        polled
    }
}

/// Ends a task by being dropped.
pub struct Leash(AbortHandle);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says by name which task panicked; the runtime itself only knows a number.
struct End {
    name: &'static str,
    finished: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.finished && std::thread::panicking() {
            tracing::error!(task = self.name, "a task panicked");
        }
    }
}

/// Two steps to the end: soft, when everybody finishes what is under way and begins nothing new; and hard, when
/// everybody drops what is left. Cheap to clone; whoever serves a connection or a tunnel watches one.
#[derive(Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    /// To be looked at without a lock; set before the tokens are cancelled.
    stage: Arc<AtomicU8>,
}

/// How far a [`Shutdown`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Running,
    Soft,
    Hard,
}

impl Shutdown {
    /// Finish what is under way.
    pub fn begin(&self) {
        self.stage.fetch_max(Stage::Soft as u8, Ordering::Release);
        self.soft.cancel();
    }

    /// Drop what is left.
    pub fn abort(&self) {
        self.stage.store(Stage::Hard as u8, Ordering::Release);
        self.soft.cancel();
        self.hard.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.stage() >= Stage::Soft
    }

    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Soft,
            _ => Stage::Hard,
        }
    }

    /// Resolves at the soft shutdown.
    pub fn begun(&self) -> WaitForCancellationFuture<'_> {
        self.soft.cancelled()
    }

    /// Resolves at the hard one.
    pub fn aborted(&self) -> WaitForCancellationFuture<'_> {
        self.hard.cancelled()
    }

    /// One that follows this one. Waiting takes a lock on the handle, so each core has a child of its own.
    #[must_use]
    pub fn child(&self) -> Self {
        let (soft, hard) = (self.soft.child_token(), self.hard.child_token());
        Self { soft, hard, stage: Arc::clone(&self.stage) }
    }
}

/// Held by something that goes on for long: says when it has to stop, and, by being dropped, that it has.
pub struct Cutoff {
    cut: CancellationToken,
    stopping: Arc<AtomicBool>,
    _released: DropGuard,
}

/// The other end of a [`Cutoff`].
pub struct Watch {
    cut: CancellationToken,
    stopping: Arc<AtomicBool>,
    released: CancellationToken,
}

impl Cutoff {
    pub fn new() -> (Self, Watch) {
        let (cut, released) = (CancellationToken::new(), CancellationToken::new());
        let stopping = Arc::<AtomicBool>::default();
        let watch = Watch { cut: cut.clone(), stopping: Arc::clone(&stopping), released: released.clone() };
        (Self { cut, stopping, _released: released.drop_guard() }, watch)
    }

    pub fn is_cancelled(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// Whether that is because the whole gateway stops.
    pub fn is_for_a_stop(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Resolves when it has to stop.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.cut.cancelled()
    }

    pub fn cancelled_owned(&self) -> WaitForCancellationFutureOwned {
        self.cut.clone().cancelled_owned()
    }
}

impl Watch {
    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// Because the gateway stops.
    pub fn cut_for_a_stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.cut.cancel();
    }

    /// Resolves when the cutoff was dropped.
    pub fn released(&self) -> WaitForCancellationFuture<'_> {
        self.released.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wait_ends_with_the_last_task() {
        let (tasks, shutdown) = (Tasks::default(), Shutdown::default());
        let watched = shutdown.child();
        tasks.spawn("watcher", async move { watched.begun().await });
        assert!(!tasks.finished_within(Duration::from_millis(1)).await);
        shutdown.begin();
        assert!(tasks.finished_within(Duration::from_secs(5)).await);
        assert_eq!(tasks.running(), 0);
    }

    #[tokio::test]
    async fn a_task_that_panics_counts_as_ended() {
        let tasks = Tasks::default();
        tasks.spawn("faulty", async { panic!("on purpose") });
        assert!(tasks.finished_within(Duration::from_secs(5)).await);
    }

    #[test]
    fn an_abort_is_a_soft_shutdown_too() {
        let shutdown = Shutdown::default();
        let child = shutdown.child();
        shutdown.abort();
        assert!(child.has_begun());
        assert_eq!(child.stage(), Stage::Hard);
        assert!(child.hard.is_cancelled());
    }
}
