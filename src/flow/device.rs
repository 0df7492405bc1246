//! Browsers that have signed in before. A known device has limits of its own and grants nothing. Whoever knows a
//! password can make one where a rule asks for no more, so only a code makes a device one that the quarantine spares.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FlowError;
use crate::account::Account;
use crate::app::{App, Exchange};
use crate::browser::BrowserName;
use crate::clock::Timestamp;
use crate::secret::{self, Purpose};
use crate::session::{cookie, public_id};
use crate::store::{Key, Space, StoreError};
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
    first_seen: Timestamp,
    last_seen: Timestamp,
    address: IpAddr,
    browser: BrowserName,
}

/// A known device as the account's owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// What the store knows it by; sessions name it so too.
    pub id: [u8; 32],
    /// The account's first sign-in there with its present password, and its last.
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Of the last.
    pub address: IpAddr,
    pub browser: BrowserName,
}

/// A device that was just written down.
pub struct Remembered {
    /// What the store knows it by.
    pub id: [u8; 32],
    /// The account has signed in with its present password before, but never here.
    pub surprising: bool,
    /// The value of its cookie.
    pub cookie: String,
}

impl KnownDevice {
    /// What it is called where it can be forgotten.
    pub fn public_id(&self) -> String {
        public_id(&self.id)
    }
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
        self.record.find(account)
    }
}

impl DeviceRecord {
    fn find(&self, account: &Account) -> Option<&KnownAccount> {
        let password = account.fingerprint;
        self.accounts.iter().find(|known| known.account == account.id && known.password == password)
    }
}

/// Notes that an account signed in from this device, or makes one.
pub async fn remember(
    x: &Exchange<'_>,
    device: Option<Device>,
    account: &Account,
    proofs: Proofs,
) -> Result<Remembered, FlowError> {
    let device = device.unwrap_or_else(|| Device { id: secret::random(), record: DeviceRecord::default() });
    let known = device.find(account);
    let first = known.is_none();
    let known = KnownAccount {
        account: account.id.clone(),
        password: account.fingerprint,
        code: proofs.two_factors() || known.is_some_and(|known| known.code),
        first_seen: known.map_or(x.now, |known| known.first_seen),
        last_seen: x.now,
        address: x.address,
        browser: BrowserName::of(x.user_agent),
    };
    let Device { id, mut record } = device;
    record.accounts.retain(|known| known.account != account.id);
    let excess = (record.accounts.len() + 1).saturating_sub(MOST_ACCOUNTS);
    record.accounts.drain(..excess);
    record.accounts.push(known);
    let (key, ends) = (key(&id), x.now.plus(KNOWN_FOR));
    let surprising = first && has_signed_in_elsewhere(x.app, account).await?;
    // Index first, as with sign-ons.
    x.app.store.index_add(index(x.app, &account.id), &key.digest, ends).await?;
    x.app.store.put(key, &write(&record)?, ends).await?;
    let cookie = cookie::seal(&x.app.keys, Purpose::DeviceCookie, x.host(), &id);
    Ok(Remembered { id: key.digest, surprising, cookie })
}

/// Whether another device knows the account with its present password, or did before it was to forget: whoever had all of
/// them forget cannot sign in unnoticed on the next.
async fn has_signed_in_elsewhere(app: &App, account: &Account) -> Result<bool, FlowError> {
    if app.store.get(forgotten(app, &account.id, account.fingerprint)).await?.is_some() {
        return Ok(true);
    }
    Ok(!of_account(app, account).await?.is_empty())
}

/// The devices on which an account has signed in with its present password, the last used first.
pub async fn of_account(app: &App, account: &Account) -> Result<Vec<KnownDevice>, FlowError> {
    let mut devices = Vec::new();
    for key in keys_of(app, &account.id).await? {
        let Some(stored) = app.store.get(key).await? else { continue };
        let Ok(record) = serde_json::from_slice::<DeviceRecord>(&stored.value) else { continue };
        devices.extend(record.find(account).map(|known| KnownDevice {
            id: key.digest,
            first_seen: known.first_seen,
            last_seen: known.last_seen,
            address: known.address,
            browser: known.browser.clone(),
        }));
    }
    devices.sort_by_key(|device| std::cmp::Reverse(device.last_seen));
    Ok(devices)
}

/// Has the account's device of this public id forgotten. Whether there was one.
pub async fn forget(app: &App, account: &AccountId, name: &str) -> Result<bool, FlowError> {
    let found = keys_of(app, account).await?.into_iter().find(|key| public_id(&key.digest) == name);
    let Some(key) = found else { return Ok(false) };
    forget_on(app, account, key).await?;
    Ok(true)
}

/// Has all devices of an account forgotten, and says how many there were.
pub async fn forget_all(app: &App, account: &AccountId) -> Result<usize, FlowError> {
    let keys = keys_of(app, account).await?;
    for key in &keys {
        forget_on(app, account, *key).await?;
    }
    Ok(keys.len())
}

/// Other accounts are still known there.
async fn forget_on(app: &App, account: &AccountId, key: Key) -> Result<(), FlowError> {
    for _ in 0..16 {
        let Some(stored) = app.store.get(key).await? else { break };
        let Ok(mut record) = serde_json::from_slice::<DeviceRecord>(&stored.value) else { break };
        if let Some(known) = record.accounts.iter().find(|known| known.account == *account) {
            let ends = known.last_seen.plus(KNOWN_FOR);
            app.store.put(forgotten(app, account, known.password), b"forgotten", ends).await?;
        }
        record.accounts.retain(|known| known.account != *account);
        // As long as the last of the others would have been known.
        let ends = record.accounts.iter().map(|known| known.last_seen).max().map(|seen| seen.plus(KNOWN_FOR));
        let ends = ends.unwrap_or_else(|| app.clock.now());
        if app.store.swap(key, Some(stored.version), &write(&record)?, ends).await? {
            break;
        }
    }
    for name in index_names(app, account) {
        app.store.index_remove(name, &key.digest).await?;
    }
    Ok(())
}

async fn keys_of(app: &App, account: &AccountId) -> Result<Vec<Key>, StoreError> {
    let mut keys = Vec::new();
    for name in index_names(app, account) {
        let members = app.store.index_members(name).await?;
        let digests = members.into_iter().filter_map(|member| member.try_into().ok());
        keys.extend(digests.map(|digest| Key { space: Space::Device, digest }));
    }
    Ok(keys)
}

fn key(id: &[u8; 32]) -> Key {
    Key { space: Space::Device, digest: secret::sha256(id) }
}

/// Where a device is listed for an account that signs in there.
fn index(app: &App, account: &AccountId) -> Key {
    let name: [&[u8]; 2] = [b"devices", account.as_str().as_bytes()];
    Key { space: Space::Index, digest: app.keys.sign(Purpose::StoreName, &name) }
}

/// Where devices may be listed for an account: each secret has a name of its own for it.
fn index_names(app: &App, account: &AccountId) -> Vec<Key> {
    let name: [&[u8]; 2] = [b"devices", account.as_str().as_bytes()];
    let digests = app.keys.sign_with_each(Purpose::StoreName, &name);
    digests.map(|digest| Key { space: Space::Index, digest }).collect()
}

/// Where it is noted that a device was to forget an account with this password.
fn forgotten(app: &App, account: &AccountId, password: [u8; 8]) -> Key {
    let name: [&[u8]; 3] = [b"forgotten", account.as_str().as_bytes(), &password];
    Key { space: Space::Device, digest: app.keys.sign(Purpose::StoreName, &name) }
}

fn write(record: &DeviceRecord) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| StoreError::Corrupt(error.to_string()))
}
