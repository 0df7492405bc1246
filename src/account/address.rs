//! E-mail addresses: one address, written plainly, that means the same to everybody who reads it. Start from
//! [`Address::parse`].
//!
//! Quoted parts, comments, groups and domain literals are valid by RFC 5322, nobody types them, and programs read them
//! in different ways (CVE-2026-40574): they are refused.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::canonical::{compose, fold};
use super::letters::{is_hidden, mixes_look_alikes, passes_for_latin, shown};
use crate::words::Words;

/// RFC 5321, section 4.5.3.1.3: a path of 256 octets less its angle brackets.
const LONGEST: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;

/// A valid address. It is mailed and kept as [`as_str`](Self::as_str) has it, compared as
/// [`canonical`](Self::canonical), and shown to people by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    local: String,
    domain: Domain,
    text: String,
}

/// A domain in its ASCII form, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// Why a text is no address: `Display` for a terminal, [`say`](Self::say) for a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is missing")]
    Missing,
    #[error("an address has at most {LONGEST} characters, and {LONGEST_LOCAL_PART} of them before the @")]
    TooLong,
    #[error("an address has an @ in it, as alice@example.com")]
    NoAt,
    #[error("an address has one @ only")]
    TwoAts,
    #[error("an address has a name before the @, without dots at its ends or side by side")]
    LocalPart,
    #[error("an address has no `{}` in it", shown(*.0))]
    Character(char),
    #[error("letters of several alphabets that look alike stand in the address")]
    LookAlikes,
    #[error("what follows the @ is no domain, as example.com is one")]
    Domain,
}

impl Address {
    pub fn parse(typed: &str) -> Result<Self, AddressError> {
        let typed = typed.trim();
        if typed.len() > LONGEST {
            return Err(AddressError::TooLong);
        }
        let typed = compose(typed);
        let (local, domain) = match (typed.split_once('@'), typed.is_empty()) {
            (_, true) => return Err(AddressError::Missing),
            (Some((_, rest)), _) if rest.contains('@') => return Err(AddressError::TwoAts),
            (Some(halves), _) => halves,
            (None, _) => return Err(AddressError::NoAt),
        };
        check_local_part(local)?;
        let domain = Domain::parse(domain)?;
        let text = format!("{local}@{domain}");
        if text.len() > LONGEST {
            return Err(AddressError::TooLong);
        }
        Ok(Self { local: local.to_owned(), domain, text })
    }

    /// As it is kept and mailed: the local part as typed, the domain in ASCII.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the @, as typed.
    pub fn local_part(&self) -> &str {
        &self.local
    }

    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// What two addresses have in common if they are the same person's: as [`canonical`](super::canonical()) has it.
    pub fn canonical(&self) -> String {
        format!("{}@{}", fold(&self.local), self.domain)
    }
}

/// For people: the domain in its own letters, unless these could pass for others.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.local, self.domain.shown())
    }
}

impl Domain {
    /// Host names only (letters, digits, hyphens; Unicode by IDNA), without a dot at the end; no numeric address.
    pub fn parse(typed: &str) -> Result<Self, AddressError> {
        let numeric = |domain: &str| {
            domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
        };
        // `DnsLength::Verify` refuses what is empty or too long, and a dot at the end.
        Uts46::new()
            .to_ascii(typed.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
            .ok()
            .filter(|domain| !numeric(domain))
            .map(|domain| Self(domain.into_owned()))
            .ok_or(AddressError::Domain)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For people: in its own letters, unless these could pass for others.
    pub fn shown(&self) -> String {
        let honest =
            |label: &[char], top: &[char], _| !passes_for_latin(label) || !top.iter().all(char::is_ascii);
        let (shown, _) = Uts46::new().to_user_interface(
            self.0.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            honest,
        );
        shown.into_owned()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AddressError {
    /// For the field in which the address was typed.
    pub fn say(&self, words: &Words) -> String {
        match self {
            Self::Missing => words.text("address-missing"),
            Self::TooLong => words.text("address-too-long"),
            Self::NoAt => words.text("address-no-at"),
            Self::TwoAts => words.text("address-two-ats"),
            Self::LocalPart => words.text("address-local-part"),
            Self::Character(letter) => words.filled("address-character", "character", &shown(*letter)),
            Self::LookAlikes => words.text("address-look-alikes"),
            Self::Domain => words.text("address-domain"),
        }
    }
}

/// RFC 5322's `dot-atom`, and letters and digits of any language (RFC 6531): no more than the mailer takes.
fn check_local_part(local: &str) -> Result<(), AddressError> {
    if local.len() > LONGEST_LOCAL_PART {
        return Err(AddressError::TooLong);
    }
    let fits = |letter: char| match letter {
        '.' => true,
        _ if letter.is_ascii() => letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter),
        _ => letter.is_alphanumeric() && !is_hidden(letter),
    };
    if let Some(odd) = local.chars().find(|letter| !fits(*letter)) {
        return Err(AddressError::Character(odd));
    }
    if local.split('.').any(str::is_empty) {
        return Err(AddressError::LocalPart);
    }
    if mixes_look_alikes(local) {
        return Err(AddressError::LookAlikes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::canonical;
    use super::*;

    #[test]
    fn an_address_is_kept_compared_and_shown() {
        for (typed, kept, canonically, shown) in [
            ("alice@example.com", "alice@example.com", "alice@example.com", "alice@example.com"),
            (" Alice@Example.COM\n", "Alice@example.com", "alice@example.com", "Alice@example.com"),
            ("bob+tag@example.com", "bob+tag@example.com", "bob+tag@example.com", "bob+tag@example.com"),
            (
                "o'hara!#$%&*/=?^_`{|}~-@a.example",
                "o'hara!#$%&*/=?^_`{|}~-@a.example",
                "o'hara!#$%&*/=?^_`{|}~-@a.example",
                "o'hara!#$%&*/=?^_`{|}~-@a.example",
            ),
            (
                "José@BÜCHER.example",
                "José@xn--bcher-kva.example",
                "josé@xn--bcher-kva.example",
                "José@bücher.example",
            ),
            (
                "jose\u{301}@bu\u{308}cher.example",
                "josé@xn--bcher-kva.example",
                "josé@xn--bcher-kva.example",
                "josé@bücher.example",
            ),
            ("ａ＠ｅｘａｍｐｌｅ。ｃｏｍ", "a@example.com", "a@example.com", "a@example.com"),
            ("山田@例え.jp", "山田@xn--r8jz45g.jp", "山田@xn--r8jz45g.jp", "山田@例え.jp"),
            // Cyrillic throughout, and it reads `apple`.
            (
                "a@\u{430}\u{440}\u{440}\u{4cf}\u{435}.com",
                "a@xn--80ak6aa92e.com",
                "a@xn--80ak6aa92e.com",
                "a@xn--80ak6aa92e.com",
            ),
            ("иван@почта.рф", "иван@xn--80a1acny.xn--p1ai", "иван@xn--80a1acny.xn--p1ai", "иван@почта.рф"),
            ("root@localhost", "root@localhost", "root@localhost", "root@localhost"),
        ] {
            let address = Address::parse(typed).expect(typed);
            assert_eq!(address.as_str(), kept);
            assert_eq!(address.canonical(), canonically);
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_address() {
        use AddressError as Wrong;
        let long = format!("{}@example.com", "a".repeat(300));
        let long_local_part = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "a".repeat(64));
        for (typed, wrong) in [
            ("", Wrong::Missing),
            ("  ", Wrong::Missing),
            ("alice", Wrong::NoAt),
            (long.as_str(), Wrong::TooLong),
            (long_local_part.as_str(), Wrong::TooLong),
            (long_label.as_str(), Wrong::Domain),
            ("a@evil.com@corp.com", Wrong::TwoAts),
            ("a＠evil.com@corp.com", Wrong::TwoAts),
            ("\"a@corp.com\"@evil.com", Wrong::TwoAts),
            ("\"alice\"@corp.com", Wrong::Character('"')),
            ("a@corp.com,b@evil", Wrong::TwoAts),
            ("a,b@corp.com", Wrong::Character(',')),
            ("staff:alice@corp.com;", Wrong::Character(':')),
            ("alice(work)@corp.com", Wrong::Character('(')),
            ("Alice <alice@corp.com>", Wrong::Character(' ')),
            ("a\\b@corp.com", Wrong::Character('\\')),
            ("a@corp.com\r\nBcc:x", Wrong::Domain),
            ("a\r\nBcc:x@corp.com", Wrong::Character('\r')),
            ("a\0@corp.com", Wrong::Character('\0')),
            ("a@corp.com evil", Wrong::Domain),
            ("a@corp.com.", Wrong::Domain),
            ("a@.corp.com", Wrong::Domain),
            ("a@corp..com", Wrong::Domain),
            ("a@-corp.com", Wrong::Domain),
            ("a@corp_.com", Wrong::Domain),
            ("a@xn--corp-.com", Wrong::Domain),
            ("a@xn--a.com", Wrong::Domain),
            ("a@", Wrong::Domain),
            ("a@[127.0.0.1]", Wrong::Domain),
            ("a@127.0.0.1", Wrong::Domain),
            ("a@(x)corp.com", Wrong::Domain),
            ("@corp.com", Wrong::LocalPart),
            (".a@corp.com", Wrong::LocalPart),
            ("a.@corp.com", Wrong::LocalPart),
            ("a..b@corp.com", Wrong::LocalPart),
            ("a\u{202e}b@corp.com", Wrong::Character('\u{202e}')),
            ("a\u{200b}b@corp.com", Wrong::Character('\u{200b}')),
            ("a\u{ad}b@corp.com", Wrong::Character('\u{ad}')),
            ("\u{1f600}@corp.com", Wrong::Character('\u{1f600}')),
            ("p\u{430}ypal@corp.com", Wrong::LookAlikes),
            ("a@co\u{202e}rp.com", Wrong::Domain),
        ] {
            assert_eq!(Address::parse(typed), Err(wrong), "{typed:?}");
        }
    }

    #[test]
    fn a_message_shows_what_does_not_show() {
        let wrong = Address::parse("a\u{202e}b@corp.com").expect_err("a mark of direction");
        assert!(wrong.to_string().contains("`U+202E`"), "{wrong}");
        assert!(wrong.say(&Words::english()).contains("U+202E"));
    }

    #[test]
    fn a_domain_is_itself_and_no_part_of_another() {
        let corp = Domain::parse("Corp.example").expect("a domain");
        for (address, same) in [
            ("a@corp.example", true),
            ("a@CORP.example", true),
            ("a@evil-corp.example", false),
            ("a@mail.corp.example", false),
            ("a@corp.example.evil.example", false),
            ("corp.example@evil.example", false),
        ] {
            assert_eq!(*Address::parse(address).expect(address).domain() == corp, same, "{address}");
        }
    }

    proptest! {
        #[test]
        fn an_address_reads_as_itself_everywhere(typed in "\\PC{1,12}@\\PC{1,12}(\\.[a-z]{2,3})?") {
            if let Ok(address) = Address::parse(&typed) {
                let kept = address.as_str();
                prop_assert_eq!(Address::parse(kept), Ok(address.clone()));
                prop_assert_eq!(Address::parse(&address.to_string()), Ok(address.clone()));
                prop_assert_eq!(canonical(&typed), address.canonical());
                prop_assert_eq!(canonical(kept), address.canonical());
                let mailed: lettre::Address = kept.parse().expect("the mailer takes it");
                prop_assert_eq!(mailed.to_string(), kept);
            }
        }

        #[test]
        fn plain_addresses_are_accepted(typed in "[a-z0-9_+-]{1,20}(\\.[a-z0-9]{1,10}){0,2}@[a-z][a-z0-9]{0,20}\\.(com|org|example)") {
            prop_assert!(Address::parse(&typed).is_ok());
        }
    }
}
