//! Who a request comes from: the session its cookie opens, and what the account behind it allows now.

use std::sync::Arc;
use std::time::Duration;

use super::FlowError;
use crate::account::{Account, Directory, DirectoryError, Standing};
use crate::app::{App, Exchange, Snapshot};
use crate::clock::Timestamp;
use crate::observe::Event;
use crate::route::Host;
pub use crate::session::Use;
use crate::session::{Known, Session};
use crate::subject::{Proofs, Stamps, Subject};

/// How long an account is taken to be as it was read, if nobody says that it has changed. Whoever changes one says so;
/// this is for what reaches the database past us.
const KNOWN_FOR: Duration = Duration::from_secs(30);

/// When to ask again, if the directory gave no answer.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Visitor {
    pub session: Arc<Session>,
    pub subject: Arc<Subject>,
}

/// The visitor behind a session cookie. Approval, groups and the rest are the account's as they stand now; whose
/// account may not come in any more is signed out.
pub async fn visitor(x: &Exchange<'_>, cookie: Option<&str>) -> Result<Option<Visitor>, FlowError> {
    visiting(x, cookie, Use::Counts).await
}

/// The same for a request that may not count as one of a person.
pub async fn visiting(
    x: &Exchange<'_>,
    cookie: Option<&str>,
    used: Use,
) -> Result<Option<Visitor>, FlowError> {
    let Some(cookie) = cookie else { return Ok(None) };
    match x.app.sessions.load(cookie, x.host(), x.now, used).await? {
        Some(session) => with_subject(x, cookie, session, used).await,
        None => Ok(None),
    }
}

/// The same with a fresh look into the store, for a decision that turns on what another gateway may have changed.
pub async fn look_again(x: &Exchange<'_>, cookie: &str, used: Use) -> Result<Option<Visitor>, FlowError> {
    match x.app.sessions.look(cookie, x.host(), x.now, used).await? {
        Some(session) => with_subject(x, cookie, session, used).await,
        None => Ok(None),
    }
}

/// Looks a session up aside of a request, which is served by what is known: so that the next need not wait.
pub async fn look_ahead(app: &App, snapshot: &Snapshot, cookie: &str, host: &Host) -> Result<(), FlowError> {
    let now = app.clock.now();
    if let Some(session) = app.sessions.look(cookie, host, now, Use::DoesNotCount).await? {
        // Who may not come in any more is signed out by the next request.
        as_of(&snapshot.directory, &session, now, KNOWN_FOR / 3).await?;
    }
    Ok(())
}

/// The subject for a connection that stays open, as long as the visitor may be served.
pub async fn still_in(
    app: &App,
    snapshot: &Snapshot,
    session: &Session,
) -> Result<Option<Arc<Subject>>, FlowError> {
    let directory = &snapshot.directory;
    // The account first: what its source says holds even while the store says nothing.
    if today(directory, session, app.clock.now()).await?.is_none() {
        return Ok(None);
    }
    if !app.sessions.stands(session, app.clock.now()).await? {
        return Ok(None);
    }
    // Again, since the look may have brought the news that it has changed; where it has not, this costs nothing.
    Ok(today(directory, session, app.clock.now()).await?)
}

/// Whether the account stands, and has the password still that opened the session.
fn may_come_in(account: &Account, session: &Session) -> bool {
    account.standing() == Standing::Good && session.is_good_with(account.fingerprint)
}

/// The subject that an account is with these factors proved.
pub fn subject(account: &Account, proofs: Proofs) -> Subject {
    Subject { person: Arc::clone(&account.person), proofs, stamps: Stamps::default() }
}

pub(super) async fn with_subject(
    x: &Exchange<'_>,
    cookie: &str,
    session: Arc<Session>,
    used: Use,
) -> Result<Option<Visitor>, FlowError> {
    match today(&x.snapshot.directory, &session, x.now).await? {
        Some(subject) => Ok(Some(Visitor { session, subject })),
        // In boxes, here and below, as it is seldom: what every request carries along is to be small.
        None => Box::pin(sign_out(x, cookie, used)).await,
    }
}

/// Ends the sign-on, unless its owner changed the password in it since it was looked up: then it goes with the account
/// again.
async fn sign_out(x: &Exchange<'_>, cookie: &str, used: Use) -> Result<Option<Visitor>, FlowError> {
    let Some(session) = x.app.sessions.look(cookie, x.host(), x.now, used).await? else { return Ok(None) };
    let subject = today(&x.snapshot.directory, &session, x.now).await?;
    if subject.is_none() {
        let ended = x.app.sessions.end(session.sign_on(), session.account()).await?;
        if ended {
            x.app.audit.record(&Event {
                at: x.now,
                what: "signed_out",
                by: None,
                account: Some(session.account().as_str()),
                address: Some(x.address),
                request_id: Some(x.request_id),
                detail: Some("this gateway's accounts do not let them in any more"),
            });
        }
    }
    Ok(subject.map(|subject| Visitor { session, subject }))
}

/// The subject behind a session as the account stands today; `None`: it may not come in any more.
async fn today(
    directory: &Directory,
    session: &Session,
    now: Timestamp,
) -> Result<Option<Arc<Subject>>, DirectoryError> {
    as_of(directory, session, now, Duration::ZERO).await
}

/// The same, read anew if what is known would be too old so much later.
async fn as_of(
    directory: &Directory,
    session: &Session,
    now: Timestamp,
    ahead: Duration,
) -> Result<Option<Arc<Subject>>, DirectoryError> {
    // Both before the account: what is kept is then at worst read once too often.
    let (generation, epoch, run) = (directory.generation(), session.epoch(), session.run());
    let known = session.known().filter(|known| known.epoch == epoch);
    if let Some(known) = known.as_ref().filter(|known| (known.generation, known.run) == (generation, run)) {
        // Measured too, for a clock that was put back.
        if now.plus(ahead) < known.until && now.until(known.until) <= KNOWN_FOR {
            return Ok(known.subject.clone());
        }
        // Nothing says that it has changed: the others need not wait for this answer, nor ask at once if none comes.
        session.remember(Known { until: now.plus(ASK_AGAIN + ahead), ..Known::clone(known) });
    }
    let account = match (directory.by_id(session.account()).await, known) {
        (Ok(account), _) => account,
        (Err(error), Some(known)) => {
            // Only a database fails, and of its accounts the epoch tells whether they have changed.
            tracing::debug!(%error, "an account goes on as it was last read");
            let until = now.plus(ASK_AGAIN + ahead);
            session.remember(Known { generation, run, until, ..Known::clone(&known) });
            return Ok(known.subject.clone());
        }
        (Err(error), None) => return Err(error),
    };
    let good = account.filter(|account| may_come_in(account, session));
    let subject = good.map(|account| Arc::new(subject(&account, session.proofs())));
    session.remember(Known { generation, epoch, run, until: now.plus(KNOWN_FOR), subject: subject.clone() });
    Ok(subject)
}
