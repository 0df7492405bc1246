//! Text from outside on its way into a log: nothing that a terminal, a pager or a log collector would act on.
//!
//! Escaped are C0, DEL and C1 controls, line and paragraph separators, and the characters that reorder text
//! (Unicode's bidi controls, CVE-2021-42574), all as JSON has it (`\u001b`), so that JSON stays JSON.

use std::fmt::Write as _;

/// Whether a character could forge or hide something in a log.
fn is_active(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Appends `text`, its active characters escaped.
pub(super) fn push(line: &mut String, text: &str) {
    // All of them are looked at: a loop that never ends early is done for many bytes at once.
    if text.bytes().fold(true, |plain, byte| plain & (b' '..0x7f).contains(&byte)) {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        if is_active(character) {
            // Writing to a string does not fail.
            let _ = write!(line, "\\u{:04x}", u32::from(character));
        } else {
            line.push(character);
        }
    }
}

/// Appends `text` as a JSON string.
pub(super) fn push_json(line: &mut String, text: &str) {
    line.push('"');
    for part in text.split_inclusive(['"', '\\']) {
        let (plain, special) = match part.as_bytes().last() {
            Some(b'"') => (part.strip_suffix('"').unwrap_or(part), "\\\""),
            Some(b'\\') => (part.strip_suffix('\\').unwrap_or(part), "\\\\"),
            _ => (part, ""),
        };
        push(line, plain);
        line.push_str(special);
    }
    line.push('"');
}

/// The longest beginning of `text` that has at most this many bytes.
pub(super) fn capped(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_passes() {
        let cases = [
            ("plain text, 100%", "plain text, 100%"),
            ("caf\u{e9}", "caf\u{e9}"),
            ("a\nb\r\u{1b}[31m", "a\\u000ab\\u000d\\u001b[31m"),
            ("\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}", "\\u007f\\u009b\\u2028\\u202e\\u2066"),
        ];
        for (from, to) in cases {
            let mut line = String::new();
            push(&mut line, from);
            assert_eq!(line, to);
        }
    }

    #[test]
    fn json_reads_back_as_it_was() {
        for text in
            ["", "\"", "a\\", "{\"level\":\"info\"}\n", "\u{202e}\u{0}\\\"x\"\\", "caf\u{e9} \u{1f600}"]
        {
            let mut line = String::new();
            push_json(&mut line, text);
            assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
            assert!(!line.contains('\n'));
        }
    }

    #[test]
    fn a_cap_never_splits_a_character() {
        assert_eq!(capped("caf\u{e9}s", 4), "caf");
        assert_eq!(capped("cafe", 10), "cafe");
    }
}
