//! What a person is called, as pages, mails and apps show it. Start from [`FullName::parse`].

use icu_normalizer::ComposingNormalizerBorrowed;

use super::letters::{MOST_MARKS, hides, piled_up, shown};
use crate::words::Words;

const LONGEST: usize = 100;

/// On one line, with one blank between words, in any language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

/// Why a text is no name: `Display` for a terminal, [`say`](Self::say) for a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is missing")]
    Missing,
    #[error("a name has at most {LONGEST} characters")]
    TooLong,
    #[error("a name has no `{}` in it", shown(*.0))]
    Character(char),
    #[error("a name has at most {MOST_MARKS} marks on one letter")]
    Marks,
    #[error("a name has no web address in it")]
    Link,
}

impl FullName {
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        // Looked at before blanks are joined, of which some are marks that do not show.
        if let Some(hidden) = hidden(typed.trim()) {
            return Err(NameError::Character(hidden));
        }
        let words = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = ComposingNormalizerBorrowed::new_nfc().normalize(&words).into_owned();
        if piled_up(&name) {
            return Err(NameError::Marks);
        }
        if name.is_empty() {
            return Err(NameError::Missing);
        }
        if name.chars().count() > LONGEST {
            return Err(NameError::TooLong);
        }
        // Names stand in mails that strangers can have sent: to whom they like, once registration is open.
        let lower = name.to_lowercase();
        if lower.contains("://") || lower.contains("www.") {
            return Err(NameError::Link);
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NameError {
    /// For the field in which the name was typed.
    pub fn say(&self, words: &Words) -> String {
        match self {
            Self::Missing => words.text("name-missing"),
            Self::TooLong => words.text("name-too-long"),
            Self::Character(letter) => words.filled("name-character", "character", &shown(*letter)),
            Self::Marks => words.text("name-marks"),
            Self::Link => words.text("name-link"),
        }
    }
}

fn hidden(text: &str) -> Option<char> {
    let mut before = ' ';
    text.chars().find(|letter| hides(*letter, std::mem::replace(&mut before, *letter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_languages_are_kept_as_they_are() {
        for (typed, name) in [
            ("Alice Example", "Alice Example"),
            ("  Alice \u{a0}  Example ", "Alice Example"),
            ("Jose\u{301}", "José"),
            ("山田 太郎", "山田 太郎"),
            ("Иван (Ivan) O'Neill-Smith, Jr.", "Иван (Ivan) O'Neill-Smith, Jr."),
            ("می\u{200c}نا", "می\u{200c}نا"),
            ("<b>Bob</b>", "<b>Bob</b>"),
        ] {
            assert_eq!(FullName::parse(typed).expect(typed).as_str(), name);
        }
        assert!(FullName::parse(&"ä".repeat(100)).is_ok());
    }

    #[test]
    fn nothing_in_a_name_hides_or_leads_away() {
        let too_long = "a".repeat(101);
        for (typed, wrong) in [
            ("", NameError::Missing),
            (" \u{a0} ", NameError::Missing),
            (too_long.as_str(), NameError::TooLong),
            ("Alice\r\nBcc: eve@example.com", NameError::Character('\r')),
            ("Alice\tExample", NameError::Character('\t')),
            ("A\0", NameError::Character('\0')),
            ("A\u{202e}B", NameError::Character('\u{202e}')),
            ("A\u{200d}B", NameError::Character('\u{200d}')),
            ("\u{3164}", NameError::Character('\u{3164}')),
            ("A\u{2028}B", NameError::Character('\u{2028}')),
            ("z\u{335}\u{336}\u{337}\u{338}\u{339}", NameError::Marks),
            ("Win at HTTPS://evil.example", NameError::Link),
            ("Visit www.evil.example", NameError::Link),
        ] {
            let refused = FullName::parse(typed);
            assert_eq!(refused, Err(wrong.clone()), "{typed:?}");
            assert!(!wrong.say(&Words::english()).is_empty());
        }
    }
}
