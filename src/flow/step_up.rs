//! A session with one factor meets a rule that asks for two: a code is mailed, but only when the visitor asks for it.

use super::device::Device;
use super::mailing::{self, Mailed};
use super::who::Visitor;
use super::{Browser, FlowError};
use crate::app::Exchange;
use crate::route::ReturnUrl;
use crate::secret;
use crate::sign_in::{Begin, SignIn};

/// The value of the cookie, and what came of the mail. `None` if the account has gone.
pub async fn begin(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    visitor: &Visitor,
    destination: Option<&ReturnUrl>,
) -> Result<Option<(String, Mailed)>, FlowError> {
    let sign_on = *visitor.session.sign_on();
    if let Some(stored) = mailing::find(x, browser.login).await?
        && let Some(value) = browser.login
        && stored.sign_in.elevates == Some(sign_on)
        && stored.sign_in.awaits_code(&x.snapshot.email_code, x.now)
    {
        return Ok(Some((value.to_owned(), Mailed::Sent)));
    }
    let Some(account) = x.snapshot.directory.by_id(visitor.session.account()).await? else {
        return Ok(None);
    };
    let device = Device::load(x, browser.device).await?;
    let begin = Begin {
        account: &account.id,
        source: account.source,
        host: x.host().as_str(),
        remember: false,
        known_device: device.is_some_and(|device| device.proved_code(&account)),
        elevates: Some(sign_on),
        nonce: secret::random(),
    };
    let (stored, cookie) = mailing::keep(x, SignIn::begin(&begin, x.now)).await?;
    let name = super::password::destination_name(x, destination);
    let mailed = mailing::mail_code(x, stored, &account, &name).await?;
    Ok(Some((cookie, mailed)))
}
