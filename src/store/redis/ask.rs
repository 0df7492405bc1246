//! One command or script, how it is sent, and what its failures mean.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Script, ServerErrorKind};

use super::super::StoreError;
use super::ANSWER_WITHIN;

/// What a server is asked.
pub struct Ask {
    command: Cmd,
    /// To be loaded where the server does not know it.
    script: Option<&'static Script>,
}

impl From<Cmd> for Ask {
    fn from(command: Cmd) -> Self {
        Self { command, script: None }
    }
}

impl Ask {
    /// A script on this key; [`Ask::arg`] adds to it.
    pub fn script(script: &'static Script, key: &str) -> Self {
        let mut command = redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(1).arg(key);
        Self { command, script: Some(script) }
    }

    #[must_use]
    pub fn arg(mut self, argument: impl redis::ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }

    /// `asking`: the server takes over the key's slot and is to answer already.
    pub async fn send<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
        asking: bool,
    ) -> RedisResult<T> {
        match (self.send_once(connection, asking).await, self.script) {
            (Err(error), Some(script)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                script.load_async(connection).await?;
                self.send_once(connection, asking).await
            }
            (answer, _) => answer,
        }
    }

    async fn send_once<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
        asking: bool,
    ) -> RedisResult<T> {
        if !asking {
            return self.command.query_async(connection).await;
        }
        let mut both = Pipeline::with_capacity(2);
        both.cmd("ASKING").ignore().add_command(self.command.clone());
        let (answer,) = both.query_async(connection).await?;
        Ok(answer)
    }
}

/// Why nothing came of it.
pub enum Failure {
    /// There is no connection.
    Down(Arc<str>),
    /// The server says no, or the connection broke.
    Refused(RedisError),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Down(why) => Self::Unreachable(why.to_string()),
            Failure::Refused(error) => store_error(&error),
        }
    }
}

/// Asks a connection past all routing, for what concerns its server alone.
pub async fn plainly<T: FromRedisValue>(command: &Cmd, mut connection: MultiplexedConnection) -> Option<T> {
    let answer = command.query_async(&mut connection);
    tokio::time::timeout(ANSWER_WITHIN, answer).await.ok()?.ok()
}

/// A server that is read-only, loading or without its primary may have been replaced behind the same name.
pub fn asks_for_another_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::ReadOnly | ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown
        ),
        _ => error.code() == Some("NOAUTH"),
    }
}

fn store_error(error: &RedisError) -> StoreError {
    match error.kind() {
        // Somebody wrote there what is none of ours.
        _ if error.code() == Some("WRONGTYPE") => StoreError::Corrupt("it is of another type".to_owned()),
        // The cluster has no primary for this key, or not enough of them at all.
        ErrorKind::Server(ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain) => {
            StoreError::Unreachable(error.to_string())
        }
        _ if asks_for_another_connection(error) => StoreError::Unreachable(error.to_string()),
        // A server that lacks replicas to write to, as it was told it must have.
        _ if error.code() == Some("NOREPLICAS") => StoreError::Unreachable(error.to_string()),
        _ if lacks_permission(error) => {
            StoreError::Refused(format!("{error} (the documentation has a list of what its user needs)"))
        }
        _ => StoreError::Refused(error.to_string()),
    }
}

/// Of a command that a script uses the server has no code.
fn lacks_permission(error: &RedisError) -> bool {
    error.code() == Some("NOPERM") || error.to_string().contains("can't run this command")
}
