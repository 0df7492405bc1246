//! The command line: one file a command. Start from [`run`].
//!
//! What is asked for goes to standard output, errors to standard error.

pub mod account;
pub mod certificate;
pub mod check;
pub mod code;
pub mod hash_password;
mod password;
pub mod secret;
pub mod serve;
pub mod session;
mod table;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, LoadError};

/// A login gateway: one binary in front of web apps that cannot sign people in themselves.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(ConfigFile),
    /// Print every problem of the configuration, with its place and what would be right.
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// Also talk to the store, the mail server and each upstream.
        #[arg(long)]
        connect: bool,
    },
    /// Print the hash of a password, asked for twice or read from a pipe, for users.yaml.
    HashPassword,
    /// Print a new random secret for the configuration.
    Secret,
    /// Make a local CA and a certificate for these names, for development.
    Certificate {
        /// Host names, wildcards such as *.example.test, and addresses.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// The folder for what is made.
        #[arg(long, default_value = "certs", value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Print a one-time code for a sign-in of this account that is waiting now, when mail is down.
    Code {
        /// The username or e-mail address.
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Work on the accounts database.
    Account(account::Account),
    /// List sessions, or end them.
    #[command(subcommand)]
    Session(Session),
}

#[derive(Debug, Subcommand)]
enum Session {
    /// List the sessions in the store, of one account or of all.
    List {
        /// The username or e-mail address of one account.
        name: Option<String>,
        /// As one JSON array, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// End a session, those of an account, or all.
    Revoke {
        #[command(flatten)]
        which: session::Which,
        #[command(flatten)]
        file: ConfigFile,
    },
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration; else `VESTIBULE_CONFIG`, else `config/vestibule.yaml`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Why a command did not do what was asked, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The work failed.
    #[error("{0}")]
    Work(String),
    /// Wrong usage or wrong configuration.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    /// The exit status.
    pub const fn status(&self) -> u8 {
        match self {
            Self::Work(_) => 1,
            Self::Usage(_) => 2,
        }
    }
}

pub fn run(line: CommandLine) -> Result<(), Failure> {
    match line.command {
        Command::Serve(file) => serve::run(&config::path(file.config)),
        Command::Check { file, connect } => check::run(&config::path(file.config), connect),
        Command::HashPassword => hash_password::run(),
        Command::Secret => secret::run(),
        Command::Certificate { names, out } => certificate::run(&names, &out),
        Command::Code { name, file } => code::run(&config::path(file.config), &name),
        Command::Account(account) => account::run(account),
        Command::Session(Session::List { name, json, file }) => {
            session::list(&config::path(file.config), name.as_deref(), json)
        }
        Command::Session(Session::Revoke { which, file }) => {
            session::revoke(&config::path(file.config), &which)
        }
    }
}

/// The configuration of a command that needs one. Its problems go to standard error.
pub fn configuration(path: &Path) -> Result<Config, Failure> {
    let (config, problems) = match config::load(path) {
        Ok((config, warnings)) => (Ok(config), warnings),
        Err(LoadError::Problems(problems)) => {
            let summary = format!("{}: {}", path.display(), config::summary(&problems));
            (Err(Failure::Usage(summary)), problems)
        }
        Err(error @ LoadError::Read(..)) => (Err(Failure::Usage(error.to_string())), Vec::new()),
    };
    // Nobody may be reading it any more, which is no reason to panic.
    io::stderr().lock().write_all(config::render(&problems).as_bytes()).ok();
    config
}

/// Writes to standard output. A reader that went away, as `head` does, has had enough, and what is done goes on.
fn print(text: &str) -> Result<(), Failure> {
    let written = io::stdout().lock().write_all(text.as_bytes());
    let written = written.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    });
    written.map_err(|error| Failure::Work(format!("standard output cannot be written: {error}")))
}
