//! Why an account was turned down, in an administrator's words. Start from [`Reason::parse`].

use super::letters::hides;

/// In characters.
const LONGEST: usize = 500;

/// On one line, as it stands in a mail, in the trail and on a terminal; nothing in it hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has at most {LONGEST} characters")]
pub struct ReasonTooLong;

impl Reason {
    /// `None`: nothing was given. Lines are joined, and what does not show is left out.
    pub fn parse(typed: &str) -> Result<Option<Self>, ReasonTooLong> {
        let words = typed.split(|letter: char| letter.is_whitespace() || letter.is_control());
        let words = words.map(visible).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let reason = words.join(" ");
        match reason.chars().count() {
            0 => Ok(None),
            1..=LONGEST => Ok(Some(Self(reason))),
            _ => Err(ReasonTooLong),
        }
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

fn visible(word: &str) -> String {
    let mut before = ' ';
    let shows = |letter: &char| !hides(*letter, std::mem::replace(&mut before, *letter));
    word.chars().filter(shows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_what_shows() {
        for (typed, kept) in [
            ("left us", Some("left us")),
            ("  Not known\r\n to\tus ", Some("Not known to us")),
            ("bad\nX-Evil: 1\u{1b}[31mred \u{202e}", Some("bad X-Evil: 1 [31mred")),
            ("un\u{200b}known\u{2028}here\0", Some("unknown here")),
            ("می\u{200c}نا", Some("می\u{200c}نا")),
            (" \n\u{202e} ", None),
            ("", None),
        ] {
            let reason = Reason::parse(typed).expect("short").map(Reason::into_string);
            assert_eq!(reason.as_deref(), kept, "{typed:?}");
        }
        assert!(Reason::parse(&"ä".repeat(500)).is_ok());
        assert_eq!(Reason::parse(&"ä".repeat(501)), Err(ReasonTooLong));
    }
}
