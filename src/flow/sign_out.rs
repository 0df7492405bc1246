//! Signing out, on every host at once.

use super::FlowError;
use super::who::Visitor;
use crate::app::Exchange;
use crate::observe::Event;

pub async fn sign_out(x: &Exchange<'_>, visitor: &Visitor) -> Result<(), FlowError> {
    x.app.sessions.end(visitor.session.sign_on(), visitor.session.account()).await?;
    x.app.audit.record(&Event {
        at: x.now,
        what: "signed_out",
        by: None,
        account: Some(visitor.session.account().as_str()),
        address: Some(x.address),
        request_id: Some(x.request_id),
        detail: None,
    });
    Ok(())
}
