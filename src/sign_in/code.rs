//! One-time codes: derived, compared, never stored.
//!
//! A code is HMAC-SHA-256 over a nonce, whom it is for and its number, under the key of its purpose, reduced to decimal digits as
//! RFC 4226 (HOTP) truncates, but over 64 bits, so that the modulo's bias stays below 2^-30 even for ten digits.

use crate::secret::{self, Keys, Purpose};

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

/// What codes are good for, and for whom.
#[derive(Clone, Copy)]
pub struct For<'a> {
    pub purpose: Purpose,
    /// An account's id, or what else the purpose tells people apart by.
    pub whom: &'a str,
}

/// What codes are made from.
pub struct Secret<'a> {
    pub nonce: &'a [u8; 32],
    pub is_for: For<'a>,
}

impl Secret<'_> {
    pub fn derive(&self, keys: &Keys, number: u32, digits: u32) -> Code {
        let number = number.to_be_bytes();
        reduce(&keys.sign(self.is_for.purpose, &[self.nonce, self.is_for.whom.as_bytes(), &number]), digits)
    }

    /// The same code as each configured secret would have it, so that a rotation spoils no sign-in under way.
    pub fn under_all_keys(&self, keys: &Keys, number: u32, digits: u32) -> Vec<Code> {
        let number = number.to_be_bytes();
        let parts: [&[u8]; 3] = [self.nonce, self.is_for.whom.as_bytes(), &number];
        keys.sign_with_each(self.is_for.purpose, &parts).map(|mac| reduce(&mac, digits)).collect()
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

    const ALICE: For<'_> = For { purpose: Purpose::Code, whom: "file:alice" };

    fn keys(first: u8) -> Keys {
        Keys::derive(&[crate::secret::Secret::new(vec![first; 32])]).unwrap()
    }

    #[test]
    fn codes_are_uniform_over_all_leading_digits() {
        // Chi-square over ten equal bins for each digit: 27.88 is the 0.001 quantile for 9 degrees of freedom. The
        // nonces are fixed, so the figure is too.
        let keys = keys(1);
        let mut bins = [[0_f64; 10]; 6];
        let draws = 20_000_u32;
        for draw in 0..draws {
            let mut nonce = [0; 32];
            nonce[..4].copy_from_slice(&draw.to_be_bytes());
            let code = Secret { nonce: &nonce, is_for: ALICE }.derive(&keys, 1, 6);
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
        let secret = Secret { nonce: &[3; 32], is_for: ALICE };
        let old = secret.derive(&keys(1), 1, 6);
        let both =
            Keys::derive(&[crate::secret::Secret::new(vec![2; 32]), crate::secret::Secret::new(vec![1; 32])])
                .unwrap();
        assert!(secret.under_all_keys(&both, 1, 6).iter().any(|code| code.is(&old)));
        assert!(!secret.derive(&both, 1, 6).is(&old));
    }

    #[test]
    fn a_code_is_for_one_purpose_alone() {
        let keys = keys(1);
        let code = |is_for| Secret { nonce: &[3; 32], is_for }.derive(&keys, 1, 10);
        assert!(code(ALICE).is(&code(ALICE)));
        assert!(!code(ALICE).is(&code(For { purpose: Purpose::RegistrationCode, ..ALICE })));
        assert!(!code(ALICE).is(&code(For { whom: "file:bob", ..ALICE })));
    }
}
