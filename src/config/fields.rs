//! Reads a mapping key by key. What is asked for is what is known: every other key is an error.

use super::problem::{Place, Report, is_sensitive, quote};
use super::source::{Entry, Kind, Node};
use crate::spelling::nearest;

/// The keys of one mapping. End with [`Fields::finish`].
pub struct Fields<'a, 'r> {
    entries: &'a [Entry],
    node: &'a Node,
    asked: Vec<&'static str>,
    pub report: &'r mut Report,
}

impl<'a, 'r> Fields<'a, 'r> {
    /// `None`, and a problem, if the node is no mapping. `example` says what would be right.
    pub fn of(node: &'a Node, report: &'r mut Report, example: &str) -> Option<Self> {
        match &node.kind {
            Kind::Map(entries) => Some(Self { entries, node, asked: Vec::new(), report }),
            Kind::Null => {
                let name =
                    if node.path.is_empty() { "this file".to_owned() } else { format!("`{}`", node.path) };
                report.error(node.anchor, format!("{name} has no value"), example);
                None
            }
            _ => {
                wrong(node, report, "a mapping of keys and values", example);
                None
            }
        }
    }

    /// The value of a key as it stands, if the key is there.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// A value that may be left out. A key without a value is an error: what a half-written line means is not guessed.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node, &mut Report) -> Option<T>,
    ) -> Option<T> {
        let node = self.node(key)?;
        if matches!(node.kind, Kind::Null) {
            let help = if self.report.has_comment(node.anchor) {
                "a plain # begins a comment: put the value in quotes, or remove the key"
            } else {
                "write a value, or remove the key"
            };
            self.report.error(node.anchor, format!("`{}` has no value", node.path), help);
            return None;
        }
        read(node, self.report)
    }

    pub fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Node, &mut Report) -> Option<T>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// A value that must be there; `help` shows one.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        help: &str,
        read: impl FnOnce(&Node, &mut Report) -> Option<T>,
    ) -> Option<T> {
        if !self.entries.iter().any(|entry| entry.key == key) {
            self.node(key);
            self.missing(key, help);
            return None;
        }
        self.optional(key, read)
    }

    pub fn missing(&mut self, key: &str, help: &str) {
        let message = if self.node.path.is_empty() {
            format!("`{key}` is missing")
        } else {
            format!("`{}` has no `{key}`", self.node.path)
        };
        self.report.error(self.anchor(), message, help);
    }

    /// Where to point when something inside is missing.
    pub fn anchor(&self) -> Place {
        self.node.anchor
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self) {
        self.finish_but(&[]);
    }

    /// The same; of some keys it is known where they belong, and their help says so.
    pub fn finish_but(self, elsewhere: &[(&str, &str)]) {
        for entry in self.entries {
            if self.asked.contains(&entry.key.as_str()) {
                continue;
            }
            let place = elsewhere.iter().find(|(key, _)| *key == entry.key);
            let help = match (place, nearest(&entry.key, &self.asked)) {
                (Some((_, help)), _) => (*help).to_owned(),
                (None, Some(name)) => format!("did you mean `{name}`?"),
                (None, None) => format!("known here: {}", self.asked.join(", ")),
            };
            if is_sensitive(&entry.key) {
                self.report.hide(entry.value.place);
            }
            let within =
                if self.node.path.is_empty() { String::new() } else { format!(" in `{}`", self.node.path) };
            self.report.error(entry.place, format!("unknown key {}{within}", quote(&entry.key)), help);
        }
    }
}

/// Reports a value of the wrong kind.
pub fn wrong(node: &Node, report: &mut Report, expected: &str, help: &str) {
    if matches!(node.kind, Kind::Broken) {
        return;
    }
    let name = if node.path.is_empty() { "this file".to_owned() } else { format!("`{}`", node.path) };
    report.error(node.place, format!("{name} must be {expected}, not {}", node.shown()), help);
}
