//! An operator's own texts, as a Fluent file has them: [`check`] finds what is wrong with one, each with its place.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{
    CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement, Resource,
};
use fluent_syntax::parser::{self, ErrorKind, ParserError};
use unic_langid::LanguageIdentifier;

use super::{BUILT_IN, Words};

/// The operator's texts of one language. They lie over the built-in ones of that language, or over the English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    /// As `de` or `pt-BR`.
    pub language: String,
    pub text: String,
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it begins, and how long it is, in bytes.
    pub at: usize,
    pub length: usize,
    /// Allowed, but seldom meant.
    pub warning: bool,
    pub message: String,
    /// A name that nobody knows, and those that somebody knows.
    pub unknown: Option<(String, Vec<String>)>,
    /// What would be right, if nothing is near that name.
    pub help: String,
}

/// The tag as it is written in addresses and headers, if it is one.
pub fn tag(name: &str) -> Option<String> {
    name.parse::<LanguageIdentifier>().ok().map(|tag| tag.to_string())
}

/// Everything that is wrong with a file of this language, in the order of the file.
pub fn check(language: &str, text: &str) -> Vec<Fault> {
    let (resource, errors) = match parser::parse_runtime(text) {
        Ok(resource) => (resource, Vec::new()),
        Err((resource, errors)) => (resource, errors),
    };
    let mut faults: Vec<_> = errors.iter().map(|error| syntax(text, error)).collect();
    let base = BUILT_IN.iter().find(|(known, _)| *known == language).map_or("", |(_, base)| *base);
    let reach = Reach { own: names(&resource), base: names(&parsed(base)), gaps: gaps_of_all() };
    let mut seen = BTreeSet::new();
    for entry in &resource.body {
        let mut walk = Walk::default();
        match entry {
            Entry::Message(message) => {
                let name = message.id.name;
                message.value.iter().for_each(|value| walk.pattern(value));
                let known = reach.gaps.get(name);
                let twice = !seen.insert(name);
                faults.extend(about_text(text, name, twice, message.value.is_some(), known, &walk));
            }
            Entry::Term(term) => {
                walk.pattern(&term.value);
            }
            _ => continue,
        }
        faults.extend(walk.references.iter().filter(|name| !reach.knows(name)).map(|name| {
            let message = format!("`{name}` stands in no text here");
            let known = reach.own.iter().chain(&reach.base).map(ToString::to_string).collect();
            Fault {
                unknown: Some(((*name).to_owned(), known)),
                ..fault(text, name, message, "write its text in this file, too")
            }
        }));
        faults.extend(walk.functions.iter().map(|name| {
            fault(
                text,
                name,
                format!("there is no function `{name}`"),
                "numbers are written as the language has them without one",
            )
        }));
    }
    if faults.iter().all(|fault| fault.warning) {
        faults.extend(unwritable(language, text, &resource, &reach));
    }
    faults.sort_by_key(|fault| fault.at);
    faults
}

/// What may be referred to, and with what each text is filled.
struct Reach<'a> {
    own: BTreeSet<&'a str>,
    base: BTreeSet<&'a str>,
    gaps: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Reach<'_> {
    fn knows(&self, name: &str) -> bool {
        self.own.contains(name) || self.base.contains(name)
    }
}

fn about_text(
    text: &str,
    name: &str,
    twice: bool,
    has_value: bool,
    known: Option<&BTreeSet<&'static str>>,
    walk: &Walk<'_>,
) -> Vec<Fault> {
    let Some(known) = known else {
        let names = gaps_of_all().into_keys().map(str::to_owned).collect();
        let message = format!("no text is called `{name}`");
        let help = "the names are those of the built-in files, src/words/en.ftl and de.ftl";
        return vec![Fault { unknown: Some((name.to_owned(), names)), ..fault(text, name, message, help) }];
    };
    let mut faults = Vec::new();
    if twice {
        faults.push(fault(text, name, format!("`{name}` is there already"), "keep one of the two"));
    }
    if !has_value {
        faults.push(fault(text, name, format!("`{name}` has no text"), &format!("write `{name} = ...`")));
    }
    for gap in walk.gaps.iter().filter(|gap| !known.contains(**gap)) {
        let message = format!("`{name}` is not told `${gap}`");
        let known: Vec<_> = known.iter().map(|gap| format!("${gap}")).collect();
        let help = match known.as_slice() {
            [] => "it has no variables".to_owned(),
            known => format!("it has {}", known.join(", ")),
        };
        faults.push(Fault { unknown: Some((format!("${gap}"), known)), ..fault(text, gap, message, &help) });
    }
    for gap in known.iter().filter(|gap| has_value && !walk.gaps.contains(*gap)) {
        let message = format!("`{name}` does not say `${gap}`");
        let help = format!("write `{{ ${gap} }}` where it belongs, unless it is left out on purpose");
        faults.push(Fault { warning: true, ..fault(text, name, message, &help) });
    }
    faults
}

/// What shows only when a text is written, such as one that refers to itself.
fn unwritable(language: &str, text: &str, resource: &Resource<&str>, reach: &Reach<'_>) -> Vec<Fault> {
    let base = BUILT_IN.iter().filter(|(known, _)| *known == language).map(|(_, base)| *base);
    let words = Words::load(language, base.chain([text]), None);
    let mut faults = Vec::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else { continue };
        let name = message.id.name;
        let gaps = reach.gaps.get(name).into_iter().flatten().map(|gap| (*gap, 1.into()));
        let mut problems = Vec::new();
        words.write(name, &gaps.collect::<Vec<_>>(), &mut problems);
        faults.extend(problems.first().map(|problem| {
            let message = format!("`{name}` cannot be written ({problem})");
            fault(text, name, message, "see whether it comes back to itself by what it refers to")
        }));
    }
    faults
}

fn syntax(text: &str, error: &ParserError) -> Fault {
    let (message, help) = match &error.kind {
        ErrorKind::ExpectedToken('=') => (
            "a `=` is missing here".to_owned(),
            "write `name = text`; a line that goes on with the text above begins with a blank",
        ),
        ErrorKind::ExpectedMessageField { entry_id } => {
            (format!("`{entry_id}` has no text"), "write it after the `=`, or below it after a blank")
        }
        ErrorKind::MissingDefaultVariant => (
            "none of these is taken when no other fits".to_owned(),
            "put a `*` before one of them: `*[other]`",
        ),
        ErrorKind::MultipleDefaultVariants => (
            "only one of these can be taken when no other fits".to_owned(),
            "leave the `*` before one of them",
        ),
        ErrorKind::UnbalancedClosingBrace => {
            ("this brace closes nothing".to_owned(), "write `{\"}\"}` for a brace in the text")
        }
        ErrorKind::ExpectedToken(token) => {
            (format!("a `{token}` is missing here"), "see whether every `{` is closed")
        }
        kind => (format!("this is no Fluent: {kind}"), "see https://projectfluent.org/fluent/guide/"),
    };
    let at = error.pos.start.min(text.trim_end().len());
    Fault { at, length: 1, warning: false, message, unknown: None, help: help.to_owned() }
}

/// `part` is a piece of `text` itself: where it lies there is where it stands.
fn fault(text: &str, part: &str, message: String, help: &str) -> Fault {
    let at = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    Fault { at, length: part.len(), warning: false, message, unknown: None, help: help.to_owned() }
}

/// What a text is put together from.
#[derive(Default)]
struct Walk<'a> {
    gaps: Vec<&'a str>,
    references: Vec<&'a str>,
    functions: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn pattern(&mut self, pattern: &Pattern<&'a str>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.expression(expression);
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&'a str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                for variant in variants {
                    self.pattern(&variant.value);
                }
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&'a str>) {
        match inline {
            InlineExpression::VariableReference { id } => self.gaps.push(id.name),
            InlineExpression::MessageReference { id, .. } => self.references.push(id.name),
            InlineExpression::TermReference { id, arguments, .. } => {
                self.references.push(id.name);
                if let Some(arguments) = arguments {
                    self.arguments(arguments);
                }
            }
            InlineExpression::FunctionReference { id, arguments } => {
                self.functions.push(id.name);
                self.arguments(arguments);
            }
            InlineExpression::Placeable { expression } => self.expression(expression),
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        }
    }

    fn arguments(&mut self, arguments: &CallArguments<&'a str>) {
        arguments.positional.iter().for_each(|argument| self.inline(argument));
        arguments.named.iter().for_each(|argument| self.inline(&argument.value));
    }
}

fn parsed(text: &str) -> Resource<&str> {
    parser::parse_runtime(text).unwrap_or_else(|(readable, _)| readable)
}

/// Of messages and terms.
fn names<'a>(resource: &Resource<&'a str>) -> BTreeSet<&'a str> {
    let name = |entry: &Entry<&'a str>| match entry {
        Entry::Message(message) => Some(message.id.name),
        Entry::Term(term) => Some(term.id.name),
        _ => None,
    };
    resource.body.iter().filter_map(name).collect()
}

/// Every built-in text with what it is filled with.
fn gaps_of_all() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let [(_, english), ..] = BUILT_IN;
    let mut texts = BTreeMap::new();
    for entry in parsed(english).body {
        if let Entry::Message(message) = entry {
            let mut walk = Walk::default();
            message.value.iter().for_each(|value| walk.pattern(value));
            texts.insert(message.id.name, walk.gaps.into_iter().collect());
        }
    }
    texts
}
