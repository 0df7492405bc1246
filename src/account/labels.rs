//! What an account carries for rules and apps: its groups, and free attributes. Start from [`Groups`] and
//! [`Attributes`].
//!
//! All of it may end up in a request's headers, so there are limits.

use std::collections::BTreeMap;

use super::letters::{is_hidden, shown};

const MOST_GROUPS: usize = 100;
const MOST_ATTRIBUTES: usize = 32;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 256;

/// Each once, in the order given; compared as they are written. No comma is in any: apps get them as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(Vec<String>);

/// Free values by name: `phone`, `department`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, String>);

/// Why a text is no group, or no attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("the name of a group is empty")]
    NamelessGroup,
    #[error("the name of a group has at most {LONGEST_NAME} characters: `{0}`")]
    LongGroup(String),
    #[error("the name of a group has no `{odd}` in it: `{1}`", odd = shown(*.0))]
    CharacterInGroup(char, String),
    #[error("an account has at most {MOST_GROUPS} groups")]
    ManyGroups,
    #[error(
        "the name of an attribute has 1 to {LONGEST_NAME} letters from a to z, digits, `_` or `-`: `{0}`"
    )]
    AttributeName(String),
    #[error("the attribute `{0}` has at most {LONGEST_VALUE} characters")]
    LongAttribute(String),
    #[error("the attribute `{1}` has no `{odd}` in it", odd = shown(*.0))]
    CharacterInAttribute(char, String),
    #[error("an account has at most {MOST_ATTRIBUTES} attributes")]
    ManyAttributes,
}

impl Groups {
    /// Reads `ops,staff`; an empty text is no group at all.
    pub fn parse(list: &str) -> Result<Self, LabelError> {
        if list.trim().is_empty() { Ok(Self::default()) } else { Self::of(list.split(',')) }
    }

    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, LabelError> {
        let mut groups = Vec::new();
        for name in names.into_iter().map(str::trim) {
            check_group(name)?;
            if groups.iter().any(|group| group == name) {
                continue;
            }
            if groups.len() == MOST_GROUPS {
                return Err(LabelError::ManyGroups);
            }
            groups.push(name.to_owned());
        }
        Ok(Self(groups))
    }

    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

impl Attributes {
    /// Attributes without a value are left out.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, LabelError> {
        let mut attributes = BTreeMap::new();
        for (name, value) in pairs {
            let (name, value) = (name.trim(), value.trim());
            check_attribute(name, value)?;
            if !value.is_empty() {
                attributes.insert(name.to_owned(), value.to_owned());
            }
        }
        if attributes.len() > MOST_ATTRIBUTES {
            return Err(LabelError::ManyAttributes);
        }
        Ok(Self(attributes))
    }

    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

fn check_group(name: &str) -> Result<(), LabelError> {
    if name.is_empty() {
        return Err(LabelError::NamelessGroup);
    }
    if let Some(odd) = name.chars().find(|letter| *letter == ',' || is_hidden(*letter)) {
        return Err(LabelError::CharacterInGroup(odd, readable(name)));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(LabelError::LongGroup(readable(name)));
    }
    Ok(())
}

fn check_attribute(name: &str, value: &str) -> Result<(), LabelError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(LabelError::AttributeName(readable(name)));
    }
    if let Some(odd) = value.chars().find(|letter| is_hidden(*letter)) {
        return Err(LabelError::CharacterInAttribute(odd, name.to_owned()));
    }
    if value.chars().count() > LONGEST_VALUE {
        return Err(LabelError::LongAttribute(name.to_owned()));
    }
    Ok(())
}

/// As much of it as a message needs, all of it visible.
fn readable(name: &str) -> String {
    let more = name.chars().count() > 32;
    let start: String = name.chars().take(32).map(shown).collect();
    if more { start + "..." } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_a_list_with_commas() {
        let groups = |list: &str| Groups::parse(list).map(Groups::into_vec);
        assert_eq!(
            groups(" ops, Staff ,ops,Über uns"),
            Ok(["ops", "Staff", "Über uns"].map(str::to_owned).into())
        );
        assert_eq!(groups(" "), Ok(vec![]));
        assert_eq!(groups("ops,,staff"), Err(LabelError::NamelessGroup));
        assert_eq!(groups("o\nps"), Err(LabelError::CharacterInGroup('\n', "oU+000Aps".into())));
        assert_eq!(Groups::of(["a,b"]), Err(LabelError::CharacterInGroup(',', "a,b".into())));
        assert!(matches!(groups(&"a".repeat(65)), Err(LabelError::LongGroup(_))));
        let many = |count: u32| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        assert!(groups(&many(100)).is_ok());
        assert_eq!(groups(&many(101)), Err(LabelError::ManyGroups));
    }

    #[test]
    fn attributes_have_plain_names_and_one_line() {
        let one = |name: &str, value: &str| Attributes::of([(name, value)]).map(Attributes::into_map);
        assert_eq!(
            one("phone", " +1 555 0100 "),
            Ok(BTreeMap::from([("phone".into(), "+1 555 0100".into())]))
        );
        assert_eq!(one("phone", ""), Ok(BTreeMap::new()));
        for name in ["", "a b", "ä", "a\nb", &"a".repeat(65)] {
            assert!(matches!(one(name, "x"), Err(LabelError::AttributeName(_))), "{name:?}");
        }
        let broken = Err(LabelError::CharacterInAttribute('\r', "phone".into()));
        assert_eq!(one("phone", "1\r\nX-Admin: 1"), broken);
        assert_eq!(one("phone", &"1".repeat(257)), Err(LabelError::LongAttribute("phone".into())));
        let names: Vec<_> = (0..33).map(|number| format!("a{number}")).collect();
        let pairs = |count| names.iter().take(count).map(|name| (name.as_str(), "x"));
        assert!(Attributes::of(pairs(32)).is_ok());
        assert_eq!(Attributes::of(pairs(33)), Err(LabelError::ManyAttributes));
    }
}
