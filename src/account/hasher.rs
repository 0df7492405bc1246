//! The threads on which passwords are verified: a few, with a short queue, so that a flood of sign-ins neither slows
//! the traffic of those who are in nor takes more memory than was meant. Start from [`Hasher`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::password::{Format, Memory, OutOfMemory, fits};
use super::{PasswordSettings, StoredHash};
use crate::secret::Secret;

/// No thread is free and the queue is full, or there is no memory: try again shortly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being verified")]
pub struct Busy;

#[derive(Debug, thiserror::Error)]
pub enum HasherError {
    #[error("argon2id cannot be computed with the settings of `passwords`: {0}")]
    Settings(argon2::Error),
    #[error("a thread for hashing cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Its threads end when it is dropped.
pub struct Hasher {
    queue: SyncSender<Job>,
}

struct Job {
    password: Secret<String>,
    hash: Option<StoredHash>,
    answer: oneshot::Sender<Result<bool, Busy>>,
}

/// What the threads share.
struct Work {
    /// What a name that nobody has is verified against.
    unknown: Format,
    /// What a thread keeps of argon2's memory, in KiB.
    keep: u32,
    compute: Box<Compute>,
}

/// [`fits`]; in tests something that can be counted, held up and made to panic.
type Compute = dyn Fn(&str, &Format, &mut Memory) -> Result<bool, OutOfMemory> + Send + Sync;

impl Hasher {
    /// At most `threads` passwords are computed at once, and `queue` wait; at least one of each.
    pub fn new(threads: usize, queue: usize, settings: PasswordSettings) -> Result<Self, HasherError> {
        Self::with(threads, queue, settings, Box::new(fits))
    }

    fn with(
        threads: usize,
        queue: usize,
        settings: PasswordSettings,
        compute: Box<Compute>,
    ) -> Result<Self, HasherError> {
        let unknown = Format::unknown(&settings).map_err(HasherError::Settings)?;
        let work = Arc::new(Work { unknown, keep: settings.memory, compute });
        let (sender, jobs) = sync_channel(queue.max(1));
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let (jobs, work) = (Arc::clone(&jobs), Arc::clone(&work));
            std::thread::Builder::new().name(format!("password-{number}")).spawn(move || work.run(&jobs))?;
        }
        Ok(Self { queue: sender })
    }

    /// Whether this is the password. Without a hash (nobody has that name) it never is, at the cost of a hash made
    /// with today's settings; a hash that cannot be read is treated alike. If the caller goes away, what still waits
    /// is not computed.
    pub async fn verify(&self, password: Secret<String>, hash: Option<StoredHash>) -> Result<bool, Busy> {
        let (answer, verdict) = oneshot::channel();
        self.queue.try_send(Job { password, hash, answer }).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })?;
        // A thread that panicked over this job dropped the sender.
        verdict.await.unwrap_or(Err(Busy))
    }
}

impl Work {
    fn run(&self, jobs: &Mutex<Receiver<Job>>) {
        let mut memory = Memory::default();
        while let Some(Job { password, hash, answer }) = next(jobs) {
            if answer.is_closed() {
                continue;
            }
            let verdict =
                catch_unwind(AssertUnwindSafe(|| self.verdict(&password, hash.as_ref(), &mut memory)));
            if let Ok(verdict) = verdict {
                // Nobody may be waiting any more.
                let _ = answer.send(verdict.map_err(|OutOfMemory| Busy));
            } else {
                tracing::error!("verifying a password failed in a way that it never should");
            }
            memory.shrink_to(self.keep);
        }
    }

    fn verdict(
        &self,
        password: &Secret<String>,
        hash: Option<&StoredHash>,
        memory: &mut Memory,
    ) -> Result<bool, OutOfMemory> {
        match hash.map(|hash| Format::parse(hash.0.expose())) {
            Some(Ok(format)) => (self.compute)(password.expose(), &format, memory),
            Some(Err(_)) | None => (self.compute)(password.expose(), &self.unknown, memory).map(|_| false),
        }
    }
}

/// Waits for a job; `None` once the [`Hasher`] is gone and the queue is empty.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests;
