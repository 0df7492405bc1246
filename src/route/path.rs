//! Paths: the form in which rules read them, and the ones that could be read in two ways.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Where the gateway's own pages live on every host.
pub const OWN_PREFIX: &str = "/_vestibule";

/// Whether a path means the same to everybody, as nearly all do: segments of letters, digits and a few more, none of them
/// empty or beginning with a dot. The underscore of our own prefix is not among them.
fn is_plain(raw: &str) -> bool {
    let mut before = 0;
    raw.bytes().all(|byte| {
        let fine = match byte {
            b'/' | b'.' => before != b'/',
            _ => byte.is_ascii_alphanumeric() || b"-~+=,:@!$&()*'".contains(&byte),
        };
        before = byte;
        fine
    })
}

/// The path as rules and routes read it: percent-encoding undone once (RFC 3986 §6.2.2.2), so that `/%61dmin` is
/// `/admin` for a rule as it will be for the app. `None` if that is no UTF-8 or holds a control character.
pub fn canonical_path(raw: &str) -> Option<Cow<'_, str>> {
    if is_plain(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let decoded =
        if raw.contains('%') { percent_decode_str(raw).decode_utf8().ok()? } else { Cow::Borrowed(raw) };
    (!decoded.bytes().any(|byte| byte.is_ascii_control())).then_some(decoded)
}

/// Whether servers disagree on what this path means: dot segments, double slashes, backslashes, encoded slashes and
/// the like. Where rules go by path, such a request is refused instead of guessed at.
pub fn is_ambiguous(raw: &str) -> bool {
    if is_plain(raw) {
        return false;
    }
    let Some(path) = canonical_path(raw) else { return true };
    let encoded_slash = path.matches('/').count() != raw.matches('/').count();
    encoded_slash
        || !raw.is_ascii()
        || has_stray_percent(raw)
        || (raw.contains('%') && has_escape(&path))
        || path.contains('\\')
        || path.contains("//")
        || path.split('/').any(|segment| {
            matches!(bare_segment(segment), "." | "..") || (segment.contains(';') && segment.contains('.'))
        })
}

/// How servers read a path that do not take it as it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Otherwise {
    /// Without what some cut off each segment: parameters, and dots and blanks at its ends.
    pub bare: String,
    /// The same in small letters, for servers that know no others.
    pub folded: String,
}

/// `path` is canonical and not ambiguous. `None` for most: everybody reads it in one way.
pub fn otherwise(path: &str) -> Option<Box<Otherwise>> {
    if is_bare(path) {
        return None;
    }
    let (mut bare, mut segments) = (String::with_capacity(path.len()), path.split('/').skip(1).peekable());
    while let Some(segment) = segments.next() {
        let segment = bare_segment(segment);
        if !segment.is_empty() || segments.peek().is_none() {
            bare.push('/');
            bare.push_str(segment);
        }
    }
    let folded = bare.to_lowercase();
    (bare != path || folded != path).then(|| Box::new(Otherwise { bare, folded }))
}

/// Whether nothing of it would be cut off or folded.
fn is_bare(path: &str) -> bool {
    let mut before = 0;
    let bare = path.bytes().all(|byte| {
        let fine = match byte {
            b'/' => !matches!(before, b'.' | b' '),
            b' ' => before != b'/',
            _ => !byte.is_ascii_uppercase() && byte.is_ascii() && !matches!(byte, b';' | b'?' | b'#'),
        };
        before = byte;
        fine
    });
    bare && !matches!(before, b'.' | b' ')
}

/// Whether a path leads to the gateway's own pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnPath {
    No,
    /// Spelled as it should be.
    Yes,
    /// Some server might read it as one of ours; it is answered by nobody.
    Lookalike,
}

pub fn own_path(raw: &str) -> OwnPath {
    if is_plain(raw) {
        return OwnPath::No;
    }
    if raw.strip_prefix(OWN_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return OwnPath::Yes;
    }
    // Only a path that still holds the word after every encoding is undone can look like ours.
    let mut path = Cow::Borrowed(raw);
    for _ in 0..8 {
        if !path.contains('%') {
            break;
        }
        path = Cow::Owned(percent_decode_str(&path).decode_utf8_lossy().into_owned());
    }
    let folded = path.replace('\\', "/").to_ascii_lowercase();
    if !folded.contains("_vestibule") {
        return OwnPath::No;
    }
    let mut segments = Vec::new();
    for segment in folded.split('/').map(bare_segment) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    if segments.first() == Some(&"_vestibule") { OwnPath::Lookalike } else { OwnPath::No }
}

/// A segment without what some server or other would cut off: parameters, all from a NUL on, dots and blanks at the end.
fn bare_segment(segment: &str) -> &str {
    let cut = segment.split([';', '?', '#', '\0']).next().unwrap_or_default().trim();
    if matches!(cut, "." | "..") { cut } else { cut.trim_end_matches(['.', ' ']) }
}

fn has_stray_percent(raw: &str) -> bool {
    raw.split('%').skip(1).any(|rest| !begins_with_two_hex_digits(rest))
}

fn has_escape(text: &str) -> bool {
    text.split('%').skip(1).any(begins_with_two_hex_digits)
}

fn begins_with_two_hex_digits(text: &str) -> bool {
    text.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_ambiguous() {
        for path in [
            "/public/../admin",
            "/public/%2e%2e/admin",
            "/public/.%2e/admin",
            "/public/..%2fadmin",
            "/public/..;/admin",
            "/a.jsp;x=1",
            "/public/%252e%252e/admin",
            "/public\\..\\admin",
            "/public/..%5cadmin",
            "/public/%c0%ae%c0%ae/",
            "//admin",
            "/./admin",
            "/a%00",
            "/a%0a",
            "/100%",
            "/a%zz",
            "/a/.",
            "/a/..",
            "/Zo\u{eb}",
            "/public/..%20/x",
            "/public/%20../x",
            "/public/%20.%20/x",
        ] {
            assert!(is_ambiguous(path), "{path}");
        }
        for path in ["/", "/a.b/c", "/a%20b", "/Zo%C3%AB", "/a;x=1/b", "/100%25", "/a...b/", "/.well-known/x"]
        {
            assert!(!is_ambiguous(path), "{path}");
        }
    }

    #[test]
    fn what_some_servers_cut_off_or_fold_is_another_way_to_read_a_path() {
        for (path, bare, folded) in [
            ("/ops;a/x", "/ops/x", "/ops/x"),
            ("/;/ops/x", "/ops/x", "/ops/x"),
            ("/OPS/x", "/OPS/x", "/ops/x"),
            ("/ops./x", "/ops/x", "/ops/x"),
            ("/ops /x", "/ops/x", "/ops/x"),
            ("/ ops/x", "/ops/x", "/ops/x"),
            ("/.../ops/x", "/ops/x", "/ops/x"),
            ("/ops?/x", "/ops/x", "/ops/x"),
            ("/ops/;a", "/ops/", "/ops/"),
            ("/Ops;A=B/X.", "/Ops/X", "/ops/x"),
            ("/\u{c4}", "/\u{c4}", "/\u{e4}"),
        ] {
            let expected = Otherwise { bare: bare.into(), folded: folded.into() };
            assert_eq!(otherwise(path).as_deref(), Some(&expected), "{path}");
        }
        for path in ["/", "/ops/x", "/ops/", "/a.b/c d/.well-known/x.js", "/zo\u{eb}"] {
            assert_eq!(otherwise(path), None, "{path}");
        }
    }

    #[test]
    fn rules_read_an_encoded_letter_as_the_letter() {
        assert_eq!(canonical_path("/%61dmin").as_deref(), Some("/admin"));
        assert_eq!(canonical_path("/admin").as_deref(), Some("/admin"));
        assert_eq!(canonical_path("/%ff"), None);
    }

    #[test]
    fn our_own_prefix_is_recognised_in_every_spelling() {
        for path in ["/_vestibule", "/_vestibule/", "/_vestibule/login", "/_vestibule/../x"] {
            assert_eq!(own_path(path), OwnPath::Yes, "{path}");
        }
        for path in [
            "/_VESTIBULE/",
            "/%5fvestibule/",
            "/%255fvestibule/",
            "/x/../_vestibule/",
            "//_vestibule/",
            "/.//_vestibule",
            "/\\_vestibule\\login",
            "/_vestibule%2flogin",
            "/_vestibule;a/login",
            "/;/_vestibule/",
            "/_vestibule%00/",
            "/_vestibule./login",
            "/_vestibule%20/",
            "/_vestibule%3f/x",
            "/%252525255fvestibule/",
        ] {
            assert_eq!(own_path(path), OwnPath::Lookalike, "{path}");
        }
        for path in ["/", "/_vestibules", "/app/_vestibule/", "/vestibule", "/x?_vestibule"] {
            assert_eq!(own_path(path), OwnPath::No, "{path}");
        }
    }
}
