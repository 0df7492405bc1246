//! Which server is the primary, as Sentinel knows it (<https://redis.io/docs/latest/develop/reference/sentinel-clients/>).
//!
//! All sentinels are asked at once, and the one that knows of the latest failover is believed: one that was cut off
//! still names the old primary. They are asked before every attempt to connect, and once a second besides, since an
//! old primary that is cut off with us says nothing of what has taken its place.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::{AsyncConnectionConfig, Client};
use tokio::sync::watch;

use super::super::StoreError;
use super::super::settings::{RedisSettings, Sentinel};
use super::find::gather;
use super::reach::Reach;
use crate::tasks::Tasks;

/// What a sentinel's answer may take, the connection included.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

const LOOK: Duration = Duration::from_secs(1);

pub struct Sentinels {
    service: String,
    asked: Vec<Client>,
    primaries: Reach,
    /// The last answer.
    named: watch::Sender<Option<Named>>,
    tasks: Tasks,
}

/// A primary, and the number of the failover that made it one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    pub fn new(sentinel: &Sentinel, settings: &RedisSettings, tasks: &Tasks) -> Result<Self, StoreError> {
        let reached: Result<Vec<_>, _> =
            sentinel.urls.iter().map(|url| Reach::of(url.expose(), settings)).collect();
        let reached = reached?;
        let Some(first) = reached.first() else {
            return Err(StoreError::Refused("no sentinel is named".into()));
        };
        Ok(Self {
            service: sentinel.service.clone(),
            primaries: first.behind(sentinel),
            asked: reached.iter().map(Reach::client).collect::<Result<_, _>>()?,
            named: watch::Sender::new(None),
            tasks: tasks.clone(),
        })
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    pub async fn primary(&self) -> Result<Client, String> {
        let named = self.ask().await?;
        self.primaries.at(&named.host, named.port)
    }

    pub async fn has_moved_from(&self, server: &Client) {
        let before = server.get_connection_info().addr().to_string();
        let mut named = self.named.subscribe();
        let moved = |named: &Option<Named>| {
            named.as_ref().is_some_and(|named| format!("{}:{}", named.host, named.port) != before)
        };
        // An error would mean that the sender is gone, and it is held here.
        let _ = named.wait_for(moved).await;
    }

    /// Asks again and again, for ever; whoever waits in [`Self::has_moved_from`] is told.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            // What is amiss is told when somebody connects.
            let _ = self.ask().await;
        }
    }

    async fn ask(&self) -> Result<Named, String> {
        let questions = self.asked.iter().map(|sentinel| ask(sentinel.clone(), self.service.clone()));
        let answers = gather(questions, ANSWER_WITHIN, &self.tasks).await;
        // Sentinels that were set up anew count from the beginning.
        let most = 2 * answers.len() > self.asked.len();
        let latest = answers.into_iter().flatten().max_by_key(|named| named.epoch);
        let Some(latest) = latest else {
            return Err(format!("no sentinel names a primary for the service {}", self.service));
        };
        self.named.send_if_modified(|named| {
            let newer = |named: &Named| *named != latest && (most || named.epoch <= latest.epoch);
            let newer = named.as_ref().is_none_or(newer);
            if newer {
                *named = Some(latest.clone());
            }
            newer
        });
        Ok(self.named.borrow().clone().unwrap_or(latest))
    }
}

async fn ask(sentinel: Client, service: String) -> Option<Option<Named>> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let asked = async {
        let mut connection = sentinel.get_multiplexed_async_connection_with_config(&config).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("MASTER").arg(&service);
        command.query_async::<HashMap<String, String>>(&mut connection).await
    };
    match asked.await {
        Ok(fields) => Some(named(&fields)),
        Err(error) => {
            let sentinel = sentinel.get_connection_info().addr().to_string();
            tracing::debug!(sentinel, %error, "a sentinel does not answer");
            None
        }
    }
}

fn named(fields: &HashMap<String, String>) -> Option<Named> {
    let (host, port) = (fields.get("ip")?, fields.get("port")?);
    let epoch = fields.get("config-epoch")?;
    Some(Named { epoch: epoch.parse().ok()?, host: host.clone(), port: port.parse().ok()? })
}
