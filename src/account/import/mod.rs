//! What old systems export: a CSV table, JSON lines, or Django's `dumpdata`, told apart by content. Start from [`read`].
//!
//! Nothing is guessed and nothing left out in silence: each line either is an account to be made, or has a problem that
//! says what would be right. Whether a name is somebody's already is not known here.

mod csv_table;
mod django;
mod draft;
mod json;
mod text;

use std::collections::HashMap;
use std::fmt;

use super::{Address, Attributes, FullName, Groups, StoredHash, Username};
use draft::Draft;

/// A file as it was understood. There is something to import only if nothing is among the problems.
pub struct Import {
    pub format: Format,
    pub rows: Vec<Row>,
    /// What is wrong, in the order of the lines.
    pub problems: Vec<Remark>,
    /// What may surprise, in the order of the lines.
    pub notes: Vec<Remark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    JsonLines,
    JsonArray,
    Django,
}

/// An account to be made.
pub struct Row {
    /// Where its entry begins.
    pub line: usize,
    pub username: Username,
    pub email: Address,
    pub name: FullName,
    pub groups: Groups,
    pub attributes: Attributes,
    pub disabled: bool,
    /// `None`: the person has to choose one first.
    pub password: Option<StoredHash>,
}

/// Something to say about a place of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// From 1 on.
    pub line: usize,
    /// From 1 on, in characters; where only the line is known, `None`.
    pub column: Option<usize>,
    pub text: String,
}

/// Reads a whole file. A hundred thousand accounts take well under a second.
pub fn read(bytes: &[u8]) -> Import {
    let mut import =
        Import { format: Format::Csv, rows: Vec::new(), problems: Vec::new(), notes: Vec::new() };
    let drafts = match text::decode(bytes) {
        Err(problem) => {
            import.problems.push(problem);
            return import;
        }
        Ok(text) if text.trim().is_empty() => {
            import.problems.push(Remark::at(1, "the file is empty"));
            return import;
        }
        Ok(text) if text.trim_start().starts_with(['[', '{']) => json::read(text, &mut import),
        Ok(text) => csv_table::read(text, &mut import),
    };
    import.take(drafts);
    import.problems.sort_by_key(|problem| (problem.line, problem.column));
    import.notes.sort_by_key(|note| note.line);
    import
}

impl Import {
    /// Checks what was read, each entry for itself and all against each other.
    fn take(&mut self, drafts: Vec<Draft>) {
        let mut taken = HashMap::with_capacity(2 * drafts.len());
        for draft in drafts {
            let (line, who) = (draft.line, draft.who.clone());
            let row = match draft.check(|username| taken.contains_key(username), &mut self.notes) {
                Ok(row) => row,
                Err(problems) => {
                    self.problems
                        .extend(problems.into_iter().map(|text| Remark::about(who.as_deref(), line, &text)));
                    continue;
                }
            };
            let logins = [("username", row.username.to_string()), ("address", row.email.canonical())];
            let mut is_new = true;
            for (what, login) in logins {
                if let Some(earlier) = taken.get(&login) {
                    let text = format!("the {what} `{login}` stands on line {earlier} already");
                    self.problems.push(Remark::about(who.as_deref(), line, &text));
                    is_new = false;
                } else {
                    taken.insert(login, line);
                }
            }
            if !is_new {
                continue;
            }
            self.rows.push(row);
        }
        if self.rows.is_empty() && self.problems.is_empty() {
            self.problems.push(Remark::at(1, "there is no account in the file"));
        }
    }
}

impl Remark {
    /// About a line as a whole.
    pub fn at(line: usize, text: impl Into<String>) -> Self {
        Self { line, column: None, text: text.into() }
    }

    fn about(who: Option<&str>, line: usize, text: &str) -> Self {
        let who = who.map(|who| format!("{}: ", text::quoted(who))).unwrap_or_default();
        Self::at(line, who + text)
    }
}

/// As compilers have it: `7:12: error`, without the file's name.
impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, text } = self;
        match column {
            Some(column) => write!(formatter, "{line}:{column}: {text}"),
            None => write!(formatter, "{line}: {text}"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::JsonArray => "a JSON array",
            Self::Django => "Django's dumpdata",
        })
    }
}

#[cfg(test)]
mod tests;
