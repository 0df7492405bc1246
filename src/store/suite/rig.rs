//! Where the contract is run, and what its tests have in common.

use std::any::Any;
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use super::super::redis::fleet::Fleet;
use super::super::redis::server::Server;
use super::super::{Key, Record, Settings, Space, Store, StoreError};
use crate::clock::{Clock, Timestamp};
use crate::tasks::Tasks;

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub const PARALLEL: u8 = 50;

/// Two handles on one state, and the clock by which both judge.
pub struct Rig {
    pub store: Arc<Store>,
    pub other: Arc<Store>,
    pub clock: Clock,
    /// The directory or the server.
    pub _keep: Box<dyn Any + Send>,
}

impl Rig {
    pub async fn embedded() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = Settings::Embedded { file: directory.path().join("state.db") };
        Self::over(&settings, Box::new(directory)).await
    }

    pub async fn redis() -> Self {
        let server = Server::start(&[]).await;
        Self::over(&server.settings(), Box::new(server)).await
    }

    /// Keeps nothing: the servers are others' too.
    pub async fn fleet(fleet: &Fleet, name: &str) -> Self {
        let rig = Self::over(&fleet.settings(&format!("{name}:")), Box::new(())).await;
        for store in [&rig.store, &rig.other] {
            super::hears(store).await;
        }
        rig
    }

    async fn over(settings: &Settings, keep: Box<dyn Any + Send>) -> Self {
        let clock = Clock::manual(START);
        let open =
            async || Arc::new(Store::open(settings, clock.clone(), &Tasks::default()).await.expect("opens"));
        Self { store: open().await, other: open().await, clock: clock.clone(), _keep: keep }
    }
}

pub fn key(space: Space, digest: u8) -> Key {
    Key { space, digest: [digest; 32] }
}

pub async fn value(store: &Store, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(store.get(key).await?.map(|record| record.value))
}

pub async fn record(store: &Store, key: Key) -> Result<Record, StoreError> {
    Ok(store.get(key).await?.expect("the record is there"))
}

pub async fn members(store: &Store, index: Key) -> Result<HashSet<Vec<u8>>, StoreError> {
    Ok(store.index_members(index).await?.into_iter().collect())
}

pub fn set(members: &[&[u8]]) -> HashSet<Vec<u8>> {
    members.iter().map(|member| member.to_vec()).collect()
}

/// Runs the work fifty times, half of it on each handle, all at the same moment.
pub async fn at_once<T, W>(
    store: &Arc<Store>,
    other: &Arc<Store>,
    work: impl Fn(Arc<Store>, u8) -> W,
) -> Result<Vec<T>, StoreError>
where
    T: Send + 'static,
    W: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(usize::from(PARALLEL)));
    let mut running = Vec::new();
    for number in 0..PARALLEL {
        let store = if number % 2 == 0 { store } else { other };
        let (work, gate) = (work(Arc::clone(store), number), Arc::clone(&gate));
        let (send, answer) = tokio::sync::oneshot::channel();
        Tasks::default().spawn("one of fifty", async move {
            gate.wait().await;
            // Nobody waits any more if the test has failed already.
            let _ = send.send(work.await);
        });
        running.push(answer);
    }
    let mut answers = Vec::new();
    for answer in running {
        answers.push(answer.await.expect("the task ended well")?);
    }
    Ok(answers)
}
