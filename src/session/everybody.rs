//! Ending everybody's sign-ons, those included that begin meanwhile.
//!
//! Going through the store takes its time, and what is written behind the place that was reached would be passed over. So
//! a mark stands there that voids what begins until a certain time: while it goes on, a time that lies ahead; afterwards
//! the time at which it ended. Whoever begins a sign-on looks for the mark once the sign-on is written. If it is not there
//! yet, the sign-on was there before anybody went through the store, and is found.

use std::time::Duration;

use super::{Page, Sessions, SignOnId};
use crate::clock::{Clock, Timestamp};
use crate::secret;
use crate::store::{Key, Space, StoreError};
use crate::subject::AccountId;

/// How far ahead the mark reaches: nobody can sign in for so long after whoever set it broke off.
const AHEAD: Duration = Duration::from_secs(20);

/// How long the mark is there to be found: longer than a sign-on can be on its way into the store.
const KEPT: Duration = Duration::from_hours(1);

impl Sessions {
    /// Ends all sign-ons that have begun until now, and says how many there were. Nobody can sign in meanwhile.
    pub async fn end_everybody(&self, clock: &Clock) -> Result<usize, StoreError> {
        let mut until = clock.now();
        let ended = self.end_all_found(&mut until, clock).await;
        // Also where it failed: others need not wait until that has passed.
        let lifted = self.lift(until, clock.now()).await;
        let ended = ended?;
        lifted?;
        Ok(ended)
    }

    pub(super) async fn end_all_found(
        &self,
        until: &mut Timestamp,
        clock: &Clock,
    ) -> Result<usize, StoreError> {
        let (mut ended, mut after) = (0, None);
        loop {
            *until = self.renewed(*until, clock).await?;
            let Page { sign_ons, unread, next } = self.page(after).await?;
            for id in unread {
                *until = self.renewed(*until, clock).await?;
                ended += usize::from(self.end_unread(&id).await?);
            }
            for sign_on in sign_ons {
                *until = self.renewed(*until, clock).await?;
                ended += usize::from(self.end(&sign_on.id, &sign_on.account).await?);
            }
            let Some(next) = next else { return Ok(ended) };
            after = Some(next);
        }
    }

    /// Until when the mark voids what begins; set anew when half of that has passed.
    pub(super) async fn renewed(&self, until: Timestamp, clock: &Clock) -> Result<Timestamp, StoreError> {
        let now = clock.now();
        if now.until(until) > AHEAD / 2 {
            return Ok(until);
        }
        let until = now.plus(AHEAD);
        self.store.put(mark(), &until.millis().to_be_bytes(), now.plus(KEPT)).await?;
        Ok(until)
    }

    /// Voids what has begun until now, and no more; unless somebody else ends everybody too, and is not done.
    pub(super) async fn lift(&self, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let Some(mark_now) = self.store.get(mark()).await? else { return Ok(()) };
        if mark_now.value == until.millis().to_be_bytes() {
            let (version, ends) = (Some(mark_now.version), now.plus(KEPT));
            self.store.swap(mark(), version, &now.millis().to_be_bytes(), ends).await?;
        }
        Ok(())
    }

    /// To be asked once the sign-on is written: takes it back if it is not to be.
    pub(super) async fn must_not_be_void(
        &self,
        id: &SignOnId,
        account: &AccountId,
        begun: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(mark) = self.store.get(mark()).await? else { return Ok(()) };
        let until = mark.value.as_slice().try_into().map(i64::from_be_bytes).map(Timestamp::from_millis);
        if until.is_ok_and(|until| until < begun) {
            return Ok(());
        }
        self.end(id, account).await?;
        Err(StoreError::Refused("everybody is being signed out at this moment".into()))
    }
}

/// Everybody knows its name: there is nothing in it.
pub(super) fn mark() -> Key {
    Key { space: Space::Lock, digest: secret::sha256(b"sign-ons are void until") }
}
