//! The outbox: a folder with one `.eml` file a message, for development, tests, and programs that mail it on.

use std::io;
use std::path::Path;

use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::MailError;
use crate::clock::Timestamp;
use crate::secret::random;

/// Makes the folder unless it is there. Mails hold codes: it is its owner's alone.
pub(super) async fn prepare(folder: &Path) -> Result<(), MailError> {
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await {
        Err(error) => Err(at(folder, &error)),
        Ok(()) => Ok(()),
    }
}

/// Writes one file, whole or not at all: whoever watches the folder for `*.eml` never sees half a message.
pub(super) async fn store(folder: &Path, now: Timestamp, letter: &[u8]) -> Result<(), MailError> {
    prepare(folder).await?;
    let number = u64::from_be_bytes(random());
    let name = format!("{:013}-{number:016x}", now.millis());
    let (partial, whole) = (folder.join(format!(".{name}.part")), folder.join(format!("{name}.eml")));
    let written = write(&partial, letter).await;
    let moved = match written {
        Ok(()) => fs::rename(&partial, &whole).await,
        Err(error) => Err(error),
    };
    if let Err(error) = moved {
        // What is left is of no use; if it cannot be removed either, the first error is the one to tell.
        _ = fs::remove_file(&partial).await;
        return Err(at(&whole, &error));
    }
    Ok(())
}

async fn write(file: &Path, letter: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).await?;
    file.write_all(letter).await?;
    file.sync_all().await
}

fn at(path: &Path, error: &io::Error) -> MailError {
    MailError::Outbox(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
