//! A session with one factor meets a rule that asks for two: a code is mailed, but only when the visitor asks for it.

use std::time::Duration;

use super::device::Device;
use super::mailing::{self, Mailed};
use super::who::Visitor;
use super::{Browser, FlowError};
use crate::account::Account;
use crate::app::Exchange;
use crate::route::ReturnUrl;
use crate::secret;
use crate::sign_in::{Begin, SignIn};

/// What is said of the wait while the password works on known devices only: nothing ends that by itself.
const QUARANTINED: Duration = Duration::from_hours(1);

pub enum Outcome {
    /// A code is on its way, or was already; the value of the cookie.
    CodeSent(String),
    /// The sign-in waits, but its mail could not be sent.
    MailFailed(String),
    /// Too many wrong codes, or mails.
    Limited(Duration),
    /// The account has gone.
    Gone,
}

pub async fn begin(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    visitor: &Visitor,
    destination: Option<&ReturnUrl>,
) -> Result<Outcome, FlowError> {
    let sign_on = *visitor.session.sign_on();
    if let Some(stored) = mailing::find(x, browser.login).await?
        && let Some(value) = browser.login
        && stored.sign_in.elevates == Some(sign_on)
        && stored.sign_in.awaits_code(&x.snapshot.email_code, x.now)
    {
        return Ok(Outcome::CodeSent(value.to_owned()));
    }
    let Some(account) = x.snapshot.directory.by_id(visitor.session.account()).await? else {
        return Ok(Outcome::Gone);
    };
    let device = Device::load(x, browser.device).await?;
    if let Some(wait) = held_up(x, &account, device.as_ref()).await? {
        return Ok(Outcome::Limited(wait));
    }
    let begin = Begin {
        account: &account.id,
        source: account.source,
        host: x.host().as_str(),
        remember: false,
        known_device: device.is_some_and(|device| device.has_proved(&account)),
        password: account.fingerprint,
        elevates: Some(sign_on),
        with_password: false,
        nonce: secret::random(),
    };
    let (stored, cookie) = mailing::keep(x, SignIn::begin(&begin, x.now)).await?;
    let name = super::password::destination_name(x, destination);
    Ok(match mailing::mail_code(x, stored, &account, &name).await? {
        Mailed::Sent | Mailed::TooEarly(_) => Outcome::CodeSent(cookie),
        Mailed::Failed => Outcome::MailFailed(cookie),
        Mailed::Limited(wait) => Outcome::Limited(wait),
    })
}

/// How long wrong codes keep this account from another: a session that the password alone opened is no way around
/// what holds up its password.
async fn held_up(
    x: &Exchange<'_>,
    account: &Account,
    device: Option<&Device>,
) -> Result<Option<Duration>, FlowError> {
    let fingerprint = account.fingerprint;
    let wrong = x.app.throttle.quarantine(account.id.as_str(), &fingerprint, 0).await?;
    if wrong >= x.snapshot.email_code.quarantine && !device.is_some_and(|device| device.has_proved(account)) {
        return Ok(Some(QUARANTINED));
    }
    Ok(x.app.throttle.locked(Device::gate(device, account, x), x.now).await?)
}
