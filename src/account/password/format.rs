//! Stored hashes as text: PHC strings, Django's own, and crypt's `$6$`. Start from [`Format::parse`].
//!
//! Each cost has a bound, because whoever may write an account could otherwise stall every sign-in: about two
//! seconds of one core, and 256 MiB.

use std::num::NonZeroU32;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::PasswordSettings;
use crate::secret;

/// A stored hash, taken apart, at a cost within the bounds.
pub enum Format {
    Argon2 { argon2: Argon2<'static>, salt: Vec<u8>, hash: Vec<u8> },
    Bcrypt { text: String, input: BcryptInput },
    Scrypt { params: scrypt::Params, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { algorithm: aws_lc_rs::pbkdf2::Algorithm, rounds: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    Sha512Crypt { params: sha_crypt::Params, salt: String, hash: String },
}

/// What is given to bcrypt, which looks at 72 bytes at most.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BcryptInput {
    Password,
    /// The password's SHA-256 in hexadecimal, as Django does it.
    Sha256Hex,
}

const ARGON2_MEMORY: u32 = 256 * 1024;
const ARGON2_WORK: u64 = 2 * 1024 * 1024;
const BCRYPT_COST: u32 = 15;
const SCRYPT_MEMORY: u64 = 256 << 20;
const SCRYPT_WORK: u64 = 512 << 20;
const PBKDF2_ROUNDS: u32 = 3_000_000;
const CRYPT_ROUNDS: u32 = 1_000_000;

const ACCEPTED: &str = "accepted are argon2id, argon2i, argon2d, bcrypt, and scrypt and pbkdf2 as PHC strings, Django's \
     `pbkdf2_sha256$`, `bcrypt_sha256$`, `argon2$` and `scrypt$`, and crypt's `$6$`; `vestibule hash-password` makes one";

impl Format {
    /// On failure what is wrong, without a word of the hash itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.strip_prefix('$').unwrap_or(text).split_once('$').unwrap_or_default();
        let phc = text.starts_with('$');
        match name {
            "argon2id" | "argon2i" | "argon2d" if phc => phc_argon2(name, rest),
            "argon2" if !phc => django_argon2(rest),
            "2a" | "2b" | "2y" if phc => bcrypt(text, BcryptInput::Password),
            "bcrypt_sha256" if !phc => bcrypt(rest, BcryptInput::Sha256Hex),
            "scrypt" if phc => phc_scrypt(rest),
            "scrypt" => django_scrypt(rest),
            "pbkdf2-sha256" if phc => phc_pbkdf2(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256, rest),
            "pbkdf2-sha512" if phc => phc_pbkdf2(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA512, rest),
            "pbkdf2_sha256" if !phc => django_pbkdf2(rest),
            "6" if phc => sha512_crypt(rest),
            _ => Err(unaccepted()),
        }
    }

    /// Fits no password, and costs what a hash made today costs.
    pub fn unknown(settings: &PasswordSettings) -> Result<Self, argon2::Error> {
        let (salt, hash) = (secret::random::<16>().to_vec(), secret::random::<32>().to_vec());
        Ok(Self::Argon2 { argon2: argon2id(settings)?, salt, hash })
    }
}

fn unaccepted() -> String {
    format!("this is no password hash of an accepted form; {ACCEPTED}")
}

/// What new passwords are hashed with.
pub fn argon2id(settings: &PasswordSettings) -> Result<Argon2<'static>, argon2::Error> {
    let params = Params::new(settings.memory, settings.iterations, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`; without `v` it is the older 0x10, as the reference has it.
fn phc_argon2(name: &str, rest: &str) -> Result<Format, String> {
    let algorithm = Algorithm::new(name).map_err(|error| error.to_string())?;
    let (version, rest) = match rest.split_once('$') {
        Some(("v=19", rest)) => (Version::V0x13, rest),
        Some(("v=16", rest)) => (Version::V0x10, rest),
        Some((other, _)) if other.starts_with("v=") => {
            return Err("argon2 has the versions 16 and 19 only".into());
        }
        _ => (Version::V0x10, rest),
    };
    let [params, salt, hash] = fields(rest)?;
    let [memory, passes, lanes] = params_of(params, ["m", "t", "p"])?;
    within("argon2: memory", memory.into(), ARGON2_MEMORY.into(), "KiB")?;
    within("argon2: memory times passes", u64::from(memory) * u64::from(passes), ARGON2_WORK, "KiB")?;
    let (salt, hash) = (base64(salt)?, base64(hash)?);
    let params = Params::new(memory, passes, lanes, Some(hash.len()))
        .map_err(|error| format!("argon2 cannot be computed with these parameters: {error}"))?;
    if salt.len() < argon2::MIN_SALT_LEN || hash.len() < 16 {
        return Err("argon2: the salt or the hash is cut short".into());
    }
    Ok(Format::Argon2 { argon2: Argon2::new(algorithm, version, params), salt, hash })
}

/// A PHC string, its first `$` apart.
fn django_argon2(rest: &str) -> Result<Format, String> {
    match rest.split_once('$') {
        Some((name @ ("argon2id" | "argon2i" | "argon2d"), rest)) => phc_argon2(name, rest),
        _ => Err(unaccepted()),
    }
}

/// `$2b$12$` and 53 characters. `$2x$` names a bug, and is refused.
fn bcrypt(text: &str, input: BcryptInput) -> Result<Format, String> {
    let parts =
        bcrypt::HashParts::from_str(text).map_err(|_| "a bcrypt hash has 60 characters, `$2b$12$...`")?;
    if text.starts_with("$2x$") || parts.get_cost() < 4 {
        return Err("bcrypt: `$2x$` and costs under 4 are not accepted".into());
    }
    within("bcrypt: cost", parts.get_cost().into(), BCRYPT_COST.into(), "")?;
    Ok(Format::Bcrypt { text: text.to_owned(), input })
}

/// `ln=17,r=8,p=1$SALT$HASH`.
fn phc_scrypt(rest: &str) -> Result<Format, String> {
    let [params, salt, hash] = fields(rest)?;
    let [log_n, r, p] = params_of(params, ["ln", "r", "p"])?;
    scrypt(log_n, r, p, base64(salt)?, base64(hash)?)
}

/// `N$SALT$R$P$HASH`, the salt as it stands.
fn django_scrypt(rest: &str) -> Result<Format, String> {
    let [n, salt, r, p, hash] = fields(rest)?;
    let n = number(n)?;
    if !n.is_power_of_two() {
        return Err("scrypt: the work factor is a power of two".into());
    }
    scrypt(n.ilog2(), number(r)?, number(p)?, salt.into(), base64(hash)?)
}

fn scrypt(log_n: u32, r: u32, p: u32, salt: Vec<u8>, hash: Vec<u8>) -> Result<Format, String> {
    let memory =
        128_u64.saturating_mul(r.into()).saturating_mul(1_u64.checked_shl(log_n).unwrap_or(u64::MAX));
    within("scrypt: memory", memory, SCRYPT_MEMORY, "bytes")?;
    within("scrypt: memory times lanes", memory.saturating_mul(p.into()), SCRYPT_WORK, "bytes")?;
    let log_n = u8::try_from(log_n).unwrap_or(u8::MAX);
    let params =
        scrypt::Params::new(log_n, r, p).map_err(|_| "scrypt cannot be computed with these parameters")?;
    long_enough(&hash)?;
    Ok(Format::Scrypt { params, salt, hash })
}

/// `i=600000,l=32$SALT$HASH` or, as Python's passlib writes it, `600000$SALT$HASH`.
fn phc_pbkdf2(algorithm: aws_lc_rs::pbkdf2::Algorithm, rest: &str) -> Result<Format, String> {
    let [params, salt, hash] = fields(rest)?;
    let rounds = match params.strip_prefix("i=") {
        Some(params) => params.split_once(',').map_or(params, |(rounds, _length)| rounds),
        None => params,
    };
    // passlib has a dot in place of the plus sign.
    let bytes = |text: &str| base64(&text.replace('.', "+"));
    pbkdf2(algorithm, rounds, bytes(salt)?, bytes(hash)?)
}

/// `ROUNDS$SALT$HASH`, the salt as it stands.
fn django_pbkdf2(rest: &str) -> Result<Format, String> {
    let [rounds, salt, hash] = fields(rest)?;
    pbkdf2(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt.into(), base64(hash)?)
}

fn pbkdf2(
    algorithm: aws_lc_rs::pbkdf2::Algorithm,
    rounds: &str,
    salt: Vec<u8>,
    hash: Vec<u8>,
) -> Result<Format, String> {
    let rounds = number(rounds)?;
    within("pbkdf2: rounds", rounds.into(), PBKDF2_ROUNDS.into(), "")?;
    let rounds = NonZeroU32::new(rounds).ok_or("pbkdf2: at least one round")?;
    long_enough(&hash)?;
    Ok(Format::Pbkdf2 { algorithm, rounds, salt, hash })
}

/// `SALT$HASH` or `rounds=5000$SALT$HASH`.
fn sha512_crypt(rest: &str) -> Result<Format, String> {
    let (rounds, rest) = match rest.strip_prefix("rounds=").map(|rest| rest.split_once('$')) {
        Some(Some((rounds, rest))) => (number(rounds)?, rest),
        Some(None) => return Err("`$6$`: the hash is cut short".into()),
        None => (sha_crypt::Params::RECOMMENDED_ROUNDS, rest),
    };
    within("`$6$`: rounds", rounds.into(), CRYPT_ROUNDS.into(), "")?;
    let params = sha_crypt::Params::new(rounds).map_err(|_| "`$6$`: at least 1000 rounds")?;
    let [salt, hash] = fields(rest)?;
    if salt.len() > 16 || hash.len() != 86 {
        return Err("`$6$`: a salt has at most 16 characters, and a hash 86".into());
    }
    Ok(Format::Sha512Crypt { params, salt: salt.to_owned(), hash: hash.to_owned() })
}

fn fields<const N: usize>(text: &str) -> Result<[&str; N], String> {
    let fields: Vec<_> = text.split('$').collect();
    fields.try_into().map_err(|_| "the hash is cut short, or has parts too many".into())
}

/// The numbers of `m=19456,t=2,p=1`, these names in this order.
fn params_of<const N: usize>(text: &str, names: [&str; N]) -> Result<[u32; N], String> {
    let wrong =
        || format!("the parameters are {}, in this order", names.map(|name| format!("{name}=")).join(","));
    let mut numbers = [0; N];
    let mut given = text.split(',');
    for (number_of, name) in numbers.iter_mut().zip(names) {
        let (given, value) = given.next().and_then(|pair| pair.split_once('=')).ok_or_else(wrong)?;
        if given != name {
            return Err(wrong());
        }
        *number_of = number(value)?;
    }
    given.next().map_or(Ok(numbers), |_| Err(wrong()))
}

fn number(digits: &str) -> Result<u32, String> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(|| "a parameter of the hash is no number".into())
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, LENIENT).decode(text).map_err(|_| "a part of the hash is no base64".into())
}

fn within(what: &str, given: u64, most: u64, unit: &str) -> Result<(), String> {
    if given <= most {
        return Ok(());
    }
    let space = if unit.is_empty() { "" } else { " " };
    Err(format!("{what} is at most {most}{space}{unit}: each sign-in would stall the others"))
}

/// A hash cut short would fit passwords by chance.
fn long_enough(hash: &[u8]) -> Result<(), String> {
    if (16..=64).contains(&hash.len()) { Ok(()) } else { Err("a hash has 16 to 64 bytes".into()) }
}
