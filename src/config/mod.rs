//! Text to [`Config`], with places. The only module that knows YAML, and all Settings types. Start from [`load`].
//!
//! On the way from what is written to what is used, references are resolved, files are read and patterns compiled;
//! one run finds everything that is wrong. No problem ever shows a secret.

mod fields;
mod problem;
mod section;
mod source;
pub mod users;
mod value;

#[cfg(test)]
mod golden;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::policy::Rule;
use crate::route::AppUrl;
use crate::secret::Secret;
use crate::{account, identity, listen, mail, observe, portal, session, sign_in, store, throttle, upstream};

pub use problem::{Place, Problem, Severity};
pub use source::reference::Environment;

use problem::Report;

/// The configuration as used: patterns compiled, files read, references resolved.
pub struct Config {
    /// Raw bytes, 32 or more each; empty: made and kept in `data_dir` (embedded store alone).
    pub secrets: Vec<Secret<Vec<u8>>>,
    pub data_dir: PathBuf,
    pub listen: Vec<listen::ListenerSettings>,
    pub tls: listen::TlsSettings,
    pub trusted_proxies: Vec<IpNet>,
    pub portal: portal::Settings,
    pub store: store::Settings,
    pub accounts: Vec<account::SourceSettings>,
    /// Groups whose members may use the administration pages.
    pub admins: Vec<String>,
    pub mail: mail::Settings,
    pub session: session::Settings,
    pub email_code: sign_in::Settings,
    pub passwords: account::PasswordSettings,
    pub limits: Limits,
    pub apps: Vec<App>,
    pub admin: Option<SocketAddr>,
    pub log: observe::Settings,
}

/// `limits` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub throttle: throttle::Settings,
    /// In bytes.
    pub max_request_headers: usize,
    /// In bytes; zero: no limit.
    pub max_request_body: u64,
}

/// One entry of `apps`.
#[derive(Clone, Debug)]
pub struct App {
    pub name: String,
    pub url: AppUrl,
    pub access: Vec<Rule>,
    pub behind: Behind,
    pub identity: identity::Settings,
    pub headers: identity::Headers,
    /// 503 for everybody but admins.
    pub maintenance: bool,
    pub activity: session::Activity,
    /// In bytes; zero: no limit. The app's own, or that of `limits`.
    pub max_request_body: u64,
}

/// What stands behind an app's address.
#[derive(Clone, Debug)]
pub enum Behind {
    Upstream {
        settings: Box<upstream::Settings>,
        timeouts: upstream::Timeouts,
    },
    /// Everybody is sent there.
    Redirect {
        to: AppUrl,
        strip_prefix: Option<String>,
    },
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{}: the configuration cannot be read: {}", .0.display(), reason(.1))]
    Read(PathBuf, #[source] io::Error),
    /// All that is wrong, warnings included, in the order of the files.
    #[error("{}", summary(.0))]
    Problems(Vec<Problem>),
}

/// The file to read: what the command line names, else `VESTIBULE_CONFIG`, else `config/vestibule.yaml`.
pub fn path(flag: Option<PathBuf>) -> PathBuf {
    let named =
        || Environment::System.get("VESTIBULE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    flag.or_else(named).unwrap_or_else(|| "config/vestibule.yaml".into())
}

/// Reads a configuration file and the files that it names. With the configuration come its warnings.
pub fn load(path: &Path) -> Result<(Config, Vec<Problem>), LoadError> {
    load_with(path, &Environment::System)
}

/// As [`load`], with an environment of the caller's choice.
pub fn load_with(path: &Path, environment: &Environment) -> Result<(Config, Vec<Problem>), LoadError> {
    let bytes = std::fs::read(path).map_err(|error| LoadError::Read(path.to_owned(), error))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let mut report = Report::new(path, "");
        report.error(Place::FILE, "this file is not text in UTF-8", "save it as UTF-8");
        LoadError::Problems(report.into_problems())
    })?;
    parse(&text, path, environment)
}

/// Reads an account file that may have changed since the configuration was checked. The first error says no, in one
/// line that does not name the file.
pub fn accounts(file: &Path, content: &[u8]) -> Result<Vec<account::Account>, String> {
    let (accounts, problems) = users::parse(content, file);
    match problems.iter().find(|problem| problem.severity == Severity::Error) {
        Some(problem) => Err(format!("line {}: {}", problem.line, problem.message)),
        None => Ok(accounts),
    }
}

fn parse(text: &str, path: &Path, environment: &Environment) -> Result<(Config, Vec<Problem>), LoadError> {
    let mut report = Report::new(path, text);
    let mut others = Vec::new();
    let config = source::read(text, environment, &mut report)
        .and_then(|root| section::read(&root, environment, &mut report, &mut others));
    let mut problems = report.into_problems();
    problems.extend(others);
    match config {
        Some(config) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok((config, problems))
        }
        _ => Err(LoadError::Problems(problems)),
    }
}

/// `2 errors and 1 warning`.
pub fn summary(problems: &[Problem]) -> String {
    let count =
        |severity, name: &str| match problems.iter().filter(|problem| problem.severity == severity).count() {
            0 => None,
            1 => Some(format!("1 {name}")),
            several => Some(format!("{several} {name}s")),
        };
    let counts: Vec<_> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")]
        .into_iter()
        .flatten()
        .collect();
    if counts.is_empty() { "no problems".to_owned() } else { counts.join(" and ") }
}

/// All problems as they are printed, a blank line after each.
pub fn render(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |text, problem| text + &problem.to_string() + "\n\n")
}

/// What the system says about a file, in words.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
