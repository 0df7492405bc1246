//! Makes a message into a letter: RFC 5322 headers around two parts.
//!
//! Headers are written by a typed builder that encodes what does not belong in one, so that no title or address can
//! begin a header of its own.

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message as Letter};

use super::{MailError, Message};
use crate::clock::{Clock, Timestamp};
use crate::secret::random;

/// Whether `from` can stand in a `From` header: `Name <address>` or an address.
pub fn is_sender(from: &str) -> bool {
    from.parse::<Mailbox>().is_ok()
}

/// Who mails are from, and when.
#[derive(Clone)]
pub(super) struct Sender {
    from: Mailbox,
    clock: Clock,
}

impl Sender {
    pub fn new(from: &str, clock: Clock) -> Result<Self, MailError> {
        let from = from.parse().map_err(|error| MailError::Settings {
            key: "from",
            reason: format!("{error}; write `Name <address>` or an address"),
        })?;
        Ok(Self { from, clock })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn letter(&self, message: &Message) -> Result<Letter, MailError> {
        let to: Address =
            message.to.parse().map_err(|_| MailError::Message("the address is malformed".into()))?;
        let id = random::<16>().iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
        // RFC 3834 § 5: keeps vacation notices from answering.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Letter::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(&message.subject))
            .date(self.clock.now().into())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
            .map_err(|error| MailError::Message(error.to_string()))
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(subject: &str, text: &str) -> String {
        let clock = Clock::manual(Timestamp::from_millis(1_795_344_300_000));
        let sender = Sender::new("Exämple sign-in <signin@example.com>", clock).expect("a sender");
        let message = Message {
            to: "alice@example.com".into(),
            subject: subject.into(),
            text: text.into(),
            html: "<p>Hi</p>".into(),
        };
        String::from_utf8(sender.letter(&message).expect("a letter").formatted()).expect("ASCII")
    }

    #[test]
    fn a_letter_has_the_headers_of_a_transactional_mail() {
        let letter = letter("Your code", "Hi");
        for line in [
            "To: alice@example.com\r\n",
            "Subject: Your code\r\n",
            "Date: Sun, 22 Nov 2026 10:45:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(letter.contains(line), "no {line} in {letter}");
        }
        assert!(letter.contains(" <signin@example.com>\r\n"), "{letter}");
        let id = letter.split("Message-ID: <").nth(1).and_then(|rest| rest.split_once('>')).expect("an id").0;
        assert!(id.len() > 40 && id.ends_with("@example.com"), "{id}");
    }

    #[test]
    fn no_subject_begins_a_header_of_its_own() {
        for subject in ["x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "ü\r\n\r\n<script>"] {
            let letter = letter(subject, "Hi");
            let (head, _) = letter.split_once("\r\n\r\n").expect("a head");
            assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
            assert!(head.contains("MIME-Version"), "{head}");
        }
    }

    #[test]
    fn an_address_with_a_line_break_is_no_recipient() {
        let sender = Sender::new("signin@example.com", Clock::System).expect("a sender");
        let message = Message {
            to: "alice@example.com\r\nBcc: eve@example.com".into(),
            subject: String::new(),
            text: String::new(),
            html: String::new(),
        };
        assert!(matches!(sender.letter(&message), Err(MailError::Message(_))));
    }

    #[test]
    fn letters_are_ascii_with_network_line_ends() {
        let letter = letter("Grüße", "Grüße\nein Wort\n.\nEnde");
        assert!(letter.is_ascii());
        assert!(!letter.replace("\r\n", "").contains(['\r', '\n']), "{letter}");
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        assert!(is_sender("signin@example.com") && is_sender("Sign-in <signin@example.com>"));
        assert!(!is_sender("signin") && !is_sender("a@b\r\nBcc: eve@example.com"));
    }
}
