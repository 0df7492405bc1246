//! The app's host takes the ticket that the portal minted for it, and sends to the portal who wants to sign in.

use http::{Response, StatusCode};

use super::super::hand_over::ToSignIn;
use super::super::trail::Trail;
use super::super::view::{Explain, ExplainView};
use super::super::{PortalError, Visit, reply};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::hand_over::{self, Redeemed};
use crate::route::ReturnUrl;

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

/// To a page of the portal's sign-in by a link or an address that was typed, with what brings the browser back into this
/// host. `None`: there is nothing to bring it back for.
pub async fn leave(visit: &Visit<'_>, page: &str) -> Result<Option<Response<Body>>, PortalError> {
    let here = |destination: &ReturnUrl| destination.app.is_some() && destination.origin == *visit.x.origin;
    if !visit.trail.destination.as_ref().is_some_and(here) {
        return Ok(None);
    }
    // Whoever is in stays in: a link on a foreign site is not to put another session in the place of theirs.
    if visit.visitor().await?.is_some_and(|visitor| page == "login" || visitor.subject.proofs.two_factors()) {
        return Ok(None);
    }
    // What such a link says of the hand-over itself is not this host's word.
    let destination = visit.trail.destination.clone();
    let trail = Trail { destination, ..Trail::default() };
    Ok(Some(start(visit, page, visit.cookie(Own::Enter), trail)))
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
    start(visit, "login", nonce, Trail { again: true, ..visit.trail.clone() })
}

fn start(visit: &Visit<'_>, page: &str, nonce: Option<&str>, trail: Trail) -> Response<Body> {
    let (pages, origin) = (visit.x.snapshot.pages(visit.x.origin), visit.x.origin);
    ToSignIn { pages, origin, nonce }.redirect(page, Trail { nonce: None, ..trail }.serializer())
}
