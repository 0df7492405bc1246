//! The codes that one thing under way may bring about: a sign-in, or whatever else an address has to be proved for.
//!
//! Start from [`Codes`]. Which codes they are follows from its nonce; they are never kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Settings;
use super::code::{Code, For, Secret};
use crate::clock::Timestamp;
use crate::secret::Keys;

/// How many different codes there may be.
pub const MOST_CODES: usize = 3;

/// Which codes were issued, and when their mails left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    nonce: [u8; 32],
    /// No code is good for longer.
    ends: Timestamp,
    issues: Vec<Issue>,
    /// Since when a mail has been on its way to the mail server; another waits as if that one had left.
    sending: Option<Timestamp>,
}

/// One code: derived from its number, valid from `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    number: u32,
    at: Timestamp,
    /// When the mail server last took a mail with it.
    mailed: Option<Timestamp>,
    /// It was taken for mailed, and the mail never left: nobody can know it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    void: bool,
}

/// A code that is to be mailed: its number, and how long it will be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToMail {
    pub number: u32,
    pub valid_for: Duration,
}

/// Why no code is mailed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A mail went out moments ago.
    TooEarly(Duration),
    /// All codes have been issued.
    Exhausted,
}

impl Codes {
    pub fn new(nonce: [u8; 32], ends: Timestamp) -> Self {
        Self { nonce, ends, issues: Vec::new(), sending: None }
    }

    pub fn ends(&self) -> Timestamp {
        self.ends
    }

    /// Chooses the code for the next mail and notes it: the same one in the first half of its life, since the first
    /// mail may arrive last; later a new one, while the earlier stays good to its end. A code whose mail never left
    /// starts its life anew.
    pub fn issue(&mut self, settings: &Settings, now: Timestamp) -> Result<ToMail, Hold> {
        let wait = self.resend_wait(settings, now);
        if !wait.is_zero() {
            return Err(Hold::TooEarly(wait));
        }
        let codes = self.issues.len();
        let issue = match self.issues.last_mut() {
            Some(issue) if issue.mailed.is_none() => {
                issue.at = now;
                *issue
            }
            Some(issue) if now.since(issue.at) < settings.lifetime / 2 => *issue,
            Some(issue) if codes >= MOST_CODES => {
                if now >= issue.at.plus(settings.lifetime) {
                    return Err(Hold::Exhausted);
                }
                *issue
            }
            _ => self.add(now),
        };
        self.sending = Some(now);
        let valid_for = now.until(issue.at.plus(settings.lifetime)).min(now.until(self.ends));
        Ok(ToMail { number: issue.number, valid_for })
    }

    /// The number of a new code beyond all limits on mails.
    pub fn issue_by_hand(&mut self, now: Timestamp) -> u32 {
        self.add(now).number
    }

    /// Notes that the mail server took the mail with this code.
    pub fn mailed(&mut self, number: u32, now: Timestamp) {
        for issue in self.issues.iter_mut().filter(|issue| issue.number == number) {
            (issue.mailed, issue.void) = (Some(now), false);
        }
        self.not_mailed();
    }

    /// Whether a mail with this code has left.
    pub fn has_left(&self, number: u32) -> bool {
        self.issues.iter().any(|issue| issue.number == number && issue.mailed.is_some() && !issue.void)
    }

    /// Notes that a mail never left that was taken for mailed: its code is good for nothing, which nothing shows.
    pub fn void(&mut self, number: u32) {
        for issue in self.issues.iter_mut().filter(|issue| issue.number == number) {
            issue.void = true;
        }
    }

    /// Notes that no mail is on its way any more.
    pub fn not_mailed(&mut self) {
        self.sending = None;
    }

    /// How long until a code may be mailed again; zero: now.
    pub fn resend_wait(&self, settings: &Settings, now: Timestamp) -> Duration {
        let last = self.issues.iter().filter_map(|issue| issue.mailed).max().max(self.sending);
        last.map_or(Duration::ZERO, |last| now.until(last.plus(settings.resend_after)))
    }

    /// Whether a mail may go out now or later.
    pub fn may_mail_again(&self, settings: &Settings, now: Timestamp) -> bool {
        let last = self.issues.last();
        self.issues.len() < MOST_CODES
            || last.is_none_or(|last| last.mailed.is_none() || now < last.at.plus(settings.lifetime))
    }

    /// Whether a mail has left and some code of it is still good.
    pub fn are_out(&self, settings: &Settings, now: Timestamp) -> bool {
        self.live(settings, now).any(|issue| issue.mailed.is_some())
    }

    /// Whether the typed code is one of those that are still good. Every try is counted before this is asked.
    pub fn accept(
        &self,
        typed: &Code,
        is_for: For<'_>,
        keys: &Keys,
        settings: &Settings,
        now: Timestamp,
    ) -> bool {
        let secret = Secret { nonce: &self.nonce, is_for };
        self.live(settings, now)
            .flat_map(|issue| secret.under_all_keys(keys, issue.number, settings.digits))
            .fold(false, |found, good| found | good.is(typed))
    }

    /// The code with this number, for a mail.
    pub fn code(&self, number: u32, is_for: For<'_>, keys: &Keys, digits: u32) -> Code {
        Secret { nonce: &self.nonce, is_for }.derive(keys, number, digits)
    }

    fn live<'a>(&'a self, settings: &Settings, now: Timestamp) -> impl Iterator<Item = &'a Issue> {
        let lifetime = settings.lifetime;
        let ended = now >= self.ends;
        self.issues.iter().filter(move |issue| !ended && !issue.void && now < issue.at.plus(lifetime))
    }

    fn add(&mut self, now: Timestamp) -> Issue {
        let number = self.issues.last().map_or(1, |last| last.number.saturating_add(1));
        let issue = Issue { number, at: now, mailed: None, void: false };
        self.issues.push(issue);
        issue
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::secret::{Purpose, Secret as Bytes};

    pub const SETTINGS: Settings = Settings {
        digits: 6,
        lifetime: Duration::from_mins(5),
        attempts: 5,
        resend_after: Duration::from_mins(1),
        hourly: 10,
        daily: 30,
        quarantine: 15,
    };

    #[test]
    fn a_code_whose_mail_never_left_is_good_for_nothing_and_looks_as_any_other() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let keys = Keys::derive(&[Bytes::new(vec![7; 32])]).unwrap();
        let is_for = For { purpose: Purpose::RegistrationCode, whom: "erin@example.com" };
        let mut codes = Codes::new([9; 32], now.plus(Duration::from_mins(30)));
        let number = codes.issue(&SETTINGS, now).unwrap().number;
        codes.mailed(number, now);
        let accepts = |codes: &Codes| {
            codes.accept(&codes.code(number, is_for, &keys, 6), is_for, &keys, &SETTINGS, now)
        };
        assert!(codes.has_left(number) && accepts(&codes));
        let before = (codes.resend_wait(&SETTINGS, now), codes.may_mail_again(&SETTINGS, now));
        codes.void(number);
        assert!(!codes.has_left(number) && !accepts(&codes));
        assert_eq!((codes.resend_wait(&SETTINGS, now), codes.may_mail_again(&SETTINGS, now)), before);
        let later = now.plus(SETTINGS.resend_after);
        assert_eq!(codes.issue(&SETTINGS, later).unwrap().number, number);
        codes.mailed(number, later);
        assert!(codes.has_left(number) && accepts(&codes));
    }
}
