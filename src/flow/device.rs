//! Browsers that have signed in before. A known device has limits of its own and grants nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FlowError;
use crate::account::Account;
use crate::app::Exchange;
use crate::secret::{self, Purpose};
use crate::session::cookie;
use crate::store::{Key, Space};
use crate::subject::{AccountId, Proofs};

/// For how long a browser is known after its last sign-in.
pub const KNOWN_FOR: Duration = Duration::from_hours(24 * 180);

/// How many accounts one browser is known for; the one longest unused makes room.
const MOST_ACCOUNTS: usize = 16;

/// The device behind a cookie.
pub struct Device {
    pub id: [u8; 32],
    record: DeviceRecord,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceRecord {
    /// The last to sign in is last.
    accounts: Vec<KnownAccount>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownAccount {
    account: AccountId,
    /// Of the password hash at the last sign-in: with a new password the device is a stranger again.
    password: [u8; 8],
    /// A mailed code was right here, too.
    code: bool,
}

impl Device {
    pub async fn load(x: &Exchange<'_>, value: Option<&str>) -> Result<Option<Self>, FlowError> {
        let opened =
            value.and_then(|value| cookie::open(&x.app.keys, Purpose::DeviceCookie, x.host(), value));
        let Some(id) = opened else { return Ok(None) };
        let Some(stored) = x.app.store.get(key(&id)).await? else { return Ok(None) };
        // What cannot be read is a device that is not known.
        Ok(serde_json::from_slice(&stored.value).ok().map(|record| Self { id, record }))
    }

    /// Whether the account has signed in here: then its wrong passwords have a count of their own.
    pub fn knows(&self, account: &Account) -> bool {
        self.known(account).is_some()
    }

    /// Whether a code was right here. Who has only a password could otherwise have a rule with `one_factor` make
    /// their device known, and guess codes there without end.
    pub fn proved_code(&self, account: &Account) -> bool {
        self.known(account).is_some_and(|known| known.code)
    }

    fn known(&self, account: &Account) -> Option<&KnownAccount> {
        let password = fingerprint(account);
        let same = |known: &&KnownAccount| known.account == account.id && known.password == password;
        self.record.accounts.iter().find(same)
    }
}

/// Notes that an account signed in from this device, or makes one, and returns the value of its cookie.
pub async fn remember(
    x: &Exchange<'_>,
    device: Option<Device>,
    account: &Account,
    proofs: Proofs,
) -> Result<String, FlowError> {
    let code = proofs.two_factors() || device.as_ref().is_some_and(|device| device.proved_code(account));
    let Device { id, mut record } =
        device.unwrap_or_else(|| Device { id: secret::random(), record: DeviceRecord::default() });
    record.accounts.retain(|known| known.account != account.id);
    let excess = (record.accounts.len() + 1).saturating_sub(MOST_ACCOUNTS);
    record.accounts.drain(..excess);
    record.accounts.push(KnownAccount { account: account.id.clone(), password: fingerprint(account), code });
    let value = serde_json::to_vec(&record).unwrap_or_default();
    x.app.store.put(key(&id), &value, x.now.plus(KNOWN_FOR)).await?;
    Ok(cookie::seal(&x.app.keys, Purpose::DeviceCookie, x.host(), &id))
}

/// A few bytes that change with the account's password.
pub fn fingerprint(account: &Account) -> [u8; 8] {
    let digest = secret::sha256(account.password.0.expose().as_bytes());
    digest.first_chunk().copied().unwrap_or_default()
}

fn key(id: &[u8; 32]) -> Key {
    Key { space: Space::Device, digest: secret::sha256(id) }
}
