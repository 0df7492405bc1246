//! Limits on guessing the codes that prove an address: of somebody who registers, or changes theirs.
//!
//! Counted by the address, over whatever is begun, from wherever; and by the account that changes its own. Each try is
//! bounded by what is under way as well: this is for many of those. Start from [`Throttle::wrong_proof`].

use std::time::Duration;

use super::{DAY, Throttle};
use crate::clock::Timestamp;
use crate::store::{Count, Key, Space, StoreError};

/// How many wrong codes a day may be typed to prove one address, and by one account.
const WRONG: i64 = 15;

impl Throttle {
    /// Counts a wrong code by an address in canonical form, or an account's id. If there have been too many: how long
    /// none is looked at.
    pub async fn wrong_proof(&self, whom: &str, now: Timestamp) -> Result<Option<Duration>, StoreError> {
        Ok(wait(self.store.bump(self.proof_key(whom), 1, DAY).await?, now))
    }

    /// How long no code is looked at; nothing is counted.
    pub async fn proof_wait(&self, whom: &str, now: Timestamp) -> Result<Option<Duration>, StoreError> {
        Ok(wait(self.store.bump(self.proof_key(whom), 0, DAY).await?, now))
    }

    pub(super) async fn forgive_proofs(&self, whom: &str) -> Result<(), StoreError> {
        self.store.reset(self.proof_key(whom)).await
    }

    fn proof_key(&self, whom: &str) -> Key {
        self.named(Space::Counter, &[b"wrong-proof", whom.as_bytes()])
    }
}

fn wait(count: Count, now: Timestamp) -> Option<Duration> {
    (count.value >= WRONG).then(|| now.until(count.ends))
}

#[cfg(test)]
mod tests {
    use super::super::tests::throttle;
    use super::*;

    #[tokio::test]
    async fn the_fifteenth_wrong_code_of_a_day_is_the_last() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let throttle = throttle(now).await;
        let whom = "erin@example.com";
        for _ in 1..WRONG {
            assert_eq!(throttle.wrong_proof(whom, now).await.unwrap(), None);
        }
        assert_eq!(throttle.proof_wait(whom, now).await.unwrap(), None);
        assert_eq!(throttle.wrong_proof(whom, now).await.unwrap(), Some(DAY));
        assert_eq!(throttle.proof_wait(whom, now).await.unwrap(), Some(DAY));
        assert_eq!(throttle.proof_wait("frank@example.com", now).await.unwrap(), None);
        throttle.unlock(whom, b"").await.unwrap();
        assert_eq!(throttle.proof_wait(whom, now).await.unwrap(), None);
    }
}
