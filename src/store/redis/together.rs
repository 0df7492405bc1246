//! Looks that come at the same moment: one command asks for all of them.
//!
//! The first waits until its runtime has nothing else to do at once, and every other that has come by then is asked for
//! with it: a gateway under load asks the server once a turn of its runtime, and not once a request. One look alone waits
//! for a few microseconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

use super::super::{Key, StoreError};
use super::lineage::Lineage;
use super::lines::{Aim, Lines};
use super::name;
use crate::tasks::Tasks;

/// As many as are asked for at once: a server does nothing else meanwhile.
const MOST: usize = 64;

/// Two records of one place, as they stand there.
pub type Stored = [Option<Vec<u8>>; 2];

pub struct Together {
    lines: Arc<Lines>,
    prefix: String,
    tasks: Tasks,
    /// A runtime's looks that were not asked for yet.
    gathering: Mutex<Vec<(Id, Arc<Batch>)>>,
}

/// `None`: it has been sent.
struct Batch(Mutex<Option<Vec<Look>>>);

struct Look {
    keys: [Key; 2],
    answer: oneshot::Sender<Result<Stored, StoreError>>,
}

impl Together {
    pub fn new(lines: Arc<Lines>, prefix: String, tasks: Tasks) -> Arc<Self> {
        Arc::new(Self { lines, prefix, tasks, gathering: Mutex::default() })
    }

    /// Both records at one moment.
    pub async fn get(self: &Arc<Self>, keys: [Key; 2]) -> Result<Stored, StoreError> {
        let runtime = Handle::try_current().map_err(|error| StoreError::Unreachable(error.to_string()))?;
        if self.lines.are_several() {
            // Another pair may lie on another server.
            return self.alone(keys).await;
        }
        let (answer, answered) = oneshot::channel();
        if let Some(batch) = self.join(runtime.id(), Look { keys, answer }) {
            let together = Arc::clone(self);
            self.tasks.spawn("redis looks", async move {
                tokio::task::yield_now().await;
                together.send(batch.close()).await;
            });
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unreachable("the question was given up".into())))
    }

    async fn alone(&self, keys: [Key; 2]) -> Result<Stored, StoreError> {
        self.ask(&keys).await.map(|found| {
            let mut found = found.into_iter();
            [found.next().flatten(), found.next().flatten()]
        })
    }

    /// Puts a look among those of its runtime; a new batch if that is where it stands, for the caller to send.
    fn join(&self, runtime: Id, look: Look) -> Option<Arc<Batch>> {
        let mut gathering = lock(&self.gathering);
        let place = gathering.iter().position(|(id, _)| *id == runtime);
        let look = match place.and_then(|place| gathering.get(place)) {
            Some((_, batch)) => batch.join(look)?,
            None => look,
        };
        let batch = Arc::new(Batch(Mutex::new(Some(vec![look]))));
        if let Some(place) = place {
            gathering.swap_remove(place);
        }
        gathering.push((runtime, Arc::clone(&batch)));
        Some(batch)
    }

    async fn send(&self, looks: Vec<Look>) {
        let keys: Vec<_> = looks.iter().flat_map(|look| look.keys).collect();
        let mut found = self.ask(&keys).await.map(Vec::into_iter);
        for look in looks {
            let found = match &mut found {
                Ok(found) => Ok([found.next().flatten(), found.next().flatten()]),
                Err(error) => Err(error.clone()),
            };
            // Whoever has gone meanwhile needs it no more.
            look.answer.send(found).ok();
        }
    }

    /// All keys have one place, or there is one server.
    pub async fn ask(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let Some(first) = keys.first() else { return Ok(Vec::new()) };
        let build = |lineage: Lineage| {
            let mut command = redis::cmd("MGET");
            for key in keys {
                command.arg(name(&self.prefix, *key, lineage));
            }
            command.into()
        };
        self.lines.ask(Aim::Place(first.place()), build).await
    }
}

impl Batch {
    /// Gives the look back if this one is full or has been sent.
    fn join(&self, look: Look) -> Option<Look> {
        match &mut *lock(&self.0) {
            Some(looks) if looks.len() < MOST => {
                looks.push(look);
                None
            }
            _ => Some(look),
        }
    }

    /// Whoever comes from here on goes into another.
    fn close(&self) -> Vec<Look> {
        lock(&self.0).take().unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
