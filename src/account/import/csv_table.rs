//! CSV (RFC 4180) with a header line: `username,email,name,groups,password`, in any order. A semicolon or a tab between
//! the columns does as well: spreadsheets write them in many countries.

use csv::{ReaderBuilder, StringRecord};

use super::draft::Draft;
use super::text::quoted;
use super::{Import, Remark};

use crate::secret::Secret;
use crate::spelling::nearest;

const KNOWN: &str = "`username`, `email`, `name`, `groups`, `password`, `disabled` and `attributes.NAME`";

#[derive(Clone)]
enum Column {
    Username,
    Email,
    Name,
    Groups,
    Password,
    Disabled,
    Attribute(String),
}

pub fn read(text: &str, import: &mut Import) -> Vec<Draft> {
    let delimiter = delimiter(text);
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut columns, mut drafts, mut record) = (Vec::new(), Vec::new(), StringRecord::new());
    let mut lines = Lines { text, at: 0, line: 1 };
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return drafts,
            // Text in memory that is UTF-8 gives no cause for one.
            Err(error) => {
                import.problems.push(Remark::at(1, error.to_string()));
                return drafts;
            }
        }
        let begins = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        let line = lines.of(begins.unwrap_or_default());
        let result = if columns.is_empty() {
            header(&record).map(|found| columns = found)
        } else {
            draft(&record, line, &columns).map(|draft| drafts.push(draft))
        };
        if let Err(problem) = result {
            import.problems.push(Remark::at(line, problem));
            if columns.is_empty() {
                return drafts;
            }
        }
    }
}

/// Counts lines. The reader's own count is behind where a record follows a blank line, or a line end of Windows.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the record that begins here, or after the line ends here.
    fn of(&mut self, begins: usize) -> usize {
        let passed = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let sure = begins.saturating_sub(self.at);
        let more = passed.iter().skip(sure).take_while(|byte| b"\r\n".contains(byte)).count();
        self.line += passed.iter().take(sure + more).filter(|byte| **byte == b'\n').count();
        self.at += sure + more;
        self.line
    }
}

/// What stands in the first line oftenest.
fn delimiter(text: &str) -> u8 {
    let header = text.trim_start().lines().next().unwrap_or_default();
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    // Of equals the last: the comma.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn header(record: &StringRecord) -> Result<Vec<Column>, String> {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_lowercase()).collect();
    let columns: Result<Vec<Column>, String> = names.iter().map(|name| column(name)).collect();
    let columns = columns?;
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|earlier| earlier == name) {
            return Err(format!("the column `{name}` is there twice"));
        }
    }
    for needed in ["username", "email"] {
        if !names.iter().any(|name| name == needed) {
            return Err(format!(
                "there is no column `{needed}`: the first line names the columns, which are {KNOWN}"
            ));
        }
    }
    Ok(columns)
}

fn column(name: &str) -> Result<Column, String> {
    Ok(match name {
        "username" => Column::Username,
        "email" => Column::Email,
        "name" => Column::Name,
        "groups" => Column::Groups,
        "password" => Column::Password,
        "disabled" => Column::Disabled,
        _ => match name.strip_prefix("attributes.") {
            Some(attribute) if !attribute.is_empty() => Column::Attribute(attribute.to_owned()),
            _ => {
                let meant = meant(name).map(|meant| format!("; did you mean `{meant}`?"));
                return Err(format!(
                    "{} is no column: the first line names them, and there are {KNOWN}{}",
                    quoted(name),
                    meant.unwrap_or_default()
                ));
            }
        },
    })
}

/// What other systems call it, or what is spelt nearly so.
fn meant(name: &str) -> Option<&'static str> {
    Some(match name {
        "user" | "user name" | "login" | "uid" | "account" => "username",
        "mail" | "address" | "e-mail address" | "email address" => "email",
        "full name" | "fullname" | "full_name" | "display name" | "displayname" | "cn" => "name",
        "group" | "roles" | "role" | "memberof" => "groups",
        "hash" | "password hash" | "password_hash" | "userpassword" => "password",
        _ => return nearest(name, &["username", "email", "name", "groups", "password", "disabled"]),
    })
}

fn draft(record: &StringRecord, line: usize, columns: &[Column]) -> Result<Draft, String> {
    if record.iter().any(|field| field.contains('\n')) {
        return Err(
            "a value goes on over the end of the line: a quotation mark is missing, or one too many".into()
        );
    }
    if record.len() != columns.len() {
        let (has, wants) = (record.len(), columns.len());
        return Err(format!(
            "the line has {has} columns, and the header {wants}: put what has commas in it in \"...\""
        ));
    }
    let mut draft = Draft { line, ..Draft::default() };
    for (column, value) in columns.iter().zip(record) {
        let value = value.trim();
        match column {
            Column::Username => value.clone_into(&mut draft.username),
            Column::Email => value.clone_into(&mut draft.email),
            Column::Name => value.clone_into(&mut draft.name),
            Column::Groups if value.is_empty() => {}
            Column::Groups => draft.groups = value.split(',').map(str::to_owned).collect(),
            Column::Password => draft.password = Some(Secret::new(value.to_owned())),
            Column::Disabled => draft.disabled = truth(value)?,
            Column::Attribute(name) => {
                draft.attributes.insert(name.clone(), value.to_owned());
            }
        }
    }
    Ok(draft)
}

fn truth(value: &str) -> Result<bool, String> {
    match value.to_lowercase().as_str() {
        "" | "false" | "no" | "0" => Ok(false),
        "true" | "yes" | "1" => Ok(true),
        _ => Err(format!("`disabled` is `true` or `false`, not {}", quoted(value))),
    }
}
