//! JSON: one object a line, or an array of them, with the keys of the CSV; or what Django's `dumpdata` writes, as an array or as lines.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Deserializer, Value};

use super::draft::Draft;
use super::{Format, Import, Remark, django};
use crate::secret::Secret;

/// An object, and the line on which it begins.
pub struct Item {
    pub line: usize,
    pub value: Value,
}

pub fn read(text: &str, import: &mut Import) -> Vec<Draft> {
    let is_array = text.trim_start().starts_with('[');
    let items = if is_array { array(text, import) } else { lines(text, import) };
    if items.iter().any(|item| item.value.get("model").is_some()) {
        import.format = Format::Django;
        return django::read(items, import);
    }
    import.format = if is_array { Format::JsonArray } else { Format::JsonLines };
    let mut drafts = Vec::with_capacity(items.len());
    for Item { line, value } in items {
        match serde_json::from_value::<Entry>(value) {
            Ok(entry) => drafts.push(entry.draft(line)),
            Err(error) => import.problems.push(Remark::at(line, error.to_string())),
        }
    }
    drafts
}

/// What is not on the list is an error, a misspelt key with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    username: String,
    email: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    groups: Option<Names>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
    #[serde(default)]
    disabled: Option<bool>,
}

/// `["ops", "staff"]` or, as in the CSV, `"ops,staff"`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`groups` is a list: [\"ops\", \"staff\"]")]
enum Names {
    List(Vec<String>),
    Text(String),
}

impl Entry {
    fn draft(self, line: usize) -> Draft {
        let groups = match self.groups {
            Some(Names::List(names)) => names,
            Some(Names::Text(names)) if !names.trim().is_empty() => {
                names.split(',').map(str::to_owned).collect()
            }
            Some(Names::Text(_)) | None => Vec::new(),
        };
        Draft {
            line,
            username: self.username,
            email: self.email,
            name: self.name.unwrap_or_default(),
            groups,
            attributes: self.attributes.unwrap_or_default(),
            disabled: self.disabled.unwrap_or_default(),
            password: self.password.map(Secret::new),
            ..Draft::default()
        }
    }
}

/// A line that is no JSON is a problem of its own; the others are read all the same.
fn lines(text: &str, import: &mut Import) -> Vec<Item> {
    let mut items = Vec::new();
    for (index, content) in text.lines().enumerate().filter(|(_, content)| !content.trim().is_empty()) {
        let line = index + 1;
        match serde_json::from_str(content) {
            Ok(value) => items.push(Item { line, value }),
            Err(error) => {
                let mut problem = syntax(line, error.column(), &error);
                if error.is_eof() {
                    problem.text +=
                        ": an object stands on one line, or all of them in an array: [{...}, {...}]";
                }
                import.problems.push(problem);
            }
        }
    }
    items
}

/// The values of an array, each with its place, up to the first mistake.
fn array(text: &str, import: &mut Import) -> Vec<Item> {
    let mut items = Vec::new();
    let mut cursor = Cursor { rest: text, line: 1 };
    cursor.take('[');
    while !cursor.take(']') {
        let line = cursor.line;
        let mut values = Deserializer::from_str(cursor.rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => items.push(Item { line, value }),
            Some(Err(error)) => {
                import.problems.push(syntax(line + error.line() - 1, error.column(), &error));
                return items;
            }
            None => {
                import.problems.push(Remark::at(line, "the file ends within the array: is it cut short?"));
                return items;
            }
        }
        cursor.advance(values.byte_offset());
        cursor.take(',');
    }
    items
}

struct Cursor<'a> {
    rest: &'a str,
    line: usize,
}

impl Cursor<'_> {
    /// Whether this comes next, blanks apart; if so it is passed.
    fn take(&mut self, wanted: char) -> bool {
        self.advance(self.rest.len() - self.rest.trim_start().len());
        let there = self.rest.starts_with(wanted);
        if there {
            self.advance(wanted.len_utf8());
        }
        there
    }

    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
    }
}

/// What the parser says, without the place within what it was given.
fn syntax(line: usize, column: usize, error: &serde_json::Error) -> Remark {
    let said = error.to_string();
    let said = said.split_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    Remark { line, column: Some(column), text: format!("this is no JSON: {said}") }
}
