//! Usernames: short, plain, the same in every app and every log. Start from [`Username::parse`].

use std::fmt;

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::address::Address;
use super::canonical::{canonical, fold};
use super::letters::shown;
use crate::words::Words;

const LONGEST: usize = 64;

/// `[a-z0-9][a-z0-9._-]{0,63}`, in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a text is no username: `Display` for a terminal, [`say`](Self::say) for a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    #[error("the username is missing")]
    Missing,
    #[error("a username has at most {LONGEST} characters")]
    TooLong,
    #[error("a username begins with a letter or digit")]
    Beginning,
    #[error("a username has letters from a to z, digits and `.`, `_`, `-` in it, and no `{}`", shown(*.0))]
    Character(char),
    #[error(
        "the username `{0}` is reserved: an app may take who has it for its own administrator; choose another"
    )]
    Reserved(String),
}

impl Username {
    /// Reads what somebody typed, in any case.
    pub fn parse(typed: &str) -> Result<Self, UsernameError> {
        let name = canonical(typed);
        let Some(first) = name.chars().next() else { return Err(UsernameError::Missing) };
        if let Some(odd) = name.chars().find(|letter| !is_plain(*letter) && !"._-".contains(*letter)) {
            return Err(UsernameError::Character(odd));
        }
        if !is_plain(first) {
            return Err(UsernameError::Beginning);
        }
        if name.len() > LONGEST {
            return Err(UsernameError::TooLong);
        }
        Ok(Self(name))
    }

    /// As [`parse`](Self::parse), for an account that is made now: no name that means more than a person.
    pub fn parse_new(typed: &str) -> Result<Self, UsernameError> {
        let name = Self::parse(typed)?;
        if name.is_reserved() { Err(UsernameError::Reserved(name.0)) } else { Ok(name) }
    }

    /// Names to propose to whoever has this address, best first, without an end: `alice`, `alice-2`, `alice-3`.
    pub fn proposals(address: &Address) -> impl Iterator<Item = Self> {
        let local = address.local_part();
        // What follows a plus sign sorts mail, and is no name.
        let plain = reduced(local.split_once('+').map_or(local, |(name, _)| name));
        let plain = if plain.is_empty() { "person".to_owned() } else { plain };
        (1_u64..).filter_map(move |number| {
            let ending = if number == 1 { String::new() } else { format!("-{number}") };
            let mut name = plain.clone();
            name.truncate(LONGEST - ending.len());
            Self::parse_new(&(name + &ending)).ok()
        })
    }

    pub fn is_reserved(&self) -> bool {
        RESERVED.split(' ').any(|name| name == self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl UsernameError {
    /// For the field in which the name was typed.
    pub fn say(&self, words: &Words) -> String {
        match self {
            Self::Missing => words.text("username-missing"),
            Self::TooLong => words.text("username-too-long"),
            Self::Beginning => words.text("username-beginning"),
            Self::Character(letter) => words.filled("username-character", "character", &shown(*letter)),
            Self::Reserved(name) => words.filled("username-reserved", "username", name),
        }
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit()
}

/// Without accents, what is left of other letters as hyphens, at the ends none: `Jörg Weiß` is `jorg-weiss`.
fn reduced(text: &str) -> String {
    let bare = DecomposingNormalizerBorrowed::new_nfkd().normalize(&fold(text)).into_owned();
    let kept = bare.chars().filter(|letter| letter.is_ascii() || letter.is_alphanumeric());
    let plain = |letter: char| if is_plain(letter) || "._-".contains(letter) { letter } else { '-' };
    kept.map(plain).collect::<String>().trim_matches(['.', '_', '-']).to_owned()
}

/// Names that apps, mail systems (RFC 2142) and operating systems give a meaning.
const RESERVED: &str = "\
     abuse account accounts admin administrator administrators admins all anonymous apache api auth \
     backup billing bin bot contact daemon default demo dns everybody everyone ftp guest help helpdesk \
     hostmaster info localhost login logout mail mailer-daemon me moderator mysql news nginx no-reply \
     nobody noc none noreply null operator owner person postgres postmaster proxy register \
     registration root sales security self service settings signin signout signup ssh ssl staff sudo \
     superadmin superuser support sys sysadmin system toor undefined user users vestibule webmaster";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_short_and_plain() {
        let longest = "a".repeat(64);
        for (typed, name) in [
            ("a", "a"),
            ("0", "0"),
            (" Alice\t", "alice"),
            ("a.b_c-d", "a.b_c-d"),
            ("Ａｌｉｃｅ", "alice"),
            (longest.as_str(), longest.as_str()),
        ] {
            assert_eq!(Username::parse(typed).expect(typed).as_str(), name);
        }
        let too_long = "a".repeat(65);
        for (typed, wrong) in [
            ("", UsernameError::Missing),
            ("  ", UsernameError::Missing),
            (".a", UsernameError::Beginning),
            ("-a", UsernameError::Beginning),
            ("_", UsernameError::Beginning),
            ("a b", UsernameError::Character(' ')),
            ("a@b", UsernameError::Character('@')),
            ("ä", UsernameError::Character('ä')),
            ("\u{430}lice", UsernameError::Character('\u{430}')),
            ("a\0", UsernameError::Character('\0')),
            ("a,b", UsernameError::Character(',')),
            (too_long.as_str(), UsernameError::TooLong),
        ] {
            assert_eq!(Username::parse(typed), Err(wrong), "{typed:?}");
        }
    }

    #[test]
    fn a_name_with_a_meaning_is_for_nobody_new() {
        for name in RESERVED.split(' ') {
            let wrong = Username::parse_new(&name.to_uppercase()).expect_err(name);
            assert!(wrong.say(&Words::english()).contains(name), "{wrong}");
            assert!(Username::parse(name).is_ok(), "{name} may stand in a file that an operator wrote");
        }
        assert!(Username::parse_new("rooty").is_ok());
    }

    #[test]
    fn names_are_proposed_from_an_address() {
        for (address, names) in [
            ("Alice.Example@corp.example", ["alice.example", "alice.example-2", "alice.example-3"]),
            ("alice+lists@corp.example", ["alice", "alice-2", "alice-3"]),
            ("jörg.weiß@corp.example", ["jorg.weiss", "jorg.weiss-2", "jorg.weiss-3"]),
            ("o'hara@corp.example", ["o-hara", "o-hara-2", "o-hara-3"]),
            ("_x_@corp.example", ["x", "x-2", "x-3"]),
            ("info@corp.example", ["info-2", "info-3", "info-4"]),
            ("山田@corp.example", ["person-2", "person-3", "person-4"]),
            ("+@corp.example", ["person-2", "person-3", "person-4"]),
        ] {
            let address = Address::parse(address).expect(address);
            let proposed: Vec<_> = Username::proposals(&address).take(3).map(|name| name.0).collect();
            assert_eq!(proposed, names, "{address}");
        }
        let longest = Address::parse(&format!("{}@corp.example", "a".repeat(64))).expect("an address");
        let second = Username::proposals(&longest).nth(1).expect("one more");
        assert_eq!(second.as_str(), format!("{}-2", "a".repeat(62)));
    }
}
