//! What a password must be when it is set: long enough, and nothing that is tried first (NIST SP 800-63B-4, section
//! 3.1.1.2: a length and a blocklist, no rules about kinds of characters). Start from [`Rules`].

use super::common::any_is_common;
use super::{MAX_BYTES, composed};
use crate::account::Address;
use crate::account::canonical::fold;
use crate::words::Words;

/// Shorter parts of a name stand in too many words.
const SHORTEST_PART: usize = 4;
/// A password that only repeats something is judged by what it repeats, which then has to have these characters.
const SHORTEST_UNIT: usize = 8;

/// The rules of one site.
#[derive(Clone, Debug)]
pub struct Rules {
    minimum: usize,
    title: Vec<String>,
}

/// Whose password it is to be, as far as that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owner<'a> {
    pub username: Option<&'a str>,
    pub address: Option<&'a Address>,
    pub name: Option<&'a str>,
}

/// Why a password is refused: `Display` for a terminal, [`say`](Self::say) for a page. The password is in neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    #[error("the password is missing")]
    Missing,
    #[error("the password is too short: take {minimum} characters or more, such as three or four words")]
    Short { minimum: usize },
    #[error("the password is too long: {MAX_BYTES} bytes are the most")]
    Long,
    #[error("the password is one that many people use, and that is tried first")]
    Common,
    #[error("the password repeats a few characters")]
    Repeats,
    #[error("the password is a row of letters or digits in their order")]
    Sequence,
    /// A part of it, in lower case, that stands in the password.
    #[error("the password has `{1}` in it, from {0}")]
    Holds(Whose, String),
}

/// What of the surroundings a password must not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Username,
    Address,
    Name,
    Title,
}

impl Rules {
    /// `minimum` in characters; `title` as the pages have it.
    pub fn new(minimum: usize, title: &str) -> Self {
        let mut title = parts(title);
        title.push("vestibule".to_owned());
        Self { minimum, title }
    }

    pub fn check(&self, password: &str, owner: &Owner<'_>) -> Result<(), Weakness> {
        if password.is_empty() {
            return Err(Weakness::Missing);
        }
        if password.len() > MAX_BYTES {
            return Err(Weakness::Long);
        }
        if composed(password).chars().count() < self.minimum {
            return Err(Weakness::Short { minimum: self.minimum });
        }
        let password = fold(password);
        self.check_owner(&password, owner)?;
        check_guesses(&password)
    }

    fn check_owner(&self, password: &str, owner: &Owner<'_>) -> Result<(), Weakness> {
        let of = |text: Option<&str>| text.map(parts).unwrap_or_default();
        let address = owner.address.map(parts_of_address).unwrap_or_default();
        let held = [
            (Whose::Username, of(owner.username)),
            (Whose::Name, of(owner.name)),
            (Whose::Address, address),
            (Whose::Title, self.title.clone()),
        ];
        for (whose, parts) in held {
            if let Some(part) = parts.into_iter().find(|part| password.contains(part)) {
                return Err(Weakness::Holds(whose, part));
            }
        }
        Ok(())
    }
}

impl Weakness {
    /// For the field in which the password was typed.
    pub fn say(&self, words: &Words) -> String {
        let holds = |name: &str, part: &String| words.filled(name, "part", part);
        match self {
            Self::Missing => words.text("password-missing"),
            Self::Short { minimum } => words.with("password-short", &[("minimum", (*minimum).into())]),
            Self::Long => words.text("password-long"),
            Self::Common => words.text("password-common"),
            Self::Repeats => words.text("password-repeats"),
            Self::Sequence => words.text("password-sequence"),
            Self::Holds(Whose::Username, part) => holds("password-holds-username", part),
            Self::Holds(Whose::Address, part) => holds("password-holds-address", part),
            Self::Holds(Whose::Name, part) => holds("password-holds-name", part),
            Self::Holds(Whose::Title, part) => holds("password-holds-title", part),
        }
    }
}

impl std::fmt::Display for Whose {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Username => "the username",
            Self::Address => "the e-mail address",
            Self::Name => "the name",
            Self::Title => "the name of this site",
        })
    }
}

/// Whether this, folded, is what is tried first.
fn check_guesses(password: &str) -> Result<(), Weakness> {
    let unit = unit(password);
    let candidates = [password, core(password), unit, core(unit), self::unit(core(password))];
    if any_is_common(&candidates) {
        return Err(Weakness::Common);
    }
    if unit.len() < password.len() && unit.chars().count() < SHORTEST_UNIT {
        return Err(Weakness::Repeats);
    }
    if is_sequence(password) { Err(Weakness::Sequence) } else { Ok(()) }
}

/// Without the digits and signs at both ends, which everybody adds in the same ways.
fn core(password: &str) -> &str {
    password.trim_matches(|letter: char| {
        letter.is_ascii_punctuation() || letter.is_ascii_digit() || letter == ' '
    })
}

/// What it repeats at least twice from its beginning to its end, the last time perhaps in part: `abc` of `abcabcab`.
/// Without repetition all of it.
fn unit(password: &str) -> &str {
    let halves = password.char_indices().map(|(at, _)| at).skip(1).take_while(|at| 2 * at <= password.len());
    let repeats = |at: &usize| password.get(*at..).is_some_and(|rest| password.starts_with(rest));
    halves.into_iter().find(repeats).and_then(|at| password.get(..at)).unwrap_or(password)
}

/// `123456789012`, `zyxwvutsrqpo`: each character the next or the one before, 0 following 9.
fn is_sequence(password: &str) -> bool {
    let follows = |one: char, next: char| {
        let ring = if one.is_ascii_digit() && next.is_ascii_digit() { 10 } else { 1 << 21 };
        (u32::from(next) + ring - u32::from(one)) % ring
    };
    let pairs = || password.chars().zip(password.chars().skip(1));
    let steps = |wanted: &[u32]| pairs().all(|(one, next)| wanted.contains(&follows(one, next)));
    steps(&[1]) || steps(&[9, (1 << 21) - 1])
}

/// The words of a text that are long enough, folded, and all of it as one.
fn parts(text: &str) -> Vec<String> {
    let text = fold(text);
    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    let mut parts: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    parts.push(words.concat());
    parts.retain(|part| part.chars().count() >= SHORTEST_PART);
    parts
}

/// Of the domain each label but the last, which says little.
fn parts_of_address(address: &Address) -> Vec<String> {
    let mut found = parts(address.local_part());
    if let Some((labels, _)) = address.domain().shown().rsplit_once('.') {
        found.extend(labels.split('.').flat_map(parts));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), Weakness> {
        let address = Address::parse("Bob.Miller@acme-works.example").expect("an address");
        let owner =
            Owner { username: Some("bobby"), address: Some(&address), name: Some("Robert Müller Ö. Li") };
        Rules::new(12, "Example Corp").check(password, &owner)
    }

    #[test]
    fn long_and_unlikely_passwords_are_accepted_whatever_they_are_made_of() {
        for password in [
            "correct horse battery staple",
            "xkcdlikesthis",
            "тайный длинный пароль",
            "八百万の神々が住まう国日本",
            "pässwörter sind lang",
            "🔑🔒🔓🗝️🚪🏰🐉⚔️🛡️👑🌋🌊",
            "kV7#pq-2mZ!r",
            "        a b c d",
            "twelve chars",
            "bob likes long ones",
            "abcdefghijkm nope",
            "xk3!q9mmxk3!q9mm",
        ] {
            assert_eq!(check(password), Ok(()), "{password:?}");
        }
        assert_eq!(check(&"lang und länger ".repeat(60)), Ok(()), "{}", "lang und länger ".len());
    }

    #[test]
    fn the_length_is_in_characters_as_people_count_them_and_bounded_in_bytes() {
        assert_eq!(check(""), Err(Weakness::Missing));
        assert_eq!(check("eleven char"), Err(Weakness::Short { minimum: 12 }));
        assert_eq!(check("ölf zeichen"), Err(Weakness::Short { minimum: 12 }));
        assert_eq!(check("o\u{308}lf zeichen"), Err(Weakness::Short { minimum: 12 }), "decomposed");
        assert_eq!(check(&"y8".repeat(512)), Err(Weakness::Repeats));
        assert_eq!(check(&"y8".repeat(513)), Err(Weakness::Long));
        assert_eq!(Rules::new(8, "").check("ytrvbnwq", &Owner::default()), Ok(()));
    }

    #[test]
    fn what_is_tried_first_is_refused_with_its_usual_ends_too() {
        for password in [
            "Password1234!",
            "PASSWORD!!!!!!",
            "password1234",
            "2026-password-2026",
            "123456789012",
            "qwertyuiop[]",
            "passwordpassword",
            "Password1Password1",
            "dragondragon77",
            "ｐａｓｓｗｏｒｄ１２３４",
            "1q2w3e4r5t6y",
        ] {
            assert_eq!(check(password), Err(Weakness::Common), "{password:?}");
        }
    }

    #[test]
    fn repetition_and_rows_are_not_length() {
        for password in ["yyyyyyyyyyyyy", "vkqvkqvkqvkqv", "ö7ö7ö7ö7ö7ö7ö7"] {
            assert_eq!(check(password), Err(Weakness::Repeats), "{password:?}");
        }
        for password in ["56789012345678", "876543210987", "cdefghijklmnop", "zyxwvutsrqpo", "бвгдежзийклмн"]
        {
            assert_eq!(check(password), Err(Weakness::Sequence), "{password:?}");
        }
    }

    #[test]
    fn a_password_holds_nothing_of_its_owner_or_the_site() {
        for (password, whose, part) in [
            ("my-Bobby-is-secret", Whose::Username, "bobby"),
            ("ROBERT is the best", Whose::Name, "robert"),
            ("mu\u{308}ller und söhne", Whose::Name, "müller"),
            ("bobMILLER-is-here", Whose::Address, "miller"),
            ("i-work-at-ACME-now", Whose::Address, "acme"),
            ("example-of-a-secret", Whose::Title, "example"),
            ("vestibule-2026-hut", Whose::Title, "vestibule"),
        ] {
            let refused = check(password);
            assert_eq!(refused, Err(Weakness::Holds(whose, part.into())), "{password:?}");
        }
    }

    #[test]
    fn the_reason_is_said_on_the_page() {
        let words = Words::english();
        let say = |password: &str| check(password).expect_err(password).say(&words);
        assert!(say("short").contains("12 characters"), "{}", say("short"));
        assert!(say("i-work-at-acme-now").contains("acme"), "{}", say("i-work-at-acme-now"));
        assert!(!say("Password1234!").contains("1234"));
    }
}
