//! Who a request comes from: the session its cookie opens, and what the account behind it allows now.

use std::sync::Arc;

use super::{FlowError, device};
use crate::account::{Account, Standing};
use crate::app::{App, Exchange, Snapshot};
use crate::session::{Known, Session};
use crate::subject::{Proofs, Stamps, Subject};

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Visitor {
    pub session: Arc<Session>,
    pub subject: Arc<Subject>,
}

/// The visitor behind a session cookie. Approval, groups and the rest are the account's as they stand now; whose
/// account may not come in any more is signed out.
pub async fn visitor(x: &Exchange<'_>, cookie: Option<&str>) -> Result<Option<Visitor>, FlowError> {
    let Some(cookie) = cookie else { return Ok(None) };
    match x.app.sessions.load(cookie, x.host(), x.now).await? {
        Some(session) => with_subject(x, session).await,
        None => Ok(None),
    }
}

/// The same with a fresh look into the store, for a decision that turns on what another gateway may have changed.
pub async fn look_again(x: &Exchange<'_>, cookie: &str) -> Result<Option<Visitor>, FlowError> {
    match x.app.sessions.look(cookie, x.host(), x.now).await? {
        Some(session) => with_subject(x, session).await,
        None => Ok(None),
    }
}

/// Whether a visitor may still be served on a connection that stays open.
pub async fn still_in(app: &App, snapshot: &Snapshot, session: &Session) -> Result<bool, FlowError> {
    // The account first: what its source says holds even while the store says nothing.
    let account = snapshot.directory.by_id(session.account()).await?;
    let good = account.is_some_and(|account| may_come_in(&account, session));
    Ok(good && app.sessions.stands(session, app.clock.now()).await?)
}

/// Whether the account stands, and has the password still that opened the session.
fn may_come_in(account: &Account, session: &Session) -> bool {
    account.standing() == Standing::Good && device::fingerprint(account) == *session.password()
}

/// The subject that an account is with these factors proved.
pub fn subject(account: &Account, proofs: Proofs) -> Subject {
    Subject {
        account: account.id.clone(),
        username: account.username.clone(),
        name: account.name.clone(),
        email: account.email.clone(),
        groups: account.groups.clone(),
        attributes: account.attributes.clone(),
        language: account.language.clone(),
        proofs,
        stamps: Stamps::default(),
    }
}

async fn with_subject(x: &Exchange<'_>, session: Arc<Session>) -> Result<Option<Visitor>, FlowError> {
    let generation = x.snapshot.directory.generation();
    if let Some(known) = session.known()
        && known.generation == generation
    {
        return Ok(known.subject.clone().map(|subject| Visitor { session, subject }));
    }
    let account = x.snapshot.directory.by_id(session.account()).await?;
    let good = account.filter(|account| may_come_in(account, &session));
    let subject = good.map(|account| Arc::new(subject(&account, session.proofs())));
    session.remember(Known { generation, subject: subject.clone() });
    if subject.is_none() {
        x.app.sessions.end(session.sign_on(), session.account()).await?;
    }
    Ok(subject.map(|subject| Visitor { session, subject }))
}
