//! Where a visitor may be sent after a sign-in: the only guard against open redirects.

use url::Url;

use super::origin::{Host, Origin, Scheme};
use super::path::{OWN_PREFIX, OwnPath, canonical_path, own_path};
use super::table::{Route, Routes};

/// Longer addresses are not carried through a sign-in.
const LONGEST: usize = 4096;

/// An address that is known to lead to a configured app, or to one of our own pages behind the sign-in on the host that
/// asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl {
    /// Re-serialised from its parts; never the text that was sent.
    pub url: String,
    pub origin: Origin,
    /// Canonical, as rules read it.
    pub path: String,
    pub app: Option<usize>,
}

impl ReturnUrl {
    /// Reads `rd`: an absolute URL of a configured app, or a path on the host `here`. `None` for anything else.
    /// Parsed as browsers do (WHATWG URL), so that both mean the same address.
    pub fn parse(text: &str, here: &Origin, routes: &Routes) -> Option<Self> {
        if text.len() > LONGEST || text.bytes().any(|byte| byte <= b' ' || byte == b'\\' || byte == 0x7f) {
            return None;
        }
        let url = if text.starts_with('/') {
            if text.starts_with("//") {
                return None;
            }
            Url::parse(&here.to_string()).ok()?.join(text).ok()?
        } else if text.starts_with("https://") || text.starts_with("http://") {
            Url::parse(text).ok()?
        } else {
            return None;
        };
        let origin = origin_of(&url)?;
        let path = canonical_path(url.path())?.into_owned();
        let app = match (own_path(url.path()), routes.find_at(&origin, &path)) {
            (OwnPath::No, Route::App(index)) => Some(index),
            (OwnPath::Yes, Route::App(_) | Route::Portal | Route::NoApp)
                if origin == *here && is_behind_the_sign_in(&path) =>
            {
                None
            }
            _ => return None,
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{origin}{}{query}", url.path());
        Some(Self { url, origin, path, app })
    }
}

/// Which of our own pages somebody may have wanted to open: the list of apps, the account, the administration.
fn is_behind_the_sign_in(path: &str) -> bool {
    let Some(name) = path.strip_prefix(OWN_PREFIX).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    name.is_empty() || matches!(name.split('/').next(), Some("account" | "admin"))
}

fn origin_of(url: &Url) -> Option<Origin> {
    let scheme = match url.scheme() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return None,
    };
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    Some(Origin { scheme, host: Host::parse(url.host_str()?)?, port: url.port_or_known_default()? })
}

#[cfg(test)]
mod tests {
    use super::super::origin::AppUrl;
    use super::*;

    fn origin(scheme: Scheme, host: &str, port: u16) -> Origin {
        Origin { scheme, host: Host::parse(host).unwrap(), port }
    }

    fn parse(text: &str) -> Option<String> {
        let app = AppUrl { origin: origin(Scheme::Https, "app.example.com", 443), path: "".into() };
        let wiki = AppUrl { origin: origin(Scheme::Https, "wiki.example.com", 8443), path: "/w".into() };
        let here = origin(Scheme::Https, "auth.example.com", 443);
        let routes = Routes::new([&app, &wiki], Some(&here));
        ReturnUrl::parse(text, &here, &routes).map(|found| found.url)
    }

    #[test]
    fn addresses_of_configured_apps_pass() {
        assert_eq!(parse("https://app.example.com").as_deref(), Some("https://app.example.com/"));
        assert_eq!(
            parse("https://APP.example.com:443/a%20b?c=d#e").as_deref(),
            Some("https://app.example.com/a%20b?c=d")
        );
        assert_eq!(
            parse("https://wiki.example.com:8443/w/x").as_deref(),
            Some("https://wiki.example.com:8443/w/x")
        );
        assert_eq!(parse("/_vestibule/").as_deref(), Some("https://auth.example.com/_vestibule/"));
    }

    #[test]
    fn nothing_else_does() {
        for text in [
            "",
            "/",
            "/x",
            "//evil",
            "///evil",
            "/\\evil",
            "\\/\\/evil",
            "/\t/evil",
            "/.//evil",
            "https:evil",
            "https:/evil",
            "https:///evil",
            "https:app.example.com",
            "https:/app.example.com",
            "https://app.example.com@evil",
            "https://app:pw@app.example.com",
            "https://a@app.example.com/",
            "https://app.example.com.evil",
            "https://appXexample.com",
            "https://evil#app.example.com",
            "https://evil?app.example.com",
            "https://app.example.com%00.evil",
            "https://evil%E3%80%82com",
            "http://app.example.com/",
            "https://app.example.com:444/",
            "https://wiki.example.com:8443/",
            "https://wiki.example.com/w",
            "javascript:alert(1)",
            "data:text/html,x",
            "//0xd8.0x3ad",
            " https://app.example.com",
            "https://app.example.com/\n",
            "https://app.example.com\\@evil",
            "https://app.example.com/_vestibule/logout",
            "https://app.example.com/_vestibule/",
            "/_vestibule/login",
            "/_vestibule/logout",
            "https://auth.example.com/",
            "ftp://app.example.com/",
            "HTTPS://app.example.com/",
            "app.example.com",
            "https://app.example.com/_VESTIBULE/x",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
