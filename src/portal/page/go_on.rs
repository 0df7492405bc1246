//! `continue`: where a finished sign-in lands, and from where it goes on by itself.
//!
//! A redirect straight out of the form's post would do, but Chromium applies the form page's `form-action` to it.

use http::{Response, StatusCode};

use super::super::view::ContinueView;
use super::super::{PortalError, Visit, reply};
use crate::body::Body;
use crate::flow::hand_over;
use crate::flow::who::Visitor;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let Some(visitor) = visit.visitor().await? else {
        return Ok(reply::redirect(StatusCode::FOUND, &visit.own("login")));
    };
    let target = target(visit, &visitor).await?;
    let subject = &visitor.subject;
    let name = if subject.name.is_empty() { &subject.username } else { &subject.name };
    let page = visit.pages_for(&visitor).continue_page(&ContinueView { name, target: &target });
    Ok(reply::page(StatusCode::OK, page))
}

/// Where somebody who is signed in goes on to: with a ticket, if the destination's host asked for one.
pub async fn target(visit: &Visit<'_>, visitor: &Visitor) -> Result<String, PortalError> {
    let trail = &visit.trail;
    let Some(destination) = &trail.destination else {
        let here = if visit.x.snapshot.portal.is_some() { "/_vestibule/" } else { "/" };
        return Ok(here.to_owned());
    };
    if destination.origin.host == *visit.x.host() {
        return Ok(destination.url.clone());
    }
    let Some(nonce) = &trail.nonce else { return Ok(destination.url.clone()) };
    let Some(ticket) = hand_over::mint(&visit.x, visitor, destination, nonce).await? else {
        return Ok(destination.url.clone());
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("ticket", &ticket).append_pair("rd", &destination.url);
    if trail.again {
        query.append_pair("again", "1");
    }
    Ok(format!("{}/_vestibule/enter?{}", destination.origin, query.finish()))
}
