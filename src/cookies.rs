//! The gateway's own cookies: their names, how they are read, set and kept from upstreams.
//!
//! Reading is strict, byte for byte: whatever only resembles one of our cookies is none. Stripping is lenient: what an
//! upstream could take for one of ours is removed too, and everything else passes untouched. Start from [`Own`].

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::header::COOKIE;
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
    /// A registration under way.
    Register,
}

impl Own {
    pub const ALL: [Self; 5] = [Self::Session, Self::Login, Self::Enter, Self::Device, Self::Register];

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
            (Self::Register, true) => "__Host-vestibule-register",
            (Self::Register, false) => "vestibule-register",
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
        for crumb in crumbs(line) {
            let Some(value) = trim_blanks(crumb).strip_prefix(name.as_bytes()) else { continue };
            let Some(value) = value.strip_prefix(b"=") else { continue };
            let Ok(value) = std::str::from_utf8(value) else { continue };
            // All of them are looked at: a loop that never ends early is done for many bytes at once.
            let graphic = value.bytes().fold(true, |graphic, byte| graphic & byte.is_ascii_graphic());
            if value.len() > LONGEST || !graphic {
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

/// Removes all our cookies, of both kinds of names, leaves the bytes of all others as they are, and makes one line of
/// several: HTTP/2 sends crumbs, and a WSGI server would join those with commas (RFC 9113 §8.2.3).
///
/// Quotes do not protect a cookie: in `x="; __Host-vestibule=...; y="` the middle one is ours ("cookie sandwich").
pub fn strip(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => return,
        (Some(line), None) => match crumbs(line)
            .fold((0, 0), |(ours, all), crumb| (ours + usize::from(is_own_crumb(crumb)), all + 1))
        {
            (0, _) => return,
            (ours, all) if ours == all => {
                headers.remove(COOKIE);
                return;
            }
            _ => {}
        },
        _ => {}
    }
    let kept: Vec<_> =
        headers.get_all(COOKIE).iter().filter_map(|line| without_ours(line.as_bytes())).collect();
    headers.remove(COOKIE);
    if let Ok(line) = HeaderValue::from_bytes(&kept.join(&b"; "[..]))
        && !line.is_empty()
    {
        headers.insert(COOKIE, line);
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

/// The cookies of a line, with the blanks around them.
fn crumbs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let bytes = line.as_bytes();
    let ends = memchr::memchr_iter(b';', bytes).chain([bytes.len()]);
    let mut start = 0;
    ends.map(move |end| {
        let crumb = bytes.get(start..end).unwrap_or_default();
        start = end + 1;
        crumb
    })
}

/// The line without our crumbs, or nothing if only blanks and separators would be left.
fn without_ours(line: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Vec<u8> = Vec::with_capacity(line.len());
    let mut first = true;
    let mut dropped_first = false;
    for (place, crumb) in line.split(|byte| *byte == b';').enumerate() {
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
    Some(kept.to_vec())
}

/// Whether a crumb's name, without whatever is not visible ASCII at its ends, is one of ours. Frameworks trim Unicode
/// spaces from names, so `\u{2000}__Host-vestibule` would arrive as ours.
fn is_own_crumb(crumb: &[u8]) -> bool {
    let name = crumb.get(..memchr::memchr(b'=', crumb).unwrap_or(crumb.len())).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_bytes(line).unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_by_its_exact_name_in_any_line() {
        let check = |lines: &[&[u8]], expected: Found<'_>| {
            let shown: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
            assert_eq!(find(&headers(lines), "__Host-vestibule"), expected, "{shown:?}");
        };
        check(&[], Found::None);
        check(&[b"a=1; __Host-vestibule=S; b=2"], Found::One("S"));
        check(&[b"a=1", b"b=2;\t__Host-vestibule=S"], Found::One("S"));
        check(&[b"__Host-vestibule="], Found::One(""));
        check(&[b"__Host-vestibule=a=b"], Found::One("a=b"));
        check(&[b"__Host-vestibule=S; __Host-vestibule=S"], Found::Many);
        check(&[b"__Host-vestibule=S", b"__Host-vestibule=T"], Found::Many);
        check(&[b"__Host-Vestibule=S; vestibule=S; __Host-vestibule-login=S"], Found::None);
        check(&[b"__Host-vestibule =S; __Host-vestibule; x__Host-vestibule=S"], Found::None);
        check(&[b"\xe2\x80\x80__Host-vestibule=S; \xa0__Host-vestibule=S"], Found::None);
        check(&[b"__Host-vestibule=\xff; __Host%2Dvestibule=S"], Found::None);
        check(&[format!("__Host-vestibule={}", "x".repeat(4097)).as_bytes()], Found::None);
    }

    #[test]
    fn ours_are_stripped_byte_for_byte_around_the_others() {
        let check = |before: &[&[u8]], after: &[&[u8]]| {
            let mut stripped = headers(before);
            strip(&mut stripped);
            let kept: Vec<_> = stripped.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
            assert_eq!(
                kept,
                after,
                "{:?}",
                before.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>()
            );
        };
        check(&[b"a=1; __Host-vestibule=S; b=2"], &[b"a=1; b=2"]);
        check(&[b"__Host-vestibule=S; a=1"], &[b"a=1"]);
        check(&[b"a=1; vestibule-login=S"], &[b"a=1"]);
        check(&[b"__Host-vestibule-enter=S"], &[]);
        check(&[b"__Host-vestibule=S;; vestibule=T ;"], &[]);
        check(&[b"a=1;__Host-vestibule-device=S;b=2"], &[b"a=1;b=2"]);
        check(&[b"a=1;; __Host-vestibule=S;;b=2"], &[b"a=1;;;b=2"]);
        check(&[b"x=\"; __Host-vestibule=S; y=\""], &[b"x=\"; y=\""]);
        check(&[b"$Version=1; __Host-vestibule=S"], &[b"$Version=1"]);
        check(&[b"a=1;\t__Host-vestibule\t=S;\tb=2"], &[b"a=1;\tb=2"]);
        check(&[b"a=1; __Host-vestibule =S; \xe2\x80\x80vestibule=S"], &[b"a=1"]);
        check(&[b"a=1; __Host-vestibule"], &[b"a=1"]);
        check(&[b"a=1; __Host-vestibule=S", b"__Host-vestibule=S", b"b=\xff"], &[b"a=1; b=\xff"]);
        check(&[b"a=1", b"b=2;", b"c"], &[b"a=1; b=2;; c"]);
        let others: &[&[u8]] = &[b"a = 1 ;;b;vestibules=1; Vestibule=2; __Host-x=3; a=vestibule=S "];
        check(others, others);
    }

    #[test]
    fn an_upstream_cannot_set_ours() {
        let check = |line: &[u8], expected: bool| {
            let value = HeaderValue::from_bytes(line).unwrap();
            assert_eq!(is_own_set_cookie(&value), expected, "{}", String::from_utf8_lossy(line));
        };
        for own in Own::ALL {
            check(format!("{}=x; Path=/", own.name(true)).as_bytes(), true);
            check(format!("{}=x", own.name(false)).as_bytes(), true);
        }
        check(b" __Host-vestibule = x", true);
        check(b"\tvestibule=x", true);
        check(b"=vestibule=x", true);
        check(b"==vestibule=x", true);
        check(b"\xc2\xa0vestibule=x", true);
        check(b"vestibule", true);
        check(b"vestibules=x", false);
        check(b"a=vestibule; b=vestibule=x", false);
        check(b"", false);
    }

    #[test]
    fn attributes_are_the_same_for_setting_and_deleting() {
        let day = Duration::from_hours(24);
        assert_eq!(
            set(Own::Session, true, "v", None),
            "__Host-vestibule=v; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        assert_eq!(
            set(Own::Device, false, "v", Some(day)),
            "vestibule-device=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400"
        );
        assert_eq!(
            delete(Own::Session, true),
            "__Host-vestibule=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
        assert_eq!(set(Own::Session, true, "a\r\nb", None), delete(Own::Session, true));
    }

    /// A crumb of somebody else, with or without blanks around it.
    fn foreign() -> impl Strategy<Value = String> {
        "[ \t]{0,2}[a-uw-z\"$%=_-][ -:<-~]{0,12}".prop_filter("ours", |crumb| !crumb.contains("vestibule"))
    }

    proptest! {
        #[test]
        fn other_cookies_keep_every_byte(
            crumbs in proptest::collection::vec((foreign(), any::<bool>()), 1..8),
            own in 0_usize..10,
        ) {
            let name = Own::ALL[own / 2].name(own % 2 == 0);
            let ours = format!(" {name}=SECRET");
            let mut line = String::from("first=1");
            let mut expected = line.clone();
            for (crumb, followed) in &crumbs {
                line = format!("{line};{crumb}");
                expected = format!("{expected};{crumb}");
                if *followed {
                    line = format!("{line};{ours}");
                }
            }
            let mut stripped = headers(&[line.as_bytes()]);
            strip(&mut stripped);
            prop_assert_eq!(stripped.get(COOKIE).unwrap().as_bytes(), expected.as_bytes());
        }

        #[test]
        fn none_of_ours_survives(noise in "[ -~]{0,20}", after in "[ -~]{0,20}", own in 0_usize..10) {
            let name = Own::ALL[own / 2].name(own % 2 == 0);
            let mut stripped = headers(&[format!("{noise};{name}=SECRET;{after}").as_bytes()]);
            strip(&mut stripped);
            prop_assert_eq!(find(&stripped, name), Found::None);
        }
    }
}
