//! A code for somebody who waits while mail is down, printed at the command line.

use std::time::Duration;

use super::FlowError;
use super::mailing;
use crate::app::App;
use crate::clock::Timestamp;
use crate::observe::Event;
use crate::store::{Key, Space};

/// A code, and what tells the sign-ins apart that it could be for.
pub struct HandedOut {
    pub code: String,
    pub host: String,
    pub started: Timestamp,
    pub valid_for: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum BreakGlassError {
    #[error("no account is called {0:?}")]
    UnknownAccount(String),
    #[error("no sign-in of {0:?} is waiting for a code: the person has to enter the password first")]
    NothingWaiting(String),
    #[error(transparent)]
    Flow(#[from] FlowError),
}

/// Makes a fresh code for the newest sign-in of this account that waits for one.
pub async fn code(app: &App, name: &str) -> Result<HandedOut, BreakGlassError> {
    let (snapshot, now) = (app.snapshot.load_full(), app.clock.now());
    let found = snapshot.directory.find(name).await.map_err(FlowError::from)?;
    let account = found.ok_or_else(|| BreakGlassError::UnknownAccount(name.to_owned()))?;
    let index = mailing::account_index(app, &account.id);
    let mut newest: Option<mailing::Stored> = None;
    for member in app.store.index_members(index).await.map_err(FlowError::from)? {
        let Ok(digest) = member.try_into() else { continue };
        let Some(stored) = mailing::load(app, Key { space: Space::SignIn, digest }).await? else { continue };
        if newest.as_ref().is_none_or(|newest| newest.sign_in.started < stored.sign_in.started) {
            newest = Some(stored);
        }
    }
    let waiting = newest.ok_or_else(|| BreakGlassError::NothingWaiting(name.to_owned()))?;
    let issued = mailing::change(app, waiting, |sign_in| Ok(sign_in.issue_by_hand(now))).await?;
    let Ok(Some((stored, number))) = issued else {
        return Err(BreakGlassError::NothingWaiting(name.to_owned()));
    };
    app.audit.record(&Event {
        at: now,
        what: "code_printed",
        by: None,
        account: Some(account.id.as_str()),
        address: None,
        request_id: None,
        detail: Some("printed at the command line"),
    });
    let settings = &snapshot.email_code;
    Ok(HandedOut {
        code: stored.sign_in.code(&app.keys, number, settings.digits).expose().to_owned(),
        host: stored.sign_in.host.clone(),
        started: stored.sign_in.started,
        valid_for: settings.lifetime.min(now.until(stored.sign_in.ends())),
    })
}
