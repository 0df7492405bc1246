//! `trusted_proxies`: whose forwarded headers are believed; by default nobody's.

use ipnet::IpNet;

use super::super::fields::Fields;
use super::super::value;

pub fn read(keys: &mut Fields<'_, '_>) -> Vec<IpNet> {
    keys.or("trusted_proxies", Vec::new(), value::items(value::trusted_network))
}
