//! Who is signed in, for scripts and for the curious.

use http::{Response, StatusCode};
use serde_json::json;

use super::super::{PortalError, Visit, reply};
use crate::body::Body;

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let Some(visitor) = visit.visitor().await? else {
        let login_url = format!("{}/_vestibule/login", visit.x.snapshot.pages(visit.x.origin));
        return Err(PortalError::SignInRequired { login_url });
    };
    let subject = &visitor.subject;
    let answer = json!({
        "username": subject.username,
        "name": subject.name,
        "email": subject.email,
        "groups": subject.groups,
        "factors": subject.proofs.names(),
        "expires": visitor.session.ends().to_string(),
    });
    Ok(reply::json(StatusCode::OK, &answer))
}
