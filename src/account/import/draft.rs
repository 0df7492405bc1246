//! An entry as it stands in a file, before anything of it is known to be right. Start from [`Draft::check`].

use std::collections::BTreeMap;

use super::text::quoted;
use super::{Remark, Row};
use crate::account::{Address, Attributes, FullName, Groups, StoredHash, Username, password};
use crate::secret::Secret;

#[derive(Default)]
pub struct Draft {
    pub line: usize,
    /// Whom a message is about, where all may stand on one line.
    pub who: Option<String>,
    pub username: String,
    pub email: String,
    pub name: String,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub disabled: bool,
    pub password: Option<Secret<String>>,
    /// Where there is no username, or an address in its place, one is made of the address.
    pub may_name: bool,
}

impl Draft {
    /// The account to be made; or everything that is wrong with it. `is_taken` knows the usernames of earlier entries.
    pub fn check(self, is_taken: impl Fn(&str) -> bool, notes: &mut Vec<Remark>) -> Result<Row, Vec<String>> {
        let mut problems = Vec::new();
        let email = self.email().map_err(|problem| problems.push(problem)).ok();
        let username = self.username(email.as_ref(), is_taken, notes);
        let username = username.map_err(|problem| problems.push(problem)).ok();
        let name = self.name(username.as_ref()).map_err(|problem| problems.push(problem)).ok();
        let groups = Groups::of(self.groups.iter().map(String::as_str));
        let groups = groups.map_err(|error| problems.push(error.to_string())).ok();
        let attributes =
            Attributes::of(self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let attributes = attributes.map_err(|error| problems.push(error.to_string())).ok();
        let password = self.password().map_err(|problem| problems.push(problem)).ok();
        match (username, email, name, groups, attributes, password) {
            (Some(username), Some(email), Some(name), Some(groups), Some(attributes), Some(password)) => {
                let (line, disabled) = (self.line, self.disabled);
                Ok(Row { line, username, email, name, groups, attributes, disabled, password })
            }
            _ => Err(problems),
        }
    }

    fn email(&self) -> Result<Address, String> {
        if self.email.trim().is_empty() {
            return Err("there is no e-mail address, and codes are sent there: add one".to_owned());
        }
        Address::parse(&self.email).map_err(|error| format!("{}: {error}", quoted(&self.email)))
    }

    fn username(
        &self,
        email: Option<&Address>,
        is_taken: impl Fn(&str) -> bool,
        notes: &mut Vec<Remark>,
    ) -> Result<Username, String> {
        let typed = self.username.trim();
        let nameless = typed.is_empty() || typed.contains('@');
        if let (true, true, Some(email)) = (nameless, self.may_name, email) {
            let free = Username::proposals(email).find(|name| !is_taken(name.as_str()));
            let name = free.ok_or("there is no username")?;
            let text = format!("gets the username `{name}`, made of the address {email}");
            notes.push(Remark::about(self.who.as_deref(), self.line, &text));
            return Ok(name);
        }
        let name = Username::parse_new(typed).map_err(|error| match typed {
            "" => "there is no username: add one".to_owned(),
            // Named before it already.
            _ if self.who.is_some() => error.to_string(),
            _ => format!("{}: {error}", quoted(typed)),
        })?;
        if name.as_str() != typed {
            let text = format!("{} becomes `{name}`, which apps see", quoted(typed));
            notes.push(Remark::at(self.line, text));
        }
        Ok(name)
    }

    /// Without a name the username stands in for it.
    fn name(&self, username: Option<&Username>) -> Result<FullName, String> {
        let typed = match (self.name.trim(), username) {
            ("", Some(username)) => username.as_str(),
            ("", None) => "nobody",
            (typed, _) => typed,
        };
        FullName::parse(typed).map_err(|error| format!("{}: {error}", quoted(typed)))
    }

    /// Other systems write an exclamation mark or an asterisk where no password is to fit.
    fn password(&self) -> Result<Option<StoredHash>, String> {
        let hash = self.password.as_ref().map_or("", |hash| hash.expose().trim());
        // Django's name before what is bcrypt's own form.
        let hash = hash.strip_prefix("bcrypt$").filter(|hash| hash.starts_with("$2")).unwrap_or(hash);
        if hash.is_empty() || hash.starts_with(['!', '*']) {
            return Ok(None);
        }
        password::check_format(hash).map_err(|why| {
            format!("the password: {why}; without one, the person chooses one by \"forgotten password\"")
        })?;
        Ok(Some(StoredHash(Secret::new(hash.to_owned()))))
    }
}
