//! What somebody has open: sessions and known devices, listed, ended and forgotten.

use super::super::confirm::Confirmed;
use super::super::device::{self, KnownDevice};
use super::super::who::Visitor;
use super::super::{By, FlowError, revoke};
use crate::account::Account;
use crate::app::Exchange;
use crate::session::SignOn;

/// A session of the visitor, on however many hosts it is used.
pub struct OwnSession {
    pub sign_on: SignOn,
    /// The one in which the list is looked at.
    pub is_this: bool,
}

/// A browser that knows the visitor.
pub struct OwnDevice {
    pub device: KnownDevice,
    pub is_this: bool,
}

/// The sessions, the last used first.
pub async fn sessions(x: &Exchange<'_>, visitor: &Visitor) -> Result<Vec<OwnSession>, FlowError> {
    let sign_ons = x.app.sessions.of_account(visitor.session.account()).await?;
    let this = visitor.session.sign_on();
    Ok(sign_ons.into_iter().map(|sign_on| OwnSession { is_this: sign_on.id == *this, sign_on }).collect())
}

/// The devices, the last used first. `sessions` says on which of them the visitor is.
pub async fn devices(
    x: &Exchange<'_>,
    account: &Account,
    sessions: &[OwnSession],
) -> Result<Vec<OwnDevice>, FlowError> {
    let this = sessions.iter().find(|session| session.is_this);
    let this = this.and_then(|session| session.sign_on.client.device);
    let devices = device::of_account(x.app, account).await?.into_iter();
    Ok(devices.map(|device| OwnDevice { is_this: this == Some(device.id), device }).collect())
}

/// Ends the session of this public id. Whether there was one.
pub async fn end(x: &Exchange<'_>, confirmed: &Confirmed, name: &str) -> Result<bool, FlowError> {
    let visitor = confirmed.visitor();
    revoke::one(x.app, By::visitor(x, visitor), visitor.session.account(), name).await
}

/// Ends all sessions but this one.
pub async fn end_others(x: &Exchange<'_>, confirmed: &Confirmed) -> Result<usize, FlowError> {
    let visitor = confirmed.visitor();
    let (by, this) = (By::visitor(x, visitor), visitor.session.sign_on());
    revoke::all_of(x.app, by, visitor.session.account(), Some(this)).await
}

/// Has the device of this public id forgotten. Whether there was one.
pub async fn forget(x: &Exchange<'_>, confirmed: &Confirmed, name: &str) -> Result<bool, FlowError> {
    let (visitor, account) = (confirmed.visitor(), confirmed.visitor().session.account());
    let forgotten = device::forget(x.app, account, name).await?;
    if forgotten {
        x.app.audit.record(&By::visitor(x, visitor).event("device_forgotten", Some(account), Some(name)));
    }
    Ok(forgotten)
}
