//! Several real servers for the tests: a primary with replicas and sentinels, and a cluster.

use std::time::Duration;

use redis::FromRedisValue;

use super::super::settings::{RedisSettings, Sentinel, Servers, Settings};
use super::certificates::Certificates;
use super::server::{Server, free_port};
use crate::secret::Secret;

/// How long a server may be silent until the others agree that it is dead.
const DEAD_AFTER: &str = "500";

/// The first server is the primary at the start.
pub struct Fleet {
    pub servers: Vec<Server>,
    pub ports: Vec<u16>,
    sentinels: Vec<Server>,
    sentinel_ports: Vec<u16>,
    certificates: Option<Certificates>,
}

/// The password of the servers; the sentinels' own; and that of the user whom these let do what a gateway needs.
const PASSWORD: &str = "of the servers";
const SENTINELS_PASSWORD: &str = "of the sentinels";
const ASKER_PASSWORD: &str = "of who asks";

impl Fleet {
    /// A primary, two replicas and three sentinels, which know all of each other.
    pub async fn behind_sentinels() -> Self {
        Self::with_sentinels(None).await
    }

    /// The same over TLS alone, where everybody has to show a certificate.
    pub async fn behind_sentinels_over_tls() -> Self {
        Self::with_sentinels(Some(Certificates::new())).await
    }

    async fn with_sentinels(certificates: Option<Certificates>) -> Self {
        let mut fleet = Self::empty(certificates);
        for _ in 0..3 {
            let port = free_port();
            let mut arguments = fleet.listening_at(port);
            arguments.extend([("requirepass", PASSWORD.to_owned()), ("masterauth", PASSWORD.to_owned())]);
            fleet.servers.push(started(&arguments, Some(PASSWORD)).await);
            fleet.ports.push(port);
        }
        let primary = fleet.ports[0].to_string();
        for replica in fleet.servers.iter().skip(1) {
            replica.ask::<()>(&["REPLICAOF", "127.0.0.1", &primary]).await.expect("a replica");
        }
        fleet
            .wait_until("the replicas follow", async |fleet| {
                fleet.info(0, "replication").await.matches("state=online").count() == 2
            })
            .await;
        for _ in 0..3 {
            fleet.start_sentinel().await;
        }
        fleet.wait_until("the sentinels know each other", async |fleet| fleet.sentinels_agree().await).await;
        fleet
    }

    /// So many primaries, and a replica of each where asked.
    pub async fn cluster(primaries: usize, with_replicas: bool) -> Self {
        Self::nodes(primaries, with_replicas, None).await
    }

    /// So many primaries, with a replica each, over TLS alone, where everybody has to show a certificate.
    pub async fn cluster_over_tls(primaries: usize) -> Self {
        Self::nodes(primaries, true, Some(Certificates::new())).await
    }

    async fn nodes(primaries: usize, with_replicas: bool, certificates: Option<Certificates>) -> Self {
        let count = if with_replicas { 2 * primaries } else { primaries };
        let (mut fleet, mut buses) = (Self::empty(certificates), Vec::new());
        for _ in 0..count {
            let (port, bus) = (free_port(), free_port().to_string());
            let mut arguments = fleet.listening_at(port);
            arguments.extend([("cluster-enabled", "yes".to_owned()), ("cluster-port", bus.clone())]);
            arguments.push(("cluster-node-timeout", DEAD_AFTER.to_owned()));
            if fleet.certificates.is_some() {
                arguments.push(("tls-cluster", "yes".to_owned()));
            }
            fleet.servers.push(started(&arguments, None).await);
            fleet.ports.push(port);
            buses.push(bus);
        }
        for (port, bus) in fleet.ports.iter().zip(&buses).skip(1) {
            let port = port.to_string();
            fleet.ask::<()>(0, &["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await;
        }
        let share = 16_384 / primaries;
        for (place, server) in fleet.servers.iter().take(primaries).enumerate() {
            let last = if place + 1 == primaries { 16_383 } else { (place + 1) * share - 1 };
            let (from, to) = ((place * share).to_string(), last.to_string());
            server.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await.expect("slots");
        }
        fleet.wait_until("the nodes know each other", async |fleet| fleet.cluster_agrees(count).await).await;
        if with_replicas {
            fleet.attach_replicas(primaries).await;
        }
        fleet
    }

    fn empty(certificates: Option<Certificates>) -> Self {
        let (servers, ports) = (Vec::new(), Vec::new());
        Self { servers, ports, sentinels: Vec::new(), sentinel_ports: Vec::new(), certificates }
    }

    /// What every server is told.
    fn listening_at(&self, port: u16) -> Vec<(&'static str, String)> {
        let plain = || vec![("port", port.to_string())];
        let mut told =
            self.certificates.as_ref().map_or_else(plain, |certificates| certificates.of_fleet(port));
        told.extend([("bind", "127.0.0.1".to_owned()), ("repl-diskless-sync-delay", "0".to_owned())]);
        told
    }

    async fn attach_replicas(&self, primaries: usize) {
        for (primary, replica) in self.servers.iter().zip(self.servers.iter().skip(primaries)) {
            let id: String = primary.ask(&["CLUSTER", "MYID"]).await.expect("an id");
            let replicate = async || replica.ask::<()>(&["CLUSTER", "REPLICATE", &id]).await.is_ok();
            self.wait_until("a replica is one", async |_| replicate().await).await;
        }
        self.wait_until("the replicas follow", async |fleet| {
            for place in 0..primaries {
                if !fleet.info(place, "replication").await.contains("state=online") {
                    return false;
                }
            }
            fleet.cluster_agrees(2 * primaries).await
        })
        .await;
    }

    pub fn settings(&self, prefix: &str) -> Settings {
        let scheme = if self.certificates.is_some() { "rediss" } else { "redis" };
        let servers = if self.sentinels.is_empty() {
            // Two of them: the others are found.
            let urls =
                self.ports.iter().take(2).map(|port| Secret::new(format!("{scheme}://127.0.0.1:{port}")));
            Servers::Cluster(urls.collect())
        } else {
            let user = format!("asker:{}", ASKER_PASSWORD.replace(' ', "%20"));
            let urls = self.sentinel_ports.iter();
            let urls = urls.map(|port| Secret::new(format!("{scheme}://{user}@127.0.0.1:{port}")));
            Servers::Sentinel(Sentinel {
                service: "mymaster".into(),
                urls: urls.collect(),
                username: None,
                password: Some(Secret::new(PASSWORD.into())),
                database: 2,
            })
        };
        let settings = RedisSettings { servers, ..RedisSettings::one("", prefix) };
        Settings::Redis(match &self.certificates {
            Some(certificates) => certificates.for_fleet(settings),
            None => settings,
        })
    }

    pub async fn nothing_was_denied_by_sentinels(&self) {
        for sentinel in &self.sentinels {
            let denied: Vec<redis::Value> = sentinel.ask(&["ACL", "LOG"]).await.expect("the log");
            assert!(denied.is_empty(), "{denied:?}");
        }
    }

    /// Asks one server past the store; the answer must come.
    pub async fn ask<T: FromRedisValue>(&self, server: usize, command: &[&str]) -> T {
        self.servers[server].ask(command).await.expect("an answer")
    }

    /// Which server is a primary, of those that answer, other than this one.
    pub async fn other_primary(&self, than: usize) -> Option<usize> {
        for place in (0..self.servers.len()).filter(|place| *place != than) {
            if self.info(place, "replication").await.contains("role:master") {
                return Some(place);
            }
        }
        None
    }

    /// Waits until every write so far is on the replicas of this server.
    pub async fn replicated(&self, primary: usize, replicas: usize) {
        self.wait_until("the replicas have heard it all", async |fleet| {
            let said = fleet.info(primary, "replication").await;
            let offset = said.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
            let offset = offset.expect("a number").trim().to_owned();
            said.matches(&format!("offset={offset},")).count() == replicas
        })
        .await;
    }

    /// Asks in the database that the store uses.
    pub async fn in_database<T: FromRedisValue>(&self, server: usize, command: &[&str]) -> T {
        let mut connection = self.servers[server].connection().await.expect("a connection");
        redis::cmd("SELECT").arg(2).query_async::<()>(&mut connection).await.expect("selected");
        let (name, arguments) = command.split_first().expect("a command");
        redis::cmd(name).arg(arguments).query_async(&mut connection).await.expect("an answer")
    }

    /// Has all sentinels name another server, without a word to the one before.
    pub async fn monitor_instead(&self, port: &str) {
        for sentinel in &self.sentinels {
            sentinel.ask::<()>(&["SENTINEL", "REMOVE", "mymaster"]).await.expect("forgotten");
            let monitor = ["SENTINEL", "MONITOR", "mymaster", "127.0.0.1", port, "2"];
            sentinel.ask::<()>(&monitor).await.expect("taken up");
            let password = ["SENTINEL", "SET", "mymaster", "auth-pass", PASSWORD];
            sentinel.ask::<()>(&password).await.expect("set");
        }
    }

    pub async fn wait_until(&self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) {
        let held = async {
            while !holds(self).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), held).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    pub async fn info(&self, server: usize, section: &str) -> String {
        self.servers[server].ask(&["INFO", section]).await.unwrap_or_default()
    }

    async fn start_sentinel(&mut self) {
        let port = free_port();
        let primary = self.ports[0];
        let told = self.listening_at(port).into_iter().filter(|(name, _)| !name.starts_with("repl-"));
        let mut lines: Vec<_> = told.map(|(name, value)| format!("{name} {value}")).collect();
        lines.extend([
            "unixsocket redis.sock".to_owned(),
            format!("requirepass \"{SENTINELS_PASSWORD}\""),
            format!("sentinel sentinel-pass \"{SENTINELS_PASSWORD}\""),
            format!("sentinel monitor mymaster 127.0.0.1 {primary} 2"),
            format!("sentinel auth-pass mymaster \"{PASSWORD}\""),
            format!("sentinel down-after-milliseconds mymaster {DEAD_AFTER}"),
            "sentinel failover-timeout mymaster 2000".to_owned(),
        ]);
        let sentinel = Server::start_configured(&lines, SENTINELS_PASSWORD).await;
        let (password, rights) =
            (format!(">{ASKER_PASSWORD}"), ["-@all", "+@connection", "+sentinel|master"]);
        let mut user = vec!["ACL", "SETUSER", "asker", "on", &password];
        user.extend(rights);
        sentinel.ask::<()>(&user).await.expect("a user");
        self.sentinels.push(sentinel);
        self.sentinel_ports.push(port);
    }

    async fn sentinels_agree(&self) -> bool {
        for sentinel in &self.sentinels {
            let said: String = sentinel.ask(&["INFO", "sentinel"]).await.unwrap_or_default();
            if !said.contains("slaves=2,sentinels=3") {
                return false;
            }
        }
        true
    }

    async fn cluster_agrees(&self, count: usize) -> bool {
        for server in &self.servers {
            let said: String = server.ask(&["CLUSTER", "INFO"]).await.unwrap_or_default();
            if !said.contains("cluster_state:ok") || !said.contains(&format!("cluster_known_nodes:{count}\r"))
            {
                return false;
            }
        }
        true
    }
}

async fn started(told: &[(&str, String)], password: Option<&str>) -> Server {
    let options: Vec<_> = told.iter().map(|(name, value)| (format!("--{name}"), value)).collect();
    let options: Vec<&str> =
        options.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
    match password {
        Some(password) => Server::start_with_password(&options, password).await,
        None => Server::start(&options).await,
    }
}
