//! `apps`: what stands behind the gateway.

use std::time::Duration;

use http::HeaderName;

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use super::super::{self as config, App, Behind};
use super::{access, headers, identity, limits, portal, upstream};
use crate::identity::Settings as IdentitySettings;
use crate::route::AppUrl;
use crate::session::Activity;
use crate::upstream::{HostHeader, Limits, Settings, Target, Timeouts};

/// An app, with what is needed to say where it is wrong.
pub struct Placed {
    pub app: App,
    pub name: Place,
    pub url: Place,
    pub mentions: Vec<access::Mention>,
    /// The places of `allow_headers`.
    pub allowed: Vec<(HeaderName, Place)>,
    /// The names in `headers`.
    pub ruled: Vec<headers::Named>,
}

const EXAMPLE: &str =
    "write `apps: [{ name: grafana, url: https://grafana.example.com, upstream: http://127.0.0.1:3000 }]`";

const WITH_SERVERS: &str = "write it into `upstream`, beside `servers`";
const WITH_LIMITS: &str = "write it into the app's `limits`";

/// Keys that are looked for in an app itself, and where they belong.
const DEEPER: &[(&str, &str)] = &[
    ("servers", WITH_SERVERS),
    ("balance", WITH_SERVERS),
    ("tls", WITH_SERVERS),
    ("health", WITH_SERVERS),
    ("timeouts", WITH_SERVERS),
    ("connections", WITH_LIMITS),
    ("waiting", WITH_LIMITS),
    ("wait", WITH_LIMITS),
    ("max_request_body", WITH_LIMITS),
];

/// `identity` and `limits` are those of the whole configuration.
pub fn read(keys: &mut Fields<'_, '_>, identity: &IdentitySettings, limits: &config::Limits) -> Vec<Placed> {
    let apps = keys.required("apps", EXAMPLE, |node, report| {
        if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
            report.error(node.place, "`apps` is an empty list", EXAMPLE);
        }
        value::items(|node: &Node, report: &mut Report| app(node, report, identity, limits))(node, report)
    });
    apps.unwrap_or_default()
}

fn app(
    node: &Node,
    report: &mut Report,
    identity: &IdentitySettings,
    limits: &config::Limits,
) -> Option<Placed> {
    let mut keys = Fields::of(node, report, "write `- name: grafana` and, below it, `url` and `upstream`")?;
    let name_place = keys.node("name").map_or(node.place, |node| node.place);
    let url_place = keys.node("url").map_or(node.place, |node| node.place);
    let name = keys.required("name", "write `name: grafana`", name);
    let url =
        keys.required("url", "write what visitors type: `url: https://grafana.example.com`", value::app_url);
    let insecure = keys.or("insecure", false, value::truth);
    if let Some(url) = &url {
        let path = format!("{}.url", node.path);
        portal::plain_http(keys.report, url_place, &path, (url.origin.scheme, &url.origin.host), insecure);
    }
    let redirects = keys.node("redirect").is_some();
    let redirect = redirect(&mut keys, url.as_ref());
    let target = if redirects {
        None
    } else {
        keys.required("upstream", upstream::EXAMPLE, |node, report| {
            upstream::read(node, report, url.as_ref().map(|url| &url.origin))
        })
    };
    let app_path = url.as_ref().map_or_else(String::new, |url| url.path.to_string());
    let access = rules(&mut keys, &app_path, node.place.line);
    let hosts = value::choice(&[("preserve", HostHeader::Preserve), ("upstream", HostHeader::Upstream)]);
    let host_header = keys.or("host_header", HostHeader::Preserve, hosts);
    let strip_prefix = strip_prefix(&mut keys, &app_path);
    let identity = identity::own(&mut keys, identity);
    let allowed = keys.or("allow_headers", Vec::new(), value::items(odd_header));
    let allow_headers = allowed.iter().map(|(name, _)| name.clone()).collect();
    let counting = value::choice(&[("any", Activity::Any), ("navigation", Activity::Navigation)]);
    let activity = keys.or("activity", Activity::Any, counting);
    let maintenance = keys.or("maintenance", false, value::truth);
    let (limits, max_request_body) = own_limits(&mut keys, limits);
    let (headers, ruled) = headers::read(&mut keys);
    keys.finish_but(DEEPER);
    // With a wrong upstream nothing will run, but what else is wrong with the app is to be said in the same breath.
    let (target, timeouts) = target.unwrap_or((Target::Whoami, Timeouts::default()));
    let settings =
        Settings { target, host_header, strip_prefix: strip_prefix.clone(), allow_headers, limits };
    let behind = match redirect {
        Some(to) => Behind::Redirect { to, strip_prefix },
        None => Behind::Upstream { settings: Box::new(settings), timeouts },
    };
    let app = App {
        name: name?,
        url: url?,
        access: access.rules,
        behind,
        identity,
        headers,
        maintenance,
        activity,
        max_request_body,
    };
    Some(Placed { app, name: name_place, url: url_place, mentions: access.mentions, allowed, ruled })
}

fn name(node: &Node, report: &mut Report) -> Option<String> {
    let text = value::text(node, report)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.len() <= 64 && text.bytes().all(plain) {
        return Some(text);
    }
    wrong(node, report, "a name of letters, digits, - and _", "write a short name, like grafana");
    None
}

fn rules(keys: &mut Fields<'_, '_>, app_path: &str, line: usize) -> access::Read {
    if keys.node("access").is_none() {
        return access::default(line);
    }
    keys.optional("access", |node, report| access::read(node, report, app_path)).unwrap_or_default()
}

/// Where an app sends everybody.
fn redirect(keys: &mut Fields<'_, '_>, url: Option<&AppUrl>) -> Option<AppUrl> {
    let node = keys.node("redirect")?;
    let to = keys.optional("redirect", value::app_url);
    if let Some(upstream) = keys.node("upstream") {
        let message = format!("`{}` is never asked, since the app has `redirect` too", upstream.path);
        keys.report.error(upstream.anchor, message, "remove one of the two");
    }
    for idle in ["access", "activity", "host_header", "identity", "headers", "allow_headers", "limits"] {
        if let Some(idle) = keys.node(idle) {
            let message = format!("`{}` has nothing to do: the app sends everybody elsewhere", idle.path);
            keys.report.warning(idle.anchor, message, "remove it, or write `upstream` instead of `redirect`");
        }
    }
    if let (Some(to), Some(url)) = (&to, url)
        && to.origin == url.origin
        && to.path.strip_prefix(&*url.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    {
        let message = format!("`{}` leads back to the app itself", node.path);
        keys.report.error(node.place, message, "write another address, or `upstream`");
    }
    to
}

/// How much of the gateway the app may take up, and how large a request's body may be.
fn own_limits(keys: &mut Fields<'_, '_>, all: &config::Limits) -> (Limits, u64) {
    let usual = (Limits::default(), all.max_request_body);
    keys.or("limits", usual, |node, report| {
        const MOST: i64 = 1_000_000;
        let mut keys = Fields::of(node, report, "write `connections: 1024` below it")?;
        let number = |keys: &mut Fields<'_, '_>, key, least, usual: u32| {
            let number = keys.or(key, usual.into(), value::whole(least..=MOST));
            u32::try_from(number).unwrap_or(usual)
        };
        let limits = Limits {
            connections: number(&mut keys, "connections", 1, usual.0.connections),
            waiting: number(&mut keys, "waiting", 0, usual.0.waiting),
            wait: keys.or(
                "wait",
                usual.0.wait,
                value::duration(Duration::from_secs(1)..=Duration::from_mins(5)),
            ),
        };
        let max_request_body = keys.or("max_request_body", usual.1, value::size(limits::BODY));
        keys.finish();
        Some((limits, max_request_body))
    })
}

fn strip_prefix(keys: &mut Fields<'_, '_>, app_path: &str) -> Option<String> {
    if !keys.or("strip_prefix", false, value::truth) {
        return None;
    }
    if app_path.is_empty() {
        if let Some(node) = keys.node("strip_prefix") {
            let help = "remove `strip_prefix`, or write a path in `url`";
            keys.report.warning(
                node.anchor,
                format!("`{}` has nothing to remove: the url has no path", node.path),
                help,
            );
        }
        return None;
    }
    Some(app_path.to_owned())
}

/// A header name that would be dropped for its characters.
fn odd_header(node: &Node, report: &mut Report) -> Option<(HeaderName, Place)> {
    let text = value::text(node, report)?;
    let Ok(name) = text.parse::<HeaderName>() else {
        wrong(node, report, "a header name", "write it like X_Odd_Name");
        return None;
    };
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let message = format!("`{}`: `{text}` is an ordinary name and passes anyway", node.path);
        report.warning(node.place, message, "remove it");
    }
    Some((name, node.place))
}
