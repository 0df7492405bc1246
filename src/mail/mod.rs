//! Mail: [`Mailer`] sends what [`code_mail`] and [`notice_mail`] write, by SMTP, into an outbox folder, or to the terminal.
//!
//! A send waits at most its deadline. The mailer never learns why a mail is sent, and no code is ever logged. Start
//! from [`Mailer`].

mod error;
mod letter;
mod message;
mod notice;
mod outbox;
mod smtp;
mod terminal;

pub use error::MailError;
pub use letter::is_sender;
pub use message::{Brand, CodeFor, CodeMail, code_mail};
pub use notice::{Notice, Occasion, notice_mail};

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use crate::clock::Clock;
use crate::secret::Secret;
use crate::tasks::{Shutdown, Tasks};
use letter::Sender;
use smtp::Smtp;

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
    /// PEM of a private CA, besides the system's roots.
    pub ca: Option<PathBuf>,
    /// Bounds a whole send, not only the connect.
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, and no mail without it.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Loopback hosts only.
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

/// Sends messages. Its sockets live on the services runtime; any runtime may call it. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    sender: Sender,
    transport: Transport,
    tasks: Tasks,
    /// What is done aside, until it is sent.
    asides: Tasks,
    /// One place for each mail that waits to be tried again.
    waiting: Arc<Semaphore>,
    /// Nobody waits any longer once this has begun.
    ending: Shutdown,
    services: Handle,
}

/// After which times a mail that nobody waits for is tried again, so that a mail server may be restarted meanwhile. Longer
/// than that would outlive the codes and links in the mails.
const AGAIN: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(20), Duration::from_mins(1), Duration::from_mins(3)];

/// How many mails may wait for that at a time; with some 10 KiB each.
const MOST_WAITING: usize = 1000;

/// The closed set of ways a mail can go; this file holds the one `match` on it.
#[derive(Clone)]
enum Transport {
    Smtp(Smtp),
    Outbox(PathBuf),
    Terminal,
}

impl Mailer {
    /// Does not connect: the gateway starts while the mail server is down. Fails if the sender's address, the server's
    /// name or the CA is not usable.
    pub fn new(settings: &Settings, clock: Clock, tasks: Tasks, services: Handle) -> Result<Self, MailError> {
        let transport = match &settings.transport {
            TransportSettings::Smtp(smtp) => Transport::Smtp(Smtp::new(smtp)?),
            TransportSettings::Outbox(folder) => Transport::Outbox(folder.clone()),
            TransportSettings::Terminal => Transport::Terminal,
        };
        Ok(Self {
            sender: Sender::new(&settings.from, clock)?,
            transport,
            tasks,
            asides: Tasks::default(),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            ending: Shutdown::default(),
            services,
        })
    }

    /// Sends one message and waits for the server's word, at most for the configured timeout. If the caller goes away
    /// meanwhile, the mail is sent all the same.
    pub async fn send(&self, message: Message) -> Result<(), MailError> {
        let (tell, told) = oneshot::channel();
        let mailer = self.clone();
        self.tasks.spawn_on(&self.services, "mail", async move { mailer.deliver(message, tell).await });
        told.await.unwrap_or(Err(MailError::Stopped))
    }

    /// The same for a mail that nobody waits for: what a mail server in trouble did not take is tried again for some
    /// minutes. Should the gateway end meanwhile, that is at once, and for the last time.
    pub async fn send_patiently(&self, message: Message) -> Result<(), MailError> {
        let mut sent = self.send(message.clone()).await;
        for pause in AGAIN {
            let Some(error) = sent.as_ref().err().filter(|error| error.may_pass()) else { return sent };
            let Ok(_place) = self.waiting.try_acquire() else { return sent };
            tracing::warn!(%error, "a mail is tried again in {pause:?}");
            let last = tokio::time::timeout(pause, self.ending.begun()).await.is_ok();
            sent = self.send(message.clone()).await;
            if last {
                break;
            }
        }
        sent
    }

    /// Runs what ends in a mail, or in none, where no request waits for it, nor can tell which.
    pub fn aside(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.asides.spawn_on(&self.services, "mail aside", work);
    }

    /// Waits for what is done aside, at most for this long. Whether all of it was done.
    pub async fn finished_within(&self, deadline: Duration) -> bool {
        self.ending.begin();
        self.asides.finished_within(deadline).await
    }

    /// Does all of a send but the mail itself, and says what answered: for `check --connect`.
    pub async fn probe(&self) -> Result<String, MailError> {
        match &self.transport {
            Transport::Smtp(smtp) => smtp.probe().await,
            Transport::Outbox(folder) => {
                outbox::prepare(folder).await?;
                Ok(format!("mail goes into the folder {}", folder.display()))
            }
            Transport::Terminal => Ok("mail goes to the terminal".into()),
        }
    }

    async fn deliver(&self, message: Message, tell: oneshot::Sender<Result<(), MailError>>) {
        // A caller that has gone away is told nothing; there is nobody else to tell.
        match &self.transport {
            Transport::Smtp(smtp) => match self.sender.letter(&message) {
                Ok(letter) => smtp.send(&letter, |sent| _ = tell.send(sent)).await,
                Err(error) => _ = tell.send(Err(error)),
            },
            Transport::Outbox(folder) => {
                let stored = match self.sender.letter(&message) {
                    Ok(letter) => outbox::store(folder, self.sender.now(), &letter.formatted()).await,
                    Err(error) => Err(error),
                };
                _ = tell.send(stored);
            }
            Transport::Terminal => _ = tell.send(terminal::show(&message)),
        }
    }
}

/// An address as it may be shown to somebody who has proved the password alone: `a***e@example.com`; of a local part
/// under four characters the first alone, `a***@example.com`.
pub fn mask_address(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let mut letters = local.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    let last =
        letters.next_back().filter(|_| local.chars().count() >= 4).map(String::from).unwrap_or_default();
    format!("{first}***{last}@{domain}")
}

#[cfg(test)]
mod tests;
