//! The second step: the mailed code.
//!
//! Every try is counted before it is looked at, over the whole sign-in. A right code takes the sign-in out of the
//! store in one step: of many at once one wins.

use std::sync::Arc;
use std::time::Duration;

use super::device::{self, Device};
use super::mailing::{self, Mailed, Stored};
use super::password::enter;
use super::{Browser, Entered, FlowError};
use crate::account::{Account, Standing};
use crate::app::Exchange;
use crate::route::ReturnUrl;
use crate::sign_in::LIFETIME;
use crate::sign_in::code::Code;
use crate::store::{Key, Space};
use crate::subject::Proofs;

/// A sign-in that waits for its code, as the page shows it.
pub struct Awaiting {
    stored: Stored,
    pub account: Arc<Account>,
    /// How long until a code may be mailed again.
    pub resend_wait: Duration,
    /// Whether this sign-in may have another mail at all.
    pub resend_possible: bool,
}

pub enum Outcome {
    Entered(Box<Entered>),
    Wrong(Box<Awaiting>),
    /// There is no such sign-in any more.
    Expired,
    /// That was the last try, or one too many.
    TooMany(Duration),
    Pending,
    Disabled,
}

/// The sign-in under way in this browser, if its account is still there, with the password that began it.
pub async fn awaiting(x: &Exchange<'_>, browser: Browser<'_>) -> Result<Option<Awaiting>, FlowError> {
    let Some(stored) = mailing::find(x, browser.login).await? else { return Ok(None) };
    let account = x.snapshot.directory.by_id(&stored.sign_in.account).await?;
    let same_password = |account: &Arc<Account>| account.fingerprint == stored.sign_in.password;
    let Some(account) = account.filter(same_password) else { return Ok(None) };
    Ok(Some(show(x, stored, account)))
}

pub async fn verify(x: &Exchange<'_>, browser: Browser<'_>, typed: &str) -> Result<Outcome, FlowError> {
    let settings = &x.snapshot.email_code;
    let Some(Awaiting { stored, account, .. }) = awaiting(x, browser).await? else {
        return Ok(Outcome::Expired);
    };
    // What is no code cannot be a guess.
    let Some(code) = Code::parse(typed, settings.digits) else {
        return Ok(Outcome::Wrong(Box::new(show(x, stored, account))));
    };
    let tries = x.app.store.bump(attempts(&stored), 1, LIFETIME).await?.value;
    if tries > settings.attempts {
        return Ok(Outcome::TooMany(x.now.until(stored.sign_in.ends())));
    }
    if quarantined(x, &stored, &account).await? {
        mailing::audit(x, "too_many_wrong_codes", &account);
        let ends = stored.sign_in.ends();
        forget(x, &stored).await?;
        return Ok(Outcome::TooMany(x.now.until(ends)));
    }
    // Not the time at which the request began: a form may be long on its way.
    if stored.sign_in.accepts(&code, &x.app.keys, settings, x.app.clock.now()) {
        return accept(x, browser, stored, &account).await;
    }
    refuse(x, browser, stored, account, tries).await
}

/// Mails the code again, or a new one.
pub async fn resend(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    destination: Option<&ReturnUrl>,
) -> Result<Option<(Mailed, Awaiting)>, FlowError> {
    let Some(Awaiting { stored, account, .. }) = awaiting(x, browser).await? else { return Ok(None) };
    let key = stored.key;
    let name = super::password::destination_name(x, destination);
    let mailed = mailing::mail_code(x, stored, &account, &name).await?;
    let Some(stored) = mailing::load(x.app, key).await? else { return Ok(None) };
    Ok(Some((mailed, show(x, stored, account))))
}

/// Forgets this sign-in.
pub async fn cancel(x: &Exchange<'_>, browser: Browser<'_>) -> Result<(), FlowError> {
    if let Some(stored) = mailing::find(x, browser.login).await? {
        forget(x, &stored).await?;
    }
    Ok(())
}

/// Counts a try on an unknown device as a wrong code until it proves right, and says whether there have been too many:
/// however many sign-ins were begun before, together they get no more of them.
async fn quarantined(x: &Exchange<'_>, stored: &Stored, account: &Account) -> Result<bool, FlowError> {
    if stored.sign_in.known_device {
        return Ok(false);
    }
    let wrong = count_wrong(x, account, 1).await?;
    Ok(wrong > x.snapshot.email_code.quarantine)
}

async fn count_wrong(x: &Exchange<'_>, account: &Account, by: i64) -> Result<i64, FlowError> {
    Ok(x.app.throttle.quarantine(account.id.as_str(), &account.fingerprint, by).await?)
}

async fn accept(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    stored: Stored,
    account: &Arc<Account>,
) -> Result<Outcome, FlowError> {
    if !stored.sign_in.known_device {
        count_wrong(x, account, -1).await?;
    }
    let Some(stored) = forget(x, &stored).await? else { return Ok(Outcome::Expired) };
    match account.standing() {
        Standing::Good => {}
        Standing::Pending => return Ok(Outcome::Pending),
        Standing::Barred => return Ok(Outcome::Disabled),
    }
    let sign_in = &stored.sign_in;
    if sign_in.wrong > 0 {
        count_wrong(x, account, -sign_in.wrong).await?;
    }
    let device = Device::load(x, browser.device).await?;
    let Some(sign_on) = &sign_in.elevates else {
        let proofs = Proofs { password: sign_in.started, email_code: Some(x.now) };
        let entered = enter(x, browser, device, account, proofs, sign_in.remember).await?;
        return Ok(Outcome::Entered(Box::new(entered)));
    };
    let password = sign_in.with_password.then_some(sign_in.started);
    let Some(session) = x.app.sessions.elevate(sign_on, password, x.host(), x.now).await? else {
        return Ok(Outcome::Expired);
    };
    if let Some(before) = browser.session {
        x.app.sessions.retire(before, x.host()).await?;
    }
    let proofs = Proofs { password: sign_in.started, email_code: Some(x.now) };
    let device = device::remember(x, device, account, proofs).await?;
    mailing::audit(x, if sign_in.with_password { "signed_in_again" } else { "stepped_up" }, account);
    Ok(Outcome::Entered(Box::new(Entered { session, device: device.cookie })))
}

async fn refuse(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    stored: Stored,
    account: Arc<Account>,
    tries: i64,
) -> Result<Outcome, FlowError> {
    mailing::audit(x, "wrong_code", &account);
    if tries >= x.snapshot.email_code.attempts {
        forget(x, &stored).await?;
        let device = Device::load(x, browser.device).await?;
        let gate = Device::gate(device.as_ref(), &account, x);
        mailing::audit(x, "too_many_wrong_codes", &account);
        return Ok(Outcome::TooMany(x.app.throttle.close(gate, x.now).await?));
    }
    let counted = mailing::change(x.app, stored, |mut sign_in| {
        sign_in.wrong += i64::from(!sign_in.known_device);
        Ok((sign_in, ()))
    });
    Ok(match counted.await? {
        Ok(Some((stored, ()))) => Outcome::Wrong(Box::new(show(x, stored, account))),
        Ok(None) | Err(_) => Outcome::Expired,
    })
}

/// Takes a sign-in out of the store. `None` if somebody else just did.
async fn forget(x: &Exchange<'_>, stored: &Stored) -> Result<Option<Stored>, FlowError> {
    // As it was at the very end: wrong codes may have been counted since it was read.
    let latest = mailing::load(x.app, stored.key).await?;
    let taken = x.app.store.take(stored.key).await?;
    let index = mailing::account_index(x.app, &stored.sign_in.account);
    x.app.store.index_remove(index, &stored.key.digest).await?;
    Ok(taken.and(latest))
}

fn show(x: &Exchange<'_>, stored: Stored, account: Arc<Account>) -> Awaiting {
    let resend_wait = stored.sign_in.resend_wait(&x.snapshot.email_code, x.now);
    let resend_possible = stored.sign_in.may_mail_again(&x.snapshot.email_code, x.now);
    Awaiting { stored, account, resend_wait, resend_possible }
}

/// The counter of a sign-in's tries.
fn attempts(stored: &Stored) -> Key {
    Key { space: Space::Counter, digest: stored.key.digest }
}
