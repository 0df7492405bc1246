//! Problems of a configuration: what is wrong, where it stands, and what would be right.
//!
//! A [`Report`] belongs to one file and collects all of its problems. It knows which parts of the file are secret,
//! and no problem it makes ever shows them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::spelling::distance;

/// Where something stands in its file. Line and column count from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    /// In characters, on this line.
    pub length: usize,
}

impl Place {
    /// The file as a whole: no line is shown.
    pub const FILE: Self = Self { line: 1, column: 1, length: 0 };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    pub message: String,
    /// The line, secrets replaced by `***`; empty if the file has no such line.
    pub text: String,
    /// Where the marker begins under `text`, from 0, and how long it is.
    pub marker: (usize, usize),
    /// What would be right.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (file, line, column) = (self.file.display(), self.line, self.column);
        write!(formatter, "{file}:{line}:{column}: {severity}: {}", self.message)?;
        if !self.text.is_empty() {
            let (start, length) = self.marker;
            let gutter = " ".repeat(line.to_string().len());
            write!(formatter, "\n  {line} | {}", self.text)?;
            write!(formatter, "\n  {gutter} | {}{}", " ".repeat(start), "^".repeat(length.max(1)))?;
        }
        if let Some(help) = &self.help {
            write!(formatter, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Collects the problems of one file.
pub struct Report {
    file: PathBuf,
    lines: Vec<String>,
    secrets: Vec<Place>,
    found: Vec<Found>,
}

struct Found {
    severity: Severity,
    place: Place,
    message: String,
    help: String,
}

impl Report {
    pub fn new(file: &Path, text: &str) -> Self {
        let lines = lines(text).into_iter().map(str::to_owned).collect();
        Self { file: file.to_owned(), lines, secrets: Vec::new(), found: Vec::new() }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Never shows what stands here, in this problem or another.
    pub fn hide(&mut self, place: Place) {
        self.secrets.push(place);
    }

    /// Hides whatever looks like a secret on this line, for a file that could not be read to its end.
    pub fn hide_by_looks(&mut self, line: usize) {
        // A line without a key may go on with the value of one above.
        let key =
            (1..=line).rev().find_map(|at| Some((at, self.line(at).filter(|text| text.contains(':'))?)));
        let Some((at, key)) = key.and_then(|(at, text)| Some((at, sensitive_key(text)?))) else { return };
        // What comes after the colon and a blank.
        let column = if at == line { key + 3 } else { 1 };
        self.hide(Place { line, column, length: usize::MAX / 2 });
    }

    /// Whether what follows this key on its line is a comment.
    pub fn has_comment(&self, key: Place) -> bool {
        let after = |line: &str| line.chars().skip(key.column - 1 + key.length).collect::<String>();
        self.line(key.line)
            .map(after)
            .is_some_and(|rest| rest.trim_start_matches([':', ' ', '"', '\'']).starts_with('#'))
    }

    /// An error. An empty `help` is left out.
    pub fn error(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, place, message.into(), help.into());
    }

    /// A warning: allowed, but seldom meant.
    pub fn warning(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, place, message.into(), help.into());
    }

    /// How many errors there are so far.
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|found| found.severity == Severity::Error).count()
    }

    /// All problems, in the order of the file. Only now are lines shown: a secret may have been found after a problem
    /// beside it.
    pub fn into_problems(mut self) -> Vec<Problem> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|found| (found.place, found.severity));
        let mut problems: Vec<_> = found.into_iter().map(|found| self.problem(found)).collect();
        problems.dedup();
        problems
    }

    fn push(&mut self, severity: Severity, place: Place, message: String, help: String) {
        self.found.push(Found { severity, place, message, help });
    }

    fn problem(&self, found: Found) -> Problem {
        let Found { severity, place, message, help } = found;
        let (text, marker) = self.show(place);
        Problem {
            severity,
            file: self.file.clone(),
            line: place.line,
            column: place.column,
            message,
            text,
            marker,
            help: (!help.is_empty()).then_some(help),
        }
    }

    fn line(&self, line: usize) -> Option<&str> {
        self.lines.get(line.checked_sub(1)?).map(String::as_str)
    }

    /// The line with its secrets as `***`, and where the marker stands under what is shown.
    fn show(&self, place: Place) -> (String, (usize, usize)) {
        if place == Place::FILE {
            return (String::new(), (0, 0));
        }
        let line = self.line(place.line).unwrap_or_default();
        let hidden: Vec<(usize, usize)> = self
            .secrets
            .iter()
            .filter(|secret| secret.line == place.line)
            .map(|secret| (secret.column - 1, (secret.column - 1).saturating_add(secret.length)))
            .chain(url_passwords(line))
            .collect();
        let mut shown = String::new();
        let (mut width, mut start, mut end, mut in_secret) = (0_usize, None, None, false);
        let marked = (place.column - 1, (place.column - 1).saturating_add(place.length.max(1)));
        for (at, character) in line.chars().enumerate() {
            start = start.or((at == marked.0).then_some(width));
            end = end.or((at == marked.1).then_some(width));
            let secret = hidden.iter().any(|(from, to)| (*from..*to).contains(&at));
            if secret && !in_secret {
                shown.push_str("***");
                width += 3;
            } else if !secret {
                shown.push(if character.is_control() { ' ' } else { character });
                width += 1;
            }
            in_secret = secret;
        }
        let start = start.unwrap_or(width);
        let length = end.unwrap_or(width).saturating_sub(start).max(1);
        shorten(shown.trim_end(), start, length)
    }
}

/// The lines as YAML counts them (1.2, 5.4): a lone carriage return ends one too. A byte order mark is no part of them.
pub fn lines(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect()
}

/// A line of more than this many characters is shown in part.
const WIDEST: usize = 160;

fn shorten(line: &str, start: usize, length: usize) -> (String, (usize, usize)) {
    if line.chars().count() <= WIDEST {
        return (line.to_owned(), (start, length));
    }
    let skipped = start.saturating_sub(WIDEST / 2);
    let part: String = line.chars().skip(skipped).take(WIDEST).collect();
    (part, (start - skipped, length.min(WIDEST / 2)))
}

/// Where a line holds passwords of URLs, as in `redis://user:password@host`.
fn url_passwords(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((before, after)) = line.get(from..).and_then(|rest| rest.split_once("://")) {
        from += before.len() + "://".len();
        // A password may hold anything but these; whatever stands before the last @ is not the host.
        let authority = after.split([' ', '"', '\'', ',']).next().unwrap_or_default();
        let Some((name, password)) = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'))
        else {
            continue;
        };
        let reference = password.starts_with("${") && password.find('}') == Some(password.len() - 1);
        if !reference {
            let start = line.get(..from).unwrap_or_default().chars().count() + name.chars().count() + 1;
            found.push((start, start + password.chars().count()));
        }
    }
    found
}

/// A value for a message: its first line, not too long, the passwords of URLs left out. A quote that is not closed
/// makes a value of all that follows, secrets included.
pub fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let hidden = url_passwords(line);
    let mut quoted = String::from("`");
    for (at, character) in line.chars().enumerate().take(80) {
        if let Some((from, _)) = hidden.iter().find(|(from, to)| (*from..*to).contains(&at)) {
            quoted.push_str(if *from == at { "***" } else { "" });
        } else if character.is_control() {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted.push_str(if line.chars().count() > 80 || line.len() < text.trim_end().len() {
        "...`"
    } else {
        "`"
    });
    quoted
}

/// How many characters come before the colon of the first key on this line whose value must not be shown.
fn sensitive_key(line: &str) -> Option<usize> {
    let before = line.match_indices(':').map(|(colon, _)| line.split_at(colon).0).find(|before| {
        let key = before.trim_end_matches(['"', '\'', ' ']);
        is_sensitive(key.rsplit([' ', '{', ',', '"', '\'']).next().unwrap_or_default())
    });
    before.map(|before| before.chars().count())
}

/// Whether the value of this key must not be shown, a misspelt key included.
pub fn is_sensitive(key: &str) -> bool {
    let key = key.to_lowercase();
    ["secret", "pass", "pwd", "token", "credential"].iter().any(|word| key.contains(word))
        || distance(&key, "password") <= 3
        || distance(&key, "secret") <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, hidden: Option<Place>, place: Place) -> String {
        let mut report = Report::new(Path::new("v.yaml"), text);
        if let Some(place) = hidden {
            report.hide(place);
        }
        report.error(place, "wrong", "write it right");
        report.into_problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_problem_shows_place_line_marker_and_help() {
        let place = Place { line: 2, column: 3, length: 5 };
        let expected =
            "v.yaml:2:3: error: wrong\n  2 |   titel: Example\n    |   ^^^^^\n  help: write it right";
        assert_eq!(shown("portal:\n  titel: Example\n", None, place), expected);
    }

    #[test]
    fn a_secret_is_not_shown_and_the_marker_still_fits() {
        let hidden = Place { line: 1, column: 13, length: 7 };
        let place = Place { line: 1, column: 22, length: 4 };
        let expected = "v.yaml:1:22: error: wrong\n  1 | { password: ***, port: x }\n    |                  ^^^^\n  help: write it right";
        assert_eq!(shown("{ password: hunter2, port: x }", Some(hidden), place), expected);
        assert!(
            shown("{ password: hunter2, port: x }", Some(hidden), hidden)
                .contains("\n    |             ^^^\n")
        );
    }

    #[test]
    fn the_password_in_a_url_is_not_shown() {
        let place = Place { line: 1, column: 1, length: 3 };
        assert!(shown("url: redis://me:hunter2@host/0", None, place).contains("url: redis://me:***@host/0"));
        assert!(shown("url: redis://:hunter2@host/0", None, place).contains("url: redis://:***@host/0"));
        assert!(shown("url: redis://:${PW}@host/0", None, place).contains("redis://:${PW}@host/0"));
        let two = "[a://b:hunter2@c, d://e:hunter2/@hunter2@f]";
        assert!(shown(two, None, place).contains("[a://b:***@c, d://e:***@f]"));
        assert_eq!(quote(two), "`[a://b:***@c, d://e:***@f]`");
    }

    #[test]
    fn lines_are_those_of_yaml() {
        assert_eq!(lines("\u{feff}a\r\nb\rc\n"), ["a", "b", "c", ""]);
    }

    #[test]
    fn a_broken_file_hides_by_looks() {
        let check = |text: &str, line: usize| {
            let mut report = Report::new(Path::new("v.yaml"), text);
            report.hide_by_looks(line);
            report.error(Place { line, column: 1, length: 1 }, "broken", "");
            let shown = report.into_problems().iter().map(ToString::to_string).collect::<String>();
            assert!(!shown.contains("hunter2"), "{shown}");
        };
        check("password: \"hunter2", 1);
        check("secret:\n  - \"hunter2", 2);
        check("smtp: { host: h, password: hunter2, port: 1 }}", 1);
    }
}
