//! From the portal's host to an app's: a ticket carries the sign-on over, once.
//!
//! The app's host gives the browser a nonce in a cookie and sends its hash along to the portal. The portal, signed in,
//! mints a ticket for that host, that hash and the address to return to. Only the browser with the nonce can use it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::FlowError;
use super::who::Visitor;
use crate::app::Exchange;
use crate::route::ReturnUrl;
use crate::secret;
use crate::session::{Opened, SignOnId};
use crate::store::{Key, Space, StoreError};

/// How long a ticket may be on its way.
const VALID_FOR: Duration = Duration::from_secs(30);

/// How long the browser keeps the nonce; it serves every hand-over in that time.
pub const NONCE_KEPT: Duration = Duration::from_mins(10);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticket {
    sign_on: SignOnId,
    host: String,
    nonce: [u8; 32],
    destination: String,
}

/// A ticket that was good: the session on this host, and where to go.
pub struct Redeemed {
    pub session: Opened,
    pub destination: String,
}

/// A new nonce, as the cookie holds it.
pub fn nonce() -> String {
    URL_SAFE_NO_PAD.encode(secret::random::<32>())
}

/// What the portal is told of a nonce.
pub fn nonce_hash(nonce: &str) -> String {
    URL_SAFE_NO_PAD.encode(secret::sha256(nonce.as_bytes()))
}

/// Mints a ticket for the destination's host. `nonce_hash` is what that host sent along.
pub async fn mint(
    x: &Exchange<'_>,
    visitor: &Visitor,
    destination: &ReturnUrl,
    nonce_hash: &str,
) -> Result<Option<String>, FlowError> {
    let mut nonce = [0_u8; 32];
    if URL_SAFE_NO_PAD.decode_slice(nonce_hash, &mut nonce) != Ok(32) {
        return Ok(None);
    }
    let id: [u8; 32] = secret::random();
    let ticket = Ticket {
        sign_on: *visitor.session.sign_on(),
        host: destination.origin.host.as_str().to_owned(),
        nonce,
        destination: destination.url.clone(),
    };
    let value = serde_json::to_vec(&ticket).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    x.app.store.put(key(&id), &value, x.now.plus(VALID_FOR)).await?;
    Ok(Some(URL_SAFE_NO_PAD.encode(id)))
}

/// Uses a ticket up. `None`: it was used before, has expired, or is not for this browser on this host.
pub async fn redeem(x: &Exchange<'_>, ticket: &str, nonce: &str) -> Result<Option<Redeemed>, FlowError> {
    let mut id = [0_u8; 32];
    if URL_SAFE_NO_PAD.decode_slice(ticket, &mut id) != Ok(32) {
        return Ok(None);
    }
    let Some(value) = x.app.store.take(key(&id)).await? else { return Ok(None) };
    let ticket: Ticket =
        serde_json::from_slice(&value).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let mine = secret::equal(&ticket.nonce, &secret::sha256(nonce.as_bytes()));
    if !mine || ticket.host != x.host().as_str() {
        return Ok(None);
    }
    let joined = x.app.sessions.join(&ticket.sign_on, x.host(), x.now).await?;
    Ok(joined.map(|session| Redeemed { session, destination: ticket.destination }))
}

fn key(id: &[u8; 32]) -> Key {
    Key { space: Space::Ticket, digest: secret::sha256(id) }
}
