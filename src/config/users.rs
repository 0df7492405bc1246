//! The account file (`users.yaml`) to accounts, with places. Start from [`parse`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fields::{Fields, wrong};
use super::problem::{Place, Problem, Report, quote};
use super::source::reference::Environment;
use super::source::{self, Entry, Kind, Node};
use super::value;
use crate::account::{Account, Approval, StoredHash, Username, canonical, password};
use crate::secret::Secret;
use crate::subject::{AccountId, Person};

/// The accounts of a file, and what is wrong with it. With an error among the problems the accounts are not all
/// there: whoever holds an earlier state should keep it.
pub fn parse(content: &[u8], file: &Path) -> (Vec<Account>, Vec<Problem>) {
    read(content, file, &Environment::System, &mut Taken::default())
}

/// The names and addresses that are somebody's already, over all files read so far, with their place.
#[derive(Default)]
pub struct Taken(BTreeMap<String, (PathBuf, usize)>);

pub(super) fn read(
    bytes: &[u8],
    file: &Path,
    environment: &Environment,
    taken: &mut Taken,
) -> (Vec<Account>, Vec<Problem>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let mut report = Report::new(file, "");
        report.error(Place::FILE, "this file is not text in UTF-8", "save it as UTF-8");
        return (Vec::new(), report.into_problems());
    };
    let mut report = Report::new(file, text);
    let accounts =
        source::read(text, environment, &mut report).and_then(|root| users(&root, &mut report, taken));
    (accounts.unwrap_or_default(), report.into_problems())
}

const EXAMPLE: &str = "write `users:` and, below it, `alice:` with `email` and `password`";

fn users(root: &Node, report: &mut Report, taken: &mut Taken) -> Option<Vec<Account>> {
    let file = report.file().to_owned();
    let mut keys = Fields::of(root, report, EXAMPLE)?;
    let accounts = keys.required("users", EXAMPLE, |node, report| {
        let Kind::Map(entries) = &node.kind else {
            wrong(node, report, "a mapping of usernames", EXAMPLE);
            return None;
        };
        if entries.is_empty() {
            report.warning(node.place, "nobody is in this file", EXAMPLE);
        }
        let mut accounts = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if entries.iter().take(index).any(|earlier| earlier.key == entry.key) {
                // Reported as a key that is there twice.
                continue;
            }
            let mut claim = |login: &str, place: Place, what: &str, report: &mut Report| {
                let login = canonical(login);
                if let Some((other, line)) = taken.0.get(&login) {
                    let message =
                        format!("the {what} `{login}` is somebody's already, in {}:{line}", other.display());
                    report.error(place, message, "a name or address is one person's: change one of the two");
                } else {
                    taken.0.insert(login, (file.clone(), place.line));
                }
            };
            accounts.extend(account(entry, report, &mut claim));
        }
        Some(accounts)
    });
    keys.finish();
    accounts
}

const APPROVALS: &[(&str, Approval)] =
    &[("pending", Approval::Pending), ("approved", Approval::Approved), ("rejected", Approval::Rejected)];

fn account(
    entry: &Entry,
    report: &mut Report,
    claim: &mut impl FnMut(&str, Place, &str, &mut Report),
) -> Option<Account> {
    let username = username(entry, report);
    if let Some(username) = &username {
        claim(username, entry.place, "username", report);
    }
    let mut keys =
        Fields::of(&entry.value, report, "write `email: alice@example.com` and `password` below it")?;
    let name = keys.optional("name", value::text);
    let email_place = keys.node("email").map(|node| node.place);
    let help = "codes are sent there: write `email: alice@example.com`";
    let email = keys.required("email", help, value::email);
    if let (Some(email), Some(place)) = (&email, email_place) {
        claim(email, place, "address", keys.report);
    }
    let hash = keys.required("password", "write what `vestibule hash-password` prints", hash);
    let groups = keys.or("groups", Vec::new(), value::items(group));
    let attributes = keys.or("attributes", BTreeMap::new(), attributes);
    let approval = keys.or("approval", Approval::Approved, value::choice(APPROVALS));
    let disabled = keys.or("disabled", false, value::truth);
    keys.finish();
    let (username, hash) = (username?, hash?);
    let person = Person {
        id: AccountId::new("file", &username),
        name: name.unwrap_or_else(|| username.clone()),
        username,
        email: email?,
        groups,
        attributes,
        language: None,
    };
    Some(Account {
        person: Arc::new(person),
        source: "file",
        approval,
        disabled,
        fingerprint: hash.fingerprint(),
        password: Some(hash),
    })
}

/// In the form in which it is compared.
fn username(entry: &Entry, report: &mut Report) -> Option<String> {
    if let Ok(name) = Username::parse(&entry.key) {
        return Some(name.as_str().to_owned());
    }
    let help = "a username begins with a letter or digit, goes on with these and `.`, `_`, `-`, and has at most 64 of them";
    report.error(entry.place, format!("{} is no username", quote(&entry.key)), help);
    None
}

/// Never quoted in a message.
fn hash(node: &Node, report: &mut Report) -> Option<StoredHash> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "a password hash", "write what `vestibule hash-password` prints");
        return None;
    };
    let text = text.trim();
    if let Err(why) = password::check_format(text) {
        let message = format!("`{}`: {why}", node.path);
        report.error(
            node.place,
            message,
            "write what `vestibule hash-password` prints; never the password itself",
        );
        return None;
    }
    Some(StoredHash(Secret::new(text.to_owned())))
}

/// Apps get groups as a list with commas.
pub(super) fn group(node: &Node, report: &mut Report) -> Option<String> {
    let text = value::text(node, report)?;
    if text.contains(',') {
        wrong(node, report, "the name of one group, without a comma", "write a list: [ops, staff]");
        return None;
    }
    Some(text.trim().to_owned())
}

fn attributes(node: &Node, report: &mut Report) -> Option<BTreeMap<String, String>> {
    let Kind::Map(entries) = &node.kind else {
        wrong(node, report, "a mapping", "write `attributes: { phone: \"+1 555 0100\" }`");
        return None;
    };
    let read = |entry: &Entry| value::text(&entry.value, report).map(|text| (entry.key.clone(), text));
    Some(entries.iter().filter_map(read).collect())
}
