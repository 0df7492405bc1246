//! Sessions listed, and ended on purpose: by their owner, by an administrator, from the command line.

use std::collections::BTreeMap;

use super::{By, FlowError, device};
use crate::app::App;
use crate::session::{Page, SignOn, SignOnId};
use crate::subject::AccountId;

/// A sign-on in a list, with what its account is called today; where that has gone, its id.
pub struct Listed {
    pub sign_on: SignOn,
    pub username: String,
}

/// The sign-ons of the account with this name, or everybody's, account by account, the last used first. `None`: no
/// account is called so.
pub async fn list(app: &App, name: Option<&str>) -> Result<Option<Vec<Listed>>, FlowError> {
    let Some(name) = name else { return Ok(Some(list_all(app).await?)) };
    let Some(account) = app.snapshot.load().directory.find(name).await? else { return Ok(None) };
    let sign_ons = app.sessions.of_account(&account.id).await?.into_iter();
    Ok(Some(sign_ons.map(|sign_on| Listed { sign_on, username: account.username.clone() }).collect()))
}

async fn list_all(app: &App) -> Result<Vec<Listed>, FlowError> {
    // By id: a sign-on may be found twice.
    let (mut found, mut after) = (BTreeMap::new(), None);
    loop {
        let Page { sign_ons, next, .. } = app.sessions.page(after).await?;
        found.extend(sign_ons.into_iter().map(|sign_on| (sign_on.id, sign_on)));
        let Some(next) = next else { break };
        after = Some(next);
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by(|one, other| (&one.account, other.last_seen).cmp(&(&other.account, one.last_seen)));
    let (snapshot, mut names) = (app.snapshot.load_full(), BTreeMap::new());
    let mut listed = Vec::with_capacity(found.len());
    for sign_on in found {
        if !names.contains_key(&sign_on.account) {
            let account = snapshot.directory.by_id(&sign_on.account).await?;
            let username =
                account.map_or_else(|| sign_on.account.to_string(), |account| account.username.clone());
            names.insert(sign_on.account.clone(), username);
        }
        let username = names.get(&sign_on.account).cloned().unwrap_or_default();
        listed.push(Listed { sign_on, username });
    }
    Ok(listed)
}

/// Ends the account's sign-on of this public id. Whether there was one.
pub async fn one(app: &App, by: By<'_>, account: &AccountId, name: &str) -> Result<bool, FlowError> {
    let ended = app.sessions.end_by_public_id(account, name).await?.is_some();
    if ended {
        audit(app, by, "session_ended", Some(account), name);
    }
    Ok(ended)
}

/// The same, whoever's it is.
pub async fn anybodys(app: &App, by: By<'_>, name: &str) -> Result<bool, FlowError> {
    let mut after = None;
    loop {
        let Page { sign_ons, next, .. } = app.sessions.page(after).await?;
        if let Some(sign_on) = sign_ons.into_iter().find(|sign_on| sign_on.public_id() == name) {
            app.sessions.end(&sign_on.id, &sign_on.account).await?;
            audit(app, by, "session_ended", Some(&sign_on.account), name);
            return Ok(true);
        }
        let Some(next) = next else { return Ok(false) };
        after = Some(next);
    }
}

/// Ends all sign-ons of an account, but for one that may stay, and says how many there were.
pub async fn all_of(
    app: &App,
    by: By<'_>,
    account: &AccountId,
    except: Option<&SignOnId>,
) -> Result<usize, FlowError> {
    let ended = app.sessions.end_all(account, except).await?;
    audit(app, by, "sessions_ended", Some(account), &ended.to_string());
    Ok(ended)
}

/// The same for the account with this name. `None`: no account is called so.
pub async fn all_of_named(app: &App, by: By<'_>, name: &str) -> Result<Option<usize>, FlowError> {
    let Some(account) = app.snapshot.load().directory.find(name).await? else { return Ok(None) };
    all_of(app, by, &account.id, None).await.map(Some)
}

/// Ends every sign-on that has begun until it is done, and says how many there were.
pub async fn everybodys(app: &App, by: By<'_>) -> Result<usize, FlowError> {
    let ended = app.sessions.end_everybody(&app.clock).await?;
    audit(app, by, "sessions_ended", None, &format!("{ended} of all accounts"));
    Ok(ended)
}

/// Has a known device of this public id forgotten. Whether there was one.
pub async fn device(app: &App, by: By<'_>, account: &AccountId, name: &str) -> Result<bool, FlowError> {
    let forgotten = device::forget(app, account, name).await?;
    if forgotten {
        audit(app, by, "device_forgotten", Some(account), name);
    }
    Ok(forgotten)
}

fn audit(app: &App, by: By<'_>, what: &'static str, account: Option<&AccountId>, detail: &str) {
    app.audit.record(&by.event(what, account, Some(detail)));
}
