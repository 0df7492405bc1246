//! What administrators look at: one account with all that is known of it, and the audit trail with names in it.
//! Nothing here changes anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::FlowError;
use super::device::{self, KnownDevice};
use crate::account::database::{Entry, Line, Named, SOURCE, Trace};
use crate::account::{Account, Directory, canonical};
use crate::app::App;
use crate::session::SignOn;
use crate::subject::AccountId;

/// One account. For one that stands in a file there is no `entry`.
pub struct Looked {
    pub account: Arc<Account>,
    pub entry: Option<Entry>,
    /// The last used first.
    pub sign_ons: Vec<SignOn>,
    pub devices: Vec<KnownDevice>,
    /// The last lines about it, the latest first.
    pub lines: Vec<Line>,
    pub names: Names,
}

/// What the accounts in some lines are called.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<AccountId, Named>);

/// Lines of the trail with their numbers.
#[derive(Default)]
pub struct Traced {
    pub lines: Vec<(i64, Line)>,
    pub names: Names,
}

impl Names {
    pub fn new(names: impl IntoIterator<Item = (AccountId, Named)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// What this account is called. `None`: nobody knows it, or it is none at all, as the command line.
    pub fn of(&self, id: &str) -> Option<&Named> {
        self.0.get(&account_id(id)?)
    }
}

/// The account with this id. `None`: there is none.
pub async fn account(app: &App, id: &AccountId, lines: u32) -> Result<Option<Looked>, FlowError> {
    let snapshot = app.snapshot.load_full();
    let directory = &snapshot.directory;
    let database = directory.database().filter(|_| id.as_str().starts_with(SOURCE));
    let (account, entry) = match database {
        Some(database) => {
            let entry = database.by_id(id).await?;
            (entry.as_ref().map(|entry| Arc::new(entry.account.clone())), entry)
        }
        None => (directory.by_id(id).await?, None),
    };
    let Some(account) = account else { return Ok(None) };
    let trace = Trace { account: Some(id.as_str().to_owned()), ..Trace::default() };
    let traced = traced(app, &trace, lines, entry.as_ref()).await?;
    Ok(Some(Looked {
        sign_ons: app.sessions.of_account(id).await?,
        devices: device::of_account(app, &account).await?,
        lines: traced.lines.into_iter().map(|(_, line)| line).collect(),
        names: traced.names,
        account,
        entry,
    }))
}

/// At most `limit` lines of the trail, the latest first.
pub async fn trail(app: &App, trace: &Trace, limit: u32) -> Result<Traced, FlowError> {
    traced(app, trace, limit, None).await
}

/// The id of the account with this name or address, or that had it before it was deleted; an id stands for itself.
pub async fn somebody(app: &App, text: &str) -> Result<Option<AccountId>, FlowError> {
    let text = text.trim();
    if let Some(id) = account_id(text) {
        return Ok(Some(id));
    }
    let directory = &app.snapshot.load_full().directory;
    if let Some(account) = directory.find(text).await? {
        return Ok(Some(account.id.clone()));
    }
    match directory.database() {
        Some(database) => Ok(database.once(&canonical(text)).await?),
        None => Ok(None),
    }
}

/// What these accounts are called.
pub async fn names(app: &App, ids: impl IntoIterator<Item = AccountId>) -> Result<Names, FlowError> {
    let directory = &app.snapshot.load_full().directory;
    let (ours, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| id.as_str().starts_with(SOURCE));
    let mut names = match directory.database() {
        Some(database) if !ours.is_empty() => database.names(ours).await?,
        _ => BTreeMap::new(),
    };
    for id in others {
        if let Some(named) = in_a_file(directory, &id).await? {
            names.insert(id, named);
        }
    }
    Ok(Names(names))
}

async fn in_a_file(directory: &Directory, id: &AccountId) -> Result<Option<Named>, FlowError> {
    let account = directory.by_id(id).await?;
    Ok(account.map(|account| Named { username: account.username.clone(), deleted: false }))
}

async fn traced(app: &App, trace: &Trace, limit: u32, of: Option<&Entry>) -> Result<Traced, FlowError> {
    let snapshot = app.snapshot.load_full();
    let lines = match snapshot.directory.database() {
        Some(database) => database.trail(trace, limit).await?,
        None => Vec::new(),
    };
    let mentioned = lines.iter().flat_map(|(_, line)| [line.by.as_deref(), line.account.as_deref()]);
    let decided = of.and_then(|entry| entry.decision.as_ref()).map(|decision| decision.by.as_str());
    let ids: BTreeSet<_> = mentioned.chain([decided]).flatten().filter_map(account_id).collect();
    Ok(Traced { names: names(app, ids).await?, lines })
}

/// What of a text names an account, as `database:...` does. The command line is none.
pub fn account_id(text: &str) -> Option<AccountId> {
    text.split_once(':').map(|(source, id)| AccountId::new(source, id))
}
