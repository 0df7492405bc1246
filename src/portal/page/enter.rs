//! The app's host takes the ticket that the portal minted for it.

use http::{Response, StatusCode};

use super::super::view::{Explain, ExplainView};
use super::super::{PortalError, Visit, reply};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::hand_over::{self, Redeemed};

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let ticket = visit.parameter("ticket").unwrap_or_default();
    let nonce = visit.cookie(Own::Enter);
    if let Some(nonce) = nonce
        && let Some(redeemed) = hand_over::redeem(&visit.x, &ticket, nonce).await?
    {
        return entered(visit, nonce, &redeemed).await;
    }
    let destination = visit.trail.destination.as_ref().map_or("/", |destination| destination.url.as_str());
    if visit.visitor().await?.is_some() {
        // The ticket was used already, by this browser: somebody went back, or loaded the address twice.
        return Ok(reply::redirect(StatusCode::FOUND, destination));
    }
    if visit.trail.again {
        let kind = if nonce.is_none() { Explain::CookiesNeeded } else { Explain::HandOverFailed };
        if nonce.is_some() {
            tracing::warn!(
                host = %visit.x.host(),
                request_id = visit.x.request_id,
                "a hand-over failed twice, since its ticket was used before, too old or not known: do all gateways of \
                 this host share one store, and do their clocks agree?"
            );
        }
        let page = visit.pages(None).explain(&ExplainView { kind, retry_address: destination });
        return Ok(reply::page(StatusCode::OK, page));
    }
    Ok(start_over(visit, nonce))
}

async fn entered(visit: &Visit<'_>, nonce: &str, redeemed: &Redeemed) -> Result<Response<Body>, PortalError> {
    let round = hand_over::count(nonce, visit.x.now);
    // Tabs that are opened together come one after the other as well, but the second with the first one's session.
    let circle = round.is_a_circle() && visit.visitor().await?.is_none();
    if let Some(before) = visit.cookie(Own::Session) {
        let sessions = &visit.x.app.sessions;
        sessions.retire(before, visit.x.host()).await.map_err(crate::flow::FlowError::from)?;
    }
    let mut response = if circle {
        tracing::warn!(
            host = %visit.x.host(),
            "a browser is sent in circles, since the session it gets here is not known when it comes back: do all \
             gateways of this host share one store and one secret, and does nothing on the way take cookies out?"
        );
        let view = ExplainView { kind: Explain::InCircles, retry_address: &redeemed.destination };
        reply::page(StatusCode::OK, visit.pages(None).explain(&view))
    } else {
        reply::redirect(StatusCode::FOUND, &redeemed.destination)
    };
    visit.set(&mut response, Own::Session, &redeemed.session.cookie, redeemed.session.max_age);
    visit.set(&mut response, Own::Enter, &round.cookie, Some(hand_over::NONCE_KEPT));
    Ok(response)
}

/// The hand-over once more, from the beginning.
fn start_over(visit: &Visit<'_>, nonce: Option<&str>) -> Response<Body> {
    let fresh = nonce.is_none().then(hand_over::nonce);
    let known = fresh.as_deref().or(nonce).unwrap_or_default();
    let trail = super::super::trail::Trail {
        nonce: Some(hand_over::nonce_hash(known)),
        again: true,
        ..visit.trail.clone()
    };
    let login = format!("{}/_vestibule/login{}", visit.x.snapshot.pages(visit.x.origin), trail.query());
    let mut response = reply::redirect(StatusCode::FOUND, &login);
    if let Some(nonce) = fresh {
        visit.set(&mut response, Own::Enter, &nonce, Some(hand_over::NONCE_KEPT));
    }
    response
}
