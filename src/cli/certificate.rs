//! `vestibule certificate NAME...`: a local CA, made once, and a certificate for these names, for development.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::ParsedCertificate;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::{Failure, print};
use crate::clock::Clock;
use crate::route::Host;

const DAY: Duration = Duration::from_hours(24);
/// Apple's systems refuse a certificate that is good for more than 825 days, of a private CA too.
const LIFETIME: Duration = Duration::from_hours(820 * 24);
const CA_LIFETIME: Duration = Duration::from_hours(3650 * 24);

pub fn run(names: &[String], out: &Path) -> Result<(), Failure> {
    let names =
        names.iter().map(|name| parse(name)).collect::<Result<Vec<_>, _>>().map_err(Failure::Usage)?;
    let Some(first) = names.first() else { return Err(Failure::Usage("no name is given".to_owned())) };
    fs::create_dir_all(out).map_err(|error| cannot("made", out, &error))?;
    let (authority, made) = Authority::open(out)?;
    let stem = first.replace("*.", "wildcard.").replace(':', "_");
    let (certificate, key) = (out.join(format!("{stem}.pem")), out.join(format!("{stem}.key")));
    let issued = authority.issue(&names)?;
    write(&certificate, &issued.chain, 0o644)?;
    write(&key, &issued.key, 0o600)?;
    let ca = if made { "made " } else { "used " };
    print(&format!(
        "{ca} {ca_path}\nwrote {certificate} for {names}\nwrote {key}\n\n\
         tls:\n  certificates:\n    - certificate: {certificate}\n      key: {key}\n\n\
         Browsers accept it once they trust {ca_path}: import it among the authorities in the browser's settings,\n\
         or copy it to /usr/local/share/ca-certificates/vestibule.crt and run update-ca-certificates;\n\
         curl takes --cacert {ca_path}. Keep {ca_key} to yourself: whoever has it can pose as any site to you.\n",
        ca_path = authority.certificate_path.display(),
        ca_key = authority.key_path.display(),
        certificate = certificate.display(),
        key = key.display(),
        names = names.join(", "),
    ))
}

/// A host name or wildcard in ASCII, or an address.
fn parse(name: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "`{name}` is no name for a certificate: give a host name, a wildcard such as *.example.test, or an address"
        )
    };
    if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let (star, rest) = name.strip_prefix("*.").map_or(("", name), |rest| ("*.", rest));
    let ascii = url::Host::parse(rest).map_err(|_| wrong())?.to_string();
    let host = Host::parse(&ascii).ok_or_else(wrong)?;
    Ok(format!("{star}{host}"))
}

struct Issued {
    chain: String,
    key: String,
}

/// The local CA.
struct Authority {
    certificate_path: PathBuf,
    key_path: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The CA of this folder, and whether it was made now.
    fn open(folder: &Path) -> Result<(Self, bool), Failure> {
        let (certificate_path, key_path) = (folder.join("ca.pem"), folder.join("ca.key"));
        let found = match (read(&certificate_path)?, read(&key_path)?) {
            (Some(pem), Some(key)) => Some((pem, key)),
            (None, None) => None,
            (Some(_), None) => return Err(half(&certificate_path, &key_path)),
            (None, Some(_)) => return Err(half(&key_path, &certificate_path)),
        };
        let made = found.is_none();
        let (pem, key) = if let Some((pem, key)) = found {
            let key = KeyPair::from_pem(&key)
                .map_err(|_| Failure::Work(format!("{} holds no key that can sign", key_path.display())))?;
            (pem, key)
        } else {
            let key = KeyPair::generate().map_err(|error| failed(&error))?;
            let pem = authority_params().self_signed(&key).map_err(|error| failed(&error))?.pem();
            write(&key_path, &key.serialize_pem(), 0o600)?;
            write(&certificate_path, &pem, 0o644)?;
            (pem, key)
        };
        let issuer = Issuer::new(authority_params(), key);
        Ok((Self { certificate_path, key_path, pem, issuer }, made))
    }

    fn issue(&self, names: &[String]) -> Result<Issued, Failure> {
        let mut params = CertificateParams::new(names).map_err(|error| failed(&error))?;
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = names.first().filter(|name| name.len() <= 64) {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, LIFETIME);
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(|error| failed(&error))?;
        self.verify(certificate.der())?;
        Ok(Issued { chain: format!("{}{}", certificate.pem(), self.pem), key: key.serialize_pem() })
    }

    /// A `ca.pem` of another maker, or one that has expired, would give certificates that nobody accepts.
    fn verify(&self, certificate: &CertificateDer<'_>) -> Result<(), Failure> {
        let mut roots = RootCertStore::empty();
        let added = CertificateDer::from_pem_slice(self.pem.as_bytes()).ok().map(|ca| roots.add(ca));
        let now = Duration::from_millis(u64::try_from(Clock::System.now().millis()).unwrap_or(0));
        let verified = ParsedCertificate::try_from(certificate).and_then(|certificate| {
            let algorithms = default_provider().signature_verification_algorithms;
            let now = UnixTime::since_unix_epoch(now);
            verify_server_cert_signed_by_trust_anchor(&certificate, &roots, &[], now, algorithms.all)
        });
        if matches!(added, Some(Ok(()))) && verified.is_ok() {
            return Ok(());
        }
        let path = self.certificate_path.display();
        Err(Failure::Work(format!(
            "{path} is not a CA that this command made: move it away, or name another folder with --out"
        )))
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Vestibule development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, CA_LIFETIME);
    params
}

/// From yesterday on, for machines whose clocks disagree.
fn validity(params: &mut CertificateParams, lifetime: Duration) {
    let now = SystemTime::from(Clock::System.now());
    params.not_before = (now - DAY).into();
    params.not_after = (now + lifetime).into();
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

/// Writes beside the path and then puts it there, so that what has a narrow mode never had a wide one.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&beside, path)),
    };
    written.map_err(|error| cannot("written", path, &error))
}

fn half(present: &Path, absent: &Path) -> Failure {
    Failure::Work(format!(
        "{} is there and {} is not: bring it back, or remove both",
        present.display(),
        absent.display()
    ))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Work(format!("{} cannot be {what}: {error}", path.display()))
}

fn failed(error: &rcgen::Error) -> Failure {
    Failure::Work(format!("the certificate cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn names_come_out_in_ascii() {
        let check =
            |name: &str, expected: Option<&str>| assert_eq!(parse(name).ok().as_deref(), expected, "{name}");
        check("App.Example.test", Some("app.example.test"));
        check("*.example.test", Some("*.example.test"));
        check("b\u{fc}cher.test", Some("xn--bcher-kva.test"));
        check("127.0.0.1", Some("127.0.0.1"));
        check("[::1]", Some("::1"));
        for wrong in ["", "*", "a b", "https://a", "../a", "*.*.a"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_ca_is_made_once_and_keys_are_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("certs");
        run(&["app.example.test".to_owned(), "127.0.0.1".to_owned()], &out).expect("made");
        let ca = fs::read(out.join("ca.pem")).expect("a CA");
        run(&["*.example.test".to_owned()], &out).expect("made");
        assert_eq!(fs::read(out.join("ca.pem")).expect("a CA"), ca);
        for key in ["ca.key", "app.example.test.key", "wildcard.example.test.key"] {
            let mode = fs::metadata(out.join(key)).expect("a key").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn a_foreign_ca_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        run(&["a.test".to_owned()], folder.path()).expect("made");
        let other = KeyPair::generate().expect("a key");
        fs::write(folder.path().join("ca.key"), other.serialize_pem()).expect("written");
        let failure = run(&["a.test".to_owned()], folder.path()).expect_err("the key is another's");
        assert!(failure.to_string().contains("not a CA that this command made"), "{failure}");
        fs::remove_file(folder.path().join("ca.key")).expect("removed");
        assert!(run(&["a.test".to_owned()], folder.path()).is_err());
    }
}
