//! `tls`: certificates. They are checked here, and loaded by `listen`, which also loads them anew.

use std::path::PathBuf;
use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::super::fields::Fields;
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use crate::clock::Clock;
use crate::listen::{CertificateFiles, TlsSettings};
use crate::route::Host;

#[derive(Default)]
pub struct Read {
    pub settings: TlsSettings,
    /// Where `tls` stands, if it does.
    pub place: Option<Place>,
    /// The certificates that could be read, without their chains.
    leaves: Vec<CertificateDer<'static>>,
    /// Some certificate is wrong, so what is covered is not known.
    pub incomplete: bool,
}

impl Read {
    /// Whether some certificate is for this host.
    pub fn covers(&self, host: &Host) -> bool {
        let Ok(name) = ServerName::try_from(host.as_str().trim_matches(['[', ']'])) else { return false };
        self.leaves.iter().any(|leaf| {
            ParsedCertificate::try_from(leaf).is_ok_and(|leaf| verify_server_name(&leaf, &name).is_ok())
        })
    }
}

const EXAMPLE: &str =
    "write `certificates: [{ certificate: certs/example.com.pem, key: certs/example.com.key }]` below it";
const LARGEST: u64 = 1 << 20;

pub fn read(keys: &mut Fields<'_, '_>) -> Read {
    let place = keys.node("tls").map(|node| node.anchor);
    let read = keys.optional("tls", |node, report| {
        let mut keys = Fields::of(node, report, EXAMPLE)?;
        let mut read = Read::default();
        let pairs = keys.required("certificates", EXAMPLE, |node, report| {
            if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
                report.error(node.place, "`tls.certificates` is an empty list", EXAMPLE);
            }
            value::items(|node: &Node, report: &mut Report| Some(entry(node, report)))(node, report)
        });
        read.settings.only_1_3 = keys.or("minimum", false, value::choice(&[("1.2", false), ("1.3", true)]));
        keys.finish();
        for (files, leaf) in pairs.unwrap_or_default() {
            read.incomplete |= leaf.is_none();
            read.settings.certificates.extend(files);
            read.leaves.extend(leaf);
        }
        Some(read)
    });
    let failed = place.is_some() && read.is_none();
    let mut read = read.unwrap_or_default();
    read.place = place;
    read.incomplete |= failed;
    read
}

type Pair = (Option<CertificateFiles>, Option<CertificateDer<'static>>);

fn entry(node: &Node, report: &mut Report) -> Pair {
    let Some(mut keys) =
        Fields::of(node, report, "write `- certificate: ...pem` and, below it, `key: ...key`")
    else {
        return (None, None);
    };
    let pair = pair(&mut keys, Outdated { effect: "browsers refuse it", remedy: RELOADED });
    keys.finish();
    pair
}

/// What is said of a certificate that is not valid now.
#[derive(Clone, Copy)]
pub struct Outdated {
    pub effect: &'static str,
    pub remedy: &'static str,
}

const RELOADED: &str = "renew it; the new file is taken up without a restart";

/// `certificate` and `key`, which belong together.
pub fn pair(keys: &mut Fields<'_, '_>, outdated: Outdated) -> Pair {
    let certificate_place = keys.node("certificate").map_or(keys.anchor(), |node| node.place);
    let key_place = keys.node("key").map_or(keys.anchor(), |node| node.place);
    let chain = keys.required("certificate", "write `certificate: certs/example.com.pem`", chain);
    let key = keys.required("key", "write `key: certs/example.com.key`", private_key);
    let report = &mut *keys.report;
    let (Some((certificate, chain)), Some((key, private))) = (chain, key) else { return (None, None) };
    let leaf = chain.first().cloned();
    match CertifiedKey::from_der(chain, private, &default_provider()) {
        Ok(_) => {}
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            let message = format!(
                "the key {} does not belong to the certificate {}",
                key.display(),
                certificate.display()
            );
            let help = "name the key that the certificate was made for; the first certificate in the file must be the key's own";
            report.error(key_place, message, help);
            return (None, None);
        }
        Err(Error::InvalidCertificate(_)) => {
            let message = format!("{} holds no certificate that can be used", certificate.display());
            report.error(
                certificate_place,
                message,
                "it must hold an X.509 certificate, version 3, the key's own first",
            );
            return (None, None);
        }
        Err(_) => {
            let message = format!("the key {} is of a kind that cannot be used", key.display());
            report.error(
                key_place,
                message,
                "use an ECDSA (P-256, P-384), Ed25519 or RSA key without a passphrase",
            );
            return (None, None);
        }
    }
    if let Some(leaf) = &leaf {
        validity(leaf, &certificate, certificate_place, outdated, report);
    }
    (Some(CertificateFiles { certificate, key }), leaf)
}

fn chain(node: &Node, report: &mut Report) -> Option<(PathBuf, Vec<CertificateDer<'static>>)> {
    let (path, bytes) = value::bytes(LARGEST)(node, report)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Some((path, chain)),
        _ => {
            let message = format!("`{}`: the file {} holds no certificate in PEM", node.path, path.display());
            report.error(
                node.place,
                message,
                "it must hold `-----BEGIN CERTIFICATE-----`, the key's own first, then its chain",
            );
            None
        }
    }
}

fn private_key(node: &Node, report: &mut Report) -> Option<(PathBuf, PrivateKeyDer<'static>)> {
    let (path, bytes) = value::bytes(LARGEST)(node, report)?;
    if let Ok(key) = PrivateKeyDer::from_pem_slice(&bytes) {
        return Some((path, key));
    }
    let encrypted = String::from_utf8_lossy(&bytes).contains("ENCRYPTED");
    let (what, help) = if encrypted {
        (
            "is locked with a passphrase",
            "unlock it: `openssl pkey -in locked.key -out plain.key`, readable for vestibule alone",
        )
    } else {
        ("holds no private key in PEM", "it must hold `-----BEGIN PRIVATE KEY-----`")
    };
    report.error(node.place, format!("`{}`: the file {} {what}", node.path, path.display()), help);
    None
}

/// Warns of a certificate that is not valid now. The path builder looks at the dates before it looks for an issuer,
/// so an empty list of roots is enough to ask it.
fn validity(
    leaf: &CertificateDer<'static>,
    path: &std::path::Path,
    place: Place,
    outdated: Outdated,
    report: &mut Report,
) {
    let now = Duration::from_millis(u64::try_from(Clock::System.now().millis()).unwrap_or(0));
    let Ok(parsed) = ParsedCertificate::try_from(leaf) else { return };
    let algorithms = default_provider().signature_verification_algorithms;
    let ask = |now| {
        let now = UnixTime::since_unix_epoch(now);
        verify_server_cert_signed_by_trust_anchor(&parsed, &RootCertStore::empty(), &[], now, algorithms.all)
    };
    let expired = |answer: &Result<(), Error>| {
        use CertificateError::{Expired, ExpiredContext};
        matches!(answer, Err(Error::InvalidCertificate(Expired | ExpiredContext { .. })))
    };
    let answer = ask(now);
    let message = if expired(&answer) {
        format!("has expired: {}", outdated.effect)
    } else if let Err(Error::InvalidCertificate(
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
    )) = answer
    {
        format!("is not valid yet: {}", outdated.effect)
    } else if expired(&ask(now + SOON)) {
        "expires within a week".to_owned()
    } else {
        return;
    };
    report.warning(place, format!("the certificate {} {message}", path.display()), outdated.remedy);
}

const SOON: Duration = Duration::from_hours(7 * 24);
