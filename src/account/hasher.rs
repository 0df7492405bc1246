//! The threads on which passwords are verified: a few, with a short queue, so that a flood of sign-ins neither slows
//! the traffic of those who are in nor takes more memory than was meant. Start from [`Hasher`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::password::{Format, Memory, OutOfMemory, PasswordError, fits};
use super::{PasswordSettings, StoredHash, password};
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

enum Job {
    Verify { password: Secret<String>, hash: Option<StoredHash>, answer: oneshot::Sender<Result<bool, Busy>> },
    Hash { password: Secret<String>, answer: oneshot::Sender<Result<StoredHash, PasswordError>> },
}

/// What the threads share.
struct Work {
    /// What a name that nobody has is verified against.
    unknown: Format,
    /// What new hashes cost.
    settings: PasswordSettings,
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
        let work = Arc::new(Work { unknown, settings, compute });
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
        self.enqueue(Job::Verify { password, hash, answer })?;
        // A thread that panicked over this job dropped the sender.
        verdict.await.unwrap_or(Err(Busy))
    }

    /// A hash made with today's settings.
    pub async fn hash(&self, password: Secret<String>) -> Result<StoredHash, Busy> {
        let (answer, made) = oneshot::channel();
        self.enqueue(Job::Hash { password, answer })?;
        match made.await {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(error)) => {
                tracing::error!(%error, "a password could not be hashed");
                Err(Busy)
            }
            Err(_) => Err(Busy),
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), Busy> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })
    }
}

impl Work {
    fn run(&self, jobs: &Mutex<Receiver<Job>>) {
        let mut memory = Memory::default();
        while let Some(job) = next(jobs) {
            if catch_unwind(AssertUnwindSafe(|| self.work(job, &mut memory))).is_err() {
                tracing::error!("a password was hashed or verified in a way that should never be");
            }
            memory.shrink_to(self.settings.memory);
        }
    }

    /// Nobody may be waiting for the answer any more.
    fn work(&self, job: Job, memory: &mut Memory) {
        match job {
            Job::Verify { answer, .. } if answer.is_closed() => {}
            Job::Verify { password, hash, answer } => {
                let verdict = self.verdict(&password, hash.as_ref(), memory);
                let _ = answer.send(verdict.map_err(|OutOfMemory| Busy));
            }
            Job::Hash { answer, .. } if answer.is_closed() => {}
            Job::Hash { password, answer } => {
                let made = password::hash(password.expose(), &self.settings);
                let _ = answer.send(made.map(|hash| StoredHash(Secret::new(hash))));
            }
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
