//! A real PostgreSQL for the tests: a server of its own in a directory of its own, reached over a Unix socket there.
//!
//! It refuses to run as root, so root's tests run it as the user `postgres`, who comes with the package.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::super::Place;
use crate::secret::Secret;

pub struct Server {
    directory: TempDir,
    process: Child,
}

impl Server {
    /// Returns once it answers. Without the program of PostgreSQL the test fails: it must not pass untested.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        if let Some((user, group)) = other_user() {
            chown(directory.path(), Some(user), Some(group)).expect("root may");
        }
        let data = directory.path().join("data");
        let made = run("initdb")
            .args([
                "--auth=trust",
                "--username=vestibule",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .status()
            .expect("initdb can be run: PostgreSQL is part of the tests");
        assert!(made.success());
        let process = launch(directory.path());
        let server = Self { directory, process };
        server.answers().await;
        server
    }

    pub fn place(&self, database: &str) -> Place {
        let socket = self.directory.path().display().to_string().replace('/', "%2F");
        Place::Postgres(Secret::new(format!("postgres://vestibule@{socket}/{database}")))
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join(".s.PGSQL.5432")
    }

    /// Runs a statement past the database under test.
    pub async fn ask(&self, database: &str, statement: &str) -> Result<(), sqlx::Error> {
        let Place::Postgres(url) = self.place(database) else { unreachable!("made above") };
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url.expose()).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.map(drop)
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) {
        // The parent takes its children with it.
        let id = self.process.id().to_string();
        let done = Command::new("kill").args(["-s", "QUIT", &id]).status().expect("kill runs");
        assert!(done.success());
        self.process.wait().expect("it ended");
    }

    pub async fn restart(&mut self) {
        self.process = launch(self.directory.path());
        self.answers().await;
    }

    async fn answers(&self) {
        let up = async {
            while self.ask("postgres", "SELECT 1").await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), up).await.expect("postgres answers");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

fn launch(directory: &Path) -> Child {
    run("postgres")
        .arg("-D")
        .arg(directory.join("data"))
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c"])
        .arg(format!("unix_socket_directories={}", directory.display()))
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("postgres can be run: it is part of the tests")
}

fn run(program: &str) -> Command {
    let mut command = Command::new(installed(program));
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    command
}

/// Debian keeps the programs apart by version; others have them in the path.
fn installed(program: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(program)).filter(|path| path.exists());
    found.max().unwrap_or_else(|| program.into())
}

/// For root, the user and group as whom it runs.
fn other_user() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if !root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the user postgres");
    let mut fields = line.split(':').skip(2).map(|id| id.parse().expect("a number"));
    Some((fields.next().expect("an id"), fields.next().expect("an id")))
}
