//! Where a hand-over begins: an app's host sends a browser to the sign-in. Start from [`ToSignIn`].

use form_urlencoded::Serializer;
use http::{Response, StatusCode};

use super::reply;
use crate::body::Body;
use crate::cookies::{self, Own};
use crate::flow::hand_over;
use crate::route::{Origin, Scheme};

/// The way from a host to the pages of the sign-in.
pub struct ToSignIn<'a> {
    /// Where the pages live.
    pub pages: &'a Origin,
    /// The host that was asked.
    pub origin: &'a Origin,
    /// The nonce that the browser holds already; where one is needed, a browser without is given one.
    pub nonce: Option<&'a str>,
}

impl ToSignIn<'_> {
    /// `page` is `login` or `step-up`; `query` is what it is told besides the nonce.
    pub fn redirect(&self, page: &str, mut query: Serializer<'static, String>) -> Response<Body> {
        let Self { pages, origin, nonce } = *self;
        // Another host's pages: the ticket that comes back is bound to this browser by a nonce.
        let mut fresh = None;
        if pages != origin {
            let nonce = match nonce {
                Some(nonce) => nonce,
                None => fresh.insert(hand_over::nonce()),
            };
            query.append_pair("nonce", &hand_over::nonce_hash(nonce));
        }
        let location = format!("{pages}/_vestibule/{page}?{}", query.finish());
        let mut response = reply::redirect(StatusCode::FOUND, &location);
        if let Some(nonce) = fresh {
            let secure = origin.scheme == Scheme::Https;
            let cookie = cookies::set(Own::Enter, secure, &nonce, Some(hand_over::NONCE_KEPT));
            reply::add_cookie(&mut response, cookie);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http::header::{LOCATION, SET_COOKIE};

    use super::*;
    use crate::route::Host;

    fn origin(host: &str) -> Origin {
        Origin { scheme: Scheme::Https, host: Host::parse(host).unwrap(), port: 443 }
    }

    /// Where the browser is sent, and the nonce it is given.
    fn sent(pages: &str, nonce: Option<&str>) -> (String, Option<String>) {
        let (pages, origin) = (origin(pages), origin("app.example.com"));
        let mut query = Serializer::new(String::new());
        query.append_pair("rd", "/x");
        let response = ToSignIn { pages: &pages, origin: &origin, nonce }.redirect("login", query);
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let given = header(SET_COOKIE).map(|line| {
            let pair = line.split(';').next().unwrap().to_owned();
            pair.strip_prefix("__Host-vestibule-enter=").expect("the nonce").to_owned()
        });
        (header(LOCATION).unwrap(), given)
    }

    #[test]
    fn another_hosts_pages_are_told_the_hash_of_the_nonce_that_the_browser_holds_or_is_given() {
        let to = |nonce| {
            let hash = hand_over::nonce_hash(nonce);
            format!("https://auth.example.com/_vestibule/login?rd=%2Fx&nonce={hash}")
        };
        assert_eq!(sent("auth.example.com", Some("held.1.2")), (to("held"), None));
        let (location, given) = sent("auth.example.com", None);
        assert_eq!(location, to(&given.expect("a nonce")));
    }

    #[test]
    fn pages_on_the_same_host_need_no_nonce() {
        let location = "https://app.example.com/_vestibule/login?rd=%2Fx".to_owned();
        assert_eq!(sent("app.example.com", None), (location, None));
    }
}
