//! The transport against a scripted server: honest, and in every way broken or hostile that has a name.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::mail::{MailError, Mailer, Message, Security, Settings, SmtpSettings, TransportSettings};
use crate::secret::Secret;
use crate::tasks::Tasks;

/// What the server does when it comes to a certain point, instead of what is right.
#[derive(Clone, Copy)]
enum Act {
    Say(&'static str),
    Stall,
    HangUp,
}

/// A server for one test.
struct Server {
    address: SocketAddr,
    /// Holds the server's certificate, as `ca.pem`.
    folder: TempDir,
    /// Every line it was told, marked with `*` when it came encrypted.
    heard: Arc<Mutex<Vec<String>>>,
    tasks: Tasks,
}

/// The points: `greeting`, `handshake`, and the commands, `.` being the end of a mail.
type Script = &'static [(&'static str, Act)];

impl Server {
    async fn start(security: Security, script: Script) -> Self {
        Self::with_certificate_for("localhost", security, script).await
    }

    async fn with_certificate_for(name: &str, security: Security, script: Script) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).expect("written");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key that fits");
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let session =
            Session { script: script.iter().copied().collect(), heard: heard.clone(), encrypted: false };
        let tasks = Tasks::default();
        tasks.spawn("scripted mail server", async move {
            while let Ok((socket, _)) = listener.accept().await {
                // A client that breaks off is what some tests are about.
                _ = session.clone().serve(socket, &acceptor, security).await;
            }
        });
        Self { address, folder, heard, tasks }
    }

    fn settings(&self, security: Security) -> SmtpSettings {
        SmtpSettings {
            host: "localhost".into(),
            port: self.address.port(),
            security,
            credentials: Some(("signin@example.com".into(), Secret::new("mail-password".into()))),
            ca: Some(self.folder.path().join("ca.pem")),
            timeout: Duration::from_secs(10),
        }
    }

    fn mailer(&self, settings: SmtpSettings) -> Mailer {
        let settings = Settings {
            from: "Example sign-in <signin@example.com>".into(),
            transport: TransportSettings::Smtp(settings),
        };
        let runtime = tokio::runtime::Handle::current();
        Mailer::new(&settings, Clock::System, self.tasks.clone(), runtime).expect("good settings")
    }

    async fn send(&self, security: Security) -> Result<(), MailError> {
        self.mailer(self.settings(security)).send(mail()).await
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("not poisoned").clone()
    }
}

fn mail() -> Message {
    Message {
        to: "alice@example.com".into(),
        subject: "Your sign-in code for Example Corp".into(),
        text: "Your sign-in code is 123456.\n.\nQUIT\n".into(),
        html: "<p>123456</p>".into(),
    }
}

#[derive(Clone)]
struct Session {
    script: HashMap<&'static str, Act>,
    heard: Arc<Mutex<Vec<String>>>,
    encrypted: bool,
}

impl Session {
    async fn serve(
        mut self,
        socket: tokio::net::TcpStream,
        acceptor: &TlsAcceptor,
        security: Security,
    ) -> std::io::Result<()> {
        if security == Security::Tls {
            self.encrypted = true;
            return self.talk(acceptor.accept(socket).await?, "greeting").await.map(drop);
        }
        if let Some(socket) = self.talk(socket, "greeting").await? {
            self.encrypted = true;
            self.talk(acceptor.accept(socket).await?, "").await?;
        }
        Ok(())
    }

    /// Gives the stream back when a handshake is to follow.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        first: &str,
    ) -> std::io::Result<Option<S>> {
        let mut stream = BufReader::new(stream);
        if !first.is_empty() && !self.answer(&mut stream, first).await? {
            return Ok(None);
        }
        let mut in_mail = false;
        let mut login = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            let mark = if self.encrypted { "*" } else { "" };
            self.heard.lock().expect("not poisoned").push(format!("{mark}{line}"));
            let command = line.split([' ', ':']).next().unwrap_or_default();
            let point = match (in_mail, line) {
                (true, ".") => ".",
                (true, _) => continue,
                (false, "AUTH LOGIN") => "LOGIN",
                (false, _) if login > 0 => {
                    if login == 2 {
                        "LOGIN-2"
                    } else {
                        "AUTH"
                    }
                }
                (false, _) => command,
            };
            login = match point {
                "LOGIN" => 2,
                "LOGIN-2" => 1,
                _ => 0,
            };
            in_mail = point == "DATA" && !matches!(self.script.get("DATA"), Some(Act::Say(_)));
            if !self.answer(&mut stream, point).await? {
                return Ok(None);
            }
            if point == "STARTTLS" {
                return Ok(Some(stream.into_inner()));
            }
        }
    }

    /// Whether the conversation goes on.
    async fn answer<S: AsyncWrite + Unpin>(&self, stream: &mut S, point: &str) -> std::io::Result<bool> {
        let ehlo = if self.encrypted {
            "250-mx.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"
        } else {
            "250-mx.example.com\r\n250-8BITMIME\r\n250 STARTTLS"
        };
        let right = match point {
            "greeting" => "220 mx.example.com ESMTP",
            "EHLO" => ehlo,
            "STARTTLS" => "220 go ahead",
            "AUTH" => "235 welcome",
            "LOGIN" => "334 VXNlcm5hbWU6",
            "LOGIN-2" => "334 UGFzc3dvcmQ6",
            "DATA" => "354 go ahead",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        let key = match (self.encrypted, point) {
            (true, "EHLO") => "EHLO*",
            _ => point,
        };
        match self.script.get(key).copied().unwrap_or(Act::Say(right)) {
            Act::Say(text) => {
                stream.write_all(text.as_bytes()).await?;
                stream.write_all(b"\r\n").await?;
                Ok(point != "QUIT")
            }
            Act::Stall => std::future::pending().await,
            Act::HangUp => Ok(false),
        }
    }
}

#[tokio::test]
async fn a_mail_goes_out_encrypted_and_logged_in() {
    let server = Server::start(Security::Starttls, &[]).await;
    server.send(Security::Starttls).await.expect("sent");
    let heard = server.heard();
    let plain: Vec<_> = heard.iter().filter(|line| !line.starts_with('*')).collect();
    assert!(plain.len() == 2 && plain[0].starts_with("EHLO ") && plain[1] == "STARTTLS", "{plain:?}");
    assert!(heard.iter().any(|line| line.starts_with("*AUTH PLAIN ")), "{heard:?}");
    assert!(heard.contains(&"*RCPT TO:<alice@example.com>".to_owned()), "{heard:?}");
    assert!(heard.contains(&"*Your sign-in code is 123456.".to_owned()), "{heard:?}");
    assert_eq!(
        heard.iter().filter(|line| *line == "*.").count(),
        1,
        "a dot in the text ends no mail: {heard:?}"
    );
}

#[tokio::test]
async fn implicit_tls_is_encrypted_from_the_first_byte() {
    let server = Server::start(Security::Tls, &[]).await;
    server.send(Security::Tls).await.expect("sent");
    assert!(server.heard().iter().all(|line| line.starts_with('*')));
}

#[tokio::test]
async fn a_server_without_plain_is_logged_in_to_by_login() {
    let script: Script = &[("EHLO*", Act::Say("250-mx.example.com\r\n250 AUTH LOGIN"))];
    let server = Server::start(Security::Starttls, script).await;
    server.send(Security::Starttls).await.expect("sent");
    assert!(server.heard().contains(&"*AUTH LOGIN".to_owned()), "{:?}", server.heard());
}

#[tokio::test]
async fn nothing_is_sent_without_starttls() {
    let server =
        Server::start(Security::Starttls, &[("EHLO", Act::Say("250-mx.example.com\r\n250 AUTH PLAIN"))])
            .await;
    assert!(matches!(server.send(Security::Starttls).await, Err(MailError::NoStarttls)));
    assert_eq!(server.heard().len(), 1, "only EHLO was said: {:?}", server.heard());
}

#[tokio::test]
async fn plain_text_behind_the_answer_to_starttls_is_refused() {
    let script: Script = &[("STARTTLS", Act::Say("220 go ahead\r\n250-evil\r\n250 AUTH PLAIN"))];
    let server = Server::start(Security::Starttls, script).await;
    assert!(matches!(server.send(Security::Starttls).await, Err(MailError::Injected)));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    for security in [Security::Starttls, Security::Tls] {
        let server = Server::with_certificate_for("other.example.com", security, &[]).await;
        let error = server.send(security).await.expect_err("refused");
        assert!(matches!(error, MailError::Certificate(_)), "{error}");
        assert!(!server.heard().iter().any(|line| line.contains("AUTH")), "{:?}", server.heard());
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let server = Server::start(Security::Starttls, &[]).await;
    let settings = SmtpSettings { ca: None, ..server.settings(Security::Starttls) };
    let error = server.mailer(settings).send(mail()).await.expect_err("refused");
    assert!(matches!(error, MailError::Authority), "{error}");
}

#[tokio::test]
async fn a_port_that_begins_in_plain_text_is_told_from_one_that_speaks_tls() {
    let server = Server::start(Security::Starttls, &[]).await;
    let error = server.send(Security::Tls).await.expect_err("no TLS");
    assert!(matches!(error, MailError::NoTls), "{error}");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let cases: [(&str, Script, &str); 6] = [
        ("greeting", &[("greeting", Act::Say("554 5.3.2 go away"))], "554 5.3.2 go away"),
        ("encryption", &[("STARTTLS", Act::Say("454 4.7.0 not now"))], "454 4.7.0 not now"),
        ("sender", &[("MAIL", Act::Say("550 5.7.1 not yours"))], "550 5.7.1 not yours"),
        ("recipient", &[("RCPT", Act::Say("450 4.2.1 greylisted"))], "450 4.2.1 greylisted"),
        ("data", &[("DATA", Act::Say("452 4.3.1 disk full"))], "452 4.3.1 disk full"),
        ("content", &[(".", Act::Say("554 5.6.0 looks like spam"))], "554 5.6.0 looks like spam"),
    ];
    for (point, script, words) in cases {
        let server = Server::start(Security::Starttls, script).await;
        match server.send(Security::Starttls).await {
            Err(MailError::Refused(told)) => assert_eq!(told, words, "{point}"),
            other => panic!("{point}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_login_is_told_as_such() {
    let server = Server::start(Security::Starttls, &[("AUTH", Act::Say("535 5.7.8 bad credentials"))]).await;
    match server.send(Security::Starttls).await {
        Err(MailError::LoginRefused(told)) => assert_eq!(told, "535 5.7.8 bad credentials"),
        other => panic!("{other:?}"),
    }
    let server = Server::start(Security::Starttls, &[("EHLO*", Act::Say("250 mx.example.com"))]).await;
    assert!(matches!(server.send(Security::Starttls).await, Err(MailError::NoLogin)));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_no_success() {
    for point in ["greeting", "EHLO", "STARTTLS", "EHLO*", "AUTH", "MAIL", "DATA", "."] {
        let script: Script = Box::leak(Box::new([(point, Act::HangUp)]));
        let server = Server::start(Security::Starttls, script).await;
        let error = server.send(Security::Starttls).await.expect_err("hung up");
        assert!(matches!(error, MailError::HungUp(_) | MailError::Tls(_)), "{point}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_within_the_timeout() {
    let limit = Duration::from_millis(400);
    for point in ["greeting", "STARTTLS", "EHLO*", "AUTH", "RCPT", "."] {
        let script: Script = Box::leak(Box::new([(point, Act::Stall)]));
        let server = Server::start(Security::Starttls, script).await;
        let settings = SmtpSettings { timeout: limit, ..server.settings(Security::Starttls) };
        let mailer = server.mailer(settings);
        let error = tokio::time::timeout(limit * 20, mailer.send(mail()))
            .await
            .expect("given up")
            .expect_err("stalled");
        assert!(matches!(error, MailError::Timeout(told) if told == limit), "{point}: {error}");
    }
}

#[tokio::test]
async fn a_mail_that_was_accepted_counts_as_sent_whatever_happens_to_the_goodbye() {
    for act in [Act::Stall, Act::HangUp, Act::Say("421 4.0.0 tired")] {
        let script: Script = Box::leak(Box::new([("QUIT", act)]));
        let server = Server::start(Security::Starttls, script).await;
        server.send(Security::Starttls).await.expect("sent");
    }
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_named_so() {
    for noise in ["SSH-2.0-OpenSSH_9.2", "HTTP/1.1 400 Bad Request", "2\x1b[2J0"] {
        let script: Script = Box::leak(Box::new([("greeting", Act::Say(noise))]));
        let server = Server::start(Security::Starttls, script).await;
        let error = server.send(Security::Starttls).await.expect_err("no SMTP");
        assert!(matches!(error, MailError::Unintelligible(_)), "{noise}: {error}");
        assert!(!error.to_string().contains('\x1b'));
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let server = Server::start(Security::Starttls, &[]).await;
    let settings = SmtpSettings { port, ..server.settings(Security::Starttls) };
    drop(listener);
    let error = server.mailer(settings).send(mail()).await.expect_err("nobody there");
    assert!(error.to_string().contains(&format!("localhost:{port}")), "{error}");
}

#[tokio::test]
async fn a_probe_sends_no_mail_and_says_what_answered() {
    let server = Server::start(Security::Starttls, &[]).await;
    let told = server.mailer(server.settings(Security::Starttls)).probe().await.expect("answered");
    assert_eq!(told, "mail server mx.example.com answered (STARTTLS, logged in)");
    assert!(!server.heard().iter().any(|line| line.contains("MAIL")), "{:?}", server.heard());
}

#[test]
fn no_error_tells_the_code_or_the_password() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for point in ["AUTH", "RCPT", "."] {
            let script: Script = Box::leak(Box::new([(point, Act::Say("550 no"))]));
            let server = Server::start(Security::Starttls, script).await;
            let error = format!("{0} {0:?}", server.send(Security::Starttls).await.expect_err("refused"));
            assert!(!error.contains("123456") && !error.contains("mail-password"), "{error}");
        }
    });
}
