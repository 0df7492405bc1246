//! `vestibule hash-password`: asks twice without echo, or reads one line from a pipe, and prints a PHC string.

use super::{Failure, print};
use crate::account::PasswordSettings;
use crate::account::password::{self, Owner, Rules};

/// No configuration is read here.
const TODAY: PasswordSettings = PasswordSettings::DEFAULT;

pub fn run() -> Result<(), Failure> {
    let password = super::password::read(check)?;
    print(&format!("{}\n", hash(&password)?))
}

/// For whom it is is not known here.
fn check(password: &str) -> Result<(), String> {
    Rules::new(TODAY.minimum_length, "")
        .check(password, &Owner::default())
        .map_err(|weakness| weakness.to_string())
}

fn hash(password: &str) -> Result<String, Failure> {
    password::hash(password, &TODAY)
        .map_err(|error| Failure::Work(format!("the password cannot be hashed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_characters_and_at_most_1024_bytes() {
        assert!(check("").is_err());
        assert!(check("eleven chars").is_ok());
        assert!(check("eleven char").is_err());
        assert!(check("zwölf größer").is_ok());
        assert!(check(&"sixteen letters.".repeat(64)).is_ok());
        assert!(check(&"\u{e4}".repeat(513)).is_err());
    }

    #[test]
    fn a_password_is_none_that_many_people_use() {
        assert!(check("Password1234!").expect_err("common").contains("many people use"));
    }

    #[test]
    fn the_hash_says_what_it_cost() {
        let made = hash("correct horse battery").expect("hashed");
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert_ne!(made, hash("correct horse battery").expect("hashed"));
    }
}
