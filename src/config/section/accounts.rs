//! `accounts`: the sources, and what the account files hold.

use std::collections::BTreeSet;

use super::super::fields::Fields;
use super::super::problem::{Place, Problem, Report, Severity};
use super::super::source::reference::Environment;
use super::super::source::{Kind, Node};
use super::super::users::{self, Taken};
use super::super::value;
use crate::account::{SourceSettings, canonical};

#[derive(Default)]
pub struct Read {
    pub sources: Vec<SourceSettings>,
    pub usernames: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// Some source could not be read, so who there is is not known.
    pub incomplete: bool,
    /// Where the file is named that holds the account of the quickstart.
    pub demo: Option<Place>,
}

/// What the account in `config/quickstart-users.yaml` has; its password is in the README.
pub const DEMO_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$gAK8fv8Wc9IVM0dDCikllw$d0CuZgYWPv1We0WfVJtidwopdn9ANKU0R9rEoZSFG1w";

const EXAMPLE: &str = "nobody could sign in: write `accounts: [{ file: config/users.yaml }]`";
const LARGEST: u64 = 4 << 20;

pub fn read(keys: &mut Fields<'_, '_>, environment: &Environment, others: &mut Vec<Problem>) -> Read {
    let mut read = Read::default();
    let mut taken = Taken::default();
    let sources = keys.required("accounts", EXAMPLE, |node, report| {
        if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
            report.error(node.place, "`accounts` is an empty list", EXAMPLE);
        }
        let mut paths = BTreeSet::new();
        let source = |node: &Node, report: &mut Report| {
            let mut keys = Fields::of(node, report, "write `- file: config/users.yaml`")?;
            let file = keys.required("file", "write `file: config/users.yaml`", value::bytes(LARGEST));
            let place = keys.node("file").map(|node| node.place);
            keys.finish();
            Some((file?, place))
        };
        let found = value::items(source)(node, report)?;
        read.incomplete |= matches!(&node.kind, Kind::List(nodes) if nodes.len() != found.len());
        for ((path, bytes), place) in found {
            if !paths.insert(path.clone()) {
                let help = "name each file once";
                report.error(
                    place.unwrap_or(node.place),
                    format!("{} is a source already", path.display()),
                    help,
                );
                continue;
            }
            let (accounts, problems) = users::read(&bytes, &path, environment, &mut taken);
            read.incomplete |= problems.iter().any(|problem| problem.severity == Severity::Error);
            others.extend(problems);
            for account in accounts {
                if account.password.0.expose() == DEMO_HASH {
                    read.demo = place;
                }
                read.usernames.insert(canonical(&account.username));
                read.groups.extend(account.groups);
            }
            read.sources.push(SourceSettings::File(path));
        }
        Some(())
    });
    read.incomplete |= sources.is_none();
    read
}
