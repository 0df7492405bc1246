//! Which request headers a visitor may not send: identity headers of every app, what proxies tell each other, and
//! names that some server would fold to one of these.
//!
//! CGI and WSGI servers turn every character but letters and digits into `_`, so `Remote_User` and `Remote.User` arrive
//! as `Remote-User`. Names are compared in one folded spelling, and odd names are not let through at all.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use super::Settings;

/// Removed whatever the configuration says. Lower case.
const ALWAYS: [&str; 34] = [
    "cf-connecting-ip",
    "client-ip",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "front-end-https",
    "proxy",
    "proxy-client-ip",
    "remote-addr",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "true-client-ip",
    "wl-proxy-client-ip",
    "x-azure-clientip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forward-for",
    "x-forwarded",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-request-id",
    "x-scheme",
    "x-url-scheme",
];

/// Removed with whatever follows.
const FAMILIES: [&str; 12] = [
    "ssl-client-",
    "x-accel-",
    "x-auth-request-",
    "x-authentik-",
    "x-client-cert",
    "x-envoy-",
    "x-forwarded-",
    "x-rewrite-",
    "x-sendfile",
    "x-ssl-",
    "x-vestibule-",
    "x-webauth-",
];

/// Odd spellings of these are never let through, even if an app lists them: framing, and what we set or read ourselves.
const NEVER_ODD: [&str; 9] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The folded names that no visitor may send. Made once, of all apps' settings; cheap to clone.
#[derive(Clone, Debug)]
pub struct StripList(Arc<Names>);

#[derive(Debug)]
struct Names {
    /// Sorted.
    identity: Vec<Box<str>>,
    /// Lengths of the exact names by their first byte, as bits: rules out nearly every header at one look.
    lengths: [u64; 256],
}

impl StripList {
    pub fn new<'a>(apps: impl IntoIterator<Item = &'a Settings>) -> Self {
        let mut identity: Vec<Box<str>> = apps
            .into_iter()
            .flat_map(|settings| &settings.headers)
            .map(|(name, _)| fold(name.as_str()))
            .collect();
        identity.sort();
        identity.dedup();
        let mut lengths = [0_u64; 256];
        for name in identity.iter().map(AsRef::as_ref).chain(ALWAYS) {
            if let Some(bits) = name.bytes().next().and_then(|first| lengths.get_mut(usize::from(first))) {
                *bits |= length_bit(name);
            }
        }
        Self(Arc::new(Names { identity, lengths }))
    }

    /// Removes everything that a visitor may not send. `allowed` are the odd names that the app wants nevertheless.
    pub fn apply(&self, headers: &mut HeaderMap, allowed: &[HeaderName]) {
        let found: Vec<HeaderName> =
            headers.keys().filter(|name| self.removes(name, allowed)).cloned().collect();
        for name in found {
            headers.remove(name);
        }
    }

    /// Whether a name is an identity header of any app, in any spelling.
    pub fn is_identity(&self, name: &HeaderName) -> bool {
        let name = name.as_str();
        // Folding changes neither a name's length nor a letter at its beginning.
        let begins_plainly = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        if begins_plainly && !self.may_have(name) {
            return false;
        }
        if is_plain(name) { self.has_identity(name) } else { self.has_identity(&fold(name)) }
    }

    /// Whether a visitor may not send this.
    pub(super) fn removes(&self, name: &HeaderName, allowed: &[HeaderName]) -> bool {
        let text = name.as_str();
        if is_plain(text) {
            return self.removes_folded(text);
        }
        let folded = fold(text);
        !allowed.contains(name) || self.removes_folded(&folded) || NEVER_ODD.contains(&folded.as_ref())
    }

    fn removes_folded(&self, name: &str) -> bool {
        let family = matches!(name.as_bytes().first(), Some(b'x' | b's'))
            && FAMILIES.iter().any(|family| name.starts_with(family));
        family || (self.may_have(name) && (ALWAYS.contains(&name) || self.has_identity(name)))
    }

    fn may_have(&self, name: &str) -> bool {
        let bits = name.bytes().next().and_then(|first| self.0.lengths.get(usize::from(first)));
        bits.is_some_and(|bits| bits & length_bit(name) != 0)
    }

    fn has_identity(&self, name: &str) -> bool {
        self.0.identity.binary_search_by(|known| known.as_ref().cmp(name)).is_ok()
    }
}

/// Lower case, and `-` for whatever is neither letter nor digit.
pub(super) fn fold(name: &str) -> Box<str> {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect()
}

/// `name` is lower case, as header names are.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Names of 64 characters and more share the last bit.
fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::identity::{Encoding, Field};

    fn list() -> StripList {
        let headers = ["remote-user", "x-webauth-user", "x-phone-number"]
            .map(|name| (HeaderName::from_static(name), Field::Username))
            .to_vec();
        StripList::new([&Settings { headers, encoding: Encoding::Utf8 }])
    }

    fn survives(name: &str, allowed: &[HeaderName]) -> bool {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return false };
        let mut headers = HeaderMap::from_iter([(name, HeaderValue::from_static("evil"))]);
        list().apply(&mut headers, allowed);
        !headers.is_empty()
    }

    #[test]
    fn ordinary_headers_pass() {
        for name in "accept accept-language authorization cache-control cookie content-type dnt if-none-match \
            origin priority range referer remote-users sec-fetch-mode sec-websocket-key sentry-trace traceparent \
            user-agent x-api-key x-csrftoken x-phone x-phone-numbers x-requested-with"
            .split_whitespace()
        {
            assert!(survives(name, &[]), "{name}");
        }
    }

    #[test]
    fn an_odd_name_passes_only_if_the_app_lists_it() {
        let listed = ["x_odd", "x.phone.number", "transfer_encoding", "host_"].map(HeaderName::from_static);
        assert!(survives("X_Odd", &listed));
        assert!(!survives("X_Odd", &[]));
        assert!(!survives("x.odd", &listed));
        assert!(!survives("x.phone.number", &listed));
        assert!(!survives("transfer_encoding", &listed));
    }

    #[test]
    fn an_identity_header_is_known_in_every_spelling() {
        let known = |name| list().is_identity(&HeaderName::from_static(name));
        assert!(known("x-phone-number") && known("x_phone.number"));
        assert!(!known("x-phone") && !known("x-forwarded-for"));
    }

    proptest! {
        #[test]
        fn nothing_that_folds_to_a_stripped_name_survives(
            which in 0_usize..64,
            separators in proptest::collection::vec("[-_.~!'^|+*#$%&`]", 5),
            upper in any::<u32>(),
            listed in any::<bool>(),
        ) {
            let mut names = vec!["remote-user", "x-webauth-user", "x-phone-number", "x-forwarded-for", "x-ssl-cert"];
            names.extend(ALWAYS);
            let name = names[which % names.len()];
            let mut separators = separators.iter();
            let spelt: String = name
                .chars()
                .enumerate()
                .map(|(place, letter)| match letter {
                    '-' => separators.next().map_or_else(|| "-".to_owned(), Clone::clone),
                    letter if upper >> (place % 32) & 1 == 1 => letter.to_ascii_uppercase().to_string(),
                    letter => letter.to_string(),
                })
                .collect();
            let allowed: Vec<_> =
                listed.then(|| HeaderName::from_bytes(spelt.as_bytes()).unwrap()).into_iter().collect();
            prop_assert!(!survives(&spelt, &allowed), "{}", spelt);
        }

        #[test]
        fn no_odd_name_survives(name in "[a-z]{1,8}[_.~!'^|+*#$%&`][a-z]{0,8}") {
            prop_assert!(!survives(&name, &[]));
        }
    }
}
