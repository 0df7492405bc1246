//! The sign-in under way, pure: a password was right, a code is awaited. Start from [`SignIn`].
//!
//! A [`SignIn`] is never a session and grants nothing. Codes are derived here ([`code`]) and stored nowhere. Time,
//! randomness and counts are arguments.

pub mod code;
mod codes;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::secret::{Keys, Purpose};
use crate::subject::AccountId;
pub use codes::{Codes, Hold, MOST_CODES, ToMail};

/// How long a sign-in may stay under way, whatever its codes' lifetime.
pub const LIFETIME: Duration = Duration::from_mins(15);

/// `email_code` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub digits: u32,
    pub lifetime: Duration,
    /// Wrong tries, over all codes of one sign-in, before it is over.
    pub attempts: i64,
    pub resend_after: Duration,
    /// Mails to one address in an hour, for all purposes.
    pub hourly: i64,
    pub daily: i64,
    /// Wrong codes on unknown devices after which the password works on known devices only.
    pub quarantine: i64,
}

/// A password was right; this is what the store keeps until the code is, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub account: AccountId,
    pub source: String,
    /// The host whose pages the sign-in walks through.
    pub host: String,
    pub started: Timestamp,
    pub remember: bool,
    /// The browser has signed in to this account before, with two factors.
    pub known_device: bool,
    /// Of the password hash it began with: a new password ends it.
    pub password: [u8; 8],
    /// Set when a session asks for its second factor, or to prove both again: the sign-on to elevate.
    pub elevates: Option<[u8; 32]>,
    /// Whether it began with the password. Of a session that asks for its second factor alone, it did not.
    pub with_password: bool,
    /// Wrong codes of this sign-in that count towards the quarantine until it succeeds.
    pub wrong: i64,
    codes: Codes,
}

/// What to begin a sign-in with.
#[derive(Clone, Debug)]
pub struct Begin<'a> {
    pub account: &'a AccountId,
    pub source: &'a str,
    pub host: &'a str,
    pub remember: bool,
    pub known_device: bool,
    pub password: [u8; 8],
    pub elevates: Option<[u8; 32]>,
    pub with_password: bool,
    pub nonce: [u8; 32],
}

impl SignIn {
    pub fn begin(with: &Begin<'_>, now: Timestamp) -> Self {
        Self {
            account: with.account.clone(),
            source: with.source.to_owned(),
            host: with.host.to_owned(),
            started: now,
            remember: with.remember,
            known_device: with.known_device,
            password: with.password,
            elevates: with.elevates,
            with_password: with.with_password,
            wrong: 0,
            codes: Codes::new(with.nonce, now.plus(LIFETIME)),
        }
    }

    pub fn ends(&self) -> Timestamp {
        self.codes.ends()
    }

    /// Chooses the code for the next mail and notes it, as [`Codes::issue`] does.
    pub fn issue(mut self, settings: &Settings, now: Timestamp) -> Result<(Self, ToMail), Hold> {
        let to_mail = self.codes.issue(settings, now)?;
        Ok((self, to_mail))
    }

    /// A new code beyond all limits on mails: for the administrator at the command line.
    #[must_use]
    pub fn issue_by_hand(mut self, now: Timestamp) -> (Self, u32) {
        let number = self.codes.issue_by_hand(now);
        (self, number)
    }

    /// Notes that the mail server took the mail with this code.
    #[must_use]
    pub fn mailed(mut self, number: u32, now: Timestamp) -> Self {
        self.codes.mailed(number, now);
        self
    }

    /// Notes that no mail is on its way any more.
    #[must_use]
    pub fn not_mailed(mut self) -> Self {
        self.codes.not_mailed();
        self
    }

    /// How long until a code may be mailed again; zero: now.
    pub fn resend_wait(&self, settings: &Settings, now: Timestamp) -> Duration {
        self.codes.resend_wait(settings, now)
    }

    /// Whether a mail may go out now or later, as far as this sign-in is concerned.
    pub fn may_mail_again(&self, settings: &Settings, now: Timestamp) -> bool {
        self.codes.may_mail_again(settings, now)
    }

    /// Whether a mail has left and some code of it is still good.
    pub fn awaits_code(&self, settings: &Settings, now: Timestamp) -> bool {
        self.codes.are_out(settings, now)
    }

    /// Whether the typed code is one of those that are still good. Every try is counted before this is asked.
    pub fn accepts(&self, typed: &code::Code, keys: &Keys, settings: &Settings, now: Timestamp) -> bool {
        self.codes.accept(typed, self.is_for(), keys, settings, now)
    }

    /// The code with this number, for a mail.
    pub fn code(&self, keys: &Keys, number: u32, digits: u32) -> code::Code {
        self.codes.code(number, self.is_for(), keys, digits)
    }

    fn is_for(&self) -> code::For<'_> {
        code::For { purpose: Purpose::Code, whom: self.account.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::codes::tests::SETTINGS;
    use super::*;
    use crate::secret::Secret;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1000)
    }

    fn keys() -> Keys {
        Keys::derive(&[Secret::new(vec![7; 32])]).unwrap()
    }

    fn begun() -> SignIn {
        let account = AccountId::new("file", "alice");
        let with = Begin {
            account: &account,
            source: "file",
            host: "auth.example.com",
            remember: false,
            known_device: false,
            password: [3; 8],
            elevates: None,
            with_password: true,
            nonce: [9; 32],
        };
        SignIn::begin(&with, at(0))
    }

    fn mail(sign_in: SignIn, seconds: i64) -> (SignIn, ToMail) {
        let (sign_in, to_mail) = sign_in.issue(&SETTINGS, at(seconds)).unwrap();
        (sign_in.mailed(to_mail.number, at(seconds)), to_mail)
    }

    fn accepts(sign_in: &SignIn, number: u32, seconds: i64) -> bool {
        sign_in.accepts(&sign_in.code(&keys(), number, 6), &keys(), &SETTINGS, at(seconds))
    }

    #[test]
    fn a_code_is_good_for_its_lifetime_and_not_a_moment_longer() {
        let (sign_in, _) = mail(begun(), 0);
        assert!(accepts(&sign_in, 1, 299));
        assert!(!accepts(&sign_in, 1, 300));
        assert!(!accepts(&sign_in, 2, 0), "a code that was never issued");
    }

    #[test]
    fn a_resend_repeats_the_code_in_the_first_half_of_its_life_and_does_not_lengthen_it() {
        let (sign_in, first) = mail(begun(), 0);
        assert_eq!(sign_in.clone().issue(&SETTINGS, at(59)), Err(Hold::TooEarly(Duration::from_secs(1))));
        let (sign_in, again) = mail(sign_in, 149);
        assert_eq!((again.number, again.valid_for), (first.number, Duration::from_secs(151)));
        assert!(!accepts(&sign_in, 1, 300));
    }

    #[test]
    fn later_a_new_code_goes_out_and_the_earlier_stays_good_to_its_end() {
        let (sign_in, _) = mail(begun(), 0);
        let (sign_in, second) = mail(sign_in, 150);
        assert_eq!(second.number, 2);
        assert!(accepts(&sign_in, 1, 299) && accepts(&sign_in, 2, 299));
        assert!(!accepts(&sign_in, 1, 300) && accepts(&sign_in, 2, 300));
    }

    #[test]
    fn a_sign_in_has_three_codes_at_most() {
        let (sign_in, _) = mail(begun(), 0);
        let (sign_in, _) = mail(sign_in, 200);
        let (sign_in, third) = mail(sign_in, 400);
        let (sign_in, repeated) = mail(sign_in, 600);
        assert_eq!((third.number, repeated.number), (3, 3));
        assert_eq!(sign_in.issue(&SETTINGS, at(700)), Err(Hold::Exhausted));
    }

    #[test]
    fn a_failed_mail_counts_for_nothing() {
        let (sign_in, failed) = begun().issue(&SETTINGS, at(0)).unwrap();
        assert_eq!(sign_in.clone().issue(&SETTINGS, at(1)), Err(Hold::TooEarly(Duration::from_secs(59))));
        let (sign_in, retried) = sign_in.not_mailed().issue(&SETTINGS, at(1)).unwrap();
        assert_eq!((failed.number, retried.number), (1, 1));
        let (_, late) = sign_in.issue(&SETTINGS, at(400)).unwrap();
        assert_eq!((late.number, late.valid_for), (1, Duration::from_mins(5)));
    }

    #[test]
    fn no_code_outlives_its_sign_in() {
        let (sign_in, to_mail) = mail(begun(), 14 * 60);
        assert_eq!(to_mail.valid_for, Duration::from_mins(1));
        assert!(accepts(&sign_in, 1, 899) && !accepts(&sign_in, 1, 900));
    }

    #[test]
    fn a_code_is_worth_nothing_for_another_sign_in_or_account() {
        let (one, _) = mail(begun(), 0);
        let other = mail(SignIn { codes: Codes::new([8; 32], one.ends()), ..begun() }, 0).0;
        let mut foreign = one.clone();
        foreign.account = AccountId::new("file", "bob");
        let code = one.code(&keys(), 1, 6);
        assert!(!other.accepts(&code, &keys(), &SETTINGS, at(1)));
        assert!(!foreign.accepts(&code, &keys(), &SETTINGS, at(1)));
    }
}
