//! Every text that people read, pages and mails alike, by its name.
//!
//! The texts stand in one Fluent file, `words/en.ftl`, so that another language is another file and an operator's own
//! words can be laid over the built-in ones. Start from [`Words::english`]. Nothing here escapes anything: that is
//! the business of whoever writes HTML.

use std::borrow::Cow;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

/// What fills a text's gaps: a string or a number (numbers choose between singular and plural).
pub use fluent_bundle::FluentValue as Value;

const ENGLISH: &str = include_str!("words/en.ftl");

/// The texts of one language. Cheap to clone.
#[derive(Clone)]
pub struct Words {
    language: LanguageIdentifier,
    bundle: Arc<FluentBundle<FluentResource>>,
}

impl Words {
    /// The built-in texts.
    pub fn english() -> Self {
        Self::load("en", ENGLISH)
    }

    /// For `<html lang>`: `en`.
    pub fn language(&self) -> String {
        self.language.to_string()
    }

    /// The text of this name. A name that does not exist is given back as it is; a test holds that there is none.
    pub fn text(&self, name: &str) -> String {
        self.with(name, &[])
    }

    /// The text of this name with its gaps filled.
    pub fn with(&self, name: &str, gaps: &[(&str, Value<'_>)]) -> String {
        let Some(pattern) = self.bundle.get_message(name).and_then(|message| message.value()) else {
            return name.to_owned();
        };
        let arguments: FluentArgs =
            gaps.iter().map(|(gap, value)| (Cow::from(*gap), value.clone())).collect();
        // What cannot be filled stays in the text as `{$name}`: readable, and seen by the tests.
        self.bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    }

    /// The text of this name with its one gap filled: for templates.
    pub fn filled(&self, name: &str, gap: &str, value: &str) -> String {
        self.with(name, &[(gap, value.into())])
    }

    /// Reads a Fluent file; what of it cannot be read is left out, which a test holds not to happen.
    fn load(language: &str, text: &str) -> Self {
        let language: LanguageIdentifier = language.parse().unwrap_or_default();
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, _)| readable);
        let mut bundle = FluentBundle::new_concurrent(vec![language.clone()]);
        // Isolation marks around each gap would show up in codes that are copied and in plain-text mails.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self { language, bundle: Arc::new(bundle) }
    }
}

#[cfg(test)]
mod tests;
