//! The few lines of SMTP before the encryption: greeting, `EHLO`, `STARTTLS` (RFC 3207).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::mail::MailError;
use crate::mail::error::quoted;

/// More than any server says before TLS.
const LONGEST_REPLY: usize = 16 * 1024;

/// An unencrypted connection; nothing secret is ever said on it.
pub(super) struct Plain {
    socket: TcpStream,
}

/// A server's answer: its code, and its lines without code and line end.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Plain {
    pub fn new(socket: TcpStream) -> Self {
        Self { socket }
    }

    /// Asks for encryption and gives back the socket, at the very byte where the handshake begins.
    pub async fn starttls(mut self, hello: &str) -> Result<TcpStream, MailError> {
        self.reply("greeted us").await?.expect(220)?;
        let extensions = self.ask(&format!("EHLO {hello}\r\n")).await?.expect(250)?;
        // The first line is the server's name.
        if !extensions.lines.iter().skip(1).any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
            return Err(MailError::NoStarttls);
        }
        self.ask("STARTTLS\r\n").await?.expect(220)?;
        Ok(self.socket)
    }

    async fn ask(&mut self, line: &str) -> Result<Reply, MailError> {
        self.socket.write_all(line.as_bytes()).await.map_err(|_| MailError::HungUp("let us encrypt"))?;
        self.reply("let us encrypt").await
    }

    /// One whole reply. Whatever follows it in the same breath was not asked for: a server that speaks before it is
    /// asked, or somebody who wants his words to be read as if they had come encrypted.
    async fn reply(&mut self, before: &'static str) -> Result<Reply, MailError> {
        let mut heard = Vec::new();
        loop {
            if let Some((reply, rest)) = parse(&heard)? {
                return if rest == 0 { Ok(reply) } else { Err(MailError::Injected) };
            }
            if heard.len() > LONGEST_REPLY {
                return Err(MailError::Unintelligible("an endless reply".into()));
            }
            match self.socket.read_buf(&mut heard).await {
                Ok(0) | Err(_) => return Err(MailError::HungUp(before)),
                Ok(_) => {}
            }
        }
    }
}

impl Reply {
    fn expect(self, code: u16) -> Result<Self, MailError> {
        if self.code == code {
            return Ok(self);
        }
        Err(MailError::Refused(quoted(&format!("{} {}", self.code, self.lines.join(" ")))))
    }
}

/// The first reply in `heard` and how many bytes follow it; `None` while it is incomplete (RFC 5321 § 4.2.1).
fn parse(heard: &[u8]) -> Result<Option<(Reply, usize)>, MailError> {
    let mut lines = Vec::new();
    let mut rest = heard;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = rest.split_at(end + 1);
        rest = behind;
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        let unintelligible = || MailError::Unintelligible(quoted(line));
        let (code, text) = line.split_at_checked(3).ok_or_else(unintelligible)?;
        let code: u16 = code.parse().map_err(|_| unintelligible())?;
        let (goes_on, text) = match text.split_at_checked(1) {
            None => (false, ""),
            Some((" ", text)) => (false, text),
            Some(("-", text)) => (true, text),
            Some(_) => return Err(unintelligible()),
        };
        lines.push(text.to_owned());
        if !goes_on {
            return Ok(Some((Reply { code, lines }, rest.len())));
        }
    }
    Ok(None)
}
