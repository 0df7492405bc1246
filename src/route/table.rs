//! The routing table: which app a host and path belong to.

use std::collections::HashMap;

use super::origin::{AppUrl, Host, Origin};

/// Where a request goes by its host and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Index of the app in the configuration's order.
    App(usize),
    /// The host where people sign in.
    Portal,
    /// The host is known, but no app has this path.
    NoApp,
    /// No app has this host.
    Unknown,
}

/// Built once for a configuration; looked up for every request.
#[derive(Debug, Default)]
pub struct Routes {
    sites: HashMap<Box<str>, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    origin: Origin,
    path: Box<str>,
    target: Target,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    App(usize),
    Portal,
}

impl Routes {
    pub fn new<'a>(apps: impl IntoIterator<Item = &'a AppUrl>, portal: Option<&Origin>) -> Self {
        let mut routes = Self::default();
        for (index, url) in apps.into_iter().enumerate() {
            routes.add(&url.origin, &url.path, Target::App(index));
        }
        if let Some(origin) = portal {
            routes.add(origin, "", Target::Portal);
        }
        for site in routes.sites.values_mut() {
            site.sort_by_key(|entry| std::cmp::Reverse(entry.path.len()));
        }
        routes
    }

    fn add(&mut self, origin: &Origin, path: &str, target: Target) {
        let entry = Entry { origin: origin.clone(), path: path.into(), target };
        self.sites.entry(origin.host.as_str().into()).or_default().push(entry);
    }

    /// Of several apps on one host the longest path that matches at a segment's end. `port` is the one that the
    /// visitor named; a request that names none, or one of the two default ones, is for a default port.
    pub fn find(&self, host: &Host, port: Option<u16>, path: &str) -> Route {
        self.at(host, port).map_or(Route::Unknown, |place| place.find(path))
    }

    /// What is configured for this host and port, if anything is.
    pub fn at(&self, host: &Host, port: Option<u16>) -> Option<Place<'_>> {
        let entries = self.sites.get(host.as_str())?;
        let origin = &entries.iter().find(|entry| entry.answers_to(port))?.origin;
        Some(Place { entries, port, origin })
    }

    /// The same for an address that names its scheme and port.
    pub fn find_at(&self, origin: &Origin, path: &str) -> Route {
        let here = |entry: &&Entry| entry.origin == *origin;
        longest(self.site(&origin.host).filter(here), path)
    }

    /// The same for a host name on any port, for listeners that only redirect.
    pub fn origin_by_name(&self, host: &Host) -> Option<&Origin> {
        self.site(host).next().map(|entry| &entry.origin)
    }

    /// Whether apps share this host, so that the path decides between them.
    pub fn by_path(&self, host: &Host) -> bool {
        self.sites.get(host.as_str()).is_some_and(|site| site.iter().any(|entry| !entry.path.is_empty()))
    }

    fn site(&self, host: &Host) -> impl Iterator<Item = &Entry> {
        self.sites.get(host.as_str()).map(Vec::as_slice).unwrap_or_default().iter()
    }
}

/// The apps of one host and port.
pub struct Place<'a> {
    entries: &'a [Entry],
    port: Option<u16>,
    /// The configured one; where the apps here differ in scheme, the first one's.
    pub origin: &'a Origin,
}

impl Place<'_> {
    /// Of several apps the longest path that matches at a segment's end.
    pub fn find(&self, path: &str) -> Route {
        longest(self.entries.iter().filter(|entry| entry.answers_to(self.port)), path)
    }
}

impl Entry {
    fn answers_to(&self, port: Option<u16>) -> bool {
        let Origin { scheme, port: mine, .. } = &self.origin;
        port == Some(*mine) || (matches!(port, None | Some(80 | 443)) && *mine == scheme.default_port())
    }
}

/// The first of these entries, longest path first, that the path lies below.
fn longest<'a>(entries: impl Iterator<Item = &'a Entry>, path: &str) -> Route {
    let mut found = Route::Unknown;
    for entry in entries {
        if below(&entry.path, path) {
            return match entry.target {
                Target::App(index) => Route::App(index),
                Target::Portal => Route::Portal,
            };
        }
        found = Route::NoApp;
    }
    found
}

/// Whether `path` is `prefix` or lies below it.
fn below(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::origin::Scheme;
    use super::*;

    fn url(scheme: Scheme, host: &str, port: u16, path: &str) -> AppUrl {
        AppUrl { origin: Origin { scheme, host: Host::parse(host).unwrap(), port }, path: path.into() }
    }

    #[test]
    fn the_longest_path_at_a_segments_end_takes_the_request() {
        let apps = [
            url(Scheme::Https, "one.example.com", 443, ""),
            url(Scheme::Https, "one.example.com", 443, "/wiki"),
            url(Scheme::Https, "two.example.com", 443, "/a"),
            url(Scheme::Https, "two.example.com", 8443, ""),
            url(Scheme::Http, "localhost", 8080, ""),
        ];
        let portal = url(Scheme::Https, "auth.example.com", 443, "").origin;
        let routes = Routes::new(&apps, Some(&portal));
        let check = |host: &str, port: Option<u16>, path: &str, expected: Route| {
            let host = Host::parse(host).unwrap();
            assert_eq!(routes.find(&host, port, path), expected, "{host} {port:?} {path}");
        };
        check("one.example.com", None, "/", Route::App(0));
        check("ONE.example.com.", Some(443), "/wiki", Route::App(1));
        check("one.example.com", Some(80), "/wiki/x", Route::App(1));
        check("one.example.com", None, "/wikis", Route::App(0));
        check("one.example.com", Some(8443), "/", Route::Unknown);
        check("two.example.com", None, "/b", Route::NoApp);
        check("two.example.com", Some(8443), "/b", Route::App(3));
        check("localhost", Some(8080), "/", Route::App(4));
        check("localhost", None, "/", Route::Unknown);
        check("auth.example.com", None, "/x", Route::Portal);
        check("evil.example.com", None, "/", Route::Unknown);
    }
}
