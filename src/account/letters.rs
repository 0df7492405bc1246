//! What kind of letters a text is made of: which do not show, and which could pass for others. Pure tables of Unicode.

use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, EnumeratedProperty, GeneralCategory, Script,
};

/// Whether this shows nothing of itself, or changes how what is around it is shown: control characters, marks of
/// writing direction, blanks of no width, line separators, and code points that mean nothing.
pub fn is_hidden(letter: char) -> bool {
    use GeneralCategory as Is;
    let kind = Is::for_char(letter);
    matches!(
        kind,
        Is::Control
            | Is::Format
            | Is::LineSeparator
            | Is::ParagraphSeparator
            | Is::PrivateUse
            | Is::Surrogate
            | Is::Unassigned
    ) || DefaultIgnorableCodePoint::for_char(letter)
}

/// Whether more marks stand on one letter than any language puts there: they are drawn over what stands around.
pub fn piled_up(text: &str) -> bool {
    use GeneralCategory as Is;
    let mut marks = 0;
    text.chars().any(|letter| {
        let is_mark = matches!(Is::for_char(letter), Is::NonspacingMark | Is::EnclosingMark);
        marks = if is_mark { marks + 1 } else { 0 };
        marks > MOST_MARKS
    })
}

/// Hebrew with points and accents has three, Tibetan four.
pub const MOST_MARKS: usize = 4;

/// Whether a letter of a text [is hidden](is_hidden), and no part of how the one before it is written: joiners are one in
/// Persian and the languages of India.
pub fn hides(letter: char, before: char) -> bool {
    let joins = matches!(letter, '\u{200c}' | '\u{200d}') && !before.is_ascii();
    is_hidden(letter) && !joins
}

/// Whether letters of scripts stand side by side that look alike, as the `а` of `pаypal` is Cyrillic.
pub fn mixes_look_alikes(text: &str) -> bool {
    let mut first = None;
    text.chars()
        .map(Script::for_char)
        .filter(|script| LOOK_ALIKES.contains(script))
        .any(|script| *first.get_or_insert(script) != script)
}

/// Whether a name in these letters alone could be taken for one in Latin letters.
pub fn passes_for_latin(text: &[char]) -> bool {
    let plain = [Script::Common, Script::Inherited];
    let mut scripts =
        text.iter().map(|letter| Script::for_char(*letter)).filter(|script| !plain.contains(script));
    scripts.any(|script| script != Script::Latin && LOOK_ALIKES.contains(&script))
}

/// The scripts whose letters are mistaken for each other (Unicode Technical Standard 39, section 4).
const LOOK_ALIKES: [Script; 5] =
    [Script::Latin, Script::Cyrillic, Script::Greek, Script::Armenian, Script::Cherokee];

/// A character as it may stand in a message: by its code point where it does not show.
pub fn shown(letter: char) -> String {
    if is_hidden(letter) || letter.is_whitespace() && letter != ' ' {
        return format!("U+{:04X}", u32::from(letter));
    }
    letter.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_is_told_by_its_code_point() {
        for (letter, said) in [
            ('\u{202e}', "U+202E"),
            ('\u{200b}', "U+200B"),
            ('\u{3164}', "U+3164"),
            ('\n', "U+000A"),
            ('\u{e000}', "U+E000"),
            ('ä', "ä"),
            ('"', "\""),
        ] {
            assert_eq!(shown(letter), said);
        }
    }

    #[test]
    fn as_many_marks_as_a_language_has_stand_on_a_letter() {
        assert!(!piled_up("z\u{301}\u{302}\u{303}\u{304}a\u{301}l"));
        assert!(piled_up("z\u{301}\u{302}\u{303}\u{304}\u{305}al"));
        assert!(!piled_up("Nguyễn Thị Ánh, בְּרֵאשִׁ֖ית, क्षत्रिय, ผู้ที่"));
    }

    #[test]
    fn letters_that_look_alike_are_told_apart() {
        assert!(mixes_look_alikes("p\u{430}ypal"));
        assert!(!mixes_look_alikes("paypal") && !mixes_look_alikes("мир") && !mixes_look_alikes("山田taro"));
        let letters = |text: &str| passes_for_latin(&text.chars().collect::<Vec<_>>());
        assert!(letters("\u{430}\u{440}\u{440}\u{4cf}\u{435}"), "Cyrillic that reads `apple`");
        assert!(!letters("bücher") && !letters("山田"));
    }
}
