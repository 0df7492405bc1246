//! Addresses in an app's answers, as its visitors know them: the upstream's own address becomes the app's url, and where
//! the app's path is removed on the way in, it comes back on the way out.

use http::header::{CONTENT_LOCATION, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::{Protocol, Server, Settings, Target};
use crate::route::{AppUrl, Host, Origin, OwnPath, Scheme, own_path};

/// How one app's answers are rewritten.
pub struct Rewrite {
    /// What the servers may call themselves.
    inner: Vec<Origin>,
    outer: Origin,
    /// Removed from requests; put before the paths of answers.
    prefix: Option<Box<str>>,
}

impl Rewrite {
    pub fn new(settings: &Settings, url: &AppUrl) -> Self {
        let inner = match &settings.target {
            Target::Servers(servers) => servers.servers.iter().filter_map(own_name).collect(),
            Target::Whoami => Vec::new(),
        };
        let prefix = settings.strip_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        Self { inner, outer: url.origin.clone(), prefix: prefix.map(Into::into) }
    }

    /// Rewrites `Location`, `Content-Location` and the paths of cookies.
    pub fn apply(&self, headers: &mut HeaderMap) {
        // One walk: most answers have neither.
        let located = headers.keys().any(|name| *name == LOCATION || *name == CONTENT_LOCATION);
        for name in [LOCATION, CONTENT_LOCATION].into_iter().filter(|_| located) {
            let rewritten = headers.get(&name).and_then(|value| self.location(&letters(value)));
            if let Some(value) = rewritten.and_then(|text| value_of(&text)) {
                headers.insert(name, value);
            }
        }
        if let Some(prefix) = &self.prefix {
            for cookie in headers.iter_mut().filter(|(name, _)| **name == SET_COOKIE).map(|(_, value)| value)
            {
                let rewritten = with_path_below(&letters(cookie), prefix);
                if let Some(value) = rewritten.and_then(|text| value_of(&text)) {
                    *cookie = value;
                }
            }
        }
    }

    /// `None`: it stays as it is.
    fn location(&self, text: &str) -> Option<String> {
        let Some((scheme, authority, path)) = split(text) else { return self.below_prefix(text) };
        if self.is_inner(scheme, authority) {
            // Without a path, the upstream's own is its root.
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            let path = self.below_prefix(&path).unwrap_or(path);
            return Some(format!("{}{path}", self.outer));
        }
        let same_scheme = scheme.is_empty() || scheme.eq_ignore_ascii_case(self.outer.scheme.as_str());
        let outer = same_scheme && authority.eq_ignore_ascii_case(&self.outer.authority());
        outer.then(|| self.below_prefix(path)).flatten().map(|path| format!("{}{path}", self.outer))
    }

    /// A path with the prefix before it; `None` if there is nothing to put before, or it stands there already: an app
    /// may well know where it lives.
    fn below_prefix(&self, path: &str) -> Option<String> {
        let prefix = self.prefix.as_deref()?;
        let bare = path.split(['?', '#']).next().unwrap_or_default();
        let absolute = path.starts_with('/') && own_path(bare) == OwnPath::No;
        (absolute && !is_below(path, prefix)).then(|| format!("{prefix}{path}"))
    }

    /// By any scheme: an app that is told `X-Forwarded-Proto: https` writes https before its own address.
    fn is_inner(&self, scheme: &str, authority: &str) -> bool {
        self.inner.iter().any(|inner| names(inner, scheme, authority))
    }
}

/// A value with a letter for each byte: apps write what they like beyond ASCII, and all of it is to stay as it is.
fn letters(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// The same back again.
fn value_of(letters: &str) -> Option<HeaderValue> {
    let bytes = letters.chars().map(u8::try_from).collect::<Result<Vec<_>, _>>().ok()?;
    HeaderValue::from_bytes(&bytes).ok()
}

/// What a server calls itself; one at a socket, what `host_header: upstream` calls it.
fn own_name(server: &Server) -> Option<Origin> {
    let (scheme, host, port) = match server {
        Server::Tcp { protocol: Protocol::Https, host, port } => (Scheme::Https, host.clone(), *port),
        Server::Tcp { protocol: Protocol::Http | Protocol::H2c, host, port } => {
            (Scheme::Http, host.clone(), *port)
        }
        Server::Unix(_) => (Scheme::Http, Host::parse("localhost")?, Scheme::Http.default_port()),
    };
    Some(Origin { scheme, host, port })
}

/// Whether scheme and authority of a reference mean this server.
fn names(inner: &Origin, scheme: &str, authority: &str) -> bool {
    let scheme = match scheme {
        _ if scheme.is_empty() => inner.scheme,
        _ if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
        _ if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
        _ => return false,
    };
    // The last colon, unless it is one of an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    let plain = port.is_none() && inner.port == inner.scheme.default_port();
    Host::parse(host).is_some_and(|host| host == inner.host)
        && (plain || port.unwrap_or(scheme.default_port()) == inner.port)
}

/// Scheme (empty in `//host/path`), authority, and the rest; `None` for a reference without an authority.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = text.split_once("//")?;
    let named =
        scheme.strip_suffix(':').is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    (scheme.is_empty() || named).then(|| (scheme.trim_end_matches(':'), authority, path))
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// A `Set-Cookie` whose `Path` is below the prefix; `None` if it is so already, or has none that counts. A browser
/// refuses a `__Host-` cookie with any other path than `/`.
fn with_path_below(cookie: &str, prefix: &str) -> Option<String> {
    let mut parts = cookie.split(';');
    let pair = parts.next()?;
    if pair.trim_start().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("__Host-")) {
        return None;
    }
    let mut rewritten = pair.to_owned();
    let mut changed = false;
    for part in parts {
        rewritten.push(';');
        let path = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("path"));
        match path.map(|(name, path)| (name, path.trim())) {
            Some((name, path)) if path.starts_with('/') && !is_below(path, prefix) => {
                changed = true;
                let rest = if path == "/" { "" } else { path };
                rewritten.extend([name, "=", prefix, rest]);
            }
            _ => rewritten.push_str(part),
        }
    }
    changed.then_some(rewritten)
}

#[cfg(test)]
mod tests {
    use super::super::{Balance, Servers, TlsSettings};
    use super::*;
    use crate::upstream::{HostHeader, Limits};

    #[test]
    fn what_is_beyond_ascii_stays_as_it_is() {
        for bytes in [&b"/caf\xc3\xa9"[..], b"/caf\xe9\xff"] {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            assert_eq!(value_of(&letters(&value)).unwrap().as_bytes(), bytes);
        }
        let cookie = HeaderValue::from_bytes(b"a=caf\xe9; Path=/").unwrap();
        let below = with_path_below(&letters(&cookie), "/wiki").and_then(|text| value_of(&text)).unwrap();
        assert_eq!(below.as_bytes(), b"a=caf\xe9; Path=/wiki");
    }

    fn rewrite(target: Target, strip_prefix: Option<&str>) -> Rewrite {
        let host = Host::parse("intranet.example.com").expect("a host");
        let origin = Origin { scheme: Scheme::Https, host, port: 443 };
        let settings = Settings {
            target,
            host_header: HostHeader::Preserve,
            strip_prefix: strip_prefix.map(str::to_owned),
            allow_headers: Vec::new(),
            limits: Limits::default(),
        };
        Rewrite::new(&settings, &AppUrl { origin, path: "/wiki".into() })
    }

    fn tcp(host: &str, port: u16) -> Target {
        of(Server::Tcp { protocol: Protocol::Http, host: Host::parse(host).expect("a host"), port })
    }

    fn of(server: Server) -> Target {
        let (tls, health) = (TlsSettings::default(), None);
        Target::Servers(Servers { servers: vec![server], balance: Balance::LeastRequests, tls, health })
    }

    /// What a visitor sees of a header.
    fn seen(rewrite: &Rewrite, name: http::HeaderName, value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name.clone(), HeaderValue::from_str(value).expect("a value"));
        rewrite.apply(&mut headers);
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn an_upstream_that_names_its_inner_address_means_the_apps() {
        let plain = rewrite(tcp("10.0.0.5", 3000), None);
        for (location, expected) in [
            ("http://10.0.0.5:3000/wiki/a?b#c", "https://intranet.example.com/wiki/a?b#c"),
            ("https://10.0.0.5:3000", "https://intranet.example.com/"),
            ("HTTP://10.0.0.5:3000?x", "https://intranet.example.com/?x"),
            ("//10.0.0.5:3000/a", "https://intranet.example.com/a"),
            ("http://10.0.0.5/a", "http://10.0.0.5/a"),
            ("http://10.0.0.5:3001/a", "http://10.0.0.5:3001/a"),
            ("http://10.0.0.5:3000@evil.example/a", "http://10.0.0.5:3000@evil.example/a"),
            ("http://10.0.0.5:3000\\@evil.example/a", "https://intranet.example.com/\\@evil.example/a"),
            ("ftp://10.0.0.5:3000/a", "ftp://10.0.0.5:3000/a"),
            (
                "https://other.example.com/?to=//10.0.0.5:3000/",
                "https://other.example.com/?to=//10.0.0.5:3000/",
            ),
            ("/login?to=//10.0.0.5:3000/", "/login?to=//10.0.0.5:3000/"),
            ("/a//b", "/a//b"),
            ("login", "login"),
            ("", ""),
        ] {
            assert_eq!(seen(&plain, LOCATION, location), expected);
        }
        let usual = rewrite(tcp("app.internal", 80), None);
        assert_eq!(seen(&usual, LOCATION, "https://APP.internal/a"), "https://intranet.example.com/a");
        assert_eq!(
            seen(&usual, CONTENT_LOCATION, "http://app.internal:80/a"),
            "https://intranet.example.com/a"
        );
        let unix = rewrite(of(Server::Unix("/run/app.sock".into())), None);
        assert_eq!(seen(&unix, LOCATION, "http://localhost/a"), "https://intranet.example.com/a");
        let six = rewrite(tcp("[::1]", 80), None);
        assert_eq!(seen(&six, LOCATION, "http://[::1]/a"), "https://intranet.example.com/a");
    }

    #[test]
    fn the_prefix_that_was_removed_comes_back() {
        let stripped = rewrite(tcp("10.0.0.5", 3000), Some("/wiki"));
        for (location, expected) in [
            ("/login?a=/b", "/wiki/login?a=/b"),
            ("/", "/wiki/"),
            ("/wikipedia", "/wiki/wikipedia"),
            ("/a//b", "/wiki/a//b"),
            ("/a://b", "/wiki/a://b"),
            ("/login?to=/_vestibule/", "/wiki/login?to=/_vestibule/"),
            ("http://10.0.0.5:3000/login", "https://intranet.example.com/wiki/login"),
            ("http://10.0.0.5:3000", "https://intranet.example.com/wiki/"),
            ("https://intranet.example.com/login", "https://intranet.example.com/wiki/login"),
            // An app that knows where it lives.
            ("/wiki", "/wiki"),
            ("/wiki?a", "/wiki?a"),
            ("/wiki/login", "/wiki/login"),
            ("https://intranet.example.com/wiki/a", "https://intranet.example.com/wiki/a"),
            ("http://10.0.0.5:3000/wiki/a", "https://intranet.example.com/wiki/a"),
            // Pages of the gateway, places of others, and what is relative.
            ("/_vestibule/logout", "/_vestibule/logout"),
            ("https://other.example.com/login", "https://other.example.com/login"),
            ("http://intranet.example.com/login", "http://intranet.example.com/login"),
            ("//other.example.com/login", "//other.example.com/login"),
            ("login", "login"),
            ("?page=2", "?page=2"),
            ("../up", "../up"),
        ] {
            assert_eq!(seen(&stripped, LOCATION, location), expected, "{location}");
        }
    }

    #[test]
    fn cookies_of_a_stripped_app_are_for_its_path() {
        let stripped = rewrite(tcp("10.0.0.5", 3000), Some("/wiki"));
        for (cookie, expected) in [
            ("a=b; Path=/; HttpOnly", "a=b; Path=/wiki; HttpOnly"),
            ("a=b;path = /admin", "a=b;path =/wiki/admin"),
            ("a=b; Path=/wiki/x", "a=b; Path=/wiki/x"),
            ("a=b; Path=/wikis", "a=b; Path=/wiki/wikis"),
            ("a=b; Secure", "a=b; Secure"),
            ("a=b; Path=", "a=b; Path="),
            ("path=/x", "path=/x"),
            ("__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"),
        ] {
            assert_eq!(seen(&stripped, SET_COOKIE, cookie), expected, "{cookie}");
        }
        let whole = rewrite(tcp("10.0.0.5", 3000), None);
        assert_eq!(seen(&whole, SET_COOKIE, "a=b; Path=/"), "a=b; Path=/");
    }
}
