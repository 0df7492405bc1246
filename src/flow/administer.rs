//! What administrators do to accounts, on the pages and at the command line: add, approve, reject, disable, regroup,
//! unlock, delete.
//!
//! Each takes on whose behalf it is done; nobody decides over their own account. A change stands in the database with
//! its line in the trail before anything else happens; then the account's sessions hear of it.

use std::sync::Arc;
use std::time::Duration;

use super::{By, FlowError, notice, reset};
use crate::account::database::{Changed, Decision, Deleted, Entry, Inserted, Line, New, SOURCE, Taken};
use crate::account::{
    Account, Address, Approval, Attributes, Database, DatabaseError, FullName, Groups, Reason, Standing,
    StoredHash, Username,
};
use crate::app::App;
use crate::subject::AccountId;

/// How often sessions are told of a change, and how long the pause between is.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(400);

/// Why it was not done, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    #[error("no account is called {0:?}")]
    Unknown(String),
    #[error("there is no accounts database: write `- database: sqlite` below `accounts`")]
    NoDatabase,
    #[error("the account of {0} stands in a file, and is changed there")]
    InFile(String),
    #[error("{}", already(*.0, .1.as_ref()))]
    Decided(Approval, Option<Decision>),
    #[error("{0} may not sign in, so that a link would be of no use: approve or enable the account first")]
    Barred(String),
    #[error("nobody decides over their own account")]
    Yourself,
    #[error("{}", taken(*.0))]
    Taken(Taken),
    /// The change stands.
    #[error(
        "that is done, but the account's sessions could not be told and may go on for half a minute ({0}): \
         `vestibule session revoke --account` ends them once the store answers"
    )]
    NotTold(FlowError),
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<DatabaseError> for AdministerError {
    fn from(error: DatabaseError) -> Self {
        Self::Flow(error.into())
    }
}

fn already(approval: Approval, decision: Option<&Decision>) -> String {
    match decision {
        Some(Decision { at, by, .. }) => {
            format!("the account is {} already, by {by} at {at}", approval.as_str())
        }
        None => format!("the account is {} already", approval.as_str()),
    }
}

fn taken(taken: Taken) -> &'static str {
    match taken {
        Taken::Username => "the username is somebody's already",
        Taken::Email => "the e-mail address is somebody's already",
        Taken::Retired => {
            "the username or e-mail address was a deleted account's, whose history in the apps would pass to this one"
        }
    }
}

/// An account to be added by hand: approved, and its address taken as verified.
pub struct Add {
    pub username: Username,
    pub email: Address,
    pub name: FullName,
    pub groups: Groups,
    pub attributes: Attributes,
    /// `None`: the person chooses one.
    pub password: Option<StoredHash>,
    /// A deleted account's name or address may be used again.
    pub reuse: bool,
}

/// The account with this name or address, wherever it is kept.
pub async fn find(app: &App, name: &str) -> Result<Arc<Account>, AdministerError> {
    let found = app.snapshot.load().directory.find(name).await.map_err(FlowError::from)?;
    found.ok_or_else(|| AdministerError::Unknown(name.to_owned()))
}

/// The same, with all that the database knows of it.
pub async fn find_entry(app: &App, name: &str) -> Result<Entry, AdministerError> {
    let account = find(app, name).await?;
    entry(app, &account.id).await
}

/// The account with this id, with all that the database knows of it.
pub async fn entry(app: &App, id: &AccountId) -> Result<Entry, AdministerError> {
    let found = ours(app, id).await?.by_id(id).await?;
    found.ok_or_else(|| AdministerError::Unknown(id.to_string()))
}

pub async fn add(app: &App, by: By<'_>, add: Add) -> Result<Entry, AdministerError> {
    let snapshot = app.snapshot.load_full();
    let database = snapshot.directory.database().ok_or(AdministerError::NoDatabase)?;
    if snapshot.directory.a_file_knows(add.username.as_str()) {
        return Err(AdministerError::Taken(Taken::Username));
    }
    if snapshot.directory.a_file_knows(add.email.as_str()) {
        return Err(AdministerError::Taken(Taken::Email));
    }
    let new = New {
        username: add.username.as_str().to_owned(),
        email: add.email.as_str().to_owned(),
        name: add.name.as_str().to_owned(),
        groups: add.groups.into_vec(),
        attributes: add.attributes.into_map(),
        approval: Approval::Approved,
        decision: Some(decision(by, None)),
        disabled: false,
        email_verified: Some(by.at),
        password: add.password,
        language: None,
    };
    let entry = Entry::new(new, by.at);
    let line = line(by, "account_added", &entry.account.id, None);
    match database.insert(entry.clone(), add.reuse, line).await? {
        Inserted::Made => {}
        Inserted::Taken(taken) => return Err(AdministerError::Taken(taken)),
    }
    note(app, by, "account_added", &entry.account.id, None);
    if entry.account.password.is_none() {
        reset::invite(app, &snapshot, by, &entry.account);
    }
    Ok(entry)
}

/// Lets somebody in who waits, or whose request was rejected; with these groups, if any are given.
pub async fn approve(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    groups: Option<Groups>,
) -> Result<Entry, AdministerError> {
    let groups = groups.map(Groups::into_vec);
    let detail = groups.as_ref().map(|groups| groups.join(","));
    decide(app, by, id, Verdict { approval: Approval::Approved, reason: None, groups, detail }).await
}

/// Turns down somebody who waits, or takes back an approval; every session ends.
pub async fn reject(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    reason: Option<Reason>,
) -> Result<Entry, AdministerError> {
    let reason = reason.map(Reason::into_string);
    let detail = reason.clone();
    decide(app, by, id, Verdict { approval: Approval::Rejected, reason, groups: None, detail }).await
}

/// Shuts somebody out, or lets them in again. Doing it twice is no mistake.
pub async fn set_disabled(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    disabled: bool,
) -> Result<Entry, AdministerError> {
    not_yourself(by, id)?;
    let deed = Deed { what: if disabled { "disabled" } else { "enabled" }, detail: None };
    set(app, by, id, deed, move |entry| entry.account.disabled = disabled).await
}

pub async fn set_groups(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    groups: Groups,
) -> Result<Entry, AdministerError> {
    not_yourself(by, id)?;
    let groups = groups.into_vec();
    let deed = Deed { what: "groups_changed", detail: Some(groups.join(",")) };
    set(app, by, id, deed, move |entry| entry.account.groups.clone_from(&groups)).await
}

/// Gives an account another password, or none; every session, known device and sign-in under way ends. For the command
/// line: an administrator on the pages never sets one, and sends a mail instead.
pub async fn set_password(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    hash: Option<StoredHash>,
) -> Result<Entry, AdministerError> {
    let deed = Deed { what: "password_changed", detail: None };
    let entry = set(app, by, id, deed, move |entry| entry.set_password(hash.clone())).await?;
    if entry.account.password.is_some() {
        notice::password_changed(app, &app.snapshot.load_full(), by, &entry.account);
    }
    Ok(entry)
}

/// Deletes an account for good. Its name and address are handed to nobody unasked.
pub async fn delete(app: &App, by: By<'_>, id: &AccountId) -> Result<Entry, AdministerError> {
    not_yourself(by, id)?;
    let database = ours(app, id).await?;
    let name = entry(app, id).await?.account.username.clone();
    let deleted = database.delete(id, line(by, "account_deleted", id, Some(&name))).await?;
    let Deleted::Done(entry) = deleted else { return Err(AdministerError::Unknown(id.to_string())) };
    note(app, by, "account_deleted", id, Some(&name));
    take_effect(app, id, true).await?;
    Ok(*entry)
}

/// Has a link mailed to the owner, to choose another password, or the first. Nothing changes before it is used.
pub async fn send_reset(app: &App, by: By<'_>, id: &AccountId) -> Result<(), AdministerError> {
    not_yourself(by, id)?;
    let entry = entry(app, id).await?;
    if entry.account.standing() == Standing::Barred {
        return Err(AdministerError::Barred(entry.account.username.clone()));
    }
    app.audit.record(&by.event("reset_sent", Some(id), None));
    reset::invite(app, &app.snapshot.load_full(), by, &entry.account);
    Ok(())
}

/// Forgets wrong passwords and wrong codes, from wherever they came. For accounts of files too.
pub async fn unlock(app: &App, by: By<'_>, account: &Account) -> Result<(), AdministerError> {
    not_yourself(by, &account.id)?;
    let unlocked = app.throttle.unlock(account.id.as_str(), &account.fingerprint).await;
    unlocked.map_err(FlowError::from)?;
    app.audit.record(&by.event("unlocked", Some(&account.id), None));
    Ok(())
}

/// What is decided over somebody who asked for an account.
struct Verdict {
    approval: Approval,
    reason: Option<String>,
    /// `None`: they stay as they are.
    groups: Option<Vec<String>>,
    /// For the trail.
    detail: Option<String>,
}

/// What the trail says of a change.
struct Deed {
    what: &'static str,
    detail: Option<String>,
}

async fn decide(app: &App, by: By<'_>, id: &AccountId, verdict: Verdict) -> Result<Entry, AdministerError> {
    not_yourself(by, id)?;
    let Verdict { approval, reason, groups, detail } = verdict;
    let decision = decision(by, reason);
    let deed = Deed { what: approval.as_str(), detail };
    let entry = change(app, by, id, deed, move |entry| {
        if entry.account.approval == approval {
            return Err(AdministerError::Decided(approval, entry.decision.clone()));
        }
        entry.account.approval = approval;
        entry.decision = Some(decision.clone());
        if let Some(groups) = &groups {
            entry.account.groups.clone_from(groups);
        }
        Ok(())
    });
    let entry = entry.await?;
    notice::decided(app, &app.snapshot.load_full(), by, &entry);
    Ok(entry)
}

/// A change that applies to every account.
async fn set(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    deed: Deed,
    apply: impl Fn(&mut Entry) + Send + Sync + 'static,
) -> Result<Entry, AdministerError> {
    let apply = move |entry: &mut Entry| {
        apply(entry);
        Ok(())
    };
    change(app, by, id, deed, apply).await
}

async fn change(
    app: &App,
    by: By<'_>,
    id: &AccountId,
    deed: Deed,
    apply: impl Fn(&mut Entry) -> Result<(), AdministerError> + Send + Sync + 'static,
) -> Result<Entry, AdministerError> {
    let Deed { what, detail } = deed;
    let line = line(by, what, id, detail.as_deref());
    let database = ours(app, id).await?;
    let changed = database.change(id, move |entry| {
        apply(entry)?;
        Ok(line.clone())
    });
    let entry = match changed.await? {
        Changed::Done(entry) => *entry,
        Changed::Refused(error) => return Err(error),
        Changed::Gone => return Err(AdministerError::Unknown(id.to_string())),
        Changed::Taken(taken) => return Err(AdministerError::Taken(taken)),
    };
    note(app, by, what, id, detail.as_deref());
    let ended = entry.account.standing() != Standing::Good || what == "password_changed";
    take_effect(app, &entry.account.id, ended).await?;
    Ok(entry)
}

/// Has every gateway see an account as it is now, or its sessions ended. Sign-ins under way and tickets end by
/// themselves: they look at the account.
///
/// The change stands already, so this is tried again if need be, for longer than it takes every gateway to notice that it
/// hears nothing: then each reads the account anew by itself, once the store is back.
async fn take_effect(app: &App, account: &AccountId, ended: bool) -> Result<(), AdministerError> {
    let mut tries = 1;
    loop {
        let told = if ended {
            app.sessions.end_all(account, None).await.map(drop)
        } else {
            app.sessions.account_changed(account).await
        };
        match told {
            Ok(()) => return Ok(()),
            Err(error) if tries == TRIES => return Err(AdministerError::NotTold(error.into())),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        tries += 1;
    }
}

fn not_yourself(by: By<'_>, id: &AccountId) -> Result<(), AdministerError> {
    if by.account == Some(id) { Err(AdministerError::Yourself) } else { Ok(()) }
}

/// The database, if the account is one of its.
async fn ours(app: &App, id: &AccountId) -> Result<Database, AdministerError> {
    let snapshot = app.snapshot.load_full();
    if !id.as_str().starts_with(SOURCE) {
        let account = snapshot.directory.by_id(id).await.map_err(FlowError::from)?;
        let name = account.map_or_else(|| id.to_string(), |account| account.username.clone());
        return Err(AdministerError::InFile(name));
    }
    snapshot.directory.database().cloned().ok_or(AdministerError::NoDatabase)
}

fn decision(by: By<'_>, reason: Option<String>) -> Decision {
    Decision { at: by.at, by: by.name().to_owned(), reason }
}

fn line(by: By<'_>, what: &'static str, id: &AccountId, detail: Option<&str>) -> Line {
    Line::from(&by.event(what, Some(id), detail))
}

/// Beside the line in the database: the log and the file hear of it too.
fn note(app: &App, by: By<'_>, what: &'static str, id: &AccountId, detail: Option<&str>) {
    app.audit.note(&by.event(what, Some(id), detail));
}
