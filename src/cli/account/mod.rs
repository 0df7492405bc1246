//! `vestibule account ...`: the accounts database at the command line. One file a command, or a family of them.

mod change;
mod import;
mod list;
mod trail;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Failure;
use crate::account::database::Place;
use crate::account::{DatabaseSettings, Groups, Reason, SourceSettings};
use crate::app::App;
use crate::config::Config;
use crate::{boot, config};
use change::Change;

#[derive(Debug, Args)]
pub struct Account {
    #[command(subcommand)]
    command: Command,
    /// The configuration; else `VESTIBULE_CONFIG`, else `config/vestibule.yaml`.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the accounts of the database.
    List {
        #[command(flatten)]
        which: list::Which,
        /// As one JSON array, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of an account, wherever it is kept.
    Show {
        /// The username or e-mail address.
        name: String,
        /// As a JSON object, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Make an account: approved, and its address taken as verified.
    Add(change::Add),
    /// Let in those who wait for it, or who were rejected.
    Approve {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Make them members of these groups, separated by commas, and of no others.
        #[arg(long, value_name = "A,B")]
        groups: Option<String>,
    },
    /// Turn down those who wait, or take back an approval.
    Reject {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// For the person, and for the trail.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Shut people out until they are enabled again. Their sessions end.
    Disable {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Let people in again who were disabled.
    Enable {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Forget wrong passwords and codes that keep people waiting.
    Unlock {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Mail people a link to choose another password. Nothing changes before it is used.
    Reset {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Give an account another password, asked for twice or read from a pipe. Its sessions end.
    SetPassword { name: String },
    /// Make somebody a member of these groups, and of no others.
    SetGroups {
        name: String,
        /// Separated by commas; an empty text for none.
        #[arg(value_name = "A,B")]
        groups: String,
    },
    /// Delete accounts for good. Their names and addresses are handed to nobody unasked.
    Delete {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Show what the audit trail says, the latest last.
    Trail {
        /// The username, e-mail address or id of one account, also of one that was deleted.
        name: Option<String>,
        /// Of this event alone, as `signed_in`.
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,
        /// The latest so many lines alone.
        #[arg(long, value_name = "NUMBER")]
        last: Option<u32>,
        /// As one JSON array, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Make accounts out of CSV, JSON or Django's `dumpdata auth.user`; without `--apply`, say what would be made.
    Import {
        /// CSV begins with the line `username,email,name,groups,password`; JSON has these keys. `-`: standard input.
        #[arg(value_name = "FILE")]
        from: PathBuf,
        /// Make them: all, or none if anything is wrong.
        #[arg(long)]
        apply: bool,
    },
}

pub fn run(account: Account) -> Result<(), Failure> {
    let config = config::path(account.config);
    match account.command {
        Command::List { which, json } => list::list(&config, which, json),
        Command::Show { name, json } => list::show(&config, &name, json),
        Command::Add(add) => change::add(&config, &add),
        Command::Approve { names, groups: list } => {
            let groups = list.as_deref().map(groups).transpose()?;
            change::each(&config, &names, &Change::Approve(groups))
        }
        Command::Reject { names, reason } => {
            let reason = reason.as_deref().map(Reason::parse).transpose();
            let reason = reason.map_err(|error| Failure::Usage(error.to_string()))?.flatten();
            change::each(&config, &names, &Change::Reject(reason))
        }
        Command::Disable { names } => change::each(&config, &names, &Change::Disable),
        Command::Enable { names } => change::each(&config, &names, &Change::Enable),
        Command::Unlock { names } => change::each(&config, &names, &Change::Unlock),
        Command::Reset { names } => change::each(&config, &names, &Change::Reset),
        Command::Trail { name, event, last, json } => {
            trail::show(&config, name.as_deref(), event, last, json)
        }
        Command::SetPassword { name } => change::set_password(&config, &name),
        Command::SetGroups { name, groups: list } => {
            change::each(&config, &[name], &Change::SetGroups(groups(&list)?))
        }
        Command::Delete { names } => change::each(&config, &names, &Change::Delete),
        Command::Import { from, apply } => import::run(&config, &from, apply),
    }
}

/// Does something with the accounts that there are. A database that is not there is most likely misspelt, and is not made.
fn with_app<T, E: std::error::Error>(
    config: &Path,
    work: impl AsyncFnOnce(Arc<App>) -> Result<T, E>,
) -> Result<T, Failure> {
    let config = super::configuration(config)?;
    there_is_a_database(&config)?;
    once(config, work)
}

/// The same, and makes the database where there is none yet.
fn with_new_app<T, E: std::error::Error>(
    config: &Path,
    work: impl AsyncFnOnce(Arc<App>) -> Result<T, E>,
) -> Result<T, Failure> {
    once(super::configuration(config)?, work)
}

fn there_is_a_database(config: &Config) -> Result<(), Failure> {
    for source in &config.accounts {
        if let SourceSettings::Database(DatabaseSettings { place: Place::Sqlite(file), .. }) = source
            && !file.exists()
        {
            return Err(Failure::Work(format!(
                "there is no accounts database at {} yet: the gateway makes it when it starts, and so does `account add`; \
                 if there should be one, correct `database` below `accounts`",
                file.display()
            )));
        }
    }
    Ok(())
}

fn once<T, E: std::error::Error>(
    config: Config,
    work: impl AsyncFnOnce(Arc<App>) -> Result<T, E>,
) -> Result<T, Failure> {
    let done = boot::once(config, work);
    let failed = |error: &dyn std::error::Error| Failure::Work(error.to_string());
    done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

fn groups(list: &str) -> Result<Groups, Failure> {
    Groups::parse(list).map_err(|error| Failure::Usage(error.to_string()))
}

fn unknown(name: &str) -> Failure {
    Failure::Work(format!("no account is called {name:?}"))
}
