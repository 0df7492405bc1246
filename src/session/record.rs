//! What the store keeps of a sign-on. Of a session it keeps that it is there: its key says whose it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Begin, Client, Locator, Settings};
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::subject::{AccountId, Proofs};

#[derive(Serialize, Deserialize)]
pub struct SignOnRecord {
    pub locator: Locator,
    pub account: AccountId,
    pub password: [u8; 8],
    /// While the owner changes the password in this sign-on: of the new one.
    pub next_password: Option<[u8; 8]>,
    pub proofs: Proofs,
    pub remember: bool,
    /// Counts the changes of the account that its sessions have to follow.
    pub epoch: u64,
    pub last_seen: Timestamp,
    pub span: Span,
    pub client: Client,
}

/// How long a sign-on lasts, as configured when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub started: Timestamp,
    /// In milliseconds, as the lifetime is.
    idle: u64,
    lifetime: u64,
}

impl SignOnRecord {
    pub fn new(locator: Locator, with: &Begin<'_>, settings: &Settings, now: Timestamp) -> Self {
        let remember = with.remember && !settings.remember.is_zero();
        let (idle, lifetime) = if remember {
            (settings.remember, settings.remember)
        } else {
            (settings.idle, settings.lifetime)
        };
        Self {
            locator,
            account: with.account.clone(),
            password: with.password,
            next_password: None,
            proofs: with.proofs,
            remember,
            epoch: 0,
            last_seen: now,
            span: Span { started: now, idle: millis(idle), lifetime: millis(lifetime) },
            client: with.client.clone(),
        }
    }

    /// When the store may forget it: a use that was not written down yet is allowed for.
    pub fn kept_until(&self) -> Timestamp {
        let unwritten = self.span.touch_every() + super::TRUSTED;
        self.last_seen.plus(self.span.idle()).plus(unwritten).min(self.span.latest_end())
    }
}

impl Span {
    /// When it ends whatever happens.
    pub fn latest_end(&self) -> Timestamp {
        self.started.plus(Duration::from_millis(self.lifetime))
    }

    /// When it ends if it is not used again.
    pub fn ends(&self, last_seen: Timestamp) -> Timestamp {
        last_seen.plus(self.idle()).min(self.latest_end())
    }

    /// How often its use is written down.
    pub fn touch_every(&self) -> Duration {
        (self.idle() / 4).min(Duration::from_mins(1))
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.idle)
    }
}

/// What a record begins with. Another number for each change of its fields: what another release wrote is not guessed at.
const FORMAT: u8 = 2;

pub fn write(record: &SignOnRecord) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(record, vec![FORMAT]).map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub fn read(bytes: &[u8]) -> Result<SignOnRecord, StoreError> {
    let corrupt = |why: &str| StoreError::Corrupt(format!("no sign-on as this release writes it: {why}"));
    let Some((&FORMAT, fields)) = bytes.split_first() else {
        return Err(corrupt("it begins otherwise"));
    };
    match postcard::take_from_bytes(fields) {
        Ok((record, [])) => Ok(record),
        Ok(_) => Err(corrupt("it goes on after its fields")),
        Err(error) => Err(corrupt(&error.to_string())),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::client;
    use super::*;

    fn record(remember: bool) -> SignOnRecord {
        let (now, client) = (Timestamp::from_millis(1_700_000_000_000), client());
        let account = AccountId::new("file", "alice");
        let proofs = Proofs { password: now, email_code: remember.then_some(now) };
        let with = Begin { account: &account, password: [9; 8], proofs, remember, client: &client };
        let settings = Settings {
            idle: Duration::from_hours(1),
            lifetime: Duration::from_hours(12),
            remember: Duration::from_hours(720),
            cache: 1,
        };
        let next_password = remember.then_some([1; 8]);
        SignOnRecord { next_password, epoch: 300, ..SignOnRecord::new([7; 16], &with, &settings, now) }
    }

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for remember in [true, false] {
            let (written, expected) = (write(&record(remember)).unwrap(), record(remember));
            let read = read(&written).unwrap();
            assert_eq!(
                (read.locator, read.password, read.proofs),
                (expected.locator, expected.password, expected.proofs)
            );
            assert_eq!(
                (read.account, read.client, read.span),
                (expected.account, expected.client, expected.span)
            );
            assert_eq!((read.next_password, read.remember), (expected.next_password, expected.remember));
            assert_eq!((read.epoch, read.last_seen), (expected.epoch, expected.last_seen));
        }
    }

    /// Whoever changes what is written here, or a type in it wherever that stands, changes [`FORMAT`] too: fields are told
    /// apart by their places alone.
    #[test]
    fn a_record_is_written_as_other_gateways_of_this_format_read_it() {
        let written = hexadecimal(&write(&record(true)).unwrap());
        let expected = concat!(
            "02070707070707070707070707070707070a66696c653a616c696365090909090909090901010101010101010180a0abfef9620180a0",
            "abfef96201ac0280a0abfef96280a0abfef9628090fbd3098090fbd30900c0000201010746697265666f7801054c696e757810617574",
            "682e6578616d706c652e636f6d010707070707070707070707070707070707070707070707070707070707070707",
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_not_wholly_a_record_of_this_release_is_none() {
        let written = write(&record(true)).unwrap();
        for length in 0..written.len() {
            assert!(read(written.get(..length).unwrap()).is_err(), "{length} of {}", written.len());
        }
        let (longer, other) = ([&written[..], &[0]].concat(), [&[FORMAT + 1], &written[1..]].concat());
        for (bytes, why) in [(longer, "it goes on"), (other, "it begins"), (b"{}".to_vec(), "it begins")] {
            let error = read(&bytes).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(why), "{error}");
        }
    }
}
