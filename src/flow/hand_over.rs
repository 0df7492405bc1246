//! From the portal's host to an app's: a ticket carries the sign-on over, once.
//!
//! The app's host gives the browser a nonce in a cookie and sends its hash along to the portal. The portal, signed in,
//! mints a ticket for that host, that hash and the address to return to. Only the browser with the nonce can use it.
//! The same cookie counts hand-overs, so that a browser whose session is not known afterwards is not sent in circles.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::FlowError;
use super::who::Visitor;
use crate::app::Exchange;
use crate::clock::Timestamp;
use crate::route::ReturnUrl;
use crate::secret;
use crate::session::{Opened, SignOnId};
use crate::store::{Key, Space, StoreError};

/// How long a ticket may be on its way.
const VALID_FOR: Duration = Duration::from_secs(30);

/// A hand-over that comes this soon after the last one was not asked for by a hand.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Each takes three redirects; browsers give up after twenty.
const MOST_IN_A_ROW: u32 = 3;

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

/// What the portal is told of the nonce in a cookie.
pub fn nonce_hash(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(secret::sha256(nonce_in(cookie).as_bytes()))
}

/// One more hand-over that went through in a browser.
pub struct Round {
    /// What the nonce's cookie holds from now on: the nonce, how many went through in a row, and when the last did.
    pub cookie: String,
    pub in_a_row: u32,
}

impl Round {
    /// Whether the browser is being sent in circles, if it came without a session each time: nobody's hand is that fast.
    pub fn is_a_circle(&self) -> bool {
        self.in_a_row > MOST_IN_A_ROW
    }
}

/// Counts a hand-over in the cookie that brought it; one that does not follow another at once begins a new row.
pub fn count(cookie: &str, now: Timestamp) -> Round {
    let mut parts = cookie.split('.').skip(1);
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let before = number().zip(number().map(Timestamp::from_millis));
    let row = before.filter(|(_, last)| *last <= now && now.since(*last) < AT_ONCE);
    let in_a_row = row.and_then(|(times, _)| u32::try_from(times).ok()).unwrap_or_default().saturating_add(1);
    Round { cookie: format!("{}.{in_a_row}.{}", nonce_in(cookie), now.millis()), in_a_row }
}

fn nonce_in(cookie: &str) -> &str {
    cookie.split_once('.').map_or(cookie, |(nonce, _)| nonce)
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
pub async fn redeem(x: &Exchange<'_>, ticket: &str, cookie: &str) -> Result<Option<Redeemed>, FlowError> {
    let mut id = [0_u8; 32];
    if URL_SAFE_NO_PAD.decode_slice(ticket, &mut id) != Ok(32) {
        return Ok(None);
    }
    let Some(value) = x.app.store.take(key(&id)).await? else { return Ok(None) };
    let ticket: Ticket =
        serde_json::from_slice(&value).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let mine = secret::equal(&ticket.nonce, &secret::sha256(nonce_in(cookie).as_bytes()));
    if !mine || ticket.host != x.host().as_str() {
        return Ok(None);
    }
    let joined = x.app.sessions.join(&ticket.sign_on, x.host(), x.now).await?;
    Ok(joined.map(|session| Redeemed { session, destination: ticket.destination }))
}

fn key(id: &[u8; 32]) -> Key {
    Key { space: Space::Ticket, digest: secret::sha256(id) }
}
