//! `upstream` of an app: where its requests go.

use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;

use super::super::fields::{Fields, wrong};
use super::super::problem::Report;
use super::super::source::{Kind, Node};
use super::super::value;
use super::tls::{self, Outdated};
use crate::route::{Origin, Scheme};
use crate::upstream::{
    Balance, ClientCertificate, Health, MOST_SERVERS, Protocol, Server, Servers, Target, Timeouts,
    TlsSettings,
};

pub const EXAMPLE: &str = "write `upstream: http://127.0.0.1:3000`, https://HOST:PORT, h2c://HOST:PORT, unix:/path.sock, or whoami:";
const SERVERS: &str = "write `servers: [http://127.0.0.1:3000]`";
const BALANCE: &[(&str, Balance)] = &[
    ("least_requests", Balance::LeastRequests),
    ("round_robin", Balance::RoundRobin),
    ("sticky", Balance::Sticky),
];
const OUTDATED: Outdated = Outdated {
    effect: "the upstream refuses it",
    remedy: "renew it; the new file is read at the next start",
};

/// One address, or a mapping that says more about it.
/// `app` is what visitors type.
pub fn read(node: &Node, report: &mut Report, app: Option<&Origin>) -> Option<(Target, Timeouts)> {
    if matches!(node.kind, Kind::Map(_)) {
        return mapping(node, report, app);
    }
    let target = if matches!(&node.kind, Kind::Text(text) if text == "whoami:") {
        Target::Whoami
    } else {
        server(node, report)?.into()
    };
    Some((target, Timeouts::default()))
}

fn mapping(node: &Node, report: &mut Report, app: Option<&Origin>) -> Option<(Target, Timeouts)> {
    let mut keys = Fields::of(node, report, SERVERS)?;
    let servers = keys.required("servers", SERVERS, servers);
    let secure = servers.as_ref().is_none_or(|servers| {
        servers.iter().any(|server| matches!(server, Server::Tcp { protocol: Protocol::Https, .. }))
    });
    if let Some(node) = keys.node("tls").filter(|_| !secure) {
        let message = format!("`{}` has nothing to do: no server is https", node.path);
        keys.report.warning(node.anchor, message, "remove it, or write https:// before the server");
    }
    let tls = keys.optional("tls", tls_settings).unwrap_or_default();
    let balance = keys.or("balance", Balance::default(), value::choice(BALANCE));
    let health = keys.optional("health", |node, report| health(node, report, app));
    let timeouts = keys.optional("timeouts", timeouts).unwrap_or_default();
    keys.finish();
    let servers = servers.filter(|servers| !servers.is_empty())?;
    Some((Target::Servers(Servers { servers, balance, tls, health }), timeouts))
}

fn servers(node: &Node, report: &mut Report) -> Option<Vec<Server>> {
    match &node.kind {
        Kind::List(nodes) if nodes.is_empty() => {
            report.error(node.place, format!("`{}` is an empty list", node.path), SERVERS);
        }
        Kind::List(nodes) => {
            if let Some(further) = nodes.get(MOST_SERVERS) {
                let message = format!("`{}` can hold {MOST_SERVERS} servers at most", node.path);
                report.error(further.place, message, "put a load balancer between, and name that");
            }
        }
        _ => {}
    }
    value::items(server)(node, report)
}

fn server(node: &Node, report: &mut Report) -> Option<Server> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "one address", EXAMPLE);
        return None;
    };
    if let Some(path) = text.strip_prefix("unix:") {
        if path.starts_with('/') && !path.starts_with("//") {
            return Some(Server::Unix(path.into()));
        }
        wrong(node, report, "a socket with a whole path", "write it like unix:/run/app.sock");
        return None;
    }
    let h2c = text.strip_prefix("h2c://");
    if h2c.is_none() && !text.starts_with("http://") && !text.starts_with("https://") {
        let host_and_port =
            text.split_once(':').is_some_and(|(_, port)| port.starts_with(|c: char| c.is_ascii_digit()));
        let help =
            if host_and_port { format!("write the scheme too: http://{text}") } else { EXAMPLE.to_owned() };
        wrong(node, report, "an address that requests can be forwarded to", &help);
        return None;
    }
    let plain = h2c.map(|rest| format!("http://{rest}"));
    let url = value::url(plain.as_deref().unwrap_or(text), node, report)?;
    if !url.path.is_empty() {
        let message =
            format!("`{}` must not have a path: the visitor's path is forwarded as it is", node.path);
        let help = format!(
            "write {}; to live below a path, an app takes it in `url`, with `strip_prefix: true` if it does not know of it",
            if h2c.is_some() {
                url.origin.to_string().replacen("http", "h2c", 1)
            } else {
                url.origin.to_string()
            }
        );
        report.error(node.place, message, help);
        return None;
    }
    let origin = url.origin;
    let protocol = match origin.scheme {
        Scheme::Http if h2c.is_some() => Protocol::H2c,
        Scheme::Http => Protocol::Http,
        Scheme::Https => Protocol::Https,
    };
    Some(Server::Tcp { protocol, host: origin.host, port: origin.port })
}

fn tls_settings(node: &Node, report: &mut Report) -> Option<TlsSettings> {
    let mut keys = Fields::of(node, report, "write `ca: certs/internal.pem` below it")?;
    let ca = keys.optional("ca", value::pem_certificates);
    let server_name = keys.optional("server_name", value::host);
    let named = keys.node("certificate").is_some() | keys.node("key").is_some();
    let client = if named { tls::pair(&mut keys, OUTDATED).0 } else { None };
    keys.finish();
    let client = client.map(|files| ClientCertificate { certificate: files.certificate, key: files.key });
    Some(TlsSettings { ca, server_name, client })
}

/// A check asks for the app by its own name, as visitors do, so that servers which know no other answer it.
fn health(node: &Node, report: &mut Report, app: Option<&Origin>) -> Option<Health> {
    const SECOND: Duration = Duration::from_secs(1);
    let mut keys = Fields::of(node, report, "write `path: /healthz` below it")?;
    let path = keys.required("path", "write `path: /healthz`", |node, report| {
        let text = value::text(node, report)?;
        let path = text.starts_with('/').then(|| PathAndQuery::try_from(text).ok()).flatten();
        if path.is_none() {
            wrong(node, report, "a path", "write it like /healthz");
        }
        path
    });
    let number = |keys: &mut Fields<'_, '_>, key, default| {
        let number = keys.or(key, default, value::whole(1..=100));
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let interval = keys.or("interval", 10 * SECOND, value::duration(SECOND..=Duration::from_hours(1)));
    let timeout = keys.or("timeout", 2 * SECOND, value::duration(SECOND..=Duration::from_mins(5)));
    let unhealthy_after = number(&mut keys, "unhealthy_after", 3);
    let healthy_after = number(&mut keys, "healthy_after", 1);
    keys.finish();
    let host = app.and_then(|app| HeaderValue::try_from(app.authority()).ok());
    Some(Health { path: path?, host, interval, timeout, unhealthy_after, healthy_after })
}

fn timeouts(node: &Node, report: &mut Report) -> Option<Timeouts> {
    const SECOND: Duration = Duration::from_secs(1);
    let mut keys = Fields::of(node, report, "write `response: 60s` below it")?;
    let usual = Timeouts::default();
    let timeouts = Timeouts {
        connect: keys.or("connect", usual.connect, value::duration(SECOND..=Duration::from_mins(5))),
        response: keys.or("response", usual.response, value::duration_from(SECOND)),
        idle: keys.or("idle", usual.idle, value::duration_from(SECOND)),
    };
    keys.finish();
    Some(timeouts)
}
