//! `${NAME}` and `${file:/path}` in a text value. The one place that reads the environment.
//!
//! Only `${` begins a reference, so that a password hash such as `$argon2id$...` needs no escaping; `$${` is a
//! plain `${`. What is put in is never looked at again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

/// A file that is put in may have this many bytes.
const LARGEST: u64 = 1 << 20;

/// Where `${NAME}` is looked up.
#[derive(Clone)]
pub enum Environment {
    /// The environment of this process.
    System,
    /// These names and no others.
    Fixed(BTreeMap<String, String>),
}

impl Default for Environment {
    fn default() -> Self {
        Self::Fixed(BTreeMap::new())
    }
}

impl Environment {
    /// The value of a variable; `None` if it is not set, or not Unicode.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::System => std::env::var(name).ok(),
            Self::Fixed(values) => values.get(name).cloned(),
        }
    }
}

/// Why a reference cannot be resolved.
#[derive(Debug, PartialEq, Eq)]
pub struct Unresolved {
    pub message: String,
    pub help: String,
}

/// The text with its references replaced.
pub fn resolve(text: &str, environment: &Environment) -> Result<String, Unresolved> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err(unresolved("a `${` is not closed", "write `${NAME}`; for a plain `${` write `$${`"));
        };
        out.push_str(&value(name, environment)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(name: &str, environment: &Environment) -> Result<String, Unresolved> {
    if let Some(path) = name.strip_prefix("file:") {
        return file(path);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) || name.starts_with(|first: char| first.is_ascii_digit()) {
        let help = "write `${NAME}` for an environment variable, `${file:/path}` for a file's content; there are no default values";
        return Err(unresolved("this is no reference that can be resolved", help));
    }
    environment.get(name).ok_or_else(|| {
        let message = format!("the environment variable {name} is not set");
        Unresolved {
            message,
            help: format!("set {name} where vestibule is started, or write the value here"),
        }
    })
}

/// A file's content without its last newline.
fn file(path: &str) -> Result<String, Unresolved> {
    let help = "the file must exist and be readable for the user that runs vestibule";
    let cannot = |error: &std::io::Error| {
        unresolved(format!("the file {path} cannot be read: {}", super::super::reason(error)), help)
    };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(|error| cannot(&error))?;
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unresolved(format!("the file {path} is larger than 1 MiB"), "is this the right file?"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| {
        unresolved(format!("the file {path} is not text in UTF-8"), "is this the right file?")
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn unresolved(message: impl Into<String>, help: impl Into<String>) -> Unresolved {
    Unresolved { message: message.into(), help: help.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<String, String> {
        let values = [("NAME", "value"), ("DEEP", "${NAME}"), ("EMPTY", "")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        resolve(text, &Environment::Fixed(values)).map_err(|problem| problem.message)
    }

    #[test]
    fn only_a_dollar_and_a_brace_begin_a_reference() {
        assert_eq!(resolved("a ${NAME} b${NAME}${EMPTY}").as_deref(), Ok("a value bvalue"));
        assert_eq!(resolved("$argon2id$v=19$m=1,t=2$a").as_deref(), Ok("$argon2id$v=19$m=1,t=2$a"));
        assert_eq!(resolved("$${NAME} $$").as_deref(), Ok("${NAME} $$"));
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(resolved("${DEEP}").as_deref(), Ok("${NAME}"));
    }

    #[test]
    fn what_cannot_be_resolved_says_so() {
        assert_eq!(resolved("${OTHER}").unwrap_err(), "the environment variable OTHER is not set");
        assert_eq!(resolved("${NAME").unwrap_err(), "a `${` is not closed");
        assert_eq!(resolved("${NAME:-x}").unwrap_err(), "this is no reference that can be resolved");
        assert!(resolved("${file:/does/not/exist}").unwrap_err().contains("/does/not/exist cannot be read"));
    }

    #[test]
    fn a_file_loses_its_last_newline_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, " a\n\n").expect("written");
        assert_eq!(resolved(&format!("${{file:{}}}", path.display())).as_deref(), Ok(" a\n"));
    }
}
