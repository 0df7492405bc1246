//! The account sources, and how a file that is edited takes effect.

use std::io;
use std::path::{Path, PathBuf};

use tracing::{error, info};

use super::watch::watch_file;
use super::{BootError, Foundation, LOOK};
use crate::account::{Account, Directory, FileDirectory, Source, SourceSettings};
use crate::config::users;
use crate::config::{Problem, Severity};

/// The sources in their order, and the files behind them with the content that is in use.
pub(super) struct Accounts {
    pub directory: Directory,
    files: Vec<(PathBuf, FileDirectory, Vec<u8>)>,
}

impl Accounts {
    pub fn open(sources: &[SourceSettings]) -> Result<Self, BootError> {
        let mut files = Vec::new();
        for SourceSettings::File(path) in sources {
            let content = std::fs::read(path)
                .map_err(|error| BootError::Users { path: path.clone(), reason: error.to_string() })?;
            let accounts =
                parse(&content, path).map_err(|reason| BootError::Users { path: path.clone(), reason })?;
            files.push((path.clone(), FileDirectory::new(accounts), content));
        }
        let sources = files.iter().map(|(_, directory, _)| Source::File(directory.clone())).collect();
        Ok(Self { directory: Directory::new(sources), files })
    }

    /// Watches the files for as long as the gateway runs.
    pub fn watch(self, foundation: &Foundation) {
        for (path, directory, seen) in self.files {
            let of_change = path.clone();
            let changed = move |content: io::Result<&[u8]>| take_up(&of_change, &directory, content);
            foundation.run_until_shutdown("users", watch_file(path, LOOK, seen, changed));
        }
    }
}

/// A file that is wrong, or half written, changes nothing.
fn take_up(path: &Path, directory: &FileDirectory, content: io::Result<&[u8]>) {
    let accounts = content.map_err(|error| error.to_string()).and_then(|content| parse(content, path));
    match accounts {
        Ok(accounts) => {
            info!(path = %path.display(), accounts = accounts.len(), "the accounts have been reloaded");
            directory.replace(accounts);
        }
        Err(reason) => error!("{}: {reason}; the accounts read before stay in use", path.display()),
    }
}

fn parse(content: &[u8], path: &Path) -> Result<Vec<Account>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "is not text in UTF-8".to_owned())?;
    let (accounts, problems) = users::parse(text, path);
    match problems.iter().find(|problem| problem.severity == Severity::Error) {
        Some(Problem { line, column, message, .. }) => {
            Err(format!("line {line}, column {column}: {message}"))
        }
        None => Ok(accounts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "users:
  alice:
    name: Alice
    email: alice@example.com
    password: $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$A3Gj2bXlXyNJPN4a4nNgJN3Oz0kFFVlkyC8dOhDqhXk
";

    #[tokio::test]
    async fn an_edited_file_takes_effect_and_a_broken_one_does_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("users.yaml");
        std::fs::write(&path, ALICE).expect("written");
        let accounts = Accounts::open(&[SourceSettings::File(path.clone())]).expect("good");
        let found = async |name: &str| accounts.directory.find(name).await.expect("read").is_some();
        assert!(found("alice").await);

        let file = &accounts.files[0].1;
        take_up(&path, file, Ok(ALICE.replace("alice", "bob").as_bytes()));
        assert!(found("bob").await && !found("alice").await);
        take_up(&path, file, Ok(b"users: [half"));
        take_up(&path, file, Err(io::ErrorKind::NotFound.into()));
        assert!(found("bob").await);
    }

    #[test]
    fn a_file_that_is_wrong_at_the_start_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("users.yaml");
        std::fs::write(&path, ALICE.replace("email", "mail")).expect("written");
        let error = Accounts::open(&[SourceSettings::File(path)]).err().expect("wrong").to_string();
        assert!(error.contains("users.yaml: line "), "{error}");
    }
}
