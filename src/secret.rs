//! Secrets: values that must not be seen, the keys derived from the configured `secret`, and randomness.
//!
//! [`Secret`] has no `Debug` and no `Display`, so it cannot slip into a log line. [`Keys`] holds one key for each
//! [`Purpose`], derived by HKDF-SHA-256 (RFC 5869), so that a MAC made for one purpose is worth nothing for another.

use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use zeroize::Zeroize;

/// A value that is never printed and is overwritten when dropped.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every call of this is a place where a secret could leak.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        equal(self.0.as_ref(), other.0.as_ref())
    }
}

/// What a key is for. A new purpose gets a new label; a label is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// MAC in the session cookie, over host name and session id.
    SessionCookie,
    /// MAC in the cookie of a sign-in under way.
    LoginCookie,
    /// MAC in the cookie of a known device.
    DeviceCookie,
    /// One-time codes of sign-ins.
    Code,
    /// MAC in the cookie of a registration under way.
    RegistrationCookie,
    /// One-time codes of registrations.
    RegistrationCode,
    /// One-time codes of changed addresses.
    AddressCode,
    /// Names in the store that could be guessed: accounts, addresses, networks.
    StoreName,
}

const PURPOSES: [(Purpose, &[u8]); 8] = [
    (Purpose::SessionCookie, b"vestibule/1/session-cookie"),
    (Purpose::LoginCookie, b"vestibule/1/login-cookie"),
    (Purpose::DeviceCookie, b"vestibule/1/device-cookie"),
    (Purpose::Code, b"vestibule/1/code"),
    (Purpose::RegistrationCookie, b"vestibule/1/registration-cookie"),
    (Purpose::RegistrationCode, b"vestibule/1/registration-code"),
    (Purpose::AddressCode, b"vestibule/1/address-code"),
    (Purpose::StoreName, b"vestibule/1/store-name"),
];

/// The keys derived from the configured secrets: the first secret signs, all of them verify.
pub struct Keys {
    /// One row a secret, one key a purpose, in the order of `PURPOSES`.
    rows: Vec<Vec<(Purpose, hmac::Key)>>,
}

impl Keys {
    /// `None` if there is no secret at all.
    pub fn derive(secrets: &[Secret<Vec<u8>>]) -> Option<Self> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"vestibule");
        let rows: Vec<_> = secrets
            .iter()
            .map(|secret| {
                let root = salt.extract(secret.expose());
                PURPOSES
                    .iter()
                    .filter_map(|(purpose, label)| {
                        let mut key = [0_u8; 32];
                        root.expand(&[label], hmac::HMAC_SHA256).ok()?.fill(&mut key).ok()?;
                        let made = hmac::Key::new(hmac::HMAC_SHA256, &key);
                        key.zeroize();
                        Some((*purpose, made))
                    })
                    .collect()
            })
            .collect();
        (!rows.is_empty()).then_some(Self { rows })
    }

    /// The MAC of these parts under the first secret. Each part goes in with its length before it.
    pub fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        self.sign_with_each(purpose, parts).next().unwrap_or_default()
    }

    /// The MACs of these parts under each secret, the first one's first.
    pub fn sign_with_each<'a>(
        &'a self,
        purpose: Purpose,
        parts: &'a [&[u8]],
    ) -> impl Iterator<Item = [u8; 32]> + 'a {
        self.rows
            .iter()
            .filter_map(move |row| row.iter().find(|(of, _)| *of == purpose))
            .map(move |(_, key)| mac(key, parts))
    }

    /// Whether `candidate` is the MAC of these parts under any of the secrets.
    pub fn verify(&self, purpose: Purpose, parts: &[&[u8]], candidate: &[u8]) -> bool {
        self.sign_with_each(purpose, parts).fold(false, |found, made| found | equal(&made, candidate))
    }
}

fn mac(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut made = [0_u8; 32];
    made.copy_from_slice(context.sign().as_ref());
    made
}

/// Compares in a time that depends on the lengths alone.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut made = [0_u8; 32];
    made.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    made
}

/// Bytes from the system's cryptographic random generator.
///
/// # Panics
/// If the system has no randomness to give: nothing here is safe to go on with.
#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
#[expect(clippy::expect_used, reason = "without randomness no session id may be made")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random generator failed");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[u8]) -> Keys {
        let secrets: Vec<_> = secrets.iter().map(|byte| Secret::new(vec![*byte; 32])).collect();
        Keys::derive(&secrets).expect("there is a secret")
    }

    #[test]
    fn the_first_secret_signs_and_all_verify() {
        let old = keys(&[1]).sign(Purpose::Code, &[b"a", b"b"]);
        assert!(keys(&[2, 1]).verify(Purpose::Code, &[b"a", b"b"], &old));
        assert!(!keys(&[2]).verify(Purpose::Code, &[b"a", b"b"], &old));
        assert_ne!(keys(&[2, 1]).sign(Purpose::Code, &[b"a", b"b"]), old);
    }

    #[test]
    fn parts_cannot_be_moved_and_purposes_not_swapped() {
        let keys = keys(&[1]);
        let made = keys.sign(Purpose::Code, &[b"ab", b"c"]);
        assert!(!keys.verify(Purpose::Code, &[b"a", b"bc"], &made));
        assert!(!keys.verify(Purpose::SessionCookie, &[b"ab", b"c"], &made));
    }
}
