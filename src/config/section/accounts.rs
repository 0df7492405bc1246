//! `accounts`: the sources, and what the account files hold; `admins`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Problem, Report, Severity};
use super::super::source::reference::Environment;
use super::super::source::{Kind, Node};
use super::super::users::{self, Taken};
use super::super::value;
use crate::account::{DatabaseSettings, Registration, SourceSettings, canonical, database};
use crate::secret::Secret;

#[derive(Default)]
pub struct Read {
    pub sources: Vec<SourceSettings>,
    pub usernames: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// Some source could not be read, or is a database, so who there is is not known.
    pub incomplete: bool,
    /// Where the file is named that holds the account of the quickstart.
    pub demo: Option<Place>,
    /// Groups whose members may use the administration pages.
    pub admins: Vec<String>,
    /// Where `admins` stands, if it does.
    pub admins_place: Option<Place>,
    /// Where it stands that an administrator decides over who registers.
    pub approval_place: Option<Place>,
    /// Where a database is named that is a file of one machine.
    pub sqlite_place: Option<Place>,
}

impl Read {
    pub fn database(&self) -> Option<&DatabaseSettings> {
        self.sources.iter().find_map(|source| match source {
            SourceSettings::Database(database) => Some(database),
            SourceSettings::File(_) => None,
        })
    }
}

/// What the account in `config/quickstart-users.yaml` has; its password is in the README.
pub const DEMO_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$gAK8fv8Wc9IVM0dDCikllw$d0CuZgYWPv1We0WfVJtidwopdn9ANKU0R9rEoZSFG1w";

const EXAMPLE: &str = "nobody could sign in: write `accounts: [{ file: config/users.yaml }]`, or `accounts: [{ database: sqlite }]`";
const ONE_SOURCE: &str = "write `- file: config/users.yaml` or `- database: sqlite`";
const LARGEST: u64 = 4 << 20;

/// What one entry of the list says.
enum Source {
    File { path: PathBuf, bytes: Vec<u8>, place: Place },
    Database { settings: DatabaseSettings, place: Place, approval: Option<Place> },
}

pub fn read(
    keys: &mut Fields<'_, '_>,
    data_dir: &Path,
    environment: &Environment,
    others: &mut Vec<Problem>,
) -> Read {
    let mut read = Read::default();
    let mut taken = Taken::default();
    let sources = keys.required("accounts", EXAMPLE, |node, report| {
        if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
            report.error(node.place, "`accounts` is an empty list", EXAMPLE);
        }
        let found = value::items(|node, report| source(node, report, data_dir))(node, report)?;
        read.incomplete |= matches!(&node.kind, Kind::List(nodes) if nodes.len() != found.len());
        for source in found {
            match source {
                Source::File { path, bytes, place } => {
                    let known = read
                        .sources
                        .iter()
                        .any(|known| matches!(known, SourceSettings::File(known) if *known == path));
                    if known {
                        let message = format!("{} is a source already", path.display());
                        report.error(place, message, "name each file once");
                        continue;
                    }
                    file(&mut read, path, &bytes, place, &mut taken, (environment, others));
                }
                Source::Database { settings, place, approval } => {
                    if read.database().is_some() {
                        report.error(
                            place,
                            "there is a database among the sources already",
                            "keep one of the two",
                        );
                        continue;
                    }
                    read.incomplete = true;
                    read.approval_place = approval;
                    let on_one_machine = matches!(settings.place, database::Place::Sqlite(_));
                    read.sqlite_place = on_one_machine.then_some(place);
                    read.sources.push(SourceSettings::Database(settings));
                }
            }
        }
        Some(())
    });
    read.incomplete |= sources.is_none();
    read.admins_place = keys.node("admins").map(|node| node.anchor);
    read.admins = keys.or("admins", Vec::new(), value::items(users::group));
    read
}

fn source(node: &Node, report: &mut Report, data_dir: &Path) -> Option<Source> {
    let mut keys = Fields::of(node, report, ONE_SOURCE)?;
    let (file, database) = (keys.node("file"), keys.node("database"));
    let source = match (file, database) {
        (Some(_), Some(database)) => {
            let help = "write two entries: `- file: ...` and `- database: ...`";
            keys.report.error(database.place, "one entry is one source, a file or a database", help);
            return None;
        }
        (Some(file), None) => {
            let read = keys.optional("file", value::bytes(LARGEST));
            read.map(|(path, bytes)| Source::File { path, bytes, place: file.place })
        }
        (None, Some(database)) => {
            let asked = keys.node("registration").map(|node| node.place);
            let read = keys.optional("database", |node, report| place(node, report, data_dir));
            let registration = keys.or("registration", Registration::default(), value::choice(REGISTRATION));
            let domains = keys.or("domains", Vec::new(), value::items(domain));
            read.map(|read| Source::Database {
                settings: DatabaseSettings { place: read, registration, domains },
                place: database.place,
                approval: asked.filter(|_| registration == Registration::Approval),
            })
        }
        (None, None) => {
            keys.missing("file", ONE_SOURCE);
            None
        }
    };
    keys.finish();
    source
}

const REGISTRATION: &[(&str, Registration)] =
    &[("closed", Registration::Closed), ("approval", Registration::Approval), ("open", Registration::Open)];

/// A URL is never quoted in a message: it may hold a password.
fn place(node: &Node, report: &mut Report, data_dir: &Path) -> Option<database::Place> {
    const HELP: &str = "write `sqlite` for a file in data_dir, `sqlite:/path/accounts.db`, or postgres://user:password@host/name";
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "`sqlite` or the url of a database", HELP);
        return None;
    };
    let text = text.trim();
    if text == "sqlite" {
        return Some(database::Place::Sqlite(data_dir.join("accounts.db")));
    }
    if let Some(path) = text.strip_prefix("sqlite:") {
        // `sqlite:///path` is how others write it.
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.is_empty() && !path.ends_with('/') {
            return Some(database::Place::Sqlite(path.into()));
        }
    }
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    let Some(url) = url else {
        report.error(node.place, format!("`{}` names no database", node.path), HELP);
        return None;
    };
    unencrypted(&url, node, report);
    Some(database::Place::Postgres(Secret::new(text.to_owned())))
}

/// What a password database sends over a network in the clear, others on it can read.
fn unencrypted(url: &url::Url, node: &Node, report: &mut Report) {
    let local = url.host_str().is_none_or(|host| {
        host.is_empty()
            || host == "localhost"
            || host.starts_with("127.")
            || host == "[::1]"
            || host.starts_with("%2F")
            || host.starts_with("%2f")
    }) || url.query_pairs().any(|(key, value)| key == "host" && value.starts_with('/'));
    let strict = url.query_pairs().any(|(key, value)| {
        matches!(&*key, "sslmode" | "ssl-mode") && matches!(&*value, "verify-full" | "verify-ca")
    });
    if !local && !strict {
        let message =
            format!("`{}`: who answers there is not verified, and may read the accounts", node.path);
        let help = "add ?sslmode=verify-full to the url, and &sslrootcert=/path/ca.pem for a private CA";
        report.warning(node.place, message, help);
    }
}

/// As [`canonical`] has the part of an address behind the `@`.
fn domain(node: &Node, report: &mut Report) -> Option<String> {
    let host = value::host(node, report)?;
    let text = host.to_string();
    if text.parse::<std::net::IpAddr>().is_ok() || text.starts_with('[') {
        wrong(node, report, "a domain", "write it like example.com");
        return None;
    }
    Some(text)
}

fn file(
    read: &mut Read,
    path: PathBuf,
    bytes: &[u8],
    place: Place,
    taken: &mut Taken,
    (environment, others): (&Environment, &mut Vec<Problem>),
) {
    let (accounts, problems) = users::read(bytes, &path, environment, taken);
    read.incomplete |= problems.iter().any(|problem| problem.severity == Severity::Error);
    others.extend(problems);
    for account in accounts {
        if account.password.as_ref().is_some_and(|hash| hash.0.expose() == DEMO_HASH) {
            read.demo = Some(place);
        }
        read.usernames.insert(canonical(&account.username));
        read.groups.extend(account.groups.iter().cloned());
    }
    read.sources.push(SourceSettings::File(path));
}
