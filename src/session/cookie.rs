//! The values of the gateway's cookies: a random id sealed to its purpose and host.
//!
//! `base64url(version, id, MAC)`, MAC = HMAC-SHA-256(key for the purpose; host name without port, id). A forged value,
//! one of another purpose, or one taken from another host is refused without a look into the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::route::Host;
use crate::secret::{Keys, Purpose};

const VERSION: u8 = 1;

/// Version, id and MAC.
const LENGTH: usize = 1 + 32 + 32;

/// The value for a new cookie.
pub fn seal(keys: &Keys, purpose: Purpose, host: &Host, id: &[u8; 32]) -> String {
    let mac = keys.sign(purpose, &[host.as_str().as_bytes(), id]);
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(VERSION);
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(&mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The id in a cookie's value, if we sealed it for this purpose and host.
pub fn open(keys: &Keys, purpose: Purpose, host: &Host, value: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; LENGTH];
    let read = URL_SAFE_NO_PAD.decode_slice(value, &mut bytes).ok()?;
    if read != LENGTH {
        return None;
    }
    let (version, rest) = bytes.split_first()?;
    let (id, mac) = rest.split_first_chunk::<32>()?;
    let good = *version == VERSION && keys.verify(purpose, &[host.as_str().as_bytes(), id], mac);
    good.then_some(*id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_value_opens_for_its_purpose_and_host_alone() {
        let keys = Keys::derive(&[Secret::new(vec![1; 32])]).unwrap();
        let (host, other) = (Host::parse("a.example.com").unwrap(), Host::parse("b.example.com").unwrap());
        let value = seal(&keys, Purpose::SessionCookie, &host, &[5; 32]);
        assert_eq!(open(&keys, Purpose::SessionCookie, &host, &value), Some([5; 32]));
        assert_eq!(open(&keys, Purpose::SessionCookie, &other, &value), None);
        assert_eq!(open(&keys, Purpose::LoginCookie, &host, &value), None);
        for forged in
            ["", "x", "%00", "AAAA", &"A".repeat(87), &"A".repeat(8192), &value[1..], &format!("{value}A")]
        {
            assert_eq!(open(&keys, Purpose::SessionCookie, &host, forged), None, "{forged}");
        }
        for place in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(open(&keys, Purpose::SessionCookie, &host, &changed), None, "letter {place}");
        }
    }
}
