//! Django's `dumpdata auth.user`, or that of a user model of one's own with the usual fields; with `auth.group` beside it,
//! or `--natural-foreign`, where people have groups.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::draft::Draft;
use super::json::Item;
use super::{Import, Remark};
use crate::secret::Secret;

/// As Django serialises any object.
#[derive(Deserialize)]
struct Object {
    model: String,
    #[serde(default)]
    pk: Value,
    #[serde(default)]
    fields: Value,
}

/// What of a user concerns us. A model of one's own may lack some and have others besides.
#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    full_name: Option<String>,
    #[serde(default = "active")]
    is_active: bool,
    #[serde(default)]
    is_staff: bool,
    #[serde(default)]
    is_superuser: bool,
    #[serde(default)]
    groups: Vec<Value>,
}

const fn active() -> bool {
    true
}

impl User {
    fn who(&self) -> Option<&str> {
        let names = [&self.username, &self.email];
        names.into_iter().flatten().map(String::as_str).find(|name| !name.is_empty())
    }
}

pub fn read(items: Vec<Item>, import: &mut Import) -> Vec<Draft> {
    let mut objects = Vec::with_capacity(items.len());
    for Item { line, value } in items {
        match serde_json::from_value::<Object>(value) {
            Ok(object) => objects.push((line, object)),
            Err(error) => {
                import.problems.push(Remark::at(line, format!("this is no object of Django's: {error}")));
            }
        }
    }
    let groups = groups(&objects);
    let (mut drafts, mut others) = (Vec::new(), BTreeMap::<String, (usize, usize)>::new());
    for (line, Object { model, fields, .. }) in objects {
        if !is_user(&model, &fields) {
            if model != GROUP {
                others.entry(model).or_insert((line, 0)).1 += 1;
            }
            continue;
        }
        match serde_json::from_value::<User>(fields) {
            Ok(user) => drafts.extend(draft(user, line, &groups, import)),
            Err(error) => {
                import.problems.push(Remark::at(line, format!("this user cannot be read: {error}")));
            }
        }
    }
    for (model, (line, count)) in others {
        let what = if count == 1 { "object" } else { "objects" };
        import.notes.push(Remark::at(line, format!("{count} {what} of `{model}` left out: not people")));
    }
    drafts
}

const GROUP: &str = "auth.group";

/// Names by what users refer to them with.
fn groups(objects: &[(usize, Object)]) -> BTreeMap<String, String> {
    let named = |(_, object): &(usize, Object)| {
        let name = object.fields.get("name").and_then(Value::as_str)?;
        (object.model == GROUP).then(|| (object.pk.to_string(), name.to_owned()))
    };
    objects.iter().filter_map(named).collect()
}

fn is_user(model: &str, fields: &Value) -> bool {
    let has = |name: &str| fields.get(name).is_some();
    model == "auth.user" || has("password") && has("email")
}

fn draft(user: User, line: usize, groups: &BTreeMap<String, String>, import: &mut Import) -> Option<Draft> {
    let mut member_of = Vec::new();
    let mut unknown = Vec::new();
    for group in &user.groups {
        match group {
            // A natural key: the name, in a list of one.
            Value::Array(key) => member_of.extend(key.first().and_then(Value::as_str).map(str::to_owned)),
            id => match groups.get(&id.to_string()) {
                Some(name) => member_of.push(name.clone()),
                None => unknown.push(id.to_string()),
            },
        }
    }
    if !unknown.is_empty() {
        let text = format!(
            "the groups {} are numbers, and their names are not in the file: export with `dumpdata auth.user --natural-foreign`",
            unknown.join(", ")
        );
        import.problems.push(Remark::about(user.who(), line, &text));
        return None;
    }
    notes(&user, line, import);
    Some(Draft {
        line,
        who: user.who().map(str::to_owned),
        name: name(&user),
        username: user.username.unwrap_or_default(),
        email: user.email.unwrap_or_default(),
        groups: member_of,
        disabled: !user.is_active,
        password: user.password.map(Secret::new),
        may_name: true,
        ..Draft::default()
    })
}

/// The rights of Django's administrators stay there: here a group gives them.
fn notes(user: &User, line: usize, import: &mut Import) {
    let mut note = |text: &str| import.notes.push(Remark::about(user.who(), line, text));
    if user.is_superuser || user.is_staff {
        let what = if user.is_superuser { "a superuser" } else { "staff" };
        note(&format!("is {what} in Django, and no administrator here unless a group says so"));
    }
    if user.password.as_deref().is_some_and(|hash| hash.starts_with('!')) {
        note("has no usable password, and chooses one by \"forgotten password\"");
    }
}

fn name(user: &User) -> String {
    let part = |part: &Option<String>| part.as_deref().unwrap_or_default().trim().to_owned();
    let both = format!("{} {}", part(&user.first_name), part(&user.last_name));
    [both, part(&user.name), part(&user.full_name)]
        .into_iter()
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}
