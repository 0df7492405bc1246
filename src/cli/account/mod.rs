//! `vestibule account ...`: the accounts database at the command line. One file a command, or a family of them.

mod import;
mod list;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Failure;
use crate::app::App;
use crate::{boot, config};

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
    /// Make accounts out of CSV, JSON lines or Django's `dumpdata auth.user`; without `--apply`, say what would be made.
    Import {
        /// CSV begins with the line `username,email,name,groups,password`; JSON lines have these keys.
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
        Command::Import { from, apply } => import::run(&config, &from, apply),
    }
}

/// Does something with the accounts of the configuration.
fn with_app<T, E: std::error::Error>(
    config: &Path,
    work: impl AsyncFnOnce(Arc<App>) -> Result<T, E>,
) -> Result<T, Failure> {
    let done = boot::once(super::configuration(config)?, work);
    let failed = |error: &dyn std::error::Error| Failure::Work(error.to_string());
    done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

fn unknown(name: &str) -> Failure {
    Failure::Work(format!("no account is called {name:?}"))
}
