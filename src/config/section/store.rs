//! `store`: where sessions, codes and counters live.

use std::path::Path;

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use super::tls::{self, Outdated};
use crate::secret::Secret;
use crate::store::{ClientCertificate, RedisSettings, RedisUrl, Sentinel, Servers, Settings};

pub struct Read {
    pub settings: Settings,
    pub place: Place,
}

const OUTDATED: Outdated =
    Outdated { effect: "redis refuses it", remedy: "renew it; the new file is read at the next start" };

const EXAMPLE: &str = "write `store: embedded`, or `store: { redis: { url: redis://127.0.0.1:6379/0 } }`";

pub fn read(keys: &mut Fields<'_, '_>, data_dir: &Path) -> Option<Read> {
    let embedded = || Settings::Embedded { file: data_dir.join("state.db") };
    let Some(node) = keys.node("store") else {
        return Some(Read { settings: embedded(), place: keys.anchor() });
    };
    let settings = keys.optional("store", |node, report| match &node.kind {
        Kind::Text(text) if text == "embedded" => Some(embedded()),
        Kind::Map(_) => {
            let mut keys = Fields::of(node, report, EXAMPLE)?;
            let redis = keys.required("redis", EXAMPLE, redis);
            keys.finish();
            redis.map(Settings::Redis)
        }
        _ => {
            wrong(node, report, "`embedded` or a mapping with `redis`", EXAMPLE);
            None
        }
    });
    Some(Read { settings: settings?, place: node.anchor })
}

fn redis(node: &Node, report: &mut Report) -> Option<RedisSettings> {
    let mut keys = Fields::of(node, report, "write `url: redis://127.0.0.1:6379/0` below it")?;
    let servers = servers(&mut keys);
    let ca = keys.optional("ca", value::pem_certificates);
    let named = keys.node("certificate").is_some() | keys.node("key").is_some();
    let client = if named { tls::pair(&mut keys, OUTDATED).0 } else { None };
    let client = client.map(|files| ClientCertificate { certificate: files.certificate, key: files.key });
    let prefix = keys.or("prefix", "vestibule:".to_owned(), prefix);
    let unused = ["ca", "certificate"].into_iter().find_map(|key| Some((key, keys.node(key)?.anchor)));
    if let (Some(servers), Some((key, place))) = (&servers, unused)
        && !is_over_tls(servers)
    {
        let message = format!("`{}.{key}` is not used: the url does not ask for TLS", node.path);
        keys.report.warning(place, message, "begin the url with rediss://, or remove it");
    }
    keys.finish();
    Some(RedisSettings { servers: servers?, ca, client, prefix })
}

/// One of three shapes.
fn servers(keys: &mut Fields<'_, '_>) -> Option<Servers> {
    const HELP: &str = "write `url: redis://127.0.0.1:6379/0`, or `sentinel` or `cluster`";
    let given: Vec<_> = ["url", "sentinel", "cluster"]
        .into_iter()
        .filter_map(|key| keys.node(key).map(|node| (key, node.anchor)))
        .collect();
    if let [(first, _), (second, place), ..] = given.as_slice() {
        let message = format!("`store.redis` has both `{first}` and `{second}`");
        keys.report.error(*place, message, "keep the one that says how this redis is run");
        return None;
    }
    match given.first() {
        Some(("sentinel", _)) => keys.optional("sentinel", sentinel).map(Servers::Sentinel),
        Some(("cluster", _)) => keys.optional("cluster", cluster).map(Servers::Cluster),
        _ => keys.required("url", HELP, url).map(Servers::One),
    }
}

fn sentinel(node: &Node, report: &mut Report) -> Option<Sentinel> {
    let mut keys = Fields::of(node, report, "write `service: mymaster` and `urls` below it")?;
    let service = keys.required("service", "write `service: mymaster`", value::text);
    let help = "write `urls: [redis://10.0.0.1:26379]`";
    let urls = keys.required("urls", help, |node, report| urls(node, report, help));
    let username = keys.optional("username", value::text);
    let password = keys.optional("password", password);
    let database = keys.or("database", 0, value::whole(0..=i64::from(u16::MAX)));
    keys.finish();
    let database = u16::try_from(database).unwrap_or_default();
    Some(Sentinel { service: service?, urls: urls?, username, password, database })
}

fn cluster(node: &Node, report: &mut Report) -> Option<Vec<RedisUrl>> {
    urls(node, report, "write `cluster: [redis://10.0.0.1:6379]`")
}

/// Servers of one kind: over the network, all with TLS or all without, and without a database.
fn urls(node: &Node, report: &mut Report, help: &str) -> Option<Vec<RedisUrl>> {
    let urls = value::items(network_url)(node, report)?;
    if let Kind::List(nodes) = &node.kind
        && nodes.is_empty()
    {
        report.error(node.place, format!("`{}` is empty", node.path), help);
        return None;
    }
    let secure = urls.iter().filter(|url| url.expose().starts_with("rediss://")).count();
    if secure != 0 && secure != urls.len() {
        let help = "begin all of them with rediss://, or none";
        report.error(
            node.place,
            format!("`{}` asks for TLS at some servers and not at others", node.path),
            help,
        );
        return None;
    }
    (!urls.is_empty()).then_some(urls)
}

fn network_url(node: &Node, report: &mut Report) -> Option<RedisUrl> {
    let url = url(node, report)?;
    let parsed = url::Url::parse(url.expose()).ok()?;
    let problem = match parsed.scheme() {
        "redis+unix" => "must be reached over the network: a socket is one machine's own",
        _ if !matches!(parsed.path(), "" | "/" | "/0") => "must not name a database",
        _ => return Some(url),
    };
    report.error(node.place, format!("`{}` {problem}", node.path), "write it like redis://10.0.0.1:6379");
    None
}

/// Never quoted in a message: it may hold a password.
fn url(node: &Node, report: &mut Report) -> Option<RedisUrl> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "a url", "write it like redis://127.0.0.1:6379/0");
        return None;
    };
    let text = text.trim();
    let url = url::Url::parse(text).ok();
    let known = url.as_ref().is_some_and(|url| match url.scheme() {
        "redis" | "rediss" => url.host_str().is_some_and(|host| !host.is_empty()),
        "redis+unix" => url.path().len() > 1,
        _ => false,
    });
    if !known {
        let message = format!("`{}` is no url of a redis server", node.path);
        let help = "write redis://host:6379/0, rediss://user:password@host:6379/0 for TLS, or redis+unix:///run/redis.sock";
        report.error(node.place, message, help);
        return None;
    }
    if let Some(url) = url
        && matches!(url.scheme(), "redis" | "rediss")
        && !matches!(url.path(), "" | "/")
        && url.path().trim_start_matches('/').parse::<u16>().is_err()
    {
        let help = "the path of the url is the number of the database: redis://127.0.0.1:6379/0";
        report.error(node.place, format!("`{}` names no database by number", node.path), help);
        return None;
    }
    Some(Secret::new(text.to_owned()))
}

/// A cluster places a key by what stands in braces in it.
fn prefix(node: &Node, report: &mut Report) -> Option<String> {
    let prefix = value::text(node, report)?;
    if prefix.contains(['{', '}']) {
        let help = "braces decide where a cluster keeps a key: write it without, like `vestibule:`";
        report.error(node.place, format!("`{}` must not contain braces", node.path), help);
        return None;
    }
    Some(prefix)
}

fn password(node: &Node, report: &mut Report) -> Option<Secret<String>> {
    if let Kind::Text(text) = &node.kind
        && !text.is_empty()
    {
        return Some(Secret::new(text.clone()));
    }
    if !matches!(node.kind, Kind::Broken) {
        let help = "write `password: ${REDIS_PASSWORD}`, or the password in quotes";
        report.error(node.place, format!("`{}` must be a text that is not empty", node.path), help);
    }
    None
}

fn is_over_tls(servers: &Servers) -> bool {
    let first = match servers {
        Servers::One(url) => Some(url),
        Servers::Sentinel(sentinel) => sentinel.urls.first(),
        Servers::Cluster(urls) => urls.first(),
    };
    first.is_some_and(|url| url.expose().starts_with("rediss://"))
}
