//! Which server a link connects to: always the same, or the one that the sentinels name.

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use tokio::sync::mpsc;

use super::sentinel::Sentinels;
use crate::tasks::Tasks;

#[derive(Clone)]
pub enum Find {
    Fixed { server: Arc<Client>, name: Arc<str> },
    Sentinels(Arc<Sentinels>),
}

impl Find {
    pub fn fixed(server: Client) -> Self {
        let name = server.get_connection_info().addr().to_string().into();
        Self::Fixed { server: Arc::new(server), name }
    }

    pub async fn server(&self) -> Result<Client, String> {
        match self {
            Self::Fixed { server, .. } => Ok(Client::clone(server)),
            Self::Sentinels(sentinels) => sentinels.primary().await,
        }
    }

    /// For the log.
    pub fn name(&self) -> &str {
        match self {
            Self::Fixed { name, .. } => name,
            Self::Sentinels(sentinels) => sentinels.service(),
        }
    }

    /// Returns once another server has taken this one's place, without its saying so itself.
    pub async fn has_moved_from(&self, server: &Client) {
        match self {
            Self::Fixed { .. } => std::future::pending().await,
            Self::Sentinels(sentinels) => sentinels.has_moved_from(server).await,
        }
    }

    /// The longest pause between two attempts to connect. Behind sentinels somebody is about to mend it.
    pub const fn longest_pause(&self) -> Duration {
        match self {
            Self::Fixed { .. } => Duration::from_secs(1),
            Self::Sentinels(_) => Duration::from_millis(250),
        }
    }
}

/// Asks several at once, and takes the answers that come within this time.
pub async fn gather<T, A>(asked: impl Iterator<Item = A>, within: Duration, tasks: &Tasks) -> Vec<T>
where
    T: Send + 'static,
    A: Future<Output = Option<T>> + Send + 'static,
{
    let (send, mut answers) = mpsc::unbounded_channel();
    for ask in asked {
        let send = send.clone();
        tasks.spawn("redis question", async move {
            if let Ok(Some(answer)) = tokio::time::timeout(within, ask).await {
                // An error says that nobody waits any more.
                let _ = send.send(answer);
            }
        });
    }
    drop(send);
    let mut gathered = Vec::new();
    while let Some(answer) = answers.recv().await {
        gathered.push(answer);
    }
    gathered
}
