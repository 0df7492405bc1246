//! The directory of what this machine keeps, and the secret in it.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tracing::{info, warn};

use super::BootError;
use crate::config::Config;
use crate::secret::{Secret, random};

/// The shortest secret, in bytes; a new one is as long.
const SECRET: usize = 32;

/// Makes the directory, for this user alone.
pub(super) fn make(path: &Path) -> Result<(), BootError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(failed(path, "data_dir must be a directory that this user can make or write"))?;
    warn_if_open(path, 0o700);
    Ok(())
}

/// The configured secrets, or the one kept in `data_dir`, which must be there; made at the first call.
pub(super) fn secrets(config: &Config) -> Result<Vec<Secret<Vec<u8>>>, BootError> {
    if !config.secrets.is_empty() {
        return Ok(config.secrets.clone());
    }
    Ok(vec![kept(&config.data_dir.join("secret"))?])
}

/// Of several processes that begin at once, all get the secret of the one that made the file.
fn kept(path: &Path) -> Result<Secret<Vec<u8>>, BootError> {
    if !path.exists() {
        write_new(path).map_err(failed(path, "the secret is kept there; or set `secret`"))?;
    }
    warn_if_open(path, 0o600);
    let text = std::fs::read_to_string(path).map(Secret::new);
    let text = text.map_err(failed(path, "it holds the secret, and must be readable"))?;
    let bytes = STANDARD.decode(text.expose().trim()).ok().map(Secret::new);
    bytes.filter(|bytes| bytes.expose().len() >= SECRET).ok_or_else(|| BootError::DataDir {
        path: path.to_owned(),
        error: io::Error::new(io::ErrorKind::InvalidData, "is no secret: 32 bytes or more in base64"),
        remedy: "remove it to have a new one made, which signs everybody out",
    })
}

/// Written beside and then linked, so that nobody ever reads half of it.
fn write_new(path: &Path) -> io::Result<()> {
    let mut beside = PathBuf::from(path);
    beside.set_extension(std::process::id().to_string());
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    let text = Secret::new(STANDARD.encode(random::<SECRET>()) + "\n");
    let written = file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&beside, path));
    // Also after a failure: on a full disk every restart would leave another.
    std::fs::remove_file(&beside)?;
    match linked {
        Ok(()) => info!(path = %path.display(), "a new secret was made"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn warn_if_open(path: &Path, mode: u32) {
    let found = std::fs::metadata(path).map(|metadata| metadata.permissions()).map(|p: Permissions| p.mode());
    if let Ok(found) = found
        && found & 0o077 != 0
    {
        warn!(path = %path.display(), "others on this machine have access: chmod {mode:o} {}", path.display());
    }
}

fn failed(path: &Path, remedy: &'static str) -> impl FnOnce(io::Error) -> BootError {
    let path = path.to_owned();
    move |error| BootError::DataDir { path, error, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_made_once_and_for_this_user_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("a/data");
        make(&data).expect("made");
        let path = data.join("secret");
        let first = kept(&path).expect("made");
        assert_eq!(first.expose().len(), SECRET);
        assert!(kept(&path).expect("read") == first);
        assert_eq!((mode(&data), mode(&path)), (0o700, 0o600));
        assert_eq!(std::fs::read_dir(&data).expect("read").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn of_two_that_begin_at_once_one_secret_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        write_new(&path).expect("made");
        let first = kept(&path).expect("read");
        write_new(&path).expect("there already");
        assert!(kept(&path).expect("read") == first);
    }

    #[test]
    fn a_file_that_holds_no_secret_is_refused_and_not_shown() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        std::fs::write(&path, "c2hvcnQ=\n").expect("written");
        let error = kept(&path).err().expect("too short").to_string();
        assert!(error.contains("is no secret") && !error.contains("c2hvcnQ"), "{error}");
    }
}
