//! The account that a registration ends in.

use std::collections::BTreeMap;

use super::super::{By, notice};
use super::record::Application;
use crate::account::database::{Entry, Inserted, Line, New, Taken};
use crate::account::{Address, Approval, Database, DirectoryError, Registration, StoredHash, Username};
use crate::app::Exchange;
use crate::secret::Secret;

/// How many names are made up from an address before its owner has to choose one.
const MOST_PROPOSALS: usize = 100;

pub enum Made {
    Account(Approval),
    UsernameTaken,
    /// Somebody was given the address meanwhile, or had it all along.
    AddressTaken,
}

pub async fn make(
    x: &Exchange<'_>,
    application: &Application,
    registration: Registration,
) -> Result<Made, DirectoryError> {
    let directory = &x.snapshot.directory;
    let Some(database) = directory.database() else { return Ok(Made::AddressTaken) };
    let Ok(address) = Address::parse(&application.email) else { return Ok(Made::AddressTaken) };
    if directory.a_file_knows(&application.email) || !super::admits(x.snapshot, &address) {
        return Ok(Made::AddressTaken);
    }
    let approval = match registration {
        Registration::Open => Approval::Approved,
        Registration::Approval | Registration::Closed => Approval::Pending,
    };
    let chosen = application.username.iter().cloned();
    let proposed = Username::proposals(&address).take(MOST_PROPOSALS).map(|name| name.to_string());
    let proposed = proposed.filter(|_| application.username.is_none() && !application.proved);
    for username in chosen.chain(proposed) {
        if directory.a_file_knows(&username) || database.is_retired(&username).await? {
            continue;
        }
        match insert(x, database, application, username, approval).await? {
            None => return Ok(Made::Account(approval)),
            Some(Taken::Username) => {}
            // The username was none, so that the address was a deleted account's.
            Some(Taken::Email | Taken::Retired) => return Ok(Made::AddressTaken),
        }
    }
    Ok(Made::UsernameTaken)
}

/// Makes the account with this username, unless something of it is taken.
async fn insert(
    x: &Exchange<'_>,
    database: &Database,
    application: &Application,
    username: String,
    approval: Approval,
) -> Result<Option<Taken>, DirectoryError> {
    let new = New {
        username,
        email: application.email.clone(),
        name: application.name.clone(),
        groups: Vec::new(),
        attributes: BTreeMap::new(),
        approval,
        decision: None,
        disabled: false,
        email_verified: Some(x.now),
        password: Some(StoredHash(Secret::new(application.password.clone()))),
        language: application.language.clone(),
    };
    let entry = Entry::new(new, x.now);
    let by = By::account(x, &entry.account.id);
    let event = by.event("registered", Some(&entry.account.id), Some(approval.as_str()));
    match database.insert(entry.clone(), false, Line::from(&event)).await? {
        Inserted::Taken(taken) => Ok(Some(taken)),
        Inserted::Made => {
            x.app.audit.note(&event);
            if approval == Approval::Pending {
                notice::waiting(x.app, x.snapshot, by, &entry);
            }
            Ok(None)
        }
    }
}
