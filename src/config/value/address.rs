//! Addresses: hosts, networks, sockets, URLs, and those of people.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use super::super::fields::wrong;
use super::super::problem::Report;
use super::super::source::{Kind, Node};
use super::{text, whole};
use crate::account::Address;
use crate::route::{AppUrl, Host, Origin, Scheme};

/// A host name or address, an internationalised name in its ASCII form.
pub fn host(node: &Node, report: &mut Report) -> Option<Host> {
    let text = text(node, report)?;
    let ascii = match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => url::Host::parse(&text).map(|host| host.to_string()).unwrap_or_default(),
    };
    let host = Host::parse(&ascii);
    if host.is_none() {
        let help = if text.contains(':') {
            "write it like smtp.example.com; a port has a key of its own, `port`"
        } else {
            "write it like smtp.example.com"
        };
        wrong(node, report, "a host name or address", help);
    }
    host
}

pub fn port(node: &Node, report: &mut Report) -> Option<u16> {
    whole(1..=65535)(node, report).and_then(|port| u16::try_from(port).ok())
}

/// An address and port to listen on.
pub fn socket(node: &Node, report: &mut Report) -> Option<SocketAddr> {
    let text = text(node, report)?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let help = match port {
        Some(port) if text.starts_with("localhost:") => format!("write the address itself: 127.0.0.1:{port}"),
        Some(port) => format!(
            "for all addresses write 0.0.0.0:{port} or \"[::]:{port}\", for this machine alone 127.0.0.1:{port}"
        ),
        None => "write address and port, like 0.0.0.0:443 or \"[::]:443\"".to_owned(),
    };
    wrong(node, report, "an address and port", &help);
    None
}

/// An address, or a network in CIDR notation.
pub fn network(node: &Node, report: &mut Report) -> Option<IpNet> {
    let text = text(node, report)?;
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let Some(network) = network else {
        wrong(
            node,
            report,
            "an address or network",
            "write it like 10.0.0.2, 10.0.0.0/8 or \"2001:db8::/32\"",
        );
        return None;
    };
    if network.trunc() != network {
        let help =
            format!("write {} for the network, or {} for the one address", network.trunc(), network.addr());
        report.error(
            node.place,
            format!("`{}`: {network} is an address inside of a network", node.path),
            help,
        );
        return None;
    }
    Some(network)
}

/// A network that is not everybody.
pub fn trusted_network(node: &Node, report: &mut Report) -> Option<IpNet> {
    let network = network(node, report)?;
    if network.prefix_len() == 0 {
        let message = format!("`{}`: {network} would let everybody claim any address", node.path);
        report.error(node.place, message, "name the addresses of your proxies alone, like 10.0.0.2/32");
        return None;
    }
    Some(network)
}

/// An e-mail address, as it was written but for blanks around it.
pub fn email(node: &Node, report: &mut Report) -> Option<String> {
    let address = text(node, report)?.trim().to_owned();
    if is_email(&address) {
        return Some(address);
    }
    wrong(node, report, "an e-mail address", "write it like alice@example.com");
    None
}

/// Where help is found: an e-mail address, or the url of a page.
pub fn contact(node: &Node, report: &mut Report) -> Option<String> {
    let text = text(node, report)?.trim().to_owned();
    let page = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if page || is_email(&text) {
        return Some(text);
    }
    wrong(
        node,
        report,
        "an e-mail address or a url",
        "write it like helpdesk@example.com or https://help.example.com",
    );
    None
}

/// `Name <address>`, or an address.
pub fn mailbox(node: &Node, report: &mut Report) -> Option<String> {
    let text = text(node, report)?;
    let address = text.parse::<Mailbox>().ok().map(|mailbox| mailbox.email.to_string());
    if address.is_some_and(|address| is_email(&address)) {
        return Some(text);
    }
    wrong(
        node,
        report,
        "an e-mail address",
        "write it like `Example sign-in <signin@example.com>` or signin@example.com",
    );
    None
}

fn is_email(address: &str) -> bool {
    Address::parse(address).is_ok()
}

/// Scheme, host and port: a URL without a path.
pub fn origin(node: &Node, report: &mut Report) -> Option<Origin> {
    let url = app_url(node, report)?;
    if url.path.is_empty() {
        return Some(url.origin);
    }
    let help = format!("write {}", url.origin);
    report.error(node.place, format!("`{}` must not have a path", node.path), help);
    None
}

/// What visitors type. An internationalised name comes out in its ASCII form, the path without its last slash.
pub fn app_url(node: &Node, report: &mut Report) -> Option<AppUrl> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "a url", "write it like https://app.example.com");
        return None;
    };
    url(text, node, report)
}

/// The same, of a text that stands in place of the node's own.
pub fn url(text: &str, node: &Node, report: &mut Report) -> Option<AppUrl> {
    match parse_url(text.trim()) {
        Ok(url) => Some(url),
        Err((expected, help)) => {
            wrong(node, report, expected, &help);
            None
        }
    }
}

fn parse_url(text: &str) -> Result<AppUrl, (&'static str, String)> {
    let example = || "write it like https://app.example.com or https://www.example.com/wiki".to_owned();
    if !text.contains("://") {
        let help = match Host::parse(text.split(['/', ':']).next().unwrap_or_default()) {
            Some(_) => format!("write the scheme too: https://{}", text.trim_start_matches('/')),
            None => example(),
        };
        return Err(("a url", help));
    }
    let url = Url::parse(text).map_err(|_| ("a url", example()))?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(("an http or https url", example())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("a url without user and password", "remove what stands before the @".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("a url without query and fragment", "remove the ? or # and what follows".to_owned()));
    }
    let host = url.host_str().and_then(Host::parse).ok_or_else(|| ("a url with a host name", example()))?;
    let port = url.port_or_known_default().unwrap_or(scheme.default_port());
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    let plain = text
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.starts_with('/') && !rest.contains("//") && !rest.contains('\\'));
    let dotted = text.split('/').any(|segment| matches!(segment, "." | ".."));
    if !plain || dotted || path.contains('%') || path.contains(';') {
        let help = "write the path in letters, digits, `-`, `_` and single slashes".to_owned();
        return Err(("a url whose path can be read in one way only", help));
    }
    Ok(AppUrl { origin: Origin { scheme, host, port }, path: Arc::from(path) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_out_in_one_form() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse_url(text).map(|url| url.to_string()).as_deref(), Ok(expected), "{text}");
        };
        check("https://App.Example.com", "https://app.example.com");
        check("https://app.example.com:443/", "https://app.example.com");
        check("https://app.example.com:8443/wiki/", "https://app.example.com:8443/wiki");
        check("https://b\u{fc}cher.example/a/b", "https://xn--bcher-kva.example/a/b");
        check("http://[::1]:8080", "http://[::1]:8080");
        check("http://localhost:8080", "http://localhost:8080");
    }

    #[test]
    fn urls_that_say_too_much_or_too_little_are_refused() {
        for text in [
            "",
            "app.example.com",
            "//app.example.com",
            "localhost:8080",
            "ftp://app.example.com",
            "https://",
            "https:///wiki",
            "https://user@app.example.com",
            "https://user:pw@app.example.com",
            "https://app.example.com/?a",
            "https://app.example.com/#a",
            "https://app.example.com//wiki",
            "https://app.example.com/../wiki",
            "https://app.example.com/a%2fb",
            "https://app.example.com/a;b",
            "https://app.example.com\\wiki",
            "https://app.example.com:99999",
            "https://a b",
        ] {
            assert!(parse_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_people_have_a_name_and_a_host() {
        for good in ["alice@example.com", "a.b+c@example.co.uk", "root@localhost"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "alice",
            "@example.com",
            "alice@",
            "a b@example.com",
            "a@b@c",
            "a@b,c@d",
            "a@exa mple.com",
            "<a@b>",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
