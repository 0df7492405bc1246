//! The program as an operator has it: a process with signals and streams that others may close.

#![expect(clippy::expect_used, reason = "a test that cannot run the program fails")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(20);

/// A gateway with the built-in app on a unix socket, which ends with the test.
struct Gateway {
    process: Child,
    log: Option<BufReader<ChildStderr>>,
    /// What its log has said up to the line that was last waited for.
    said: String,
    socket: PathBuf,
    _directory: tempfile::TempDir,
}

impl Gateway {
    /// Runs once it has said that it is ready.
    fn start() -> Self {
        Self::start_after("true", "whoami:")
    }

    /// After a shell has run this; in front of an app there.
    fn start_after(command: &str, upstream: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (config, socket) = configure(directory.path(), upstream);
        let mut process = Command::new("sh")
            .args(["-ec", &format!("{command}; exec \"$0\" serve --config \"$1\"")])
            .arg(env!("CARGO_BIN_EXE_vestibule"))
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let log = process.stderr.take().map(BufReader::new);
        let mut gateway = Self { process, log, said: String::new(), socket, _directory: directory };
        gateway.read_until("ready: open");
        gateway
    }

    /// Reads its log up to a line that holds this.
    fn read_until(&mut self, wanted: &str) {
        let lines = self.log.as_mut().expect("still read").lines();
        let found = lines.map_while(Result::ok).any(|line| {
            self.said.push_str(&line);
            line.contains(wanted)
        });
        assert!(found, "it never says {wanted:?}: {}", self.said);
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(sent.expect("sent").success());
    }

    /// The first line of what a visitor gets.
    fn answer(&self) -> String {
        let mut stream = UnixStream::connect(&self.socket).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("set");
        let request = "GET / HTTP/1.1\r\nHost: whoami.localhost:8080\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn configure(directory: &Path, upstream: &str) -> (PathBuf, PathBuf) {
    let (config, socket) = (directory.join("vestibule.yaml"), directory.join("gateway.sock"));
    let text = format!(
        "data_dir: {directory}/data
listen: [{{ address: \"unix:{socket}\" }}]
accounts: [{{ file: {directory}/users.yaml }}]
mail: {{ from: signin@example.com, outbox: {directory}/outbox }}
apps: [{{ name: whoami, url: \"http://whoami.localhost:8080\", upstream: \"{upstream}\" }}]
",
        directory = directory.display(),
        socket = socket.display(),
    );
    std::fs::write(&config, text).expect("written");
    std::fs::write(directory.join("users.yaml"), "users: {}\n").expect("written");
    (config, socket)
}

#[test]
fn it_runs_on_when_whoever_read_its_log_has_gone() {
    let mut gateway = Gateway::start();
    drop(gateway.log.take());
    // Something that is logged, and would have to be written to a pipe without a reader.
    gateway.signal("HUP");
    for _ in 0..3 {
        assert_eq!(gateway.answer(), "HTTP/1.1 401 Unauthorized");
    }
    gateway.signal("TERM");
    assert!(gateway.process.wait().expect("ended").success(), "it stops in good order");
}

#[test]
fn a_hang_up_is_told_and_ends_nothing() {
    let mut gateway = Gateway::start();
    gateway.signal("HUP");
    gateway.read_until("SIGHUP");
    assert_eq!(gateway.answer(), "HTTP/1.1 401 Unauthorized");
}

#[test]
fn as_many_files_can_be_open_as_the_system_grants() {
    let gateway = Gateway::start_after("ulimit -Sn 200; ulimit -Hn 4000", "http://127.0.0.1:1");
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", gateway.process.id())).expect("its limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("one of them");
    assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["4000", "4000"]);
    assert!(!gateway.said.contains("open at once"), "{}", gateway.said);
}

#[test]
fn a_limit_on_open_files_that_one_app_could_use_up_is_told() {
    let gateway = Gateway::start_after("ulimit -n 3327", "http://127.0.0.1:1");
    assert!(gateway.said.contains("only 3327 files"), "{}", gateway.said);
    assert!(
        gateway.said.contains("app whoami alone") && gateway.said.contains("grant 3328"),
        "{}",
        gateway.said
    );
}

#[test]
fn a_mistake_has_its_status_though_nobody_reads_it() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    let command = command.args(["serve", "--config", "tests/process.rs"]).stderr(writer);
    assert_eq!(command.status().expect("run").code(), Some(2));
}

#[test]
fn a_check_makes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (config, _) = configure(directory.path(), "whoami:");
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        let command = command.args(["check", "--connect", "--config"]).arg(&config);
        let output = command.output().expect("run");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, said) = check();
    assert_eq!(status, Some(0), "{said}");
    let made = |name: &str| directory.path().join(name).exists();
    assert!(!made("data") && !made("outbox"), "what root made the gateway's user could not write");

    std::fs::write(directory.path().join("data"), "").expect("written");
    let (status, said) = check();
    assert!(status == Some(1) && said.contains("data is no directory"), "{said}");
}
