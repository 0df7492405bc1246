//! `listen`: the sockets.

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

const EXAMPLE: &str = "write `listen: [{ address: 0.0.0.0:443, tls: true }]`, or `[{ address: 127.0.0.1:8080 }]` behind another proxy";

pub fn read(keys: &mut Fields<'_, '_>) -> Vec<Placed> {
    let listeners = keys.required("listen", EXAMPLE, |node, report| {
        if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
            report.error(node.place, "`listen` is an empty list", EXAMPLE);
        }
        value::items(listener)(node, report)
    });
    let listeners = listeners.unwrap_or_default();
    for (index, listener) in listeners.iter().enumerate() {
        let address = &listener.settings.address;
        if listeners.iter().take(index).any(|earlier| earlier.settings.address == *address) {
            keys.report.error(listener.place, "this address is listened on already", "remove one of the two");
        }
    }
    listeners
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
        wrong(node, report, "an address and port", "write it like 0.0.0.0:443, \"[::]:443\" or unix:/run/vestibule.sock");
        return None;
    };
    match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') => Some(Address::Unix(path.into())),
        Some(_) => {
            wrong(node, report, "a socket with a whole path", "write it like unix:/run/vestibule.sock");
            None
        }
        None => value::socket(node, report).map(Address::Tcp),
    }
}
