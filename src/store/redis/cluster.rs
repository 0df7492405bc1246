//! A cluster: each command goes to the node that has its key, and follows the key when it moves.
//!
//! The map of the cluster is looked at every second, and at once when a node sends a command on or does not answer. All
//! known nodes are asked, and the one that knows of the latest change is believed: a node that was cut off still shows
//! the map of before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, FromRedisValue, RedisError, ServerErrorKind,
    Value,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::super::StoreError;
use super::super::settings::{RedisSettings, RedisUrl};
use super::ask::{Ask, Failure, plainly};
use super::ear::Ears;
use super::find::{Find, gather};
use super::lineage::Lineage;
use super::node::{Node, Used};
use super::reach::Reach;
use super::slots::{self, Range, SLOTS};
use crate::tasks::Tasks;

/// How often the map is looked at, and how much time lies between two looks at least.
const LOOK: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);

/// What a node's answer may take, the connection included.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

/// How often a command is sent on before we give up.
const MOVES: usize = 5;

/// How long to wait for a slot that is being moved at this moment.
const MOVING: Duration = Duration::from_millis(10);

pub struct Cluster {
    map: watch::Sender<State>,
    /// By address, the primaries and whoever a command was sent on to.
    nodes: Mutex<BTreeMap<String, Arc<Node>>>,
    seeds: Vec<(Client, String)>,
    reach: Reach,
    wanted: Notify,
    ears: Arc<Ears>,
    stop: CancellationToken,
    tasks: Tasks,
}

enum State {
    /// Nobody was asked yet.
    Looking,
    Known(Arc<Map>),
    Unknown(Arc<str>),
}

pub struct Map {
    /// In the order of their addresses.
    nodes: Vec<Arc<Node>>,
    /// For each slot the place of its node in the list.
    owners: Vec<Option<usize>>,
}

impl Cluster {
    pub fn new(
        urls: &[RedisUrl],
        settings: &RedisSettings,
        ears: Arc<Ears>,
        stop: &CancellationToken,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let Some(first) = urls.first() else {
            return Err(StoreError::Refused("no node of the cluster is named".into()));
        };
        let seeds = urls.iter().map(|url| {
            let client = Reach::of(url.expose(), settings)?.client()?;
            let host = match client.get_connection_info().addr() {
                ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
                _ => return Err(StoreError::Refused("a cluster has no unix sockets".into())),
            };
            Ok((client, host))
        });
        Ok(Self {
            map: watch::Sender::new(State::Looking),
            nodes: Mutex::default(),
            seeds: seeds.collect::<Result<_, StoreError>>()?,
            reach: Reach::of(first.expose(), settings)?,
            wanted: Notify::new(),
            ears,
            stop: stop.clone(),
            tasks: tasks.clone(),
        })
    }

    /// Looks at the map, for ever; to be run where the listening connections shall live.
    pub async fn watch(self: Arc<Self>) {
        loop {
            self.look().await;
            tokio::time::sleep(PAUSE).await;
            // Whether somebody wants it or not.
            let _ = tokio::time::timeout(LOOK, self.wanted.notified()).await;
        }
    }

    pub async fn ask<T: FromRedisValue>(
        &self,
        slot: u16,
        build: &impl Fn(Lineage) -> Ask,
        used: &mut Used,
    ) -> Result<T, Failure> {
        let Some(mut node) = self.known().await?.owner(slot) else {
            self.wanted.notify_one();
            return Err(Failure::Down("no node of the cluster has this slot".into()));
        };
        let mut asking = false;
        for _ in 0..MOVES {
            let error = match node.ask(build, asking, used).await {
                Err(Failure::Refused(error)) => error,
                Err(down) => {
                    self.wanted.notify_one();
                    return Err(down);
                }
                answered => return answered,
            };
            asking = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
            if !asking {
                self.wanted.notify_one();
            }
            match error.redirect_node() {
                Some((address, _)) => node = self.node_at(address).map_err(|_| Failure::Refused(error))?,
                None if is_moving(&error) => tokio::time::sleep(MOVING).await,
                None => return Err(Failure::Refused(error)),
            }
        }
        Err(Failure::Down("the cluster sends a command to and fro".into()))
    }

    /// All primaries, each with one of its slots.
    pub async fn primaries(&self) -> Result<Vec<(Arc<Node>, u16)>, Failure> {
        let map = self.known().await?;
        let first = |place: usize| map.owners.iter().position(|owner| *owner == Some(place));
        let with_slot = map
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(place, node)| Some((Arc::clone(node), u16::try_from(first(place)?).ok()?)));
        Ok(with_slot.collect())
    }

    /// Something did not answer: the map may have changed.
    pub fn suspect(&self) {
        self.wanted.notify_one();
    }

    async fn known(&self) -> Result<Arc<Map>, Failure> {
        if let State::Known(map) = &*self.map.borrow() {
            return Ok(Arc::clone(map));
        }
        let mut states = self.map.subscribe();
        let settled = states.wait_for(|state| !matches!(state, State::Looking)).await;
        match settled.as_deref() {
            Ok(State::Known(map)) => Ok(Arc::clone(map)),
            Ok(State::Unknown(why)) => Err(Failure::Down(Arc::clone(why))),
            Ok(State::Looking) | Err(_) => Err(Failure::Down("closed".into())),
        }
    }

    async fn look(&self) {
        let links: Vec<_> = self.nodes().iter().map(|(name, node)| (name.clone(), node.line_now())).collect();
        let asked = links.into_iter().filter_map(|(name, line)| {
            let host = name.rsplit_once(':').map_or("", |(host, _)| host).to_owned();
            line.map(|line| shown_by(line.connection, host))
        });
        let mut shown = gather(asked, ANSWER_WITHIN, &self.tasks).await;
        if !shown.iter().any(Shown::is_whole) {
            let seeds = self.seeds.iter().map(|(seed, host)| shown_by_seed(seed.clone(), host.clone()));
            shown.extend(gather(seeds, ANSWER_WITHIN, &self.tasks).await);
        }
        match shown.into_iter().max_by_key(|shown| (shown.serves, shown.epoch)) {
            Some(shown) if !shown.ranges.is_empty() => self.take_over(&shown.ranges),
            _ => {
                if !matches!(&*self.map.borrow(), State::Known(_)) {
                    self.say_unknown();
                }
            }
        }
    }

    fn say_unknown(&self) {
        let why = "none of the nodes in `store.redis.cluster` shows the cluster";
        let before = self.map.send_replace(State::Unknown(why.into()));
        if matches!(before, State::Looking) {
            tracing::warn!(why, "the store cannot be reached");
        }
    }

    fn take_over(&self, ranges: &[Range]) {
        let mut owners = vec![None; usize::from(SLOTS)];
        let mut names: Vec<_> = ranges.iter().map(Range::address).collect();
        names.sort_unstable();
        names.dedup();
        let mut nodes = Vec::new();
        for name in &names {
            match self.node_at(name) {
                Ok(node) => nodes.push(node),
                Err(why) => {
                    tracing::warn!(node = name, why, "a node of the cluster cannot be reached");
                    return;
                }
            }
        }
        for range in ranges {
            let owner = names.binary_search(&range.address()).ok();
            owners
                .iter_mut()
                .take(usize::from(range.last) + 1)
                .skip(usize::from(range.first))
                .for_each(|slot| *slot = owner);
        }
        self.ears.expect(names.iter().cloned());
        for (name, node) in names.iter().zip(&nodes) {
            node.listen(self.ears.ear(name));
        }
        self.nodes().retain(|name, _| names.contains(name));
        self.map.send_replace(State::Known(Arc::new(Map { nodes, owners })));
    }

    fn node_at(&self, address: &str) -> Result<Arc<Node>, String> {
        let mut nodes = self.nodes();
        if let Some(node) = nodes.get(address) {
            return Ok(Arc::clone(node));
        }
        let (host, port) = address.rsplit_once(':').ok_or("an address without a port")?;
        let port = port.parse().map_err(|_| "an address without a port")?;
        let find = Find::fixed(self.reach.at(host, port)?);
        let node = Arc::new(Node::new(find, &self.stop, &self.tasks));
        nodes.insert(address.to_owned(), Arc::clone(&node));
        Ok(node)
    }

    fn nodes(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Map {
    fn owner(&self, slot: u16) -> Option<Arc<Node>> {
        let place = (*self.owners.get(usize::from(slot))?)?;
        self.nodes.get(place).cloned()
    }
}

impl Range {
    fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The map as one node has it.
struct Shown {
    /// Whether the node thinks that the cluster serves.
    serves: bool,
    epoch: u64,
    ranges: Vec<Range>,
}

impl Shown {
    fn is_whole(&self) -> bool {
        self.serves && !self.ranges.is_empty()
    }
}

async fn shown_by_seed(seed: Client, host: String) -> Option<Shown> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    match seed.get_multiplexed_async_connection_with_config(&config).await {
        Ok(connection) => shown_by(connection, host).await,
        Err(error) => {
            let node = seed.get_connection_info().addr().to_string();
            tracing::debug!(node, %error, "a node of the cluster does not answer");
            None
        }
    }
}

async fn shown_by(connection: redis::aio::MultiplexedConnection, host: String) -> Option<Shown> {
    let info: String = plainly(redis::cmd("CLUSTER").arg("INFO"), connection.clone()).await?;
    let slots: Value = plainly(redis::cmd("CLUSTER").arg("SLOTS"), connection).await?;
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Some(Shown {
        serves: field("cluster_state").is_some_and(|state| state.trim() == "ok"),
        epoch: field("cluster_current_epoch").and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0),
        ranges: slots::read(&slots, &host),
    })
}

fn is_moving(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::TryAgain)
}
