//! `vestibule session list` and `session revoke`: what the configured store holds, while gateways run on it or not.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::table::{aligned, minute};
use super::{Failure, print};
use crate::app::App;
use crate::boot;
use crate::flow::By;
use crate::flow::FlowError;
use crate::flow::revoke::{self, Listed};

/// Which sessions to end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The one that `session list` shows with this id.
    id: Option<String>,
    /// All of an account, by its username or e-mail address.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Everybody's.
    #[arg(long)]
    all: bool,
}

pub fn list(config: &Path, name: Option<&str>, json: bool) -> Result<(), Failure> {
    let listed = with_app(config, async |app| revoke::list(&app, name).await)?;
    let listed = listed.ok_or_else(|| unknown(name.unwrap_or_default()))?;
    print(&if json { as_json(&listed)? } else { as_table(&listed) })
}

pub fn revoke(config: &Path, which: &Which) -> Result<(), Failure> {
    let ended = with_app(config, async |app| {
        let by = By::command_line(&app);
        match which {
            Which { id: Some(id), .. } => {
                revoke::anybodys(&app, by, id).await.map(|found| found.then_some(1))
            }
            Which { account: Some(name), .. } => revoke::all_of_named(&app, by, name).await,
            _ => revoke::everybodys(&app, by).await.map(Some),
        }
    });
    let ended = ended?.ok_or_else(|| match which {
        Which { id: Some(id), .. } => Failure::Work(format!("no session has the id {id:?}")),
        Which { account, .. } => unknown(account.as_deref().unwrap_or_default()),
    })?;
    print(&format!("{ended} {} ended\n", if ended == 1 { "session" } else { "sessions" }))
}

fn with_app<T>(
    config: &Path,
    work: impl AsyncFnOnce(Arc<App>) -> Result<T, FlowError>,
) -> Result<T, Failure> {
    let done = boot::once(super::configuration(config)?, work);
    let failed = |error: &dyn std::error::Error| Failure::Work(error.to_string());
    done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

fn unknown(name: &str) -> Failure {
    Failure::Work(format!("no account is called {name:?}"))
}

const HEADINGS: [&str; 9] =
    ["ID", "ACCOUNT", "FACTORS", "ADDRESS", "BROWSER", "HOST", "STARTED", "LAST SEEN", "ENDS"];

fn as_table(listed: &[Listed]) -> String {
    let rows = listed.iter().map(|Listed { sign_on, username }| {
        let client = &sign_on.client;
        let names = [client.browser.browser.as_deref(), client.browser.system.as_deref()];
        let browser: Vec<_> = names.into_iter().flatten().collect();
        [
            sign_on.public_id(),
            username.clone(),
            sign_on.proofs.names().len().to_string(),
            client.address.to_string(),
            if browser.is_empty() { "-".to_owned() } else { browser.join(", ") },
            client.host.clone(),
            minute(sign_on.started),
            minute(sign_on.last_seen),
            minute(sign_on.ends),
        ]
    });
    aligned(HEADINGS, rows)
}

/// A session in `--json`; its keys are public interface.
#[derive(Serialize)]
struct Row<'a> {
    id: String,
    account: &'a str,
    username: &'a str,
    factors: Vec<&'static str>,
    address: String,
    browser: Option<&'a str>,
    system: Option<&'a str>,
    host: &'a str,
    remember: bool,
    started: String,
    last_seen: String,
    ends: String,
}

impl<'a> Row<'a> {
    fn of(listed: &'a Listed) -> Self {
        let Listed { sign_on, username } = listed;
        let client = &sign_on.client;
        Self {
            id: sign_on.public_id(),
            account: sign_on.account.as_str(),
            username,
            factors: sign_on.proofs.names(),
            address: client.address.to_string(),
            browser: client.browser.browser.as_deref(),
            system: client.browser.system.as_deref(),
            host: &client.host,
            remember: sign_on.remember,
            started: sign_on.started.to_string(),
            last_seen: sign_on.last_seen.to_string(),
            ends: sign_on.ends.to_string(),
        }
    }
}

fn as_json(listed: &[Listed]) -> Result<String, Failure> {
    let rows: Vec<_> = listed.iter().map(Row::of).collect();
    let text = serde_json::to_string_pretty(&rows).map_err(|error| Failure::Work(error.to_string()))?;
    Ok(text + "\n")
}
