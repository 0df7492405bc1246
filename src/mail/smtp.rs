//! SMTP (RFC 5321) to one configured server, a fresh connection for each mail.
//!
//! This file decides how the connection is secured; the mail itself and the login are lettre's. STARTTLS is spoken
//! here and not by lettre, whose buffer keeps what a man in the middle sends in plain text behind the server's
//! "220 go ahead", and takes it for an answer from inside the encrypted connection (as in CVE-2021-33515 and its
//! kin). Nor is lettre's `tracing` feature used: it writes every line of a mail, and so every code, to the log.

mod plain;
mod stream;

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lettre::Message as Letter;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use rustls::{CertificateError, ClientConfig, InvalidMessage, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::quoted;
use super::{MailError, Security, SmtpSettings};
use plain::Plain;
use stream::Stream;

/// How long a server may take over its goodbye, the mail being accepted already.
const GOODBYE: Duration = Duration::from_secs(1);

/// One mail server.
#[derive(Clone)]
pub(super) struct Smtp {
    settings: Arc<SmtpSettings>,
    name: ServerName<'static>,
    tls: TlsConnector,
    /// What we call ourselves: this machine's name.
    hello: ClientId,
}

impl Smtp {
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        let name = ServerName::try_from(bare(&settings.host).to_owned())
            .map_err(|error| MailError::Settings { key: "smtp.host", reason: error.to_string() })?;
        let tls = client_config(settings.ca.as_deref())
            .map_err(|reason| MailError::Settings { key: "smtp.ca", reason })?;
        Ok(Self {
            settings: Arc::new(settings.clone()),
            name,
            tls: TlsConnector::from(Arc::new(tls)),
            hello: ClientId::default(),
        })
    }

    /// Sends the letter within the timeout, tells how it went, and only then says goodbye: the mail is on its way,
    /// whatever the server makes of `QUIT`.
    pub async fn send(&self, letter: &Letter, tell: impl FnOnce(Result<(), MailError>)) {
        let bytes = letter.formatted();
        let sending = async {
            let mut connection = self.connect().await?;
            connection.send(letter.envelope(), &bytes).await.map_err(|error| refused(&error))?;
            Ok(connection)
        };
        match self.in_time(sending).await {
            Ok(mut connection) => {
                tell(Ok(()));
                _ = timeout(GOODBYE, connection.quit()).await;
            }
            Err(error) => tell(Err(error)),
        }
    }

    /// Connects, secures the connection and logs in, and says so.
    pub async fn probe(&self) -> Result<String, MailError> {
        let mut connection = self.in_time(self.connect()).await?;
        let name = quoted(connection.server_info().name());
        _ = timeout(GOODBYE, connection.quit()).await;
        let security = match self.settings.security {
            Security::Starttls => "STARTTLS",
            Security::Tls => "TLS",
            Security::None => "not encrypted",
        };
        let login = if self.settings.credentials.is_some() { "logged in" } else { "no login" };
        Ok(format!("mail server {name} answered ({security}, {login})"))
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, MailError>>) -> Result<T, MailError> {
        // Around everything: lettre's own timeout ends with the connect.
        timeout(self.settings.timeout, work).await.unwrap_or(Err(MailError::Timeout(self.settings.timeout)))
    }

    /// A connection on which mail may be sent: encrypted as the settings want it, logged in if they do.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let stream = self.open().await?;
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)
            .await
            .map_err(|error| match error.status() {
                Some(_) => refused(&error),
                None => broken(&error, "greeted us"),
            })?;
        if let Some((user, password)) = &self.settings.credentials {
            let credentials = Credentials::new(user.clone(), password.expose().clone());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await.map_err(|error| {
                match error.status() {
                    Some(_) => MailError::LoginRefused(reply(&error)),
                    None if error.is_client() => MailError::NoLogin,
                    None => broken(&error, "let us log in"),
                }
            })?;
        }
        Ok(connection)
    }

    async fn open(&self) -> Result<Stream, MailError> {
        let socket = self.dial().await?;
        Ok(match self.settings.security {
            Security::None => Stream::plain(socket),
            Security::Tls => Stream::tls(self.encrypt(socket).await?),
            Security::Starttls => {
                let socket = Plain::new(socket).starttls(&self.hello.to_string()).await?;
                Stream::upgraded(self.encrypt(socket).await?)
            }
        })
    }

    /// A socket to the first of the server's addresses that answers. No address may use up the time of the others:
    /// that a server's IPv6 address leads nowhere is common.
    async fn dial(&self) -> Result<TcpStream, MailError> {
        let SmtpSettings { host, port, timeout: limit, .. } = &*self.settings;
        let unreachable = |reason: &dyn Display| MailError::Unreachable(format!("{host}:{port}: {reason}"));
        let addresses: Vec<_> =
            lookup_host((bare(host), *port)).await.map_err(|error| unreachable(&error))?.collect();
        let share = *limit / u32::try_from(addresses.len() + 1).unwrap_or(u32::MAX);
        let mut last = unreachable(&"the name has no address");
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => last = unreachable(&error),
                Err(_) => last = unreachable(&format_args!("no answer within {share:?}")),
            }
        }
        Err(last)
    }

    async fn encrypt(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, MailError> {
        self.tls.connect(self.name.clone(), socket).await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match inner {
                Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                    MailError::Authority
                }
                Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => MailError::NoTls,
                Some(rustls::Error::InvalidCertificate(reason)) => MailError::Certificate(reason.to_string()),
                _ => MailError::Tls(error.to_string()),
            }
        })
    }
}

/// An IPv6 address without its brackets; a name as it is.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The system's roots, Mozilla's where the system has none (as in an empty container), and the private CA.
fn client_config(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(file) = ca {
        let at = |reason: &dyn Display| format!("{}: {reason}", file.display());
        let certificates: Vec<_> =
            CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| at(&error))?;
        if certificates.is_empty() {
            return Err(at(&"it holds no certificate"));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| at(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn refused(error: &SmtpError) -> MailError {
    match error.status() {
        Some(_) => MailError::Refused(reply(error)),
        None if error.is_client() => MailError::Refused(quoted(&error.to_string())),
        None => broken(error, "accepted the message"),
    }
}

/// What the server answered, as it would stand on the wire: `550 5.1.1 no such user`.
fn reply(error: &SmtpError) -> String {
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    quoted(&format!("{code} {text}"))
}

/// No answer at all, or half of one.
fn broken(error: &SmtpError, before: &'static str) -> MailError {
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if error.is_response() && text != "incomplete response" {
        return MailError::Unintelligible(quoted(&text));
    }
    MailError::HungUp(before)
}

#[cfg(test)]
mod tests;
