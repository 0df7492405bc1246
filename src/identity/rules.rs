//! What an app's `headers` change in a request or an answer. Identity, framing and forwarding are out of their reach:
//! [`is_ours`] says which names the configuration refuses, and requests are stamped afterwards.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{StripList, hygiene, strip};

/// Of requests and answers alike, besides the hop-by-hop fields.
const FRAMING: [&str; 4] = ["content-length", "host", "trailer", "x-request-id"];

/// Of requests alone: said of every one by us.
const SAID: [&str; 5] =
    ["expect", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"];

/// Which headers are set, whatever they were, and which removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderRules {
    pub set: Vec<(HeaderName, HeaderValue)>,
    pub remove: Vec<HeaderName>,
}

/// An app's `headers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    pub request: HeaderRules,
    pub response: HeaderRules,
}

impl HeaderRules {
    pub fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}

/// Whether a header, in any spelling that a CGI or WSGI server would read as the same, is not for rules to change.
pub fn is_ours(name: &HeaderName, of_request: bool, strip: &StripList) -> bool {
    let folded = strip::fold(name.as_str());
    let folded = folded.as_ref();
    strip.is_identity(name)
        || hygiene::is_hop_by_hop(folded)
        || FRAMING.contains(&folded)
        || (of_request && SAID.contains(&folded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Encoding, Field, Settings};

    #[test]
    fn rules_replace_and_remove() {
        let name = HeaderName::from_static;
        let rules = HeaderRules {
            set: vec![(name("x-env"), HeaderValue::from_static("prod"))],
            remove: vec![name("server")],
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-env", "a"), ("x-env", "b"), ("server", "x"), ("server", "y"), ("age", "1")]
        {
            headers.append(name, HeaderValue::from_static(value));
        }
        rules.apply(&mut headers);
        let left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(left.len(), 2);
        assert!(left.contains(&("x-env", b"prod")) && left.contains(&("age", b"1")), "{left:?}");
    }

    #[test]
    fn what_says_who_is_there_and_where_a_message_ends_is_ours() {
        let identity = vec![(HeaderName::from_static("x-webauth-user"), Field::Username)];
        let strip = StripList::new([&Settings { headers: identity, encoding: Encoding::Utf8 }]);
        let ours = |name, of_request| is_ours(&HeaderName::from_static(name), of_request, &strip);
        for name in ["x-webauth-user", "x_webauth_user", "connection", "content_length", "host", "te"] {
            assert!(ours(name, true) && ours(name, false), "{name}");
        }
        assert!(ours("x-forwarded-proto", true) && !ours("x-forwarded-proto", false));
        for name in ["x-forwarded-prefix", "authorization", "x-webauth-role", "server", "cache-control"] {
            assert!(!ours(name, true) && !ours(name, false), "{name}");
        }
    }
}
