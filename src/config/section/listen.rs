//! `listen`: the sockets.

use std::net::IpAddr;

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use super::super::value;
use crate::listen::{Address, ListenerSettings};

/// A listener and where its address stands.
pub struct Placed {
    pub settings: ListenerSettings,
    pub place: Place,
}

/// All that could be read.
pub struct Read {
    pub listeners: Vec<Placed>,
    /// Some of it is wrong, so nothing can be said of what is missing.
    pub incomplete: bool,
}

const EXAMPLE: &str = "write `listen: [{ address: 0.0.0.0:443, tls: true }]`, or `[{ address: 127.0.0.1:8080 }]` behind another proxy";

pub fn read(keys: &mut Fields<'_, '_>) -> Read {
    let before = keys.report.errors();
    let listeners = keys.required("listen", EXAMPLE, |node, report| {
        if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
            report.error(node.place, "`listen` is an empty list", EXAMPLE);
        }
        value::items(listener)(node, report)
    });
    let listeners = listeners.unwrap_or_default();
    for (index, listener) in listeners.iter().enumerate() {
        let address = &listener.settings.address;
        if let Some(first) =
            listeners.iter().take(index).find(|first| overlap(&first.settings.address, address))
        {
            let message = format!("this address is listened on already, on line {}", first.place.line);
            keys.report.error(listener.place, message, "remove one of the two, or give it another port");
        }
    }
    Read { listeners, incomplete: keys.report.errors() > before }
}

/// Whether a connection could be for both. The system gives any free port for port 0.
pub fn overlap(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Tcp(one), Address::Tcp(other)) => {
            let everywhere = |ip: IpAddr| ip.is_unspecified();
            let same = one.ip() == other.ip() || everywhere(one.ip()) || everywhere(other.ip());
            one.port() != 0 && one.port() == other.port() && one.is_ipv4() == other.is_ipv4() && same
        }
        _ => one == other,
    }
}

fn listener(node: &Node, report: &mut Report) -> Option<Placed> {
    let mut keys = Fields::of(node, report, "write `- address: 0.0.0.0:443` and, below it, `tls: true`")?;
    let place = keys.node("address").map_or(node.place, |node| node.place);
    let address = keys.required("address", "write `address: 0.0.0.0:443`", address);
    let tls = keys.or("tls", false, value::truth);
    let redirect_place = keys.node("redirect").map(|node| node.anchor);
    let redirect = keys.or("redirect", false, value::choice(&[("https", true)]));
    if let (true, true, Some(place)) = (tls, redirect, redirect_place) {
        let help = "a redirecting listener speaks plain http: remove `tls: true` or `redirect: https`";
        keys.report.error(place, format!("`{}` has both `tls` and `redirect`", node.path), help);
    }
    keys.finish();
    Some(Placed { settings: ListenerSettings { address: address?, tls, redirect }, place })
}

fn address(node: &Node, report: &mut Report) -> Option<Address> {
    let Kind::Text(text) = &node.kind else {
        wrong(
            node,
            report,
            "an address and port",
            "write it like 0.0.0.0:443, \"[::]:443\" or unix:/run/vestibule.sock",
        );
        return None;
    };
    match text.strip_prefix("unix:") {
        Some(path) if !path.is_empty() => Some(Address::Unix(path.into())),
        Some(_) => {
            wrong(node, report, "a socket with a path", "write it like unix:/run/vestibule.sock");
            None
        }
        None => value::socket(node, report).map(Address::Tcp),
    }
}
