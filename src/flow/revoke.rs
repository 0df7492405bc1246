//! Ending sessions on purpose: by their owner, by an administrator, from the command line.

use std::net::IpAddr;

use super::FlowError;
use super::who::Visitor;
use crate::app::{App, Exchange};
use crate::clock::Timestamp;
use crate::observe::Event;
use crate::session::SignOnId;
use crate::subject::AccountId;

/// On whose behalf: what the audit trail says of it.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    at: Timestamp,
    address: Option<IpAddr>,
    request_id: Option<&'a str>,
    /// The account that asked for it; `None`: the command line.
    account: Option<&'a AccountId>,
}

impl<'a> By<'a> {
    pub fn visitor(x: &Exchange<'a>, visitor: &'a Visitor) -> Self {
        Self {
            at: x.now,
            address: Some(x.address),
            request_id: Some(x.request_id),
            account: Some(visitor.session.account()),
        }
    }

    pub fn command_line(app: &App) -> Self {
        Self { at: app.clock.now(), address: None, request_id: None, account: None }
    }
}

/// Ends the account's sign-on of this public id. Whether there was one.
pub async fn one(app: &App, by: By<'_>, account: &AccountId, name: &str) -> Result<bool, FlowError> {
    let ended = app.sessions.end_by_public_id(account, name).await?.is_some();
    if ended {
        audit(app, by, "session_ended", Some(account), name);
    }
    Ok(ended)
}

/// Ends all sign-ons of an account, but for one that may stay, and says how many there were.
pub async fn all_of(
    app: &App,
    by: By<'_>,
    account: &AccountId,
    except: Option<&SignOnId>,
) -> Result<usize, FlowError> {
    let ended = app.sessions.end_all(account, except).await?;
    audit(app, by, "sessions_ended", Some(account), &format!("{ended} sessions"));
    Ok(ended)
}

fn audit(app: &App, by: By<'_>, what: &'static str, account: Option<&AccountId>, detail: &str) {
    let asked = by.account.map_or("the command line", AccountId::as_str);
    app.audit.record(&Event {
        at: by.at,
        what,
        account: account.map(AccountId::as_str),
        address: by.address,
        request_id: by.request_id,
        detail: Some(&format!("{detail}, by {asked}")),
    });
}
