//! Every text that people read, pages and mails alike, by its name, in every language there is.
//!
//! The texts stand in one Fluent file a language, `words/en.ftl` and `words/de.ftl`. Start from [`Languages`], which
//! finds the [`Words`] for a reader. Nothing here escapes anything: that is the business of whoever writes HTML.

mod choice;
mod number;

use std::borrow::Cow;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::clock::Timestamp;

/// What fills a text's gaps: a string or a number (numbers choose between singular and plural).
pub use fluent_bundle::FluentValue as Value;

/// The built-in texts. English comes first: it is what those read who ask for no language that we have.
const BUILT_IN: [(&str, &str); 2] =
    [("en", include_str!("words/en.ftl")), ("de", include_str!("words/de.ftl"))];

/// The texts in every language. Cheap to clone.
#[derive(Clone)]
pub struct Languages {
    english: Words,
    all: Arc<[Words]>,
}

impl Languages {
    pub fn built_in() -> Self {
        let all = BUILT_IN.map(|(language, text)| Words::load(language, text));
        let [english, ..] = &all;
        Self { english: english.clone(), all: all.into() }
    }

    /// The texts in every language, English first.
    pub fn all(&self) -> impl Iterator<Item = &Words> {
        self.all.iter()
    }

    /// The texts for a reader: in the language that their account names, else in one that the browser asks for
    /// (`Accept-Language`, RFC 9110 § 12.5.4), else in English.
    pub fn choose(&self, own: Option<&str>, accepted: &str) -> &Words {
        let tags = self.all.iter().map(Words::language);
        let own = own.and_then(|own| choice::find(&tags, own));
        let place = own.or_else(|| choice::accepted(&tags, accepted));
        place.and_then(|place| self.all.get(place)).unwrap_or(&self.english)
    }
}

/// The texts of one language. Cheap to clone.
#[derive(Clone)]
pub struct Words {
    language: Arc<str>,
    bundle: Arc<FluentBundle<FluentResource>>,
}

impl Words {
    /// The built-in English texts.
    pub fn english() -> Self {
        let [(language, text), ..] = BUILT_IN;
        Self::load(language, text)
    }

    /// For `<html lang>`: `en`.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The text of this name. A name that does not exist is given back as it is; a test holds that there is none.
    pub fn text(&self, name: &str) -> String {
        self.with(name, &[])
    }

    /// The text of this name with its gaps filled.
    pub fn with(&self, name: &str, gaps: &[(&str, Value<'_>)]) -> String {
        let gaps: FluentArgs = gaps.iter().map(|(gap, value)| (Cow::from(*gap), value.clone())).collect();
        written(&self.bundle, name, Some(&gaps))
    }

    /// The text of this name with its one gap filled: for templates.
    pub fn filled(&self, name: &str, gap: &str, value: &str) -> String {
        self.with(name, &[(gap, value.into())])
    }

    /// A number with its thousands grouped: `100,000`. Numbers in gaps are written like that, too.
    pub fn number(&self, number: u64) -> String {
        self.with("number", &[("number", number.into())])
    }

    /// How long ago something was, if that is less than a day; else when it was.
    pub fn ago(&self, moment: Timestamp, now: Timestamp) -> String {
        let minutes = now.since(moment).as_secs() / 60;
        match minutes {
            0 => self.text("ago-now"),
            1..60 => self.with("ago-minutes", &[("minutes", minutes.into())]),
            60..1440 => self.with("ago-hours", &[("hours", (minutes / 60).into())]),
            _ => self.moment(moment),
        }
    }

    /// A point in time to the minute, in UTC: `22 November 2026, 10:45 UTC`.
    pub fn moment(&self, moment: Timestamp) -> String {
        let [year, month, day, hour, minute] = moment.date_and_minute();
        let written = |number: i64, digits: usize| Value::from(format!("{number:0digits$}"));
        let gaps = [
            ("year", written(year, 4)),
            ("month", month.into()),
            ("day", day.into()),
            ("hour", written(hour, 2)),
            ("minute", written(minute, 2)),
        ];
        self.with("moment", &gaps)
    }

    /// Reads a Fluent file; what of it cannot be read is left out, which a test holds not to happen.
    fn load(language: &str, text: &str) -> Self {
        let plurals: LanguageIdentifier = language.parse().unwrap_or_default();
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, _)| readable);
        let mut bundle = FluentBundle::new_concurrent(vec![plurals]);
        // Isolation marks around each gap would show up in codes that are copied and in plain-text mails.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        bundle.set_formatter(number::format(&written(&bundle, "number-example", None)));
        Self { language: language.into(), bundle: Arc::new(bundle) }
    }
}

/// The text of this name with its gaps filled. What cannot be filled stays in it as `{$name}`: readable, and seen by the
/// tests.
fn written(bundle: &FluentBundle<FluentResource>, name: &str, gaps: Option<&FluentArgs<'_>>) -> String {
    match bundle.get_message(name).and_then(|message| message.value()) {
        Some(pattern) => bundle.format_pattern(pattern, gaps, &mut Vec::new()).into_owned(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
