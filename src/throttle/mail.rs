//! How many mails one address may get, and for what. Start from [`Throttle::mail`].

use std::time::Duration;

use super::{DAY, HOUR, Throttle};
use crate::clock::Timestamp;
use crate::store::{Key, Space, StoreError};

/// How many mails a day tell an owner that the account is in other hands, or could be. Each follows a change for which
/// both factors or the mailbox were proved, so that this is for a program that runs wild.
const OWNERS: i64 = 20;

/// How many mails one address may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailBudget {
    pub hourly: i64,
    pub daily: i64,
}

/// What a mail is for. Half of an address's mails is kept for the codes of its sign-ins, so that nobody can drown them;
/// some of the other half for what happens to its account, so that nobody can do so unseen. What strangers can have sent
/// without end, and what must not be missed, are counted by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailPurpose {
    /// A code for who knows the password.
    SignIn,
    /// Something has happened to the account.
    Notice,
    /// Anybody can bring it about: a forgotten password, word of an account that there is.
    Asked,
    /// A code that proves an address. Counted whosever the address is, and before anybody looks, so that being refused
    /// tells nothing; and by the account that asks for it, where there is one.
    Proof,
    /// To an administrator: somebody asks for an account.
    Request,
    /// The account's password or address has changed. Nobody else's mails can use these up.
    Ownership,
}

/// A count: its name, for how long it runs, and how far.
type Counter = (&'static str, Duration, i64);

impl MailPurpose {
    fn counters(self, MailBudget { hourly, daily }: MailBudget) -> Vec<Counter> {
        let whole = [("hourly", HOUR, hourly), ("daily", DAY, daily)];
        // Before the whole, so that what is refused here is at no moment counted there.
        let other = |share: fn(i64) -> i64| {
            let rest = [("other-hourly", HOUR, share(hourly)), ("other-daily", DAY, share(daily))];
            rest.into_iter().chain(whole).collect()
        };
        match self {
            Self::SignIn => whole.into(),
            Self::Notice => other(half),
            Self::Asked => other(most_of_half),
            Self::Proof => {
                vec![("proof-hourly", HOUR, most_of_half(hourly)), ("proof-daily", DAY, most_of_half(daily))]
            }
            Self::Request => {
                vec![("request-hourly", HOUR, half(hourly)), ("request-daily", DAY, half(daily))]
            }
            Self::Ownership => vec![("ownership-daily", DAY, OWNERS)],
        }
    }
}

fn half(whole: i64) -> i64 {
    (whole / 2).max(1)
}

fn most_of_half(whole: i64) -> i64 {
    let half = half(whole);
    (half - (half / 5).max(1)).max(1)
}

impl Throttle {
    /// Counts a mail to this address, in canonical form. If a budget is used up: how long until it is not.
    pub async fn mail(
        &self,
        address: &str,
        purpose: MailPurpose,
        budget: MailBudget,
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        let (mut wait, mut counted) = (None, Vec::new());
        for counter in purpose.counters(budget) {
            let (name, window, limit) = counter;
            // Once one is used up, the rest are only asked for how long they are.
            let by = i64::from(wait.is_none());
            let count = self.store.bump(self.mail_key(name, address), by, window).await?;
            if by > 0 {
                counted.push(counter);
            }
            if count.value - by >= limit {
                wait = Some(now.until(count.ends)).max(wait);
            }
        }
        if wait.is_some() {
            self.take_back(address, counted).await?;
        }
        Ok(wait)
    }

    /// Takes a counted mail back: it never left.
    pub async fn undo_mail(
        &self,
        address: &str,
        purpose: MailPurpose,
        budget: MailBudget,
    ) -> Result<(), StoreError> {
        self.take_back(address, purpose.counters(budget)).await
    }

    async fn take_back(&self, address: &str, counters: Vec<Counter>) -> Result<(), StoreError> {
        for (name, window, _) in counters {
            self.store.bump(self.mail_key(name, address), -1, window).await?;
        }
        Ok(())
    }

    fn mail_key(&self, window: &str, address: &str) -> Key {
        self.named(Space::Counter, &[b"mail", window.as_bytes(), address.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::throttle;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    /// How many mails leave until one does not.
    async fn sent(throttle: &Throttle, purpose: MailPurpose) -> usize {
        let budget = MailBudget { hourly: 10, daily: 30 };
        let mut sent = 0;
        while throttle.mail("a@example.com", purpose, budget, NOW).await.unwrap().is_none() {
            sent += 1;
        }
        sent
    }

    #[tokio::test]
    async fn half_of_the_mails_are_kept_for_codes_and_some_of_the_rest_for_what_happens() {
        let throttle = throttle(NOW).await;
        let mut left = Vec::new();
        for purpose in [MailPurpose::Asked, MailPurpose::Notice, MailPurpose::SignIn] {
            left.push(sent(&throttle, purpose).await);
        }
        assert_eq!(left, [4, 1, 5]);
        let (elsewhere, budget) = ("b@example.com", MailBudget { hourly: 10, daily: 30 });
        assert_eq!(throttle.mail(elsewhere, MailPurpose::Asked, budget, NOW).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_strangers_bring_about_and_what_an_owner_must_know_use_up_nothing_else() {
        let throttle = throttle(NOW).await;
        assert_eq!(sent(&throttle, MailPurpose::Proof).await, 4);
        assert_eq!(sent(&throttle, MailPurpose::Request).await, 5);
        assert_eq!(sent(&throttle, MailPurpose::Notice).await, 5);
        assert_eq!(sent(&throttle, MailPurpose::SignIn).await, 5);
        assert_eq!(sent(&throttle, MailPurpose::Ownership).await, usize::try_from(OWNERS).unwrap());
    }

    #[tokio::test]
    async fn codes_alone_may_use_the_whole_budget_and_what_never_left_counts_for_nothing() {
        let throttle = throttle(NOW).await;
        let budget = MailBudget { hourly: 2, daily: 2 };
        let send = async |purpose| throttle.mail("a@example.com", purpose, budget, NOW).await.unwrap();
        assert_eq!(send(MailPurpose::Asked).await, None);
        assert!(send(MailPurpose::Notice).await.is_some());
        throttle.undo_mail("a@example.com", MailPurpose::Asked, budget).await.unwrap();
        assert_eq!(send(MailPurpose::SignIn).await, None);
        assert_eq!(send(MailPurpose::SignIn).await, None);
        assert_eq!(send(MailPurpose::SignIn).await, Some(DAY));
    }
}
