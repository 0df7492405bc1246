//! What people change in their own account: name and language, the password, the address, their sessions and devices.
//!
//! Accounts of a file are changed there, and by somebody else. What matters takes a
//! [`Confirmed`](super::confirm::Confirmed).

pub mod address;
pub mod open;
pub mod password;
pub mod profile;

use std::sync::Arc;

use super::who::Visitor;
use super::{By, FlowError};
use crate::account::database::{Changed, Entry, Line, SOURCE};
use crate::account::{Account, Database, DirectoryError};
use crate::app::Exchange;

/// The visitor's account, as it stands now. `None`: it has gone.
pub async fn account(x: &Exchange<'_>, visitor: &Visitor) -> Result<Option<Arc<Account>>, FlowError> {
    Ok(x.snapshot.directory.by_id(visitor.session.account()).await?)
}

/// Whether it can be changed here.
pub fn is_changed_here(account: &Account) -> bool {
    account.source == SOURCE
}

/// The database, if the account is one of its.
fn database<'a>(x: &Exchange<'a>, account: &Account) -> Option<&'a Database> {
    x.snapshot.directory.database().filter(|_| is_changed_here(account))
}

/// Changes the visitor's account, with a line in the trail.
async fn change<R: Send + 'static>(
    x: &Exchange<'_>,
    visitor: &Visitor,
    database: &Database,
    (what, detail): (&'static str, Option<&str>),
    apply: impl Fn(&mut Entry) -> Result<(), R> + Send + Sync + 'static,
) -> Result<Changed<R>, FlowError> {
    let id = visitor.session.account();
    let event = By::visitor(x, visitor).event(what, Some(id), detail);
    let line = Line::from(&event);
    let changed = database.change(id, move |entry| {
        apply(entry)?;
        Ok(line.clone())
    });
    let changed = changed.await.map_err(DirectoryError::from)?;
    if matches!(changed, Changed::Done(_)) {
        x.app.audit.note(&event);
    }
    Ok(changed)
}
