//! `access` of an app: the rules, of which the first that matches decides.

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use crate::account::canonical;
use crate::policy::{PathPattern, Policy, Rule};

/// Rules, and whom they name.
#[derive(Default)]
pub struct Read {
    pub rules: Vec<Rule>,
    pub mentions: Vec<Mention>,
}

/// A user or group that a rule names, to be looked for in the accounts.
pub struct Mention {
    pub place: Place,
    pub path: String,
    pub name: String,
    pub group: bool,
}

const EXAMPLE: &str = "write `- groups: [ops]` and, below it, `policy: two_factor`";
const POLICIES: &[(&str, Policy)] = &[
    ("bypass", Policy::Bypass),
    ("one_factor", Policy::OneFactor),
    ("two_factor", Policy::TwoFactor),
    ("deny", Policy::Deny),
];

/// What an app without `access` has: everyone, with two factors.
pub fn default(line: usize) -> Read {
    let rule = Rule {
        paths: Vec::new(),
        methods: Vec::new(),
        users: Vec::new(),
        groups: Vec::new(),
        networks: Vec::new(),
        policy: Policy::TwoFactor,
        line,
    };
    Read { rules: vec![rule], mentions: Vec::new() }
}

/// Reads the rules of an app that lives below `app_path`.
pub fn read(node: &Node, report: &mut Report, app_path: &str) -> Option<Read> {
    let Kind::List(nodes) = &node.kind else {
        wrong(node, report, "a list of rules", EXAMPLE);
        return None;
    };
    if nodes.is_empty() {
        let help = "remove the key to let in everyone with two factors, or write rules";
        report.warning(node.anchor, format!("`{}` has no rules, so nobody gets in", node.path), help);
    }
    let mut read = Read::default();
    let mut everybody: Option<usize> = None;
    for node in nodes {
        if let Some(line) = everybody {
            let help = format!("the rule on line {line} matches every request: move this one before it");
            report.warning(node.anchor, format!("`{}` is never reached", node.path), help);
        }
        if is_catch_all(node) && everybody.is_none() {
            everybody = Some(node.place.line);
        }
        read.rules.extend(rule(node, report, app_path, &mut read.mentions));
    }
    Some(read)
}

/// Whether a rule matches every request: it has no condition, as far as it is written.
fn is_catch_all(rule: &Node) -> bool {
    let Kind::Map(entries) = &rule.kind else { return false };
    let anything = |node: &Node| matches!(&node.kind, Kind::Text(text) if text == "/**");
    entries.iter().all(|entry| match entry.key.as_str() {
        "policy" => true,
        "paths" => matches!(&entry.value.kind, Kind::List(paths) if paths.iter().any(anything)),
        _ => false,
    })
}

fn rule(node: &Node, report: &mut Report, app_path: &str, mentions: &mut Vec<Mention>) -> Option<Rule> {
    let mut keys = Fields::of(node, report, EXAMPLE)?;
    let paths = keys
        .optional("paths", |node, report| filled(node, report, |node, report| path(node, report, app_path)));
    let methods = keys.optional("methods", |node, report| filled(node, report, method));
    let person = keys.node("users").or(keys.node("groups")).map(|node| node.anchor);
    let users = keys
        .optional("users", |node, report| filled(node, report, |node, report| mention(node, report, false)));
    let groups = keys
        .optional("groups", |node, report| filled(node, report, |node, report| mention(node, report, true)));
    let networks = keys.optional("networks", |node, report| filled(node, report, value::network));
    let policy = keys.required(
        "policy",
        "write `policy: two_factor`, or bypass, one_factor or deny",
        value::choice(POLICIES),
    );
    if let (Some(Policy::Bypass), Some(place)) = (policy, person) {
        let message = format!(
            "`{}` has `bypass` with `users` or `groups`: it lets in people who never said who they are",
            node.path
        );
        keys.report.error(
            place,
            message,
            "use one_factor or two_factor here, or remove `users` and `groups`",
        );
    }
    keys.finish();
    let mut take = |given: Option<Vec<Mention>>| {
        let given = given.unwrap_or_default();
        let names = given.iter().map(|mention| mention.name.clone()).collect();
        mentions.extend(given);
        names
    };
    Some(Rule {
        paths: paths.unwrap_or_default(),
        methods: methods.unwrap_or_default(),
        users: take(users),
        groups: take(groups),
        networks: networks.unwrap_or_default(),
        policy: policy?,
        line: node.place.line,
    })
}

/// A list that is not empty: an empty one would make the rule match everybody.
fn filled<T>(
    node: &Node,
    report: &mut Report,
    read: impl Fn(&Node, &mut Report) -> Option<T>,
) -> Option<Vec<T>> {
    if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
        let help = "write what the rule is for, or remove the key to have it match all";
        report.error(node.place, format!("`{}` is an empty list", node.path), help);
        return None;
    }
    value::items(read)(node, report)
}

fn path(node: &Node, report: &mut Report, app_path: &str) -> Option<PathPattern> {
    let text = value::text(node, report)?;
    let Some(pattern) = PathPattern::parse(&text) else {
        wrong(
            node,
            report,
            "a path pattern",
            &format!("begin it with a slash: /{}", text.trim_start_matches("./")),
        );
        return None;
    };
    if text.contains(['?', '#', ' ']) || !text.is_ascii() {
        let help = "patterns are compared with the path alone, in the form that browsers send: no query, other letters as %C3%BC";
        wrong(node, report, "a path pattern", help);
        return None;
    }
    let literal = text.split('*').next().unwrap_or_default();
    let below = format!("{app_path}/");
    let reachable =
        literal.starts_with(&below) || text == app_path || (text.contains('*') && below.starts_with(literal));
    if !reachable {
        let message = format!(
            "`{}`: {} can never match, since the app lives below {app_path}",
            node.path,
            node.shown()
        );
        report.warning(node.place, message, format!("patterns cover the whole path: {app_path}{text}"));
    }
    Some(pattern)
}

fn method(node: &Node, report: &mut Report) -> Option<String> {
    let text = value::text(node, report)?;
    if text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
        return Some(text);
    }
    wrong(node, report, "a method", &format!("write it in capitals: {}", text.to_ascii_uppercase()));
    None
}

fn mention(node: &Node, report: &mut Report, group: bool) -> Option<Mention> {
    let text = value::text(node, report)?;
    let name = if group { text } else { canonical(&text) };
    Some(Mention { place: node.place, path: node.path.clone(), name, group })
}
