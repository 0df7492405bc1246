//! `store` of the configuration.

use std::path::PathBuf;

use crate::secret::Secret;

/// Where the short-lived state lives.
#[derive(Clone)]
pub enum Settings {
    /// SQLite in `data_dir/state.db`.
    Embedded { file: PathBuf },
    /// Redis, in one of its shapes.
    Redis(RedisSettings),
}

#[derive(Clone)]
pub struct RedisSettings {
    pub servers: Servers,
    /// PEM of a private CA; when given, it alone is trusted, not the system's roots.
    pub ca: Option<PathBuf>,
    /// What the gateway shows of itself where the servers ask for it.
    pub client: Option<ClientCertificate>,
    /// Begins every key, so that several gateways can share one database.
    pub prefix: String,
}

/// `redis://`, `rediss://` or `redis+unix://`, with user and password in it; Sentinel and Cluster have no sockets.
pub type RedisUrl = Secret<String>;

#[derive(Clone)]
pub enum Servers {
    One(RedisUrl),
    Sentinel(Sentinel),
    /// Some of the nodes; these name the others. The first one's user and password are good at all.
    Cluster(Vec<RedisUrl>),
}

/// Which sentinels to ask for the primary, and how to introduce oneself there.
#[derive(Clone)]
pub struct Sentinel {
    pub service: String,
    /// With the sentinels' own user and password. With `rediss://` the primary is reached over TLS too.
    pub urls: Vec<RedisUrl>,
    pub username: Option<String>,
    pub password: Option<Secret<String>>,
    pub database: u16,
}

/// PEM files.
#[derive(Clone)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Settings {
    /// Where the store is, without users and passwords.
    pub fn place(&self) -> String {
        match self {
            Self::Embedded { file } => file.display().to_string(),
            Self::Redis(redis) => match &redis.servers {
                Servers::One(url) => format!("redis at {}", host(url)),
                Servers::Sentinel(sentinel) => format!("redis service {}", sentinel.service),
                Servers::Cluster(urls) => match urls.first() {
                    Some(url) => format!("redis cluster at {}", host(url)),
                    None => "redis cluster".to_owned(),
                },
            },
        }
    }
}

fn host(url: &RedisUrl) -> String {
    let url = url::Url::parse(url.expose()).ok();
    let place = url.as_ref().map(|url| match url.host_str() {
        Some(host) => format!("{host}:{}", url.port().unwrap_or(6379)),
        None => url.path().to_owned(),
    });
    place.unwrap_or_default()
}

impl RedisSettings {
    /// One server, without anything special; for tests.
    #[cfg(test)]
    pub fn one(url: &str, prefix: &str) -> Self {
        let servers = Servers::One(Secret::new(url.to_owned()));
        Self { servers, ca: None, client: None, prefix: prefix.to_owned() }
    }
}
