//! From a key to an answer, whatever the shape of what is behind: one server, one behind sentinels, or a cluster.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::FromRedisValue;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::StoreError;
use super::super::settings::{RedisSettings, Servers};
use super::ANSWER_WITHIN;
use super::ask::{Ask, Failure};
use super::cluster::Cluster;
use super::ear::Ears;
use super::find::Find;
use super::lineage::Lineage;
use super::node::{Node, Used, put_aside};
use super::reach::Reach;
use super::sentinel::Sentinels;
use super::slots::slot_of;
use crate::tasks::Tasks;

pub struct Lines {
    servers: Shape,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

enum Shape {
    One(Arc<Node>),
    Cluster(Arc<Cluster>),
}

/// Where a question goes.
pub enum Aim<'a> {
    /// To whoever has the keys of this place.
    Place(&'a [u8; 16]),
    /// To one server; see [`Lines::servers`].
    Server(&'a Server),
}

/// One of the servers that records lie on.
pub struct Server {
    node: Arc<Node>,
    /// One of its slots in a cluster.
    slot: Option<u16>,
}

impl Server {
    /// A word that, in braces in a key's name, sends it to this server.
    pub fn tag(&self) -> String {
        let matches = |word: &String| self.slot.is_none_or(|slot| slot_of(word.as_bytes()) == slot);
        (0..u32::MAX).map(|number| number.to_string()).find(matches).unwrap_or_default()
    }
}

impl Lines {
    /// Starts connecting and does not wait for it. Must be called on the runtime on which what listens shall live.
    pub fn open(settings: &RedisSettings, ears: &Arc<Ears>, tasks: &Tasks) -> Result<Self, StoreError> {
        let stop = CancellationToken::new();
        let one = |find| {
            let node = Arc::new(Node::new(find, &stop, tasks));
            ears.expect(std::iter::once(String::new()));
            node.listen(ears.ear(""));
            Shape::One(node)
        };
        let servers = match &settings.servers {
            Servers::One(url) => one(Find::fixed(Reach::of(url.expose(), settings)?.client()?)),
            Servers::Sentinel(sentinel) => {
                let sentinels = Arc::new(Sentinels::new(sentinel, settings, tasks)?);
                run(tasks, &stop, "redis sentinels", Arc::clone(&sentinels).watch());
                one(Find::Sentinels(sentinels))
            }
            Servers::Cluster(urls) => {
                let cluster = Arc::new(Cluster::new(urls, settings, Arc::clone(ears), &stop, tasks)?);
                run(tasks, &stop, "redis cluster", Arc::clone(&cluster).watch());
                Shape::Cluster(cluster)
            }
        };
        Ok(Self { servers, _stop_on_drop: stop.clone().drop_guard(), stop })
    }

    /// Asks, or says within [`ANSWER_WITHIN`] why not. Callable from any runtime. `build` may be called again, when a
    /// key has moved to another server.
    pub async fn ask<T: FromRedisValue>(
        &self,
        aim: Aim<'_>,
        build: impl Fn(Lineage) -> Ask,
    ) -> Result<T, StoreError> {
        if self.stop.is_cancelled() {
            return Err(StoreError::Unreachable("closed".into()));
        }
        let mut used = None;
        match tokio::time::timeout(ANSWER_WITHIN, self.route(aim, &build, &mut used)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                put_aside(&used);
                if let Shape::Cluster(cluster) = &self.servers {
                    cluster.suspect();
                }
                Err(StoreError::Timeout(ANSWER_WITHIN))
            }
        }
    }

    async fn route<T: FromRedisValue>(
        &self,
        aim: Aim<'_>,
        build: &impl Fn(Lineage) -> Ask,
        used: &mut Used,
    ) -> Result<T, Failure> {
        match (aim, &self.servers) {
            (Aim::Server(server), _) => server.node.ask(build, false, used).await,
            (Aim::Place(_), Shape::One(node)) => node.ask(build, false, used).await,
            (Aim::Place(place), Shape::Cluster(cluster)) => {
                cluster.ask(slot_of(tag(place).as_bytes()), build, used).await
            }
        }
    }

    /// All servers that records lie on, always in the same order while they stay the same.
    pub async fn servers(&self) -> Result<Vec<Server>, StoreError> {
        let cluster = match &self.servers {
            Shape::One(node) => return Ok(vec![Server { node: Arc::clone(node), slot: None }]),
            Shape::Cluster(cluster) => cluster,
        };
        match tokio::time::timeout(ANSWER_WITHIN, cluster.primaries()).await {
            Ok(primaries) => {
                Ok(primaries?.into_iter().map(|(node, slot)| Server { node, slot: Some(slot) }).collect())
            }
            Err(_) => Err(StoreError::Timeout(ANSWER_WITHIN)),
        }
    }

    /// Whether several keys can be asked for at once only where they have one place.
    pub fn are_several(&self) -> bool {
        matches!(self.servers, Shape::Cluster(_))
    }

    /// Runs a task until these lines are closed or gone.
    pub fn run(&self, tasks: &Tasks, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        run(tasks, &self.stop, name, task);
    }

    pub fn close(&self) {
        self.stop.cancel();
    }
}

/// What stands in braces in the names of all keys of a place.
pub fn tag(place: &[u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

fn run(
    tasks: &Tasks,
    stop: &CancellationToken,
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.clone();
    tasks.spawn(name, async move {
        stop.run_until_cancelled(task).await;
    });
}
