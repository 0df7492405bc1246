//! `store`: where sessions, codes and counters live.

use std::path::Path;

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use crate::secret::Secret;
use crate::store::{RedisSettings, Servers, Settings};

pub struct Read {
    pub settings: Settings,
    pub place: Place,
}

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
    let url = keys.required("url", "write `url: redis://127.0.0.1:6379/0`", redis_url);
    let ca = keys.optional("ca", value::pem_certificates);
    let ca_place = keys.node("ca").map(|node| node.anchor);
    let prefix = keys.or("prefix", "vestibule:".to_owned(), value::text);
    if let (Some(url), Some(place)) = (&url, ca_place)
        && !url.expose().starts_with("rediss://")
    {
        let message = format!("`{}.ca` is not used: the url does not ask for TLS", node.path);
        keys.report.warning(place, message, "begin the url with rediss://, or remove `ca`");
    }
    keys.finish();
    Some(RedisSettings { servers: Servers::One(url?), ca, client: None, prefix })
}

/// Never quoted in a message: it may hold a password.
fn redis_url(node: &Node, report: &mut Report) -> Option<Secret<String>> {
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
