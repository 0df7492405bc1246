//! A password from whoever is at the terminal, or from a pipe.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use super::Failure;
use crate::account::password::MAX_BYTES;

/// Asks twice without echo, or reads one line from a pipe. `check` says what is wrong with it.
pub fn read(check: impl Fn(&str) -> Result<(), String>) -> Result<Zeroizing<String>, Failure> {
    let password = if io::stdin().is_terminal() { ask(&check)? } else { read_line()? };
    check(&password).map_err(Failure::Usage)?;
    Ok(password)
}

fn ask(check: &impl Fn(&str) -> Result<(), String>) -> Result<Zeroizing<String>, Failure> {
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

/// One line from a pipe, without its end.
pub fn read_line() -> Result<Zeroizing<String>, Failure> {
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
