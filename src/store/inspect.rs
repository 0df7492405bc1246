//! What an operator should know of a store before anybody relies on it; for `vestibule check --connect`.

use std::time::Duration;

use super::{About, Change, Key, News, Space, Store, StoreError};
use crate::clock::Timestamp;
use crate::secret;

/// How long records live that are only written to see whether they can be.
const PROBE: Duration = Duration::from_secs(5);

/// How long it may take until changes are heard.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

impl Store {
    /// Does everything once that a gateway does, on records that end soon. An error is something that cannot be done;
    /// a warning something that will cost somebody a session one day.
    pub async fn inspect(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut changes = self.changes();
        self.try_records(now).await?;
        self.try_others(now).await?;
        let mut warnings = self.advice().await?;
        let heard = async {
            while self.hearing().is_none() {
                if changes.next().await.is_none_or(|news| news == News::Missed) {
                    break;
                }
            }
        };
        // What counts is asked below.
        let _ = tokio::time::timeout(HEARD_WITHIN, heard).await;
        if self.hearing().is_none() {
            warnings.push(
                "changes by other gateways are not heard, and every request asks the store: its user may not subscribe"
                    .to_owned(),
            );
        }
        Ok(warnings)
    }

    async fn try_records(&self, now: Timestamp) -> Result<(), StoreError> {
        let ends = now.plus(PROBE);
        let one = Key { space: Space::Lock, digest: secret::random() };
        let other = one.beside(Space::Session, &secret::random());
        self.put(one, b"", ends).await?;
        self.swap(other, None, b"", ends).await?;
        self.get_pair([one, other]).await?;
        self.scan(Space::Session, None).await?;
        for key in [one, other] {
            self.get(key).await?;
            self.take(key).await?;
        }
        Ok(())
    }

    async fn try_others(&self, now: Timestamp) -> Result<(), StoreError> {
        let counter = Key { space: Space::Counter, digest: secret::random() };
        self.bump(counter, 1, PROBE).await?;
        self.bump(counter, 0, PROBE).await?;
        self.reset(counter).await?;
        let index = Key { space: Space::Index, digest: secret::random() };
        self.index_add(index, b"member", now.plus(PROBE)).await?;
        self.index_members(index).await?;
        self.index_remove(index, b"member").await?;
        // Nobody knows an account of this name.
        self.publish(Change { about: About::AccountChanged, id: secret::random() }).await
    }
}
