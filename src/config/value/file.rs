//! Files that the configuration names: found, bounded and read while it is read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::super::problem::Report;
use super::super::reason;
use super::super::source::Node;
use super::text;

/// A path that need not exist yet.
pub fn path(node: &Node, report: &mut Report) -> Option<PathBuf> {
    text(node, report).map(PathBuf::from)
}

/// A file that can be read now, of at most `largest` bytes, and its content.
pub fn bytes(largest: u64) -> impl Fn(&Node, &mut Report) -> Option<(PathBuf, Vec<u8>)> {
    move |node, report| {
        let path = path(node, report)?;
        match read(&path, largest) {
            Ok(bytes) => Some((path, bytes)),
            Err((why, help)) => {
                report.error(node.place, format!("`{}`: the file {} {why}", node.path, path.display()), help);
                None
            }
        }
    }
}

/// A PEM file with at least one certificate.
pub fn pem_certificates(node: &Node, report: &mut Report) -> Option<PathBuf> {
    let (path, bytes) = bytes(4 << 20)(node, report)?;
    let certificates: Result<Vec<CertificateDer<'_>>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    if certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        return Some(path);
    }
    let message = format!("`{}`: the file {} holds no certificate in PEM", node.path, path.display());
    report.error(node.place, message, "it must hold `-----BEGIN CERTIFICATE-----`");
    None
}

/// The content, or what is wrong with the file and what would be right.
pub fn read(path: &Path, largest: u64) -> Result<Vec<u8>, (String, &'static str)> {
    let cannot = |error: &io::Error| {
        let help = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "the user that runs vestibule must be able to read it, and to enter the folders above it"
            }
            io::ErrorKind::IsADirectory => "name a file in it",
            _ => "paths are relative to the folder in which vestibule is started",
        };
        (format!("cannot be read: {}", reason(error)), help)
    };
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > largest {
        return Err((format!("is larger than {} KiB", largest >> 10), "is this the right file?"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_remedy_is_for_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let help = |path: &Path| read(path, 10).expect_err("it cannot be read").1;
        assert_eq!(help(folder.path()), "name a file in it");
        assert!(help(&folder.path().join("nope")).contains("relative"));
        let large = folder.path().join("large");
        std::fs::write(&large, "more than ten bytes").expect("written");
        assert!(help(&large).contains("right file"));
        let closed = folder.path().join("closed");
        std::fs::write(&closed, "").expect("written");
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("set");
        if File::open(&closed).is_err() {
            assert!(help(&closed).contains("user that runs"), "unless root runs this test");
        }
    }
}
