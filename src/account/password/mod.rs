//! Passwords and their hashes: which stored forms are accepted, whether a password fits one, how new ones are made
//! (argon2id, as OWASP's password storage cheat sheet has it), and which may be set ([`Rules`]).
//!
//! Everything else here computes for tens of milliseconds and more: requests go through
//! [`Hasher`](super::Hasher), which does this on threads of its own. Start from [`verify`] and [`hash`].

mod common;
mod compute;
mod format;
mod rules;

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use icu_normalizer::ComposingNormalizerBorrowed;

use super::{PasswordSettings, StoredHash};
use crate::secret;
pub(super) use compute::{Memory, OutOfMemory};
pub(super) use format::Format;
pub use rules::{Owner, Rules, Weakness, Whose};

/// Longer passwords are refused when set and wrong when given: hashing must cost the same for all.
pub const MAX_BYTES: usize = 1024;

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    #[error("argon2id cannot be computed with these settings: {0}")]
    Settings(argon2::Error),
}

/// Whether a stored hash has an accepted form, at a cost that a sign-in can bear; otherwise what is wrong with it, and
/// what is accepted. Never repeats the hash.
pub fn check_format(hash: &str) -> Result<(), String> {
    Format::parse(hash).map(drop)
}

/// Whether this is the password, compared byte by byte after Unicode's composition (NFC), so that it does not matter
/// how a keyboard spells `ä`. A hash of no accepted form fits no password, and costs nothing.
pub fn verify(password: &str, hash: &StoredHash) -> bool {
    Format::parse(hash.0.expose())
        .is_ok_and(|format| fits(password, &format, &mut Memory::default()).unwrap_or(false))
}

/// Whether a hash should be replaced by one made with these settings: another algorithm, or less work. One that cannot
/// be read is left alone.
pub fn is_outdated(hash: &StoredHash, settings: &PasswordSettings) -> bool {
    let work = u64::from(settings.memory) * u64::from(settings.iterations);
    match Format::parse(hash.0.expose()) {
        Ok(Format::Argon2 { argon2, hash: made, .. }) if hash.0.expose().starts_with(TODAYS) => {
            let params = argon2.params();
            let spent = u64::from(params.m_cost()) * u64::from(params.t_cost());
            params.m_cost() < MEMORY_MINIMUM || spent < work || made.len() < 32
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

/// What [`hash`] makes.
const TODAYS: &str = "$argon2id$v=19$";

/// In KiB: less memory than OWASP's least, whatever the passes (Password Storage Cheat Sheet).
const MEMORY_MINIMUM: u32 = 7 << 10;

/// A new hash as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
pub fn hash(password: &str, settings: &PasswordSettings) -> Result<String, PasswordError> {
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let argon2 = format::argon2id(settings).map_err(PasswordError::Settings)?;
    let salt = secret::random::<16>();
    let mut made = [0; 32];
    argon2
        .hash_password_into(composed(password).as_bytes(), &salt, &mut made)
        .map_err(PasswordError::Settings)?;
    let PasswordSettings { memory, iterations, .. } = settings;
    let (salt, made) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(made));
    Ok(format!("$argon2id$v=19$m={memory},t={iterations},p=1${salt}${made}"))
}

/// As [`verify`], in memory that is used again. A password over [`MAX_BYTES`] fits nothing, and costs the same.
pub(super) fn fits(password: &str, format: &Format, memory: &mut Memory) -> Result<bool, OutOfMemory> {
    if password.len() > MAX_BYTES {
        return compute::fits(b"", format, memory).map(|_| false);
    }
    compute::fits(composed(password).as_bytes(), format, memory)
}

/// Borrowed where it is composed already, as what browsers send mostly is.
fn composed(password: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(password)
}

#[cfg(test)]
mod tests;
