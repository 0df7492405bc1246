//! Password hashes.

/// Whether this is a hash in one of the accepted formats.
pub fn check_format(hash: &str) -> Result<(), String> {
    let known = ["$argon2", "$2a$", "$2b$", "$2y$", "$scrypt$", "$pbkdf2-", "pbkdf2_sha256$", "bcrypt_sha256$", "argon2$", "scrypt$", "$6$"];
    if known.iter().any(|prefix| hash.starts_with(prefix)) { Ok(()) } else { Err("its format is not known".into()) }
}
