//! One-time codes: derived, compared, never stored.
//!
//! A code is HMAC-SHA-256 over the sign-in's nonce, the account and the code's number, reduced to decimal digits as
//! RFC 4226 (HOTP) truncates, but over 64 bits, so that the modulo's bias stays below 2^-30 even for ten digits.

use crate::secret::{self, Keys, Purpose};
use crate::subject::AccountId;

/// A code of the configured number of digits. Not printable by accident: no `Debug`, no `Display`.
#[derive(Clone)]
pub struct Code(String);

impl Code {
    /// Reads what was typed: spaces and hyphens are ignored, all else must be ASCII digits of the right number.
    pub fn parse(typed: &str, digits: u32) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let bare: String = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        let well_formed = bare.len() == digits as usize && bare.bytes().all(|byte| byte.is_ascii_digit());
        well_formed.then_some(Self(bare))
    }

    /// The digits, for the mail.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time.
    pub fn is(&self, other: &Self) -> bool {
        secret::equal(self.0.as_bytes(), other.0.as_bytes())
    }
}

/// What a sign-in's codes are made from.
pub struct Secret<'a> {
    pub nonce: &'a [u8; 32],
    pub account: &'a AccountId,
}

impl Secret<'_> {
    pub fn derive(&self, keys: &Keys, number: u32, digits: u32) -> Code {
        let number = number.to_be_bytes();
        reduce(&keys.sign(Purpose::Code, &[self.nonce, self.account.as_str().as_bytes(), &number]), digits)
    }

    /// The same code as each configured secret would have it, so that a rotation spoils no sign-in under way.
    pub fn under_all_keys(&self, keys: &Keys, number: u32, digits: u32) -> Vec<Code> {
        let number = number.to_be_bytes();
        let parts: [&[u8]; 3] = [self.nonce, self.account.as_str().as_bytes(), &number];
        keys.sign_with_each(Purpose::Code, &parts).map(|mac| reduce(&mac, digits)).collect()
    }
}

fn reduce(mac: &[u8; 32], digits: u32) -> Code {
    let (head, _) = mac.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    let number = u64::from_be_bytes(*head) % 10_u64.pow(digits.min(10));
    Code(format!("{number:0width$}", width = digits as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(first: u8) -> Keys {
        Keys::derive(&[crate::secret::Secret::new(vec![first; 32])]).unwrap()
    }

    #[test]
    fn codes_are_uniform_over_all_leading_digits() {
        // Chi-square over ten equal bins for each digit: 27.88 is the 0.001 quantile for 9 degrees of freedom. The
        // nonces are fixed, so the figure is too.
        let (keys, account) = (keys(1), AccountId::new("file", "alice"));
        let mut bins = [[0_f64; 10]; 6];
        let draws = 20_000_u32;
        for draw in 0..draws {
            let mut nonce = [0; 32];
            nonce[..4].copy_from_slice(&draw.to_be_bytes());
            let code = Secret { nonce: &nonce, account: &account }.derive(&keys, 1, 6);
            for (place, digit) in code.expose().bytes().enumerate() {
                bins[place][usize::from(digit - b'0')] += 1.0;
            }
        }
        let expected = f64::from(draws) / 10.0;
        for place in bins {
            let chi: f64 = place.iter().map(|seen| (seen - expected).powi(2) / expected).sum();
            assert!(chi < 27.88, "chi-square {chi}");
        }
    }

    #[test]
    fn what_was_typed_is_read_kindly_and_strictly() {
        for typed in ["123456", " 123456", "123 456", "123-456", "12-34 56\n"] {
            assert_eq!(Code::parse(typed, 6).map(|code| code.0).as_deref(), Some("123456"), "{typed:?}");
        }
        for typed in
            ["", "12345", "1234567", "12345a", "\u{ff11}23456", "\u{0661}23456", "+12345", "123456,1"]
        {
            assert!(Code::parse(typed, 6).is_none(), "{typed:?}");
        }
    }

    #[test]
    fn a_rotated_secret_still_knows_its_codes() {
        let account = AccountId::new("file", "alice");
        let secret = Secret { nonce: &[3; 32], account: &account };
        let old = secret.derive(&keys(1), 1, 6);
        let both =
            Keys::derive(&[crate::secret::Secret::new(vec![2; 32]), crate::secret::Secret::new(vec![1; 32])])
                .unwrap();
        assert!(secret.under_all_keys(&both, 1, 6).iter().any(|code| code.is(&old)));
        assert!(!secret.derive(&both, 1, 6).is(&old));
    }
}
