//! Browsers that have signed in before. A known device has limits of its own and grants nothing. Whoever knows a
//! password can make one where a rule asks for no more, so only a code makes a device one that the quarantine spares.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FlowError;
use crate::account::Account;
use crate::app::Exchange;
use crate::secret::{self, Purpose};
use crate::session::cookie;
use crate::store::{Key, Space};
use crate::subject::{AccountId, Proofs};
use crate::throttle::Gate;

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
    /// With that password, a code was proved here as well.
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

    /// Whether the account has signed in here: its wrong passwords have a count of their own.
    pub fn knows(&self, account: &Account) -> bool {
        self.find(account).is_some()
    }

    /// Whether it has done so with two factors: its wrong codes are not a stranger's.
    pub fn has_proved(&self, account: &Account) -> bool {
        self.find(account).is_some_and(|known| known.code)
    }

    /// What counts the wrong passwords of this account: the device if it knows the account, else the network.
    pub fn gate<'a>(device: Option<&'a Self>, account: &'a Account, x: &Exchange<'_>) -> Gate<'a> {
        let name = account.id.as_str();
        match device.filter(|device| device.knows(account)) {
            Some(device) => Gate::Device { name, device: &device.id },
            None => Gate::Network { name, address: x.address },
        }
    }

    fn find(&self, account: &Account) -> Option<&KnownAccount> {
        let password = fingerprint(account);
        self.record.accounts.iter().find(|known| known.account == account.id && known.password == password)
    }
}

/// Notes that an account signed in from this device, or makes one, and returns the value of its cookie.
pub async fn remember(
    x: &Exchange<'_>,
    device: Option<Device>,
    account: &Account,
    proofs: Proofs,
) -> Result<String, FlowError> {
    let device = device.unwrap_or_else(|| Device { id: secret::random(), record: DeviceRecord::default() });
    let code = proofs.two_factors() || device.has_proved(account);
    let Device { id, mut record } = device;
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
    account.fingerprint()
}

fn key(id: &[u8; 32]) -> Key {
    Key { space: Space::Device, digest: secret::sha256(id) }
}
