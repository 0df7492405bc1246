//! Every text that people read, pages and mails alike, by its name, in every language there is.
//!
//! The texts stand in one Fluent file a language, `words/en.ftl` and `words/de.ftl`; an operator's own files lie over
//! them. Start from [`Languages`], which finds the [`Words`] for a reader. Nothing here escapes anything: that is the
//! business of whoever writes HTML.

mod choice;
mod number;
mod overlay;

use std::borrow::Cow;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::clock::Timestamp;

pub use overlay::{Fault, Locale, check as check_locale, tag as language_tag};

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
        Self::with(&[])
    }

    /// The built-in texts with the operator's over them. A language of the operator's own falls back, text by text, to
    /// what it is a kind of (`de-AT` to German), else to English.
    pub fn with(locales: &[Locale]) -> Self {
        let over = |language: &str| locales.iter().find(|locale| locale.language == language);
        let [english, others @ ..] = BUILT_IN.map(|(language, text)| {
            let over = over(language).map(|locale| locale.text.as_str());
            Words::load(language, [text].into_iter().chain(over), None)
        });
        let mut all: Vec<_> = [english.clone()].into_iter().chain(others).collect();
        for Locale { language, text } in locales {
            if BUILT_IN.iter().any(|(known, _)| known == language) {
                continue;
            }
            let wider = choice::find(&all.iter().map(Words::language), language);
            let fallback = wider.and_then(|place| all.get(place)).unwrap_or(&english).clone();
            all.push(Words::load(language, [text.as_str()], Some(fallback)));
        }
        Self { english, all: all.into() }
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
    /// For texts that the bundle has not.
    fallback: Option<Arc<Self>>,
}

impl Words {
    /// The built-in English texts.
    pub fn english() -> Self {
        let [(language, text), ..] = BUILT_IN;
        Self::load(language, [text], None)
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
        // What cannot be filled stays in the text as `{$name}`: readable, and seen by the tests.
        self.write(name, gaps, &mut Vec::new()).unwrap_or_else(|| name.to_owned())
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
        let [.., minute] = moment.date_and_minute();
        self.moment_with(moment, format!("{minute:02}"))
    }

    /// The same to the second: `22 November 2026, 10:45:07 UTC`.
    pub fn moment_to_the_second(&self, moment: Timestamp) -> String {
        let [.., minute] = moment.date_and_minute();
        let second = moment.millis().rem_euclid(60_000) / 1000;
        self.moment_with(moment, format!("{minute:02}:{second:02}"))
    }

    /// With this in the place of the minute.
    fn moment_with(&self, moment: Timestamp, minute: String) -> String {
        let [year, month, day, hour, _] = moment.date_and_minute();
        let written = |number: i64, digits: usize| Value::from(format!("{number:0digits$}"));
        let gaps = [
            ("year", written(year, 4)),
            ("month", month.into()),
            ("day", day.into()),
            ("hour", written(hour, 2)),
            ("minute", minute.into()),
        ];
        self.with("moment", &gaps)
    }

    /// Reads Fluent files, a later one over an earlier; what of them cannot be read is left out, which a test holds not
    /// to happen with ours, and `check` with an operator's.
    fn load<'a>(language: &str, files: impl IntoIterator<Item = &'a str>, fallback: Option<Self>) -> Self {
        let plurals: LanguageIdentifier = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![plurals]);
        // Isolation marks around each gap would show up in codes that are copied and in plain-text mails.
        bundle.set_use_isolating(false);
        for text in files {
            let resource = FluentResource::try_new(text.to_owned());
            bundle.add_resource_overriding(resource.unwrap_or_else(|(readable, _)| readable));
        }
        let words =
            Self { language: language.into(), bundle: Arc::new(bundle), fallback: fallback.map(Arc::new) };
        words.with_numbers()
    }

    /// Numbers are written as the example says; nobody else has the bundle yet.
    fn with_numbers(mut self) -> Self {
        let format = number::format(&self.text("number-example"));
        if let Some(bundle) = Arc::get_mut(&mut self.bundle) {
            bundle.set_formatter(format);
        }
        self
    }

    /// The text of this name, if there is one, and what could not be done about it.
    fn write(
        &self,
        name: &str,
        gaps: &[(&str, Value<'_>)],
        problems: &mut Vec<FluentError>,
    ) -> Option<String> {
        let Some(pattern) = self.bundle.get_message(name).and_then(|message| message.value()) else {
            return self.fallback.as_ref().and_then(|fallback| fallback.write(name, gaps, problems));
        };
        let gaps: FluentArgs = gaps.iter().map(|(gap, value)| (Cow::from(*gap), value.clone())).collect();
        Some(self.bundle.format_pattern(pattern, Some(&gaps), problems).into_owned())
    }
}

#[cfg(test)]
mod tests;
