//! Who may see a page, and who may change what matters there. Every page behind the sign-in begins with one of these;
//! whoever may not is sent to prove what is lacking, and comes back to the page:
//!
//! ```ignore
//! let visitor = match guard::two_factors(visit, "account").await? {
//!     Ok(visitor) => visitor,
//!     Err(elsewhere) => return Ok(elsewhere),
//! };
//! ```

use form_urlencoded::Serializer;
use http::{Response, StatusCode};

use super::super::view::Note;
use super::super::{PortalError, Visit, reply};
use crate::body::Body;
use crate::cookies::Own;
use crate::flow::confirm::{self, Confirmed, Lacking};
use crate::flow::who::{self, Use, Visitor};
use crate::route::OWN_PREFIX;

/// Somebody who has proved two factors, whenever that was. `page` is where they come back to: `account`, or
/// `admin/trail?account=alice`.
pub async fn two_factors(
    visit: &Visit<'_>,
    page: &str,
) -> Result<Result<Visitor, Response<Body>>, PortalError> {
    Ok(match visit.visitor().await? {
        None => Err(sign_in(visit, page)),
        Some(visitor) if !visitor.subject.proofs.two_factors() => Err(elsewhere(visit, "step-up", page)),
        Some(visitor) => Ok(visitor),
    })
}

/// Somebody who has proved both factors within the last ten minutes, after a fresh look into the store: for each post
/// that changes what matters. Of what was typed nothing is kept; the sign-in form says that nothing has been changed.
pub async fn recent(visit: &Visit<'_>, page: &str) -> Result<Result<Confirmed, Response<Body>>, PortalError> {
    let visitor = match visit.cookie(Own::Session) {
        Some(cookie) => who::look_again(&visit.x, cookie, Use::Counts).await?,
        None => None,
    };
    let Some(visitor) = visitor else { return Ok(Err(sign_in(visit, page))) };
    Ok(confirm::confirm(visitor, visit.x.now).map_err(|lacking| match lacking {
        Lacking::SecondFactor => elsewhere(visit, "step-up", page),
        Lacking::RecentSignIn => reply::redirect(StatusCode::SEE_OTHER, &again_address(page)),
    }))
}

/// Where a page leads whose visitor signed in too long ago for what it offers.
pub fn again_address(page: &str) -> String {
    let mut query = Serializer::new(String::new());
    let (mark, done) = (if page.contains('?') { '&' } else { '?' }, Note::SignedInAgain.word());
    query.append_pair("rd", &format!("{OWN_PREFIX}/{page}{mark}done={done}")).append_pair("confirm", "1");
    format!("{OWN_PREFIX}/login?{}", query.finish())
}

fn sign_in(visit: &Visit<'_>, page: &str) -> Response<Body> {
    // Whoever posted something is told that it was not done.
    if visit.posted {
        return reply::redirect(StatusCode::SEE_OTHER, &again_address(page));
    }
    elsewhere(visit, "login", page)
}

fn elsewhere(visit: &Visit<'_>, to: &str, page: &str) -> Response<Body> {
    let status = if visit.posted { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let back: String = form_urlencoded::byte_serialize(format!("{OWN_PREFIX}/{page}").as_bytes()).collect();
    reply::redirect(status, &format!("{OWN_PREFIX}/{to}?rd={back}"))
}
