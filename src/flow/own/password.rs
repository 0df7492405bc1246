//! A new password, for who knows the present one. Everything else that the present one opened ends; the session in
//! which it is changed goes on.

use std::time::Duration;

use super::super::confirm::Confirmed;
use super::super::device::{self, Device};
use super::super::password::{Checked, check};
use super::super::{Browser, By, Entered, FlowError, notice, revoke};
use super::{account, change, database};
use crate::account::database::Changed;
use crate::account::password::{Owner, Rules, Weakness};
use crate::account::{Account, Address, StoredHash};
use crate::app::Exchange;
use crate::secret::{self, Secret};

pub enum Outcome {
    /// What the browser is to keep.
    Changed(Box<Entered>),
    /// The present password is another one.
    Wrong,
    /// Too many tries; nothing was looked at.
    Locked(Duration),
    Weak(Weakness),
    /// It is the present one.
    Same,
    /// The account stands in a file, or has gone.
    NotHere,
}

pub async fn set(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    confirmed: &Confirmed,
    present: Secret<String>,
    new: Secret<String>,
) -> Result<Outcome, FlowError> {
    let Some(account) = account(x, confirmed.visitor()).await? else { return Ok(Outcome::NotHere) };
    if database(x, &account).is_none() {
        return Ok(Outcome::NotHere);
    }
    // What it must be is no secret: looked at first, it costs nobody a try.
    if let Err(weakness) = rules(x).check(new.expose(), &owner(&account, address(&account).as_ref())) {
        return Ok(Outcome::Weak(weakness));
    }
    let device = Device::load(x, browser.device).await?;
    let account = match check(x, &account.username, present, Some(account.clone()), device.as_ref()).await? {
        Checked::Right(account) => account,
        Checked::Wrong => return Ok(Outcome::Wrong),
        Checked::Locked(wait) => return Ok(Outcome::Locked(wait)),
    };
    if x.app.hasher.verify(new.clone(), account.password.clone()).await? {
        return Ok(Outcome::Same);
    }
    let hash = x.app.hasher.hash(new).await?;
    replace(x, browser, confirmed, &account, hash, device).await
}

/// Puts the new hash in the place of the one that was just proved.
async fn replace(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    confirmed: &Confirmed,
    account: &Account,
    hash: StoredHash,
    device: Option<Device>,
) -> Result<Outcome, FlowError> {
    let visitor = confirmed.visitor();
    let Some(database) = database(x, account) else { return Ok(Outcome::NotHere) };
    let (proved, fingerprint) = (account.fingerprint, secret::random());
    x.app.sessions.expect_password(visitor.session.sign_on(), fingerprint).await?;
    let changed = change(x, visitor, database, ("password_changed", None), move |entry| {
        // Of two who change it at once, one proved what is the old one by now.
        if entry.account.fingerprint != proved {
            return Err(());
        }
        entry.set_password_known_as(Some(hash.clone()), fingerprint);
        Ok(())
    });
    let account = match changed.await? {
        Changed::Done(entry) => entry.account,
        Changed::Refused(()) => return Ok(Outcome::Wrong),
        Changed::Gone | Changed::Taken(_) => return Ok(Outcome::NotHere),
    };
    let by = By::visitor(x, visitor);
    notice::password_changed(x.app, x.snapshot, by, &account);
    revoke::all_of(x.app, by, &account.id, Some(visitor.session.sign_on())).await?;
    device::forget_all(x.app, &account.id).await?;
    let renewed = x.app.sessions.renew(visitor.session.sign_on(), fingerprint, x.host(), x.now).await?;
    // Somebody ended this session meanwhile, as it could have been a moment later.
    let Some(session) = renewed else { return Ok(Outcome::NotHere) };
    if let Some(before) = browser.session {
        x.app.sessions.retire(before, x.host()).await?;
    }
    let device = device::remember(x, device, &account, visitor.session.proofs()).await?;
    Ok(Outcome::Changed(Box::new(Entered { session, device: device.cookie })))
}

/// What a password must be here.
fn rules(x: &Exchange<'_>) -> Rules {
    Rules::new(x.snapshot.passwords.minimum_length, &x.snapshot.brand.title)
}

fn address(account: &Account) -> Option<Address> {
    Address::parse(&account.email).ok()
}

fn owner<'a>(account: &'a Account, address: Option<&'a Address>) -> Owner<'a> {
    Owner { username: Some(&account.username), address, name: Some(&account.name) }
}
