//! A real Redis for the tests: a process for each test, in a directory of its own, listening on a Unix socket there
//! and, where asked, on a port of the loopback address.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{FromRedisValue, IntoConnectionInfo};
use tempfile::TempDir;

use super::super::{RedisSettings, Settings};

pub struct Server {
    directory: TempDir,
    arguments: Vec<String>,
    process: Child,
    password: Option<String>,
}

impl Server {
    /// Returns once it answers. Without the program of Redis the test fails: it must not pass untested.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::launched(arguments, None).await
    }

    pub async fn start_with_password(arguments: &[&str], password: &str) -> Self {
        Self::launched(arguments, Some(password.to_owned())).await
    }

    async fn launched(arguments: &[&str], password: Option<String>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let process = launch(&directory, &arguments);
        let server = Self { directory, arguments, process, password };
        server.answers().await;
        server
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ended");
    }

    pub async fn restart(&mut self) {
        self.process = launch(&self.directory, &self.arguments);
        self.answers().await;
    }

    /// A sentinel, with a file of configuration that it may change.
    pub async fn start_configured(lines: &[String], password: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("redis.conf"), lines.join("\n")).expect("written");
        let arguments = vec!["--sentinel".to_owned()];
        let process = launch_with(&directory, &["redis.conf"], &arguments);
        let server = Self { directory, arguments, process, password: Some(password.to_owned()) };
        server.answers().await;
        server
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let done = Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs");
        assert!(done.success());
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub fn settings(&self) -> Settings {
        settings(&format!("redis+unix://{}", self.socket().display()))
    }

    /// Runs a command past the store, over a connection of its own.
    pub async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let mut connection = self.connection().await?;
        let (name, arguments) = command.split_first().expect("a command");
        redis::cmd(name).arg(arguments).query_async(&mut connection).await
    }

    pub async fn connection(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        let mut info = format!("redis+unix://{}", self.socket().display()).into_connection_info()?;
        if let Some(password) = &self.password {
            info = info.clone().set_redis_settings(info.redis_settings().clone().set_password(password));
        }
        redis::Client::open(info)?.get_multiplexed_async_connection().await
    }

    async fn answers(&self) {
        let up = async {
            while self.ask::<String>(&["PING"]).await.is_err_and(|error| error.code() != Some("NOAUTH")) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), up).await.expect("redis-server answers");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed by the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn settings(url: &str) -> Settings {
    Settings::Redis(RedisSettings::one(url, "test:"))
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn launch(directory: &TempDir, arguments: &[String]) -> Child {
    let usual = ["--unixsocket", "redis.sock", "--save", "", "--appendonly", "no", "--port", "0"];
    launch_with(directory, &usual, arguments)
}

fn launch_with(directory: &TempDir, usual: &[&str], arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(usual)
        .args(arguments)
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server can be run: it is part of the tests")
}
