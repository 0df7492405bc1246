//! `mail`: who sends, and how.

use std::time::Duration;

use super::super::fields::Fields;
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use crate::mail::{Security, Settings, SmtpSettings, TransportSettings};
use crate::secret::Secret;

pub struct Read {
    pub settings: Settings,
    /// Where the transport stands.
    pub place: Place,
}

const EXAMPLE: &str = "write `smtp: { host: smtp.example.com }`, or `outbox: data/outbox` or `terminal: true` to try things out";

pub fn read(keys: &mut Fields<'_, '_>) -> Option<Read> {
    let help = "codes are sent by mail: write `mail: { from: signin@example.com, smtp: { host: smtp.example.com } }`";
    keys.required("mail", help, |node, report| {
        let mut keys = Fields::of(node, report, EXAMPLE)?;
        let from =
            keys.required("from", "write `from: Example sign-in <signin@example.com>`", value::mailbox);
        let transport = transport(&mut keys);
        keys.finish();
        let (transport, place) = transport?;
        Some(Read { settings: Settings { from: from?, transport }, place })
    })
}

/// The one of the three that is given.
fn transport(keys: &mut Fields<'_, '_>) -> Option<(TransportSettings, Place)> {
    let mut given = Vec::new();
    for key in ["smtp", "outbox", "terminal"] {
        given.extend(keys.node(key).map(|node| (key, node.anchor)));
    }
    let smtp = keys.optional("smtp", smtp).map(TransportSettings::Smtp);
    let outbox = keys.optional("outbox", value::path).map(TransportSettings::Outbox);
    let terminal = keys.optional("terminal", terminal);
    match given.as_slice() {
        [] => keys.missing("smtp", EXAMPLE),
        [_] => {}
        [(first, _), (second, place), ..] => {
            let help = "one way to send is enough: remove the others";
            keys.report.error(*place, format!("`mail` has both `{first}` and `{second}`"), help);
        }
    }
    Some((smtp.or(outbox).or(terminal)?, given.first()?.1))
}

fn terminal(node: &Node, report: &mut Report) -> Option<TransportSettings> {
    if value::truth(node, report)? {
        return Some(TransportSettings::Terminal);
    }
    report.error(
        node.place,
        "`mail.terminal` says nothing if it is false",
        "remove it, or write `terminal: true`",
    );
    None
}

fn smtp(node: &Node, report: &mut Report) -> Option<SmtpSettings> {
    const SECURITY: &[(&str, Security)] =
        &[("starttls", Security::Starttls), ("tls", Security::Tls), ("none", Security::None)];
    let mut keys = Fields::of(node, report, "write `host: smtp.example.com` below it")?;
    let host = keys.required("host", "write `host: smtp.example.com`", value::host);
    let security_place = keys.node("security").map_or(node.anchor, |node| node.place);
    let security = keys.or("security", Security::Starttls, value::choice(SECURITY));
    // RFC 6409 (587) and RFC 8314 (465) for submission, RFC 5321 (25) for a relay on this machine.
    let usual = match security {
        Security::Starttls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    let port = keys.or("port", usual, value::port);
    let credentials = credentials(&mut keys, security);
    let ca = keys.optional("ca", value::pem_certificates);
    let seconds = Duration::from_secs;
    let timeout = keys.or("timeout", seconds(10), value::duration(seconds(1)..=seconds(120)));
    if let Some(host) = &host
        && security == Security::None
        && !host.is_loopback()
    {
        let message = format!("`mail.smtp.security`: codes would cross the network to {host} unencrypted");
        keys.report.error(
            security_place,
            message,
            "use `starttls` or `tls`; `none` is for a server on this machine",
        );
    }
    if let (465, Security::Starttls) | (587, Security::Tls) = (port, security) {
        let (message, help) = if port == 465 {
            (
                "port 465 usually speaks TLS from the start, and `security` is starttls",
                "write `security: tls`, or use port 587",
            )
        } else {
            (
                "port 587 usually speaks STARTTLS, and `security` is tls",
                "write `security: starttls`, or use port 465",
            )
        };
        keys.report.warning(security_place, message, help);
    }
    keys.finish();
    // The mail library takes an IPv6 address without its brackets.
    let host = host?.as_str().trim_matches(['[', ']']).to_owned();
    Some(SmtpSettings { host, port, security, credentials, ca, timeout })
}

fn credentials(keys: &mut Fields<'_, '_>, security: Security) -> Option<(String, Secret<String>)> {
    let username_place = keys.node("username").map(|node| node.anchor);
    let password_place = keys.node("password").map(|node| node.anchor);
    let username = keys.optional("username", value::text);
    let password = keys.optional("password", password);
    match (username_place, password_place) {
        (Some(place), None) => {
            let help =
                "write `password: ${SMTP_PASSWORD}` beside it, or remove it for a server that wants neither";
            keys.report.error(place, "`mail.smtp` has a `username` and no `password`", help);
        }
        (None, Some(place)) => {
            let help = "write `username: signin@example.com` beside it, or remove it for a server that wants neither";
            keys.report.error(place, "`mail.smtp` has a `password` and no `username`", help);
        }
        (Some(place), Some(_)) if security == Security::None => {
            let help = "use `starttls` or `tls`, or remove `username` and `password`";
            keys.report.error(place, "`mail.smtp` would send its password unencrypted", help);
        }
        _ => {}
    }
    Some((username?, password?))
}

fn password(node: &Node, report: &mut Report) -> Option<Secret<String>> {
    if let Kind::Text(text) = &node.kind
        && !text.is_empty()
    {
        return Some(Secret::new(text.clone()));
    }
    if !matches!(node.kind, Kind::Broken) {
        let help = "write `password: ${SMTP_PASSWORD}`, or the password in quotes";
        report.error(node.place, format!("`{}` must be a text that is not empty", node.path), help);
    }
    None
}
