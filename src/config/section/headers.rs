//! `headers` of an app: what is set in its requests and answers, and what removed.

use http::{HeaderName, HeaderValue};

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report, quote};
use super::super::source::{Kind, Node};
use super::super::value;
use crate::identity::{HeaderRules, Headers, StripList, is_ours};

const EXAMPLE: &str = "write `request: { set: { X-Env: prod }, remove: [X-Debug] }`, or `response`, below it";
const RULES: &str = "write `set: { X-Env: prod }` or `remove: [X-Debug]` below it";

/// A header that a rule names, to be compared with what all apps together reserve.
pub struct Named {
    name: HeaderName,
    of_request: bool,
    place: Place,
}

pub fn read(keys: &mut Fields<'_, '_>) -> (Headers, Vec<Named>) {
    let mut named = Vec::new();
    let headers = keys.optional("headers", |node, report| {
        let mut keys = Fields::of(node, report, EXAMPLE)?;
        let request =
            keys.or("request", HeaderRules::default(), |node, report| rules(node, report, true, &mut named));
        let response = keys
            .or("response", HeaderRules::default(), |node, report| rules(node, report, false, &mut named));
        keys.finish();
        Some(Headers { request, response })
    });
    (headers.unwrap_or_default(), named)
}

/// Refuses what the gateway itself says. The names that tell who is there are those of all apps.
pub fn check(report: &mut Report, named: &[Named], strip: &StripList) {
    for Named { name, of_request, place } in named {
        if strip.is_identity(name) {
            let message = format!("the header `{name}` tells an app who is there: no rule can change it");
            report.error(*place, message, "remove it; `identity` decides what apps are told");
        } else if is_ours(name, *of_request, strip) {
            let message = format!("the header `{name}` is the gateway's own: no rule can change it");
            let help = if name == "host" { "remove it; `host_header` decides on it" } else { "remove it" };
            report.error(*place, message, help);
        }
    }
}

fn rules(node: &Node, report: &mut Report, of_request: bool, named: &mut Vec<Named>) -> Option<HeaderRules> {
    let mut keys = Fields::of(node, report, RULES)?;
    let set = keys.or("set", Vec::new(), |node, report| set(node, report, of_request));
    let remove = keys.or("remove", Vec::new(), value::items(remove));
    keys.finish();
    for (name, place) in &remove {
        if set.iter().any(|(set, _, _)| set == name) {
            let message = format!("the header `{name}` is both set and removed");
            report.error(*place, message, "remove it from one of the two");
        }
    }
    let places = set.iter().map(|(name, _, place)| (name, place));
    let places = places.chain(remove.iter().map(|(name, place)| (name, place)));
    named.extend(places.map(|(name, place)| Named { name: name.clone(), of_request, place: *place }));
    Some(HeaderRules {
        set: set.into_iter().map(|(name, value, _)| (name, value)).collect(),
        remove: remove.into_iter().map(|(name, _)| name).collect(),
    })
}

fn set(node: &Node, report: &mut Report, of_request: bool) -> Option<Vec<(HeaderName, HeaderValue, Place)>> {
    let Kind::Map(entries) = &node.kind else {
        wrong(node, report, "a mapping of header names and values", "write `X-Env: prod` below it");
        return None;
    };
    let mut set: Vec<(HeaderName, HeaderValue, Place)> = Vec::new();
    for entry in entries {
        if of_request {
            // Perhaps what the gateway shows to the app to be let in.
            report.hide(entry.value.place);
        }
        let value = value::text(&entry.value, report);
        let Some(name) = name(&entry.key) else {
            let message = format!("{} is no name for a header", quote(&entry.key));
            report.error(entry.place, message, "write it like X-Env");
            continue;
        };
        if set.iter().any(|(known, _, _)| *known == name) {
            let message = format!("`{}` is the same header as one before it", entry.value.path);
            report.error(entry.place, message, "remove one of the two");
        } else if !of_request && name == http::header::SET_COOKIE {
            let message = "a rule cannot set cookies: every answer would set them anew";
            report.error(entry.place, message, "remove it");
        }
        let Some(mut value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) else {
            continue;
        };
        value.set_sensitive(of_request);
        set.push((name, value, entry.place));
    }
    Some(set)
}

fn remove(node: &Node, report: &mut Report) -> Option<(HeaderName, Place)> {
    let text = value::text(node, report)?;
    let name = name(&text);
    if name.is_none() {
        wrong(node, report, "a header name", "write it like X-Debug");
    }
    name.map(|name| (name, node.place))
}

fn name(text: &str) -> Option<HeaderName> {
    text.parse().ok()
}
