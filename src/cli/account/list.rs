//! `vestibule account list` and `account show`: for people as a table, for programs as JSON whose keys are public
//! interface.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::table::{aligned, minute};
use super::super::{Failure, print};
use super::with_app;
use crate::account::database::{Entry, Filter};
use crate::account::{Account, Approval, Database, DatabaseError, DirectoryError};
use crate::flow::FlowError;

/// Which accounts; all that is given must match.
#[derive(Debug, Args)]
pub struct Which {
    #[arg(long)]
    approval: Option<State>,
    /// Those that are disabled alone.
    #[arg(long)]
    disabled: bool,
    /// Members of this group.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// With this in the username, address or name.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Pending,
    Approved,
    Rejected,
}

/// Accounts read at once.
const PAGE: u32 = 1000;

pub fn list(config: &Path, which: Which, json: bool) -> Result<(), Failure> {
    let filter = Filter {
        approval: which.approval.map(State::approval),
        disabled: which.disabled.then_some(true),
        group: which.group,
        search: which.search,
    };
    let entries = with_app(config, async |app| -> Result<_, DatabaseError> {
        match app.snapshot.load_full().directory.database() {
            Some(database) => all(database, &filter).await.map(Some),
            None => Ok(None),
        }
    })?;
    let entries = entries.ok_or_else(no_database)?;
    let text =
        if json { as_json(&entries.iter().map(Row::of).collect::<Vec<_>>())? } else { as_table(&entries) };
    print(&text)
}

pub fn show(config: &Path, name: &str, json: bool) -> Result<(), Failure> {
    let found = with_app(config, async |app| -> Result<_, FlowError> {
        let directory = app.snapshot.load_full().directory.clone();
        let Some(account) = directory.find(name).await? else { return Ok(None) };
        let entry = match directory.database() {
            Some(database) => database.by_id(&account.id).await.map_err(DirectoryError::from)?,
            None => None,
        };
        Ok(Some((account, entry)))
    })?;
    let (account, entry) = found.ok_or_else(|| super::unknown(name))?;
    let row = match &entry {
        Some(entry) => Row::of(entry),
        None => Row::of_file(&account),
    };
    print(&if json { as_json(&row)? } else { row.as_lines() })
}

async fn all(database: &Database, filter: &Filter) -> Result<Vec<Entry>, DatabaseError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.account.username.clone());
        let page = database.list(filter, after.as_deref(), PAGE).await?;
        let last = page.len() < PAGE as usize;
        entries.extend(page);
        if last {
            return Ok(entries);
        }
    }
}

pub fn no_database() -> Failure {
    Failure::Work("there is no accounts database: write `- database: sqlite` below `accounts`".into())
}

fn as_table(entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        let account = &entry.account;
        [
            account.username.clone(),
            account.email.clone(),
            account.name.clone(),
            state(account).to_owned(),
            or_dash(account.groups.join(",")),
            minute(entry.created),
            or_dash(entry.last_sign_in.map(minute).unwrap_or_default()),
        ]
    });
    aligned(["USERNAME", "ADDRESS", "NAME", "STATE", "GROUPS", "CREATED", "LAST SIGN-IN"], rows)
}

/// What stands in the way of signing in, or the approval.
fn state(account: &Account) -> &'static str {
    match account.approval {
        Approval::Approved if account.disabled => "disabled",
        approval => approval.as_str(),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    source: &'static str,
    username: &'a str,
    email: &'a str,
    name: &'a str,
    groups: &'a [String],
    attributes: &'a BTreeMap<String, String>,
    approval: &'static str,
    decided_by: Option<&'a str>,
    decided_at: Option<String>,
    decision_reason: Option<&'a str>,
    disabled: bool,
    /// Whether there is one; never the hash.
    password: bool,
    language: Option<&'a str>,
    email_verified: Option<String>,
    created: Option<String>,
    last_sign_in: Option<String>,
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        let decision = entry.decision.as_ref();
        Self {
            decided_by: decision.map(|decision| decision.by.as_str()),
            decided_at: decision.map(|decision| decision.at.to_string()),
            decision_reason: decision.and_then(|decision| decision.reason.as_deref()),
            email_verified: entry.email_verified.map(|at| at.to_string()),
            created: Some(entry.created.to_string()),
            last_sign_in: entry.last_sign_in.map(|at| at.to_string()),
            ..Self::of_file(&entry.account)
        }
    }

    /// A file knows less.
    fn of_file(account: &'a Account) -> Self {
        Self {
            id: account.id.as_str(),
            source: account.source,
            username: &account.username,
            email: &account.email,
            name: &account.name,
            groups: &account.groups,
            attributes: &account.attributes,
            approval: account.approval.as_str(),
            decided_by: None,
            decided_at: None,
            decision_reason: None,
            disabled: account.disabled,
            password: account.password.is_some(),
            language: account.language.as_deref(),
            email_verified: None,
            created: None,
            last_sign_in: None,
        }
    }

    fn as_lines(&self) -> String {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let truth = |is: bool| Some(if is { "yes" } else { "no" }.to_owned());
        let attributes = self.attributes.iter().map(|(name, value)| format!("{name}: {value}"));
        let decided = |by: &str| {
            let reason = self.decision_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("by {by}, {}{reason}", self.decided_at.as_deref().unwrap_or_default())
        };
        let lines = [
            ("username", owned(Some(self.username))),
            ("name", owned(Some(self.name))),
            ("e-mail", owned(Some(self.email))),
            ("verified", self.email_verified.clone()),
            ("groups", owned(Some(&self.groups.join(", ")))),
            ("attributes", Some(attributes.collect::<Vec<_>>().join(", "))),
            ("approval", owned(Some(self.approval))),
            ("decided", self.decided_by.map(decided)),
            ("disabled", truth(self.disabled)),
            ("password", truth(self.password)),
            ("language", owned(self.language)),
            ("created", self.created.clone()),
            ("last sign-in", self.last_sign_in.clone()),
            ("id", owned(Some(self.id))),
        ];
        let line = |(what, value): (&str, Option<String>)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some(format!("{what:<14}{value}\n"))
        };
        lines.into_iter().filter_map(line).collect()
    }
}

pub fn as_json(what: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(what).map_err(|error| Failure::Work(error.to_string()))?;
    Ok(text + "\n")
}

impl State {
    const fn approval(self) -> Approval {
        match self {
            Self::Pending => Approval::Pending,
            Self::Approved => Approval::Approved,
            Self::Rejected => Approval::Rejected,
        }
    }
}
