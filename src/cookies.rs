//! The gateway's own cookies: their names, how they are read, set and kept from upstreams.
//!
//! Reading is strict, byte for byte: whatever only resembles one of our cookies is none. Stripping is lenient: what an
//! upstream could take for one of ours is removed too, and everything else passes untouched. Start from [`Own`].

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::header::{COOKIE, Entry};
use http::{HeaderMap, HeaderValue};

/// Cookies longer than this are ignored, as browsers do (RFC 6265 §6.1), in bytes of the value.
const LONGEST: usize = 4096;

/// One of our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Session,
    /// A sign-in under way.
    Login,
    /// The nonce of a hand-over from the portal's host.
    Enter,
    /// A browser that has signed in before.
    Device,
}

impl Own {
    pub const ALL: [Self; 4] = [Self::Session, Self::Login, Self::Enter, Self::Device];

    /// The name on an https url, or on an http one.
    pub const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-vestibule",
            (Self::Session, false) => "vestibule",
            (Self::Login, true) => "__Host-vestibule-login",
            (Self::Login, false) => "vestibule-login",
            (Self::Enter, true) => "__Host-vestibule-enter",
            (Self::Enter, false) => "vestibule-enter",
            (Self::Device, true) => "__Host-vestibule-device",
            (Self::Device, false) => "vestibule-device",
        }
    }
}

/// What a request carries under one cookie name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    None,
    One(&'a str),
    /// Somebody else (a sibling host, another port) has set one as well: none of them can be relied on.
    Many,
}

/// Looks through all `Cookie` lines (HTTP/2 may split them, RFC 9113 §8.2.3) for a cookie of exactly this name.
/// A value that is not visible ASCII, or longer than a browser keeps, counts as none.
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut found = Found::None;
    for line in headers.get_all(COOKIE) {
        for crumb in line.as_bytes().split(|byte| *byte == b';') {
            let Some(value) = trim_blanks(crumb).strip_prefix(name.as_bytes()) else { continue };
            let Some(value) = value.strip_prefix(b"=") else { continue };
            let Ok(value) = std::str::from_utf8(value) else { continue };
            if value.len() > LONGEST || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                continue;
            }
            found = match found {
                Found::None => Found::One(value),
                Found::One(_) | Found::Many => return Found::Many,
            };
        }
    }
    found
}

/// Removes all our cookies, of both kinds of names, and leaves the bytes of all others as they are.
///
/// Quotes do not protect a cookie: in `x="; __Host-vestibule=...; y="` the middle one is ours ("cookie sandwich").
pub fn strip(headers: &mut HeaderMap) {
    let ours = |line: &HeaderValue| line.as_bytes().split(|byte| *byte == b';').any(is_own_crumb);
    if !headers.get_all(COOKIE).iter().any(ours) {
        return;
    }
    let Entry::Occupied(entry) = headers.entry(COOKIE) else { return };
    let (name, lines) = entry.remove_entry_mult();
    let kept: Vec<_> =
        lines.filter_map(|line| if ours(&line) { without_ours(&line) } else { Some(line) }).collect();
    for line in kept {
        headers.append(name.clone(), line);
    }
}

/// Whether a `Set-Cookie` of an upstream would set one of our cookies, now or as a browser reads it.
pub fn is_own_set_cookie(value: &HeaderValue) -> bool {
    let pair = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    // A cookie without a name, `=vestibule=evil`, comes back as `vestibule=evil`.
    let start = pair.iter().position(|byte| byte.is_ascii_graphic() && *byte != b'=').unwrap_or(pair.len());
    is_own_crumb(pair.get(start..).unwrap_or_default())
}

/// A `Set-Cookie` value for one of ours: `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`. Without `max_age` it lives
/// as long as the browser runs.
///
/// `value` is a token of ours (base64url and dots). One that cannot stand in a header sets nothing and deletes.
pub fn set(own: Own, secure: bool, value: &str, max_age: Option<Duration>) -> HeaderValue {
    let built = built(own, secure, value, max_age);
    HeaderValue::try_from(built.to_string()).unwrap_or_else(|_| delete(own, secure))
}

/// Deletes one of ours, with the attributes it was set with: without `Secure` a browser would keep a `__Host-` one.
pub fn delete(own: Own, secure: bool) -> HeaderValue {
    let built = built(own, secure, "", Some(Duration::ZERO));
    HeaderValue::try_from(built.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn built(own: Own, secure: bool, value: &str, max_age: Option<Duration>) -> Cookie<'_> {
    let mut cookie =
        Cookie::build((own.name(secure), value)).path("/").http_only(true).same_site(SameSite::Lax);
    if secure {
        cookie = cookie.secure(true);
    }
    if let Some(max_age) = max_age {
        let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        cookie = cookie.max_age(cookie::time::Duration::seconds(seconds));
    }
    cookie.build()
}

/// The line without our crumbs, or nothing if only blanks and separators would be left.
fn without_ours(line: &HeaderValue) -> Option<HeaderValue> {
    let mut kept: Vec<u8> = Vec::with_capacity(line.len());
    let mut first = true;
    let mut dropped_first = false;
    for (place, crumb) in line.as_bytes().split(|byte| *byte == b';').enumerate() {
        if is_own_crumb(crumb) {
            dropped_first |= place == 0;
            continue;
        }
        if !first {
            kept.push(b';');
        }
        first = false;
        kept.extend_from_slice(crumb);
    }
    let kept = if dropped_first { kept.trim_ascii_start() } else { &kept };
    if kept.iter().all(|byte| matches!(byte, b';' | b' ' | b'\t')) {
        return None;
    }
    HeaderValue::from_bytes(kept).ok()
}

/// Whether a crumb's name, without whatever is not visible ASCII at its ends, is one of ours. Frameworks trim Unicode
/// spaces from names, so `\u{2000}__Host-vestibule` would arrive as ours.
fn is_own_crumb(crumb: &[u8]) -> bool {
    let name = crumb.split(|byte| *byte == b'=').next().unwrap_or_default();
    let Some(start) = name.iter().position(u8::is_ascii_graphic) else { return false };
    let end = name.iter().rposition(u8::is_ascii_graphic).unwrap_or(start);
    let Some(name) = name.get(start..=end) else { return false };
    let plain = name.strip_prefix(b"__Host-").unwrap_or(name);
    plain.starts_with(b"vestibule") && Own::ALL.iter().any(|own| own.name(false).as_bytes() == plain)
}

fn trim_blanks(crumb: &[u8]) -> &[u8] {
    let start = crumb.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(crumb.len());
    let rest = crumb.get(start..).unwrap_or_default();
    let end = rest.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    rest.get(..end).unwrap_or_default()
}
