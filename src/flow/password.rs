//! The first step: a name and a password.
//!
//! An unknown name walks the same way as a known one, to the same cost and the same words. What is wrong with an
//! account is said only to who knows its password.

use std::sync::Arc;
use std::time::Duration;

use super::device::{self, Device};
use super::mailing::{self, Mailed, Stored};
use super::who::{self, Visitor};
use super::{Browser, By, Entered, FlowError, notice};
use crate::account::{self, Account, Standing, canonical, database};
use crate::app::Exchange;
use crate::browser::BrowserName;
use crate::observe::Event;
use crate::policy::{self, Facts, Policy};
use crate::route::{self, ReturnUrl};
use crate::secret::{self, Secret};
use crate::session::{self, SignOnId, Use};
use crate::sign_in::{Begin, SignIn};
use crate::subject::{AccountId, Proofs};
use crate::throttle::{Admission, Gate};

/// What was typed, and where the visitor wanted to go.
pub struct Attempt<'a> {
    pub username: &'a str,
    pub password: Secret<String>,
    pub remember: bool,
    pub destination: Option<&'a ReturnUrl>,
    /// Who is signed in already, and proves both factors again: theirs is then the sign-on that goes on.
    pub again: Option<&'a Visitor>,
}

pub enum Outcome {
    Wrong,
    Pending,
    Disabled,
    /// Too many tries; nothing was looked at.
    Locked(Duration),
    /// The rule for the destination asks for a password alone.
    Entered(Box<Entered>),
    /// A code is on its way, or was already; the value of the cookie.
    CodeSent(String),
    /// The sign-in waits, but its mail could not be sent.
    MailFailed(String),
    /// No more mails to this address for now.
    MailLimited(Duration),
}

pub async fn sign_in(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    attempt: Attempt<'_>,
) -> Result<Outcome, FlowError> {
    let account = x.snapshot.directory.find(attempt.username).await?;
    let device = Device::load(x, browser.device).await?;
    let Attempt { password, remember, destination, again, .. } = attempt;
    let account = match check(x, attempt.username, password, account, device.as_ref()).await? {
        Checked::Right(account) => account,
        Checked::Wrong => return Ok(Outcome::Wrong),
        Checked::Locked(wait) => return Ok(Outcome::Locked(wait)),
    };
    match account.standing() {
        Standing::Good => {}
        Standing::Pending => return Ok(Outcome::Pending),
        Standing::Barred => return Ok(Outcome::Disabled),
    }
    let again = again.filter(|visitor| *visitor.session.account() == account.id);
    let elevates = again.map(|visitor| *visitor.session.sign_on());
    if elevates.is_none()
        && destination.is_some_and(|destination| one_factor_will_do(x, &account, destination))
    {
        return enter_with_one_factor(x, browser, device, &account, remember).await;
    }
    await_code(x, browser, device.as_ref(), &account, &Wish { remember, destination, elevates }).await
}

struct Wish<'a> {
    remember: bool,
    destination: Option<&'a ReturnUrl>,
    elevates: Option<SignOnId>,
}

pub(super) enum Checked {
    Right(Arc<Account>),
    Wrong,
    Locked(Duration),
}

/// Whether this is the account's password, counted as a try. `username` is what was typed as a name.
pub(super) async fn check(
    x: &Exchange<'_>,
    username: &str,
    password: Secret<String>,
    account: Option<Arc<Account>>,
    device: Option<&Device>,
) -> Result<Checked, FlowError> {
    let name = account
        .as_ref()
        .map_or_else(|| format!("login:{}", canonical(username)), |account| account.id.as_str().to_owned());
    let known_device = device.filter(|device| account.as_ref().is_some_and(|account| device.knows(account)));
    let gate = match known_device {
        Some(device) => Gate::Device { name: &name, device: &device.id },
        None => Gate::Network { name: &name, address: x.address },
    };
    if let Admission::Locked(wait) = x.app.throttle.admit(gate, x.now).await? {
        if let Some(account) = &account {
            mailing::audit(x, "locked_out", account);
        }
        return Ok(Checked::Locked(wait));
    }
    // Asked for unknown names too: an answer must not come faster for them.
    let fingerprint = account.as_deref().map(|account| account.fingerprint).unwrap_or_default();
    let wrong_codes = x.app.throttle.quarantine(&name, &fingerprint, 0).await?;
    let spared = device.zip(account.as_deref()).is_some_and(|(device, account)| device.has_proved(account));
    let quarantined = !spared && wrong_codes >= x.snapshot.email_code.quarantine;
    let hash = account.as_ref().filter(|_| !quarantined).and_then(|account| account.password.clone());
    let typed = password.clone();
    let right = match x.app.hasher.verify(password, hash).await {
        Ok(right) => right,
        Err(busy) => {
            x.app.throttle.undo(gate).await?;
            return Err(busy.into());
        }
    };
    let known = account.as_ref().map(|account| account.id.clone());
    match account.filter(|_| right) {
        Some(account) => {
            x.app.throttle.passed(gate).await?;
            renew_hash(x, &account, typed).await;
            Ok(Checked::Right(account))
        }
        None => {
            x.app.throttle.failed(gate, x.now).await?;
            wrong_password(x, known.as_ref());
            Ok(Checked::Wrong)
        }
    }
}

/// Puts a hash made with today's settings in the place of a weaker one, now that the password is known. If it fails, the
/// next sign-in tries again.
async fn renew_hash(x: &Exchange<'_>, account: &Account, password: Secret<String>) {
    let (Some(database), Some(old)) = (x.snapshot.directory.database(), &account.password) else { return };
    if account.source != database::SOURCE || !account::password::is_outdated(old, &x.snapshot.passwords) {
        return;
    }
    let renewed = match x.app.hasher.hash(password).await {
        Ok(new) => database.rehash(&account.id, old, &new).await.map_err(|error| error.to_string()),
        Err(busy) => Err(busy.to_string()),
    };
    if let Err(error) = renewed {
        tracing::warn!(
            error,
            account = account.id.as_str(),
            "a weak password hash stays until the next sign-in"
        );
    }
}

/// What was typed as a name is not written down: it may be a password.
fn wrong_password(x: &Exchange<'_>, account: Option<&AccountId>) {
    x.app.audit.record(&Event {
        at: x.now,
        what: "wrong_password",
        by: None,
        account: account.map(AccountId::as_str),
        address: Some(x.address),
        request_id: Some(x.request_id),
        detail: account.is_none().then_some("no account has this name"),
    });
}

/// Whether the rule for the destination lets this account in with its password alone.
fn one_factor_will_do(x: &Exchange<'_>, account: &Account, destination: &ReturnUrl) -> bool {
    let Some(app) = destination.app.and_then(|index| x.snapshot.apps.get(index)) else { return false };
    let subject = who::subject(account, Proofs { password: x.now, email_code: None });
    let otherwise = route::otherwise(&destination.path);
    let otherwise = otherwise.as_deref();
    let facts = Facts { method: "GET", path: &destination.path, otherwise, client: x.address };
    policy::policy_for(&app.rules, Some(&subject), &facts) == Policy::OneFactor
}

async fn enter_with_one_factor(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    device: Option<Device>,
    account: &Account,
    remember: bool,
) -> Result<Outcome, FlowError> {
    let proofs = Proofs { password: x.now, email_code: None };
    let entered = enter(x, browser, device, account, proofs, remember).await?;
    Ok(Outcome::Entered(Box::new(entered)))
}

/// Opens a new sign-on on this host, in place of whatever this browser had here.
pub async fn enter(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    device: Option<Device>,
    account: &Account,
    proofs: Proofs,
    remember: bool,
) -> Result<Entered, FlowError> {
    if let Some(cookie) = browser.session
        && let Some(before) = x.app.sessions.look(cookie, x.host(), x.now, Use::DoesNotCount).await?
    {
        x.app.sessions.end(before.sign_on(), before.account()).await?;
    }
    let device = device::remember(x, device, account, proofs).await?;
    let client = session::Client {
        address: x.address,
        browser: BrowserName::of(x.user_agent),
        host: x.host().to_string(),
        device: Some(device.id),
    };
    let begin = session::Begin {
        account: &account.id,
        password: account.fingerprint,
        proofs,
        remember,
        client: &client,
    };
    let session = x.app.sessions.begin(&begin, x.host(), x.now).await?;
    note_sign_in(x, account);
    if device.surprising {
        notice::new_device(x.app, x.snapshot, By::account(x, &account.id), account, proofs);
    }
    mailing::audit(x, "signed_in", account);
    Ok(Entered { session, device: device.cookie })
}

/// Beside the sign-in, which does not wait for it.
fn note_sign_in(x: &Exchange<'_>, account: &Account) {
    let Some(database) = x.snapshot.directory.database().filter(|_| account.source == database::SOURCE)
    else {
        return;
    };
    let (database, id, now) = (database.clone(), account.id.clone(), x.now);
    x.app.tasks.spawn("last sign-in", async move {
        if let Err(error) = database.note_sign_in(&id, now).await {
            tracing::warn!(%error, account = id.as_str(), "a sign-in was not noted");
        }
    });
}

async fn await_code(
    x: &Exchange<'_>,
    browser: Browser<'_>,
    device: Option<&Device>,
    account: &Account,
    wish: &Wish<'_>,
) -> Result<Outcome, FlowError> {
    if let Some(stored) = mailing::find(x, browser.login).await?
        && let Some(value) = browser.login
        && let Some(outcome) = go_on_with(x, stored, value, account, wish).await?
    {
        return Ok(outcome);
    }
    let begin = Begin {
        account: &account.id,
        source: account.source,
        host: x.host().as_str(),
        remember: wish.remember,
        known_device: device.is_some_and(|device| device.has_proved(account)),
        password: account.fingerprint,
        elevates: wish.elevates,
        with_password: true,
        nonce: secret::random(),
    };
    let (stored, cookie) = mailing::keep(x, SignIn::begin(&begin, x.now)).await?;
    let mailed = mailing::mail_code(x, stored, account, &destination_name(x, wish.destination)).await?;
    Ok(match mailed {
        Mailed::Sent | Mailed::TooEarly(_) => Outcome::CodeSent(cookie),
        Mailed::Failed => Outcome::MailFailed(cookie),
        Mailed::Limited(wait) => Outcome::MailLimited(wait),
    })
}

/// Another tab of this browser is waiting for the same account's code: the code that was mailed serves both.
async fn go_on_with(
    x: &Exchange<'_>,
    stored: Stored,
    value: &str,
    account: &Account,
    wish: &Wish<'_>,
) -> Result<Option<Outcome>, FlowError> {
    let same = stored.sign_in.account == account.id
        && stored.sign_in.password == account.fingerprint
        && stored.sign_in.elevates == wish.elevates
        && stored.sign_in.with_password;
    if !same || !stored.sign_in.awaits_code(&x.snapshot.email_code, x.now) {
        return Ok(None);
    }
    let changed = mailing::change(x.app, stored, |mut sign_in| {
        sign_in.remember = wish.remember;
        Ok((sign_in, ()))
    })
    .await?;
    Ok(matches!(changed, Ok(Some(_))).then(|| Outcome::CodeSent(value.to_owned())))
}

/// What the mail says the sign-in is for: the app, or the portal.
pub fn destination_name(x: &Exchange<'_>, destination: Option<&ReturnUrl>) -> String {
    let app =
        destination.and_then(|destination| destination.app).and_then(|index| x.snapshot.apps.get(index));
    app.map_or_else(|| x.snapshot.pages(x.origin).authority(), |app| app.url.origin.authority())
}
