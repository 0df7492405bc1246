//! How a server is reached: its address, who we are there, whom we trust, and what the socket is told.

use std::path::Path;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    TlsCertificates,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::super::StoreError;
use super::super::settings::{RedisSettings, Sentinel};

/// When Linux gives a connection up whose bytes are not acknowledged; also the pace of keep-alive probes.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// One server, and by its example others of the same kind.
pub struct Reach {
    info: ConnectionInfo,
    certificates: Certificates,
}

impl Reach {
    pub fn of(url: &str, settings: &RedisSettings) -> Result<Self, StoreError> {
        let info = connection_info(url).map_err(StoreError::Refused)?;
        Ok(Self { info, certificates: Certificates::read(settings)? })
    }

    /// The servers that these sentinels name; what was given is one of the sentinels.
    #[must_use]
    pub fn behind(&self, sentinel: &Sentinel) -> Self {
        let mut redis = redis::RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(i64::from(sentinel.database));
        if let Some(username) = &sentinel.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &sentinel.password {
            redis = redis.set_password(password.expose());
        }
        Self { info: self.info.clone().set_redis_settings(redis), certificates: self.certificates.clone() }
    }

    pub fn client(&self) -> Result<Client, StoreError> {
        self.with(self.info.clone()).map_err(StoreError::Refused)
    }

    /// A server at another address, reached in the same way.
    pub fn at(&self, host: &str, port: u16) -> Result<Client, String> {
        let host = host.to_owned();
        let address = if self.is_over_tls() {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        self.with(self.info.clone().set_addr(address))
    }

    fn is_over_tls(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }

    fn with(&self, info: ConnectionInfo) -> Result<Client, String> {
        let client = if self.is_over_tls() && self.certificates.are_given() {
            Client::build_with_tls(info, self.certificates.for_redis())
        } else {
            Client::open(info)
        };
        client.map_err(|error| error.to_string())
    }
}

/// Whether this is the form of a URL that [`Reach::of`] takes; says what is wrong, never the URL itself.
pub fn check_url(url: &str) -> Result<(), String> {
    connection_info(url).map(drop)
}

fn connection_info(url: &str) -> Result<ConnectionInfo, String> {
    let info = url.into_connection_info().map_err(|error| error.to_string())?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(
            "`#insecure` would trust any server; name the server's CA in `store.redis.ca` instead".into()
        );
    }
    let keepalive = socket2::TcpKeepalive::new().with_time(UNACKNOWLEDGED).with_interval(UNACKNOWLEDGED / 5);
    let tcp =
        TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(UNACKNOWLEDGED);
    // In the third version of the protocol the end of an idle connection is told at once, not at its next use.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp).set_redis_settings(redis))
}

/// In PEM, as they were read.
#[derive(Clone)]
struct Certificates {
    root: Option<Vec<u8>>,
    client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    fn read(settings: &RedisSettings) -> Result<Self, StoreError> {
        let root = settings.ca.as_deref().map(certificates).transpose()?;
        let client = settings.client.as_ref().map(|client| {
            let certificate = certificates(&client.certificate)?;
            let key = file(&client.key)?;
            PrivateKeyDer::from_pem_slice(&key).map_err(|error| refused(&client.key, &error.to_string()))?;
            Ok::<_, StoreError>((certificate, key))
        });
        Ok(Self { root, client: client.transpose()? })
    }

    fn are_given(&self) -> bool {
        self.root.is_some() || self.client.is_some()
    }

    fn for_redis(&self) -> TlsCertificates {
        let client_tls = self.client.clone();
        let client_tls =
            client_tls.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        TlsCertificates { client_tls, root_cert: self.root.clone() }
    }
}

fn certificates(path: &Path) -> Result<Vec<u8>, StoreError> {
    let pem = file(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(pem),
        Ok(_) => Err(refused(path, "no certificate in it")),
        Err(error) => Err(refused(path, &error.to_string())),
    }
}

fn file(path: &Path) -> Result<Vec<u8>, StoreError> {
    std::fs::read(path).map_err(|error| refused(path, &error.to_string()))
}

fn refused(path: &Path, why: &str) -> StoreError {
    StoreError::Refused(format!("{}: {why}", path.display()))
}
