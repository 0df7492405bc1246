//! One server, and a link to it from each runtime that asks: a worker's request goes out and comes back on its own core.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use redis::FromRedisValue;
use tokio::runtime::{Handle, Id};
use tokio_util::sync::CancellationToken;

use super::ask::{Ask, Failure, asks_for_another_connection};
use super::ear::Ear;
use super::find::Find;
use super::lineage::Lineage;
use super::link::{Line, Link};
use super::siblings::Siblings;
use crate::tasks::Tasks;

pub struct Node {
    find: Find,
    siblings: Siblings,
    links: ArcSwap<Vec<(Id, Arc<Link>)>>,
    opening: Mutex<()>,
    listens: AtomicBool,
    stop: CancellationToken,
    tasks: Tasks,
}

/// The connection that was asked last; to be put aside if no answer comes.
pub type Used = Option<(Arc<Link>, Line)>;

impl Node {
    pub fn new(find: Find, stop: &CancellationToken, tasks: &Tasks) -> Self {
        let (stop, tasks) = (stop.child_token(), tasks.clone());
        Self {
            find,
            siblings: Siblings::new(),
            links: ArcSwap::default(),
            opening: Mutex::default(),
            listens: AtomicBool::new(false),
            stop,
            tasks,
        }
    }

    /// Opens the link of this runtime as the one that listens, if none does yet.
    pub fn listen(&self, ear: Ear) {
        if let Ok(runtime) = Handle::try_current()
            && !self.listens.swap(true, Ordering::Relaxed)
        {
            self.open(runtime.id(), Some(ear));
        }
    }

    pub async fn ask<T: FromRedisValue>(
        &self,
        build: &impl Fn(Lineage) -> Ask,
        asking: bool,
        used: &mut Used,
    ) -> Result<T, Failure> {
        *used = None;
        let link = self.link()?;
        let line = link.line().await?;
        let (_, line) = used.insert((link, line));
        let answer = build(line.lineage).send(&mut line.connection, asking).await;
        if answer.as_ref().is_err_and(asks_for_another_connection) {
            put_aside(used);
        }
        Ok(answer?)
    }

    /// A connection that some link has now.
    pub fn line_now(&self) -> Option<Line> {
        self.links.load().iter().find_map(|(_, link)| link.line_now())
    }

    fn link(&self) -> Result<Arc<Link>, Failure> {
        let runtime = Handle::try_current().map_err(|error| Failure::Down(error.to_string().into()))?.id();
        let links = self.links.load();
        let known = links.iter().find(|(id, _)| *id == runtime);
        Ok(known.map_or_else(|| self.open(runtime, None), |(_, link)| Arc::clone(link)))
    }

    /// A link with an ear takes the place of one without.
    fn open(&self, runtime: Id, ear: Option<Ear>) -> Arc<Link> {
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let mut links = Vec::clone(&self.links.load());
        if ear.is_none()
            && let Some((_, link)) = links.iter().find(|(id, _)| *id == runtime)
        {
            return Arc::clone(link);
        }
        let link = Arc::new(Link::open(self.find.clone(), &self.siblings, ear, &self.stop, &self.tasks));
        links.retain(|(id, _)| *id != runtime);
        links.push((runtime, Arc::clone(&link)));
        self.links.store(Arc::new(links));
        link
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Takes a connection that failed out of use.
pub fn put_aside(used: &Used) {
    if let Some((link, line)) = used {
        link.put_aside(line);
    }
}
