//! `admin`: the listener for health checks; left out, there is none.

use std::net::SocketAddr;

use super::super::fields::Fields;
use super::super::problem::Place;
use super::super::value;

pub fn read(keys: &mut Fields<'_, '_>) -> Option<(SocketAddr, Place)> {
    keys.optional("admin", |node, report| {
        let mut keys = Fields::of(node, report, "write `address: 127.0.0.1:9180` below it")?;
        let place = keys.node("address").map_or(node.place, |node| node.place);
        let address = keys.required("address", "write `address: 127.0.0.1:9180`", value::socket);
        keys.finish();
        address.map(|address| (address, place))
    })
}
