//! `portal`: where people sign in, and how it looks.

use super::super::fields::Fields;
use super::super::problem::{Place, Problem, Report};
use super::super::source::Node;
use super::super::value;
use super::locales;
use crate::portal::{Logo, Settings};
use crate::route::Scheme;

/// A page waits for its logo, and a mail may carry it.
const LARGEST_LOGO: u64 = 512 << 10;
const LARGEST_STYLESHEET: u64 = 256 << 10;

pub struct Read {
    pub settings: Settings,
    /// Where `portal.url` stands, if it does.
    pub place: Place,
}

pub fn read(keys: &mut Fields<'_, '_>, others: &mut Vec<Problem>) -> Read {
    let mut place = keys.anchor();
    let settings = keys.optional("portal", |node, report| {
        let mut keys = Fields::of(node, report, "write `url: https://auth.example.com` below it")?;
        place = keys.node("url").map_or(node.anchor, |node| node.place);
        let settings = fields(&mut keys, place, others);
        keys.finish();
        Some(settings)
    });
    let mut settings = settings.unwrap_or_default();
    if settings.title.is_empty() {
        settings.title =
            settings.url.as_ref().map_or_else(|| "Vestibule".to_owned(), |url| url.host.to_string());
    }
    Read { settings, place }
}

fn fields(keys: &mut Fields<'_, '_>, place: Place, others: &mut Vec<Problem>) -> Settings {
    let url = keys.optional("url", value::origin);
    let insecure = keys.or("insecure", false, value::truth);
    if let Some(url) = &url {
        plain_http(keys.report, place, "portal.url", (url.scheme, &url.host), insecure);
    }
    Settings {
        url,
        title: keys.or("title", String::new(), value::text),
        logo: keys.optional("logo", logo),
        accent: keys.optional("accent", value::colour),
        notice: keys.optional("notice", value::text),
        stylesheet: keys.optional("stylesheet", stylesheet),
        locales: keys.or("locales", Vec::new(), |node, report| locales::read(node, report, others)),
        support: keys.optional("support", value::contact),
    }
}

/// Passwords and cookies cross the network in the clear: an error, or a warning if it is meant.
pub fn plain_http(
    report: &mut Report,
    place: Place,
    path: &str,
    (scheme, host): (Scheme, &crate::route::Host),
    insecure: bool,
) {
    if scheme == Scheme::Https || host.is_loopback() {
        return;
    }
    if insecure {
        let message = format!("`{path}`: passwords and cookies for {host} cross the network unencrypted");
        report.warning(place, message, "use https wherever others share the network");
    } else {
        let message = format!(
            "`{path}`: {host} is not this machine, so http would show passwords and cookies to the network"
        );
        let help = "use https; where that is impossible, `insecure: true` beside it allows http";
        report.error(place, message, help);
    }
}

fn logo(node: &Node, report: &mut Report) -> Option<Logo> {
    let (path, bytes) = value::bytes(LARGEST_LOGO)(node, report)?;
    let media_type = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        "image/jpeg"
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        "image/webp"
    } else if std::str::from_utf8(&bytes).is_ok_and(|text| text.contains("<svg")) {
        "image/svg+xml"
    } else {
        let message =
            format!("`{}`: the file {} is no picture that browsers show", node.path, path.display());
        report.error(node.place, message, "use SVG, PNG, JPEG or WebP");
        return None;
    };
    Some(Logo { media_type, bytes })
}

fn stylesheet(node: &Node, report: &mut Report) -> Option<String> {
    let (path, bytes) = value::bytes(LARGEST_STYLESHEET)(node, report)?;
    let text = String::from_utf8(bytes).ok();
    if text.is_none() {
        let message = format!("`{}`: the file {} is not text in UTF-8", node.path, path.display());
        report.error(node.place, message, "is this the right file?");
    }
    text
}
