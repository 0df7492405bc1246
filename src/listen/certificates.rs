//! Certificates as files, and what each of them covers.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::CertificateFiles;
use crate::route::Host;

/// A pair of files that cannot be used; the text never holds anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: holds no certificate in PEM (BEGIN CERTIFICATE)", .0.display())]
    NoCertificate(PathBuf),
    #[error("{}: holds no private key in PEM that is not encrypted (BEGIN PRIVATE KEY)", .0.display())]
    NoKey(PathBuf),
    #[error("{} and {}: {error}", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, error: rustls::Error },
    #[error("a listener has tls, but tls.certificates is empty")]
    None,
    #[error("tls cannot be set up: {0}")]
    Tls(rustls::Error),
}

/// The text of a pair of files, by which a change is noticed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    pub fn read(files: &CertificateFiles) -> Result<Self, CertificateError> {
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)? })
    }

    /// Parses both and checks that they belong together.
    pub fn certified_key(
        &self,
        files: &CertificateFiles,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|chain| !chain.is_empty())
            .ok_or_else(|| CertificateError::NoCertificate(files.certificate.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| CertificateError::NoKey(files.key.clone()))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| CertificateError::Unusable {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            error,
        })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| CertificateError::Unreadable { path: path.to_owned(), error })
}

/// What a certificate is good for (RFC 6125: the alternative names alone count), and the TLS set-up that shows it.
pub struct Certificate {
    pub(super) config: Arc<rustls::ServerConfig>,
    leaf: CertificateDer<'static>,
    names: HashSet<Box<str>>,
    /// `example.com` for `*.example.com`.
    parents: HashSet<Box<str>>,
}

impl Certificate {
    pub(super) fn new(
        leaf: CertificateDer<'static>,
        config: Arc<rustls::ServerConfig>,
    ) -> Result<Self, rustls::Error> {
        let (mut names, mut parents) = (HashSet::new(), HashSet::new());
        let parsed = webpki::EndEntityCert::try_from(&leaf)
            .map_err(|error| rustls::Error::General(format!("the certificate cannot be parsed: {error}")))?;
        for name in parsed.valid_dns_names() {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix("*.") {
                Some(parent) => parents.insert(parent.into()),
                None => names.insert(name.into()),
            };
        }
        Ok(Self { config, leaf, names, parents })
    }

    /// Whether a browser would accept it for this host.
    pub fn covers(&self, host: &Host) -> bool {
        let name = host.as_str();
        self.names.contains(name) || self.covers_by_wildcard(name) || self.covers_address(name)
    }

    /// By name, as SNI has it: lower case.
    pub(super) fn covers_exactly(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// A wildcard stands for one label, and not for an empty one.
    pub(super) fn covers_by_wildcard(&self, name: &str) -> bool {
        name.split_once('.').is_some_and(|(label, parent)| !label.is_empty() && self.parents.contains(parent))
    }

    fn covers_address(&self, name: &str) -> bool {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let Ok(address) = bare.parse::<std::net::IpAddr>() else { return false };
        webpki::EndEntityCert::try_from(&self.leaf)
            .and_then(|leaf| leaf.verify_is_valid_for_subject_name(&ServerName::from(address)))
            .is_ok()
    }
}
