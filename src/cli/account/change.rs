//! `vestibule account add`, `approve`, `reject`, `disable`, `enable`, `unlock`, `set-password`, `set-groups` and
//! `delete`: what the administration pages do, for those at the machine. They take effect on running gateways at once.

use std::io::{self, Write as _};
use std::path::Path;

use clap::Args;
use zeroize::Zeroizing;

use super::super::{Failure, password, print};
use super::{with_app, with_new_app};
use crate::account::database::Taken;
use crate::account::password::{Owner, Rules};
use crate::account::{Account, Address, Attributes, FullName, Groups, Reason, StoredHash, Username};
use crate::app::App;
use crate::flow::administer::{self, AdministerError};
use crate::flow::{By, FlowError};
use crate::secret::Secret;
use crate::subject::Person;

/// An account to be made, approved and verified.
#[derive(Debug, Args)]
pub struct Add {
    /// The username.
    name: String,
    /// The e-mail address, to which codes are sent.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// What the person is called; the username, if it is left out.
    #[arg(long = "name", value_name = "TEXT")]
    full_name: Option<String>,
    /// Separated by commas.
    #[arg(long, value_name = "A,B")]
    groups: Option<String>,
    /// Read the password from a pipe; without it the person is mailed a link to choose one.
    #[arg(long)]
    password_stdin: bool,
    /// Even if the name or address was a deleted account's, whose history in the apps passes to this one.
    #[arg(long)]
    reuse: bool,
}

pub fn add(config: &Path, add: &Add) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let username = Username::parse_new(&add.name).map_err(|error| usage(&error))?;
    let email = Address::parse(&add.email).map_err(|error| usage(&error))?;
    let name = add.full_name.as_deref().unwrap_or(username.as_str());
    let name = FullName::parse(name).map_err(|error| usage(&error))?;
    let groups = Groups::parse(add.groups.as_deref().unwrap_or_default()).map_err(|error| usage(&error))?;
    let password = add.password_stdin.then(password::read_line).transpose()?;
    let made = with_new_app(config, async |app| {
        let owner =
            Owner { username: Some(username.as_str()), address: Some(&email), name: Some(name.as_str()) };
        let password = match &password {
            Some(password) => Some(hash(&app, password, &owner).await?),
            None => None,
        };
        let (attributes, reuse) = (Attributes::default(), add.reuse);
        let new =
            administer::Add { username, email: email.clone(), name, groups, attributes, password, reuse };
        let by = By::command_line(&app);
        let made = administer::add(&app, by, new).await.map_err(|error| match error {
            AdministerError::Taken(Taken::Retired) => Refused::Retired(error),
            error => Refused::Administer(error),
        })?;
        Ok::<_, Refused>(made.account)
    });
    let made = made?;
    let Person { username, email, .. } = &*made;
    let invited = if made.password.is_some() {
        String::new()
    } else {
        format!("; a link to choose a password goes to {email}")
    };
    print(&format!("{username} added{invited}\n"))
}

/// One thing to do to each of several accounts.
#[derive(Clone, Debug)]
pub enum Change {
    Approve(Option<Groups>),
    Reject(Option<Reason>),
    Disable,
    Enable,
    Unlock,
    Reset,
    SetGroups(Groups),
    Delete,
}

/// Does it to all of them that it can be done to, and says what came of each.
pub fn each(config: &Path, names: &[String], change: &Change) -> Result<(), Failure> {
    let done = with_app(config, async |app| {
        let mut done = Vec::new();
        for name in names {
            done.push((name, one(&app, name, change).await));
        }
        Ok::<_, FlowError>(done)
    });
    let mut failed = Vec::new();
    for (name, result) in done? {
        match result {
            Ok(said) => print(&format!("{said}\n"))?,
            Err(error @ AdministerError::Unknown(_)) => failed.push(error.to_string()),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    let Some(last) = failed.pop() else { return Ok(()) };
    for line in failed {
        // Nobody may be reading it any more, which is no reason to panic.
        io::stderr().lock().write_all(format!("{line}\n").as_bytes()).ok();
    }
    Err(Failure::Work(last))
}

async fn one(app: &App, name: &str, change: &Change) -> Result<String, AdministerError> {
    let account = administer::find(app, name).await?;
    let (id, by) = (&account.id, By::command_line(app));
    let username = &account.username;
    Ok(match change.clone() {
        Change::Approve(groups) => {
            let account = administer::approve(app, by, id, groups).await?.account;
            format!("{username} approved{}", in_groups(&account))
        }
        Change::Reject(reason) => {
            administer::reject(app, by, id, reason).await?;
            format!("{username} rejected")
        }
        Change::Disable => {
            administer::set_disabled(app, by, id, true).await?;
            format!("{username} disabled")
        }
        Change::Enable => {
            administer::set_disabled(app, by, id, false).await?;
            format!("{username} enabled")
        }
        Change::Unlock => {
            administer::unlock(app, by, &account).await?;
            format!("{username} unlocked")
        }
        Change::Reset => {
            administer::send_reset(app, by, id).await?;
            format!("a link to choose a password goes to {}", account.email)
        }
        Change::SetGroups(groups) => {
            let account = administer::set_groups(app, by, id, groups).await?.account;
            format!("{username} is{}", in_groups(&account))
        }
        Change::Delete => {
            administer::delete(app, by, id).await?;
            format!("{username} deleted")
        }
    })
}

fn in_groups(account: &Account) -> String {
    if account.groups.is_empty() {
        " in no group".to_owned()
    } else {
        format!(" in {}", account.groups.join(", "))
    }
}

pub fn set_password(config: &Path, name: &str) -> Result<(), Failure> {
    // Asked for before anything is opened: a database should not wait for somebody who types.
    let password = password::read(|_| Ok(()))?;
    let done = with_app(config, async |app| {
        let account = administer::find(&app, name).await?;
        let address = Address::parse(&account.email).ok();
        let owner =
            Owner { username: Some(&account.username), address: address.as_ref(), name: Some(&account.name) };
        let hash = hash(&app, &password, &owner).await?;
        administer::set_password(&app, By::command_line(&app), &account.id, Some(hash))
            .await
            .map_err(Refused::Administer)
    });
    print(&format!("{} has another password; every session has ended\n", done?.account.username))
}

/// Why an account was not made, or got no password.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Administer(#[from] AdministerError),
    #[error("{0}; with --reuse it is done all the same")]
    Retired(AdministerError),
    #[error("{0}")]
    Password(#[from] crate::account::password::Weakness),
}

async fn hash(app: &App, password: &Zeroizing<String>, owner: &Owner<'_>) -> Result<StoredHash, Refused> {
    let snapshot = app.snapshot.load_full();
    Rules::new(snapshot.passwords.minimum_length, &snapshot.brand.title).check(password, owner)?;
    let hashed = app.hasher.hash(Secret::new(password.as_str().to_owned())).await;
    Ok(hashed.map_err(|error| AdministerError::Flow(error.into()))?)
}
