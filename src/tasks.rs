//! The only place that spawns. Every task has a name and is tracked, so that shutdown can wait for it.

use std::future::Future;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

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
        let tracked = self.tracker.track_future(task);
        tokio::spawn(async move {
            tracked.await;
            tracing::trace!(task = name, "ended");
        });
    }

    /// Runs `task` on this runtime, whichever runtime the caller is on.
    pub fn spawn_on<F>(&self, runtime: &Handle, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tracked = self.tracker.track_future(task);
        runtime.spawn(async move {
            tracked.await;
            tracing::trace!(task = name, "ended");
        });
    }
}
