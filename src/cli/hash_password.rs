//! `vestibule hash-password`: asks twice without echo, or reads one line from a pipe, and prints a PHC string.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use super::{Failure, print};
use crate::account::PasswordSettings;
use crate::account::password::{self, MAX_BYTES, Owner, Rules};

/// No configuration is read here.
const TODAY: PasswordSettings = PasswordSettings::DEFAULT;

pub fn run() -> Result<(), Failure> {
    let password = if io::stdin().is_terminal() { ask()? } else { read_line()? };
    check(&password).map_err(Failure::Usage)?;
    print(&format!("{}\n", hash(&password)?))
}

fn ask() -> Result<Zeroizing<String>, Failure> {
    let prompt = |text: &str| {
        rpassword::prompt_password(text)
            .map(Zeroizing::new)
            .map_err(|error| Failure::Work(format!("the terminal cannot be read: {error}")))
    };
    let password = prompt("Password: ")?;
    // Before the second time, so that nobody types a refused one twice.
    check(&password).map_err(Failure::Usage)?;
    if *prompt("Again: ")? != *password {
        return Err(Failure::Usage("the two passwords differ".to_owned()));
    }
    Ok(password)
}

fn read_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    // Two bytes for the end of the line, one to see that it is too long.
    let mut input = io::stdin().lock().take(MAX_BYTES as u64 + 3);
    input
        .read_line(&mut line)
        .map_err(|error| Failure::Work(format!("no password can be read from standard input: {error}")))?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(line)
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
