//! Mail: [`Mailer`] sends what [`message`] writes, by SMTP, into an outbox folder, or to the terminal.
//!
//! A send waits at most its deadline. The mailer never learns why a mail is sent, and no code is ever logged.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

#[derive(Clone)]
pub struct Settings {
    /// `Name <address>` or an address.
    pub from: String,
    pub transport: TransportSettings,
}

#[derive(Clone)]
pub enum TransportSettings {
    Smtp(SmtpSettings),
    /// One `.eml` file a message.
    Outbox(PathBuf),
    /// Prints the text part to standard output.
    Terminal,
}

#[derive(Clone)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<(String, Secret<String>)>,
    pub ca: Option<PathBuf>,
    /// Bounds a whole send, not only the connect.
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    Starttls,
    Tls,
    None,
}

/// A message ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The address on record.
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the mail server did not finish within {0:?}")]
    Timeout(Duration),
    #[error("the mail server refused the message: {0}")]
    Refused(String),
    #[error("the message cannot be written: {0}")]
    Outbox(#[from] std::io::Error),
    #[error("the message cannot be made: {0}")]
    Message(String),
}

/// Sends messages. Its sockets live on the services runtime; any runtime may call it.
pub struct Mailer {}

impl Mailer {
    /// Does not connect: the gateway starts while the mail server is down.
    pub fn new(_settings: &Settings, _services: tokio::runtime::Handle) -> Result<Self, MailError> {
        Ok(Self {})
    }

    /// Sends one message and waits for the server's word, at most for the configured timeout.
    pub async fn send(&self, _message: Message) -> Result<(), MailError> {
        Err(MailError::Unreachable("not built yet".into()))
    }
}

/// An address as it may be shown to somebody who has proved the password alone: `a***e@example.com`; of a local part
/// under four characters the first alone, `a***@example.com`.
pub fn mask_address(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first = local.chars().next().map(String::from).unwrap_or_default();
    let last = local.chars().last().filter(|_| local.chars().count() >= 4).map(String::from).unwrap_or_default();
    format!("{first}***{last}@{domain}")
}
