//! Whom the gateway believes to be its Redis, and what it shows of itself.

use super::super::super::ClientCertificate;
use super::super::certificates::Certificates;
use super::*;

/// A server that shows the own certificate. `clients`: whether and whose it wants to see.
async fn server(certificates: &Certificates, port: u16, clients: Option<&str>) -> Server {
    let shown = |name: &str| certificates.path(name).display().to_string();
    let wants = if clients.is_some() { "yes" } else { "no" };
    let arguments = [
        ("--tls-port", port.to_string()),
        ("--tls-cert-file", shown("own.pem")),
        ("--tls-key-file", shown("own.key")),
        ("--tls-ca-cert-file", shown(clients.unwrap_or("own.pem"))),
        ("--tls-auth-clients", wants.to_owned()),
    ];
    let arguments: Vec<_> = arguments.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
    Server::start(&arguments).await
}

fn trusting(certificates: &Certificates, file: &str, host: &str, port: u16) -> RedisSettings {
    let url = format!("rediss://{host}:{port}");
    RedisSettings { ca: Some(certificates.path(file)), ..RedisSettings::one(&url, "test:") }
}

#[tokio::test]
async fn a_private_authority_is_trusted_and_no_other() {
    let (certificates, port) = (Certificates::new(), free_port());
    let _server = server(&certificates, port, None).await;
    let trusting = |file, host| Settings::Redis(trusting(&certificates, file, host, port));
    use_all(&serving(&trusting("own.pem", "localhost")).await).await.expect("the store serves");
    is_unreachable_at_once(&open(&trusting("stranger.pem", "localhost")).await).await;
    is_unreachable_at_once(&open(&trusting("own.pem", "127.0.0.1")).await).await;
    for unusable in ["empty.pem", "missing.pem"] {
        let opened = Store::open(&trusting(unusable, "localhost"), Clock::System, &Tasks::default()).await;
        let why = opened.err().expect("refused").to_string();
        assert!(why.contains(unusable), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let (certificates, port) = (Certificates::new(), free_port());
    let _server = server(&certificates, port, Some("client.pem")).await;
    let showing = |certificate: &str, key: &str| {
        let (certificate, key) = (certificates.path(certificate), certificates.path(key));
        let client = Some(ClientCertificate { certificate, key });
        Settings::Redis(RedisSettings { client, ..trusting(&certificates, "own.pem", "localhost", port) })
    };
    use_all(&serving(&showing("client.pem", "client.key")).await).await.expect("the store serves");
    is_unreachable_at_once(&open(&showing("stranger.pem", "stranger.key")).await).await;
    let nothing = Settings::Redis(trusting(&certificates, "own.pem", "localhost", port));
    is_unreachable_at_once(&open(&nothing).await).await;
    let unusable = Store::open(&showing("client.pem", "empty.pem"), Clock::System, &Tasks::default()).await;
    let why = unusable.err().expect("refused").to_string();
    assert!(why.contains("empty.pem"), "{why}");
}

#[tokio::test]
async fn sentinels_and_servers_are_reached_over_tls_each_with_an_account_of_its_own() {
    let mut fleet = Fleet::behind_sentinels_over_tls().await;
    let settings = fleet.settings("test:");
    let store = serving(&settings).await;
    use_all(&store).await.expect("the store serves");
    hears(&store).await;
    fleet.replicated(0, 2).await;
    fleet.servers[0].kill();
    serves_again_after_a_failover(&store).await;
    fleet.nothing_was_denied_by_sentinels().await;

    let Settings::Redis(settings) = settings else { panic!("it is Redis") };
    let without = RedisSettings { client: None, ..settings.clone() };
    is_unreachable_at_once(&open(&Settings::Redis(without)).await).await;
    let Servers::Sentinel(mut sentinel) = settings.servers.clone() else { panic!("it is Sentinel") };
    // The sentinels' own are not the servers'.
    sentinel.password = None;
    let servers = Servers::Sentinel(sentinel);
    is_unreachable_at_once(&open(&Settings::Redis(RedisSettings { servers, ..settings })).await).await;
}

#[tokio::test]
async fn a_cluster_is_reached_over_tls() {
    let mut fleet = Fleet::cluster_over_tls(3).await;
    let settings = fleet.settings("test:");
    let store = serving(&settings).await;
    use_all(&store).await.expect("the store serves");
    store.ping().await.expect("every node is reached");
    hears(&store).await;
    fleet.replicated(0, 1).await;
    fleet.servers[0].kill();
    serves_again_after_a_failover(&store).await;

    let Settings::Redis(settings) = settings else { panic!("it is Redis") };
    let without = RedisSettings { client: None, ..settings };
    is_unreachable_at_once(&open(&Settings::Redis(without)).await).await;
}

/// At every node.
async fn serves_again_after_a_failover(store: &Store) {
    let recovered = async {
        while store.ping().await.is_err() || use_all(store).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), recovered).await.expect("the store serves again");
}
