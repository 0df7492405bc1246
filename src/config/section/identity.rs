//! `identity`: the headers that tell an app who is there.

use http::HeaderName;

use super::super::fields::{Fields, wrong};
use super::super::problem::{Report, quote};
use super::super::source::{Entry, Kind, Node};
use super::super::value;
use crate::identity::{Encoding, Field, Settings};

/// Names, folded, that carry something else: framing, hop-by-hop (RFC 9110, 7.6.1), forwarding, or the browser's own.
const RESERVED: [&str; 40] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "origin",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
    "x-original-url",
];

const EXAMPLE: &str = "write `headers: { Remote-User: username }` below it";
const FIELDS: &str = "write username, name, email, groups, or attributes.NAME";

/// The top-level `identity`.
pub fn read(keys: &mut Fields<'_, '_>) -> Settings {
    keys.optional("identity", |node, report| settings(node, report, &default())).unwrap_or_else(default)
}

/// An app's own `identity`: what it leaves out is as at the top.
pub fn own(keys: &mut Fields<'_, '_>, top: &Settings) -> Settings {
    keys.optional("identity", |node, report| settings(node, report, top)).unwrap_or_else(|| top.clone())
}

fn default() -> Settings {
    let headers = vec![
        (HeaderName::from_static("remote-user"), Field::Username),
        (HeaderName::from_static("remote-name"), Field::Name),
        (HeaderName::from_static("remote-email"), Field::Email),
        (HeaderName::from_static("remote-groups"), Field::Groups),
    ];
    Settings { headers, encoding: Encoding::Utf8 }
}

fn settings(node: &Node, report: &mut Report, default: &Settings) -> Option<Settings> {
    let mut keys = Fields::of(node, report, EXAMPLE)?;
    let headers = keys.optional("headers", headers).unwrap_or_else(|| default.headers.clone());
    let encodings = value::choice(&[("utf8", Encoding::Utf8), ("percent", Encoding::Percent)]);
    let encoding = keys.or("encoding", default.encoding, encodings);
    keys.finish();
    Some(Settings { headers, encoding })
}

fn headers(node: &Node, report: &mut Report) -> Option<Vec<(HeaderName, Field)>> {
    let Kind::Map(entries) = &node.kind else {
        wrong(node, report, "a mapping of header names", "write `Remote-User: username` below it");
        return None;
    };
    let mut headers: Vec<(HeaderName, Field)> = Vec::new();
    for entry in entries {
        let name = header_name(entry, report);
        let field = field(&entry.value, report);
        let (Some(name), Some(field)) = (name, field) else { continue };
        if headers.iter().any(|(known, _)| fold(known.as_str()) == fold(name.as_str())) {
            let message = format!("`{}` is the same header as one before it", entry.value.path);
            report.error(entry.place, message, "apps cannot tell the two apart: remove one");
            continue;
        }
        headers.push((name, field));
    }
    Some(headers)
}

fn header_name(entry: &Entry, report: &mut Report) -> Option<HeaderName> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let name = entry.key.parse::<HeaderName>().ok().filter(|_| entry.key.bytes().all(plain));
    let Some(name) = name else {
        let message = format!("{} is no name for an identity header", quote(&entry.key));
        report.error(entry.place, message, "write letters, digits and -");
        return None;
    };
    if is_reserved(name.as_str()) {
        let message = format!("the header `{}` has another meaning and cannot tell who is there", entry.key);
        report.error(entry.place, message, "choose another name, like Remote-User or X-WEBAUTH-USER");
        return None;
    }
    Some(name)
}

fn field(node: &Node, report: &mut Report) -> Option<Field> {
    let text = value::text(node, report)?;
    Some(match text.as_str() {
        "username" => Field::Username,
        "name" => Field::Name,
        "email" => Field::Email,
        "groups" => Field::Groups,
        other => match other.strip_prefix("attributes.") {
            Some(name) if !name.is_empty() => Field::Attribute(name.to_owned()),
            _ => {
                wrong(node, report, "what is known of a person", FIELDS);
                return None;
            }
        },
    })
}

pub fn is_reserved(name: &str) -> bool {
    let name = fold(name);
    RESERVED.contains(&name.as_str()) || name.starts_with("sec-")
}

/// The form in which CGI and WSGI servers compare names: `Remote_User` is `Remote-User`.
pub fn fold(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect()
}
