//! Several real servers for the tests: a primary with replicas and sentinels, and a cluster.

use std::time::Duration;

use redis::FromRedisValue;

use super::super::settings::{RedisSettings, Sentinel, Servers, Settings};
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
}

/// The password of the servers, and the sentinels' own.
const PASSWORD: &str = "of the servers";
const SENTINELS_PASSWORD: &str = "of the sentinels";

impl Fleet {
    /// A primary, two replicas and three sentinels, which know all of each other.
    pub async fn behind_sentinels() -> Self {
        let ports: [u16; 3] = std::array::from_fn(|_| free_port());
        let mut servers = Vec::new();
        for port in ports {
            let port = port.to_string();
            let mut arguments =
                vec!["--port", &port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"];
            arguments.extend(["--requirepass", PASSWORD, "--masterauth", PASSWORD]);
            servers.push(Server::start_with_password(&arguments, PASSWORD).await);
        }
        let primary = ports[0].to_string();
        for replica in servers.iter().skip(1) {
            replica.ask::<()>(&["REPLICAOF", "127.0.0.1", &primary]).await.expect("a replica");
        }
        let mut fleet =
            Self { servers, ports: ports.to_vec(), sentinels: Vec::new(), sentinel_ports: Vec::new() };
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
        let count = if with_replicas { 2 * primaries } else { primaries };
        let (mut servers, mut ports) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (port, bus) = (free_port(), free_port().to_string());
            let text = port.to_string();
            let mut arguments = vec!["--port", &text, "--bind", "127.0.0.1", "--cluster-enabled", "yes"];
            arguments.extend(["--cluster-port", &bus, "--cluster-node-timeout", DEAD_AFTER]);
            arguments.extend(["--repl-diskless-sync-delay", "0"]);
            servers.push(Server::start(&arguments).await);
            ports.push((port, bus));
        }
        for (port, bus) in ports.iter().skip(1) {
            let port = port.to_string();
            servers[0].ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await.expect("met");
        }
        let share = 16_384 / primaries;
        for (place, server) in servers.iter().take(primaries).enumerate() {
            let last = if place + 1 == primaries { 16_383 } else { (place + 1) * share - 1 };
            let (from, to) = ((place * share).to_string(), last.to_string());
            server.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await.expect("slots");
        }
        let ports = ports.into_iter().map(|(port, _)| port).collect();
        let fleet = Self { servers, ports, sentinels: Vec::new(), sentinel_ports: Vec::new() };
        fleet.wait_until("the nodes know each other", async |fleet| fleet.cluster_agrees(count).await).await;
        if with_replicas {
            fleet.attach_replicas(primaries).await;
        }
        fleet
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
        let secret = |url: String| Secret::new(url);
        let servers = if self.sentinels.is_empty() {
            // Two of them: the others are found.
            let urls = self.ports.iter().take(2).map(|port| secret(format!("redis://127.0.0.1:{port}")));
            Servers::Cluster(urls.collect())
        } else {
            let password = SENTINELS_PASSWORD.replace(' ', "%20");
            let urls = self.sentinel_ports.iter();
            let urls = urls.map(|port| secret(format!("redis://:{password}@127.0.0.1:{port}")));
            Servers::Sentinel(Sentinel {
                service: "mymaster".into(),
                urls: urls.collect(),
                username: None,
                password: Some(secret(PASSWORD.into())),
                database: 2,
            })
        };
        let RedisSettings { ca, client, prefix, .. } = RedisSettings::one("", prefix);
        Settings::Redis(RedisSettings { servers, ca, client, prefix })
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
        let lines = [
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            "unixsocket redis.sock".to_owned(),
            format!("requirepass \"{SENTINELS_PASSWORD}\""),
            format!("sentinel sentinel-pass \"{SENTINELS_PASSWORD}\""),
            format!("sentinel monitor mymaster 127.0.0.1 {primary} 2"),
            format!("sentinel auth-pass mymaster \"{PASSWORD}\""),
            format!("sentinel down-after-milliseconds mymaster {DEAD_AFTER}"),
            "sentinel failover-timeout mymaster 2000".to_owned(),
        ];
        self.sentinels.push(Server::start_configured(&lines, SENTINELS_PASSWORD).await);
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
