//! A sign-on that outlives a change of the password: the one in which its owner changes it.
//!
//! The account changes in one place and the sign-on in another, and between the two requests come in. So the sign-on is
//! good with either password while it happens.

use super::{Opened, Sessions, SignOnId};
use crate::clock::Timestamp;
use crate::route::Host;
use crate::store::{About, StoreError};

impl Sessions {
    /// Has a sign-on outlive that its account gets the password of this fingerprint, if that happens. Whether the
    /// sign-on is there.
    pub async fn expect_password(&self, sign_on: &SignOnId, next: [u8; 8]) -> Result<bool, StoreError> {
        let changed = self.change(sign_on, |record| record.next_password = Some(next)).await?;
        self.heard_of(sign_on).await;
        Ok(changed.is_some())
    }

    /// After the change: the sign-on is good with the new password alone, and this host gets a new session id. `None` if
    /// the sign-on has ended.
    pub async fn renew(
        &self,
        sign_on: &SignOnId,
        password: [u8; 8],
        host: &Host,
        now: Timestamp,
    ) -> Result<Option<Opened>, StoreError> {
        let renewed = self.change(sign_on, |record| {
            record.password = password;
            record.next_password = None;
            record.last_seen = record.last_seen.max(now);
        });
        let Some(record) = renewed.await? else { return Ok(None) };
        self.heard_of(sign_on).await;
        self.open(&record, host).await.map(Some)
    }

    async fn heard_of(&self, sign_on: &SignOnId) {
        self.changed(sign_on);
        self.tell(About::SignOnChanged, sign_on).await;
    }
}
