//! Many accounts at once, out of a file: all or none of them, so that a file can be corrected and tried again.

use std::collections::HashSet;

use super::{By, FlowError};
use crate::account::database::{Decision, Entry, Imported, Line, New, Row as Made, Taken};
use crate::account::import::{Import, Remark, Row};
use crate::account::{Approval, DirectoryError, password};
use crate::app::App;

/// What came of it.
pub struct Outcome {
    /// What is wrong, in the order of the lines; with any of it, nothing was written.
    pub problems: Vec<Remark>,
    /// Which of the accounts cannot be made, by their place among them.
    pub refused: HashSet<usize>,
    /// The accounts that were made, or that could be.
    pub accounts: usize,
    /// Of these, those who have to choose a password first.
    pub without_password: usize,
    /// Of these, those whose hash is made anew at the next sign-in.
    pub outdated: usize,
    pub written: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("there is no accounts database: write `- database: sqlite` below `accounts`")]
    NoDatabase,
    #[error(transparent)]
    Flow(#[from] FlowError),
}

/// Makes the accounts of a file if nothing is wrong with any, or, without `apply`, finds out whether it could. They are
/// approved, and their addresses taken as verified: whoever has the file vouches for them. `progress` is called with
/// the number of accounts done, now and then.
pub async fn import(
    app: &App,
    by: By<'_>,
    file: Import,
    apply: bool,
    progress: impl Fn(usize) + Send + Sync + 'static,
) -> Result<Outcome, ImportError> {
    let snapshot = app.snapshot.load_full();
    let database = snapshot.directory.database().ok_or(ImportError::NoDatabase)?;
    let outdated = |row: &&Row| {
        row.password.as_ref().is_some_and(|hash| password::is_outdated(hash, &snapshot.passwords))
    };
    let mut outcome = Outcome {
        accounts: file.rows.len(),
        without_password: file.rows.iter().filter(|row| row.password.is_none()).count(),
        outdated: file.rows.iter().filter(outdated).count(),
        problems: file.problems,
        refused: HashSet::new(),
        written: false,
    };
    // A file that is wrong in itself is still held against the accounts that there are: all is told at once.
    for (index, row) in file.rows.iter().enumerate() {
        for (what, login) in [("username", row.username.as_str()), ("address", row.email.as_str())] {
            if snapshot.directory.a_file_knows(login) {
                let text = format!("the {what} `{login}` is somebody's in an account file");
                outcome.problems.push(Remark::at(row.line, text));
                outcome.refused.insert(index);
            }
        }
    }
    let apply = apply && outcome.problems.is_empty();
    let lines: Vec<(usize, String)> =
        file.rows.iter().map(|row| (row.line, row.username.to_string())).collect();
    let made = file.rows.into_iter().map(|row| made(by, row)).collect();
    let imported = database.import(made, apply, progress).await;
    match imported.map_err(|error| FlowError::Directory(DirectoryError::Database(error)))? {
        Imported::All => outcome.written = apply,
        Imported::Refused(refused) => {
            outcome.refused.extend(refused.iter().map(|(index, _)| *index));
            outcome.problems.extend(refused.iter().filter_map(|(index, taken)| {
                let (line, username) = lines.get(*index)?;
                Some(Remark::at(*line, in_the_way(*taken, username)))
            }));
        }
    }
    if outcome.written {
        let detail = format!("{} accounts", outcome.accounts);
        app.audit.record(&by.event("accounts_imported", None, Some(&detail)));
    }
    outcome.problems.sort_by_key(|problem| problem.line);
    Ok(outcome)
}

fn made(by: By<'_>, row: Row) -> Made {
    let detail = format!("from line {}", row.line);
    let entry = Entry::new(
        New {
            username: row.username.as_str().to_owned(),
            email: row.email.as_str().to_owned(),
            name: row.name.as_str().to_owned(),
            groups: row.groups.into_vec(),
            attributes: row.attributes.into_map(),
            approval: Approval::Approved,
            decision: Some(Decision { at: by.at, by: by.name().to_owned(), reason: None }),
            disabled: row.disabled,
            email_verified: Some(by.at),
            password: row.password,
            language: None,
        },
        by.at,
    );
    let line = Line::from(&by.event("account_imported", Some(&entry.account.id), Some(&detail)));
    Made { entry, line }
}

fn in_the_way(taken: Taken, username: &str) -> String {
    match taken {
        Taken::Username => format!("the username `{username}` is somebody's already"),
        Taken::Email => format!("the address of `{username}` is somebody's already"),
        Taken::Retired => format!(
            "the username or address of `{username}` was a deleted account's, whose history in the apps would pass to \
             this one"
        ),
    }
}
