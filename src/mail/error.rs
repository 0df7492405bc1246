//! What can go wrong with a mail, named so that an operator knows where to look.

use std::io;
use std::time::Duration;

/// Why a mail was not sent. The server's own words are in it, the mail's are not.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the mail server did not finish within {0:?}")]
    Timeout(Duration),
    #[error("the mail server hung up before it {0}")]
    HungUp(&'static str),
    #[error("the mail server offers no STARTTLS: check mail.smtp.port, or set mail.smtp.security to tls")]
    NoStarttls,
    #[error("the mail server sent plain text behind its answer to STARTTLS: somebody may be in between")]
    Injected,
    #[error("the mail server's certificate is not accepted: {0}")]
    Certificate(String),
    #[error(
        "the mail server's certificate comes from an authority that is not known: name its file in mail.smtp.ca"
    )]
    Authority,
    #[error(
        "the mail server does not speak TLS from the start: check mail.smtp.port, or set mail.smtp.security to starttls"
    )]
    NoTls,
    #[error("the encrypted connection to the mail server failed: {0}")]
    Tls(String),
    #[error("the mail server offers no login by PLAIN or LOGIN: check mail.smtp.username and mail.smtp.port")]
    NoLogin,
    #[error("the mail server refused the user name or password: {0}")]
    LoginRefused(String),
    /// Its code and text.
    #[error("the mail server refused the message: {0}")]
    Refused(String),
    #[error("the mail server answered what is no SMTP: {0}")]
    Unintelligible(String),
    #[error("the message cannot be written to the outbox: {0}")]
    Outbox(io::Error),
    #[error("the message cannot be printed: {0}")]
    Terminal(io::Error),
    #[error("the message cannot be made: {0}")]
    Message(String),
    #[error("mail.{key} cannot be used: {reason}")]
    Settings { key: &'static str, reason: String },
    #[error("the gateway is shutting down")]
    Stopped,
}

impl MailError {
    /// Whether the same mail may well be taken a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) | Self::HungUp(_) | Self::Outbox(_) => true,
            // RFC 5321, section 4.2.1: with a 4 the server asks for another try, with a 5 it does not want the mail.
            Self::Refused(answer) | Self::LoginRefused(answer) => answer.starts_with('4'),
            Self::NoStarttls
            | Self::Injected
            | Self::Certificate(_)
            | Self::Authority
            | Self::NoTls
            | Self::Tls(_)
            | Self::NoLogin
            | Self::Unintelligible(_)
            | Self::Terminal(_)
            | Self::Message(_)
            | Self::Settings { .. }
            | Self::Stopped => false,
        }
    }
}

/// What somebody else's server said, fit for a log line: one line, printable, not endless.
pub(super) fn quoted(foreign: &str) -> String {
    let line: String = foreign
        .trim()
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(300)
        .collect();
    line
}
