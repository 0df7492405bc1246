//! Who is on the other end: the client's address, its scheme and the id of the request, settled once.
//!
//! Nobody is believed but a peer in `trusted_proxies`. An address that cannot be read never makes a client nameless:
//! the walk stops at the last good one, so that limits keyed by address always apply. Start from [`Client::settle`].

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::route::Scheme;
use crate::secret;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 128;

#[derive(Clone, Debug)]
pub struct Client {
    /// The visitor's, as far as trusted proxies tell it. IPv4 is never written as IPv6.
    pub address: IpAddr,
    /// The same in text.
    pub written: HeaderValue,
    /// The scheme that the visitor used, if a trusted proxy says so.
    pub scheme: Option<Scheme>,
    /// What `X-Forwarded-For` to send on: the trusted proxy's chain with the peer added.
    pub forwarded_for: HeaderValue,
    /// Visible ASCII.
    pub request_id: HeaderValue,
}

impl Client {
    /// `peer` is the other end of the socket, also as text. A unix socket's counts as 127.0.0.1: a process on this
    /// machine, believed if `trusted` says that such are.
    pub fn settle((peer, written): (IpAddr, &HeaderValue), headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        if !is_trusted(peer, trusted) {
            return Self {
                address: peer,
                written: written.clone(),
                scheme: None,
                forwarded_for: written.clone(),
                request_id: new_request_id(),
            };
        }
        let chain = chain(headers);
        // From the nearest on: the first that is not one of our proxies is the visitor.
        let stranger = chain.iter().find(|address| !is_trusted(**address, trusted));
        let forwarded_for =
            chain.iter().rev().chain([&peer]).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let address = stranger.or(chain.last()).copied().unwrap_or(peer);
        Self {
            address,
            written: in_text(&address.to_string()),
            scheme: scheme(headers),
            forwarded_for: in_text(&forwarded_for),
            request_id: kept_request_id(headers).unwrap_or_else(new_request_id),
        }
    }

    pub fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

/// Addresses and what separates them, which a header can hold.
fn in_text(addresses: &str) -> HeaderValue {
    HeaderValue::from_str(addresses).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The addresses of all `X-Forwarded-For` lines from the nearest on, up to the first that cannot be read.
fn chain(headers: &HeaderMap) -> Vec<IpAddr> {
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    lines
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        .map_while(|hop| address(std::str::from_utf8(hop).ok()?.trim()))
        .collect()
}

/// `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
    Some(address.to_canonical())
}

/// What the nearest proxy says, which stands last. Anything but `http` and `https` says nothing.
fn scheme(headers: &HeaderMap) -> Option<Scheme> {
    let line = headers.get_all(FORWARDED_PROTO).iter().next_back()?;
    let last = line.to_str().ok()?.rsplit(',').next()?.trim();
    if last.eq_ignore_ascii_case("https") {
        Some(Scheme::Https)
    } else if last.eq_ignore_ascii_case("http") {
        Some(Scheme::Http)
    } else {
        None
    }
}

fn kept_request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(REQUEST_ID).iter();
    let id = lines.next()?;
    let sane = (1..=LONGEST_REQUEST_ID).contains(&id.len())
        && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (sane && lines.next().is_none()).then(|| id.clone())
}

/// 128 random bits in hexadecimal. Each thread draws the bits for many at once.
fn new_request_id() -> HeaderValue {
    thread_local! {
        static STOCK: RefCell<Bytes> = const { RefCell::new(Bytes::new()) };
    }
    let id = STOCK.with_borrow_mut(|stock| {
        if stock.is_empty() {
            *stock = many_request_ids();
        }
        stock.split_to(REQUEST_ID_DIGITS.min(stock.len()))
    });
    HeaderValue::from_maybe_shared(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

const REQUEST_ID_DIGITS: usize = 32;

fn many_request_ids() -> Bytes {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let random = secret::random::<{ 64 * REQUEST_ID_DIGITS / 2 }>();
    random.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(peer: &str, lines: &[(&'static str, &str)]) -> Client {
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let trusted = ["10.0.0.0/8", "127.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let peer = peer.parse::<IpAddr>().unwrap().to_canonical();
        Client::settle((peer, &in_text(&peer.to_string())), &headers, &trusted)
    }

    #[test]
    fn a_stranger_is_believed_nothing() {
        let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-request-id", "id")];
        let client = settle("192.0.2.7", &lines);
        assert_eq!(client.address.to_string(), "192.0.2.7");
        assert_eq!(client.forwarded_for, "192.0.2.7");
        assert_eq!(client.scheme, None);
        assert_ne!(client.request_id(), "id");
    }

    #[test]
    fn the_first_untrusted_address_from_the_right_is_the_visitor() {
        let check = |lines: &[&str], address: &str, chain: &str| {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            let client = settle("::ffff:10.0.0.2", &lines);
            assert_eq!(
                (client.written.to_str().unwrap(), client.forwarded_for.to_str().unwrap()),
                (address, chain)
            );
            assert_eq!(client.address.to_string(), address);
        };
        check(&[], "10.0.0.2", "10.0.0.2");
        check(&["1.2.3.4"], "1.2.3.4", "1.2.3.4, 10.0.0.2");
        check(&["6.6.6.6, 1.2.3.4 ,10.9.9.9"], "1.2.3.4", "6.6.6.6, 1.2.3.4, 10.9.9.9, 10.0.0.2");
        check(&["6.6.6.6", "1.2.3.4"], "1.2.3.4", "6.6.6.6, 1.2.3.4, 10.0.0.2");
        check(&["::ffff:1.2.3.4"], "1.2.3.4", "1.2.3.4, 10.0.0.2");
        check(&["[2001:db8::1]:80"], "2001:db8::1", "2001:db8::1, 10.0.0.2");
        check(&["[2001:db8::1]"], "2001:db8::1", "2001:db8::1, 10.0.0.2");
        check(&["1.2.3.4:5678"], "1.2.3.4", "1.2.3.4, 10.0.0.2");
        check(&["10.0.0.3, 10.0.0.4"], "10.0.0.3", "10.0.0.3, 10.0.0.4, 10.0.0.2");
        // What cannot be read ends the walk at the last good address.
        check(&["a"], "10.0.0.2", "10.0.0.2");
        check(&[","], "10.0.0.2", "10.0.0.2");
        check(&["127.0.0.1, evil"], "10.0.0.2", "10.0.0.2");
        check(&["6.6.6.6, evil, 10.0.0.4"], "10.0.0.4", "10.0.0.4, 10.0.0.2");
        check(&["6.6.6.6, unknown, 1.2.3.4"], "1.2.3.4", "1.2.3.4, 10.0.0.2");
        let many = vec!["1.2.3.4"; 10_000].join(", ");
        check(&[&many], "1.2.3.4", &format!("{many}, 10.0.0.2"));
    }

    #[test]
    fn the_nearest_proxys_scheme_counts() {
        let check = |value: &str, expected: Option<Scheme>| {
            assert_eq!(settle("10.0.0.2", &[("x-forwarded-proto", value)]).scheme, expected, "{value}");
        };
        check("https", Some(Scheme::Https));
        check("HTTP", Some(Scheme::Http));
        check("https, http", Some(Scheme::Http));
        check("http,https", Some(Scheme::Https));
        check("wss", None);
        check("", None);
    }

    #[test]
    fn a_sane_request_id_is_kept_and_any_other_made_anew() {
        let sent = |id: &str| settle("10.0.0.2", &[("x-request-id", id)]).request_id().to_owned();
        assert_eq!(sent("Abc-123_x"), "Abc-123_x");
        for odd in ["", "a b", "a;b", "a\u{e4}", &"x".repeat(129)] {
            let made = sent(odd);
            assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{odd}: {made}");
        }
        assert_ne!(sent(""), sent(""));
        let two = [("x-request-id", "one"), ("x-request-id", "two")];
        assert_eq!(settle("10.0.0.2", &two).request_id().len(), 32);
    }
}
