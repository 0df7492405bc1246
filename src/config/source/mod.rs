//! YAML text to values that know their place. Start from [`read`].
//!
//! `serde_yaml` gives the values, [`outline`] their places, and [`reference`] replaces `${...}` in what came out:
//! after parsing, so that no value can change the structure.

mod outline;
pub mod reference;

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::problem::{Place, Report, quote};
use outline::{Shape, Spot};
use reference::Environment;

/// A larger text is refused.
const LARGEST: usize = 4 << 20;

/// A value with its place.
#[derive(Clone)]
pub struct Node {
    /// How the value is called in messages: `mail.smtp.port`, `apps[0].url`.
    pub path: String,
    pub place: Place,
    /// The place of its key, or its own: where to point when something inside is missing.
    pub anchor: Place,
    pub kind: Kind,
    /// What it holds is not to be shown: a secret, or out of the environment or a file.
    pub private: bool,
    /// It was made out of a `${...}`: a number or a truth value may come as text.
    pub substituted: bool,
}

#[derive(Clone)]
pub enum Kind {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Could not be made out, and the report says why.
    Broken,
}

#[derive(Clone)]
pub struct Entry {
    pub key: String,
    pub place: Place,
    pub value: Node,
}

impl Node {
    /// What it is, for `expected ..., not ...`: the value itself where it may be shown.
    pub fn shown(&self) -> String {
        match &self.kind {
            Kind::Text(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Bool(_) if self.private => {
                "what is given here".to_owned()
            }
            Kind::Text(text) => quote(text),
            Kind::Integer(number) => format!("`{number}`"),
            Kind::Float(number) => format!("`{number}`"),
            Kind::Bool(truth) => format!("`{truth}`"),
            Kind::Null | Kind::Broken => "nothing".to_owned(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads a text. `None` if nothing of it can be used; the report says why.
pub fn read(text: &str, environment: &Environment, report: &mut Report) -> Option<Node> {
    if text.len() > LARGEST {
        report.error(Place::FILE, "this file is larger than 4 MiB", "is this the right file?");
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Bounds nesting and repetition, so it goes first.
    let Some(spot) = outline::outline(text, report).ok()? else {
        report.error(
            Place::FILE,
            "this file is empty",
            "there are examples in the folder config of the distribution",
        );
        return None;
    };
    let raw: Raw = match serde_yaml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            report.hide_by_looks(line);
            let place = Place { line, column, length: 1 };
            report.error(
                place,
                "this is not YAML that can be understood",
                "write it more plainly, texts in quotes",
            );
            return None;
        }
    };
    Joiner { environment, report }.join(raw, &spot, String::new(), Place::FILE)
}

/// A value as serde gives it. The keys of a mapping come from the outline, which keeps them as they were written.
enum Raw {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<Raw>),
}

/// Puts values and places together, and resolves references.
struct Joiner<'a> {
    environment: &'a Environment,
    report: &'a mut Report,
}

impl Joiner<'_> {
    fn join(&mut self, raw: Raw, spot: &Arc<Spot>, path: String, anchor: Place) -> Option<Node> {
        let mut private = spot.sensitive;
        let mut substituted = false;
        let kind = match (raw, &spot.shape) {
            (Raw::Null, Shape::Scalar) => Kind::Null,
            (Raw::Bool(truth), Shape::Scalar) => Kind::Bool(truth),
            (Raw::Integer(number), Shape::Scalar) => Kind::Integer(number),
            (Raw::Float(number), Shape::Scalar) => Kind::Float(number),
            (Raw::Text(text), Shape::Scalar) if text.contains("${") => {
                private = true;
                substituted = true;
                match reference::resolve(&text, self.environment) {
                    Ok(text) => Kind::Text(text),
                    Err(problem) => {
                        self.report.error(spot.place, format!("`{path}`: {}", problem.message), problem.help);
                        Kind::Broken
                    }
                }
            }
            (Raw::Text(text), Shape::Scalar) => Kind::Text(text),
            (Raw::List(items), Shape::List(spots)) if items.len() == spots.len() => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, (item, spot)) in items.into_iter().zip(spots).enumerate() {
                    nodes.push(self.join(item, spot, format!("{path}[{index}]"), spot.place)?);
                }
                Kind::List(nodes)
            }
            (Raw::Map(values), Shape::Map(spots)) if values.len() == spots.len() => {
                let mut entries = Vec::with_capacity(values.len());
                for (value, (key, spot)) in values.into_iter().zip(spots) {
                    let path =
                        if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
                    let value = self.join(value, spot, path, key.place)?;
                    entries.push(Entry { key: key.name.clone(), place: key.place, value });
                }
                Kind::Map(entries)
            }
            _ => {
                self.report.hide(spot.place);
                self.report.error(
                    spot.place,
                    "this can be read in two ways",
                    "write it more plainly, texts in quotes",
                );
                return None;
            }
        };
        let anchor = match &kind {
            // An entry of a list has no key of its own: point to its first.
            Kind::Map(entries) if anchor == spot.place => entries.first().map_or(anchor, |entry| entry.place),
            _ => anchor,
        };
        Some(Node { path, place: spot.place, anchor, kind, private, substituted })
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
        Ok(i64::try_from(number).map_or(Raw::Float(f64::INFINITY), Raw::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Float(f64::NEG_INFINITY))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Float(f64::INFINITY))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut values = Vec::new();
        while let Some((IgnoredAny, value)) = access.next_entry()? {
            values.push(value);
        }
        Ok(Raw::Map(values))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut report = Report::new(Path::new("v.yaml"), text);
        read(text, &Environment::default(), &mut report);
        report
            .into_problems()
            .iter()
            .map(|problem| format!("{}:{}: {}", problem.line, problem.column, problem.message))
            .collect()
    }

    #[test]
    fn values_know_their_line_and_column() {
        let text = "a:\n  b: [1, two]\n  'c': |\n    long\n";
        let mut report = Report::new(Path::new("v.yaml"), text);
        let node = read(text, &Environment::default(), &mut report).expect("it is right");
        let Kind::Map(entries) = node.kind else { panic!("a mapping") };
        let Kind::Map(inner) = &entries[0].value.kind else { panic!("a mapping") };
        let Kind::List(items) = &inner[0].value.kind else { panic!("a list") };
        assert_eq!((items[1].place.line, items[1].place.column, items[1].place.length), (2, 10, 3));
        assert_eq!(items[1].path, "a.b[1]");
        assert_eq!((inner[1].place.line, inner[1].place.column, inner[1].place.length), (3, 3, 3));
    }

    #[test]
    fn a_key_that_is_there_twice_is_found_wherever_it_is() {
        assert_eq!(
            problems("a: 1\nb:\n  - c: 1\n    c: 2\na: 3\n"),
            ["4:5: the key `c` is here twice", "5:1: the key `a` is here twice"]
        );
    }

    #[test]
    fn repetition_and_nesting_are_bounded() {
        let line = |level: i32| {
            let item = if level == 0 { "x".to_owned() } else { format!("*a{}", level - 1) };
            format!("a{level}: &a{level} [{}]\n", [item.as_str(); 10].join(", "))
        };
        let bomb: String = (0..12).map(line).collect::<Vec<_>>().concat();
        assert!(problems(&bomb).iter().any(|problem| problem.contains("too large")));
        assert!(problems(&"[".repeat(5000)).iter().any(|problem| problem.contains("nested too deeply")));
        assert!(
            problems(&format!("{}a", "- ".repeat(5000)))
                .iter()
                .any(|problem| problem.contains("nested too deeply"))
        );
        assert!(problems("a: &a [*a]").iter().any(|problem| problem.contains("inside of what it names")));
    }

    #[test]
    fn a_byte_order_mark_is_no_problem() {
        assert_eq!(problems("\u{feff}a: 1\n"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[-\\[\\]{}:,?&*!|>'\"%@`#a-c0-9~. \t\n\u{e4}\u{1f600}]{0,60}") {
            problems(&text);
        }

        #[test]
        fn no_noise_is_too_strange(text in any::<String>()) {
            problems(&text);
        }
    }
}
