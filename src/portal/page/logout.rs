//! Signing out, after a question; it ends the sign-on on every host.

use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::super::view::LogoutView;
use super::super::{PortalError, Visit, reply};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::sign_out;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let Some(visitor) = visit.visitor().await? else {
        return Ok(reply::redirect(StatusCode::FOUND, &login_address(visit)));
    };
    let elsewhere = visit.x.snapshot.portal.as_ref().filter(|portal| *portal != visit.x.origin);
    let stay_address = if elsewhere.is_some() { "/" } else { "/_vestibule/" };
    let page = visit.pages_for(&visitor).logout(&LogoutView {
        username: &visitor.subject.username,
        action: "/_vestibule/logout",
        stay_address,
    });
    Ok(reply::page_with_forms_to(StatusCode::OK, page, elsewhere))
}

pub async fn submit(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    if let Some(visitor) = visit.visitor().await? {
        sign_out::sign_out(&visit.x, &visitor).await?;
    }
    let mut response = reply::redirect(StatusCode::SEE_OTHER, &login_address(visit));
    for own in [Own::Session, Own::Login, Own::Enter] {
        visit.forget(&mut response, own);
    }
    // Pages of the app that the browser kept: the next person at this machine is not to see them by going back.
    let cache = HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), cache);
    Ok(response)
}

fn login_address(visit: &Visit<'_>) -> String {
    let pages = visit.x.snapshot.pages(visit.x.origin);
    if pages == visit.x.origin { "/_vestibule/login".to_owned() } else { format!("{pages}/_vestibule/login") }
}
