//! Sign-ins under way in the store, and the mails with their codes.

use std::time::Duration;

use super::FlowError;
use crate::account::{Account, canonical};
use crate::app::{App, Exchange, Snapshot};
use crate::browser::BrowserName;
use crate::mail::{CodeFor, CodeMail, code_mail};
use crate::observe::Event;
use crate::secret::{self, Purpose};
use crate::session::cookie;
use crate::sign_in::{Hold, SignIn};
use crate::store::{Key, Space, StoreError, Version};
use crate::subject::AccountId;
use crate::throttle::{MailBudget, MailPurpose};

/// A sign-in under way as the store has it.
#[derive(Clone)]
pub struct Stored {
    pub key: Key,
    pub version: Version,
    pub sign_in: SignIn,
}

/// What came of an attempt to mail a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailed {
    Sent,
    /// Nothing was counted; it can be tried again at once.
    Failed,
    TooEarly(Duration),
    /// No more codes in this sign-in, or no more mails to this address, for so long.
    Limited(Duration),
}

/// Keeps a sign-in that begins now, and returns it with the value of its cookie.
pub async fn keep(x: &Exchange<'_>, sign_in: SignIn) -> Result<(Stored, String), FlowError> {
    let id: [u8; 32] = secret::random();
    let key = Key { space: Space::SignIn, digest: secret::sha256(&id) };
    x.app.store.index_add(account_index(x.app, &sign_in.account), &key.digest, sign_in.ends()).await?;
    x.app.store.put(key, &write(&sign_in)?, sign_in.ends()).await?;
    let stored = load(x.app, key).await?.ok_or_else(|| StoreError::Refused("a record was lost".into()))?;
    Ok((stored, cookie::seal(&x.app.keys, Purpose::LoginCookie, x.host(), &id)))
}

/// The sign-in under way behind a cookie.
pub async fn find(x: &Exchange<'_>, value: Option<&str>) -> Result<Option<Stored>, FlowError> {
    let opened = value.and_then(|value| cookie::open(&x.app.keys, Purpose::LoginCookie, x.host(), value));
    let Some(id) = opened else { return Ok(None) };
    let found = load(x.app, Key { space: Space::SignIn, digest: secret::sha256(&id) }).await?;
    Ok(found.filter(|stored| stored.sign_in.host == x.host().as_str()))
}

pub async fn load(app: &App, key: Key) -> Result<Option<Stored>, FlowError> {
    let Some(record) = app.store.get(key).await? else { return Ok(None) };
    match serde_json::from_slice(&record.value) {
        Ok(sign_in) => Ok(Some(Stored { key, version: record.version, sign_in })),
        Err(error) => {
            tracing::warn!(%error, "a sign-in under way cannot be read and has to start over");
            Ok(None)
        }
    }
}

/// Changes a sign-in as the store has it. `None` if it has gone, or the change does not apply any more.
pub async fn change<T>(
    app: &App,
    mut stored: Stored,
    apply: impl Fn(SignIn) -> Result<(SignIn, T), Hold>,
) -> Result<Result<Option<(Stored, T)>, Hold>, FlowError> {
    for _ in 0..16 {
        let (changed, outcome) = match apply(stored.sign_in.clone()) {
            Ok(applied) => applied,
            Err(hold) => return Ok(Err(hold)),
        };
        let value = write(&changed)?;
        if app.store.swap(stored.key, Some(stored.version), &value, changed.ends()).await? {
            let reread = load(app, stored.key).await?;
            return Ok(Ok(reread.map(|stored| (stored, outcome))));
        }
        let Some(current) = load(app, stored.key).await? else { return Ok(Ok(None)) };
        stored = current;
    }
    Err(StoreError::Refused("a sign-in is changed by too many at once".into()).into())
}

/// Mails a code of this sign-in to the address on record, for the app (or portal) named `destination`.
pub async fn mail_code(
    x: &Exchange<'_>,
    stored: Stored,
    account: &Account,
    destination: &str,
) -> Result<Mailed, FlowError> {
    let settings = &x.snapshot.email_code;
    let ends = stored.sign_in.ends();
    let issued = change(x.app, stored, |sign_in| sign_in.issue(settings, x.now)).await?;
    let (stored, to_mail) = match issued {
        Ok(Some(issued)) => issued,
        Ok(None) | Err(Hold::Exhausted) => return Ok(Mailed::Limited(x.now.until(ends))),
        Err(Hold::TooEarly(wait)) => return Ok(Mailed::TooEarly(wait)),
    };
    let budget = budget(x.snapshot);
    let (counted, purpose) = (canonical(&account.email), MailPurpose::SignIn);
    if let Some(wait) = x.app.throttle.mail(&counted, purpose, budget, x.now).await? {
        change(x.app, stored, |sign_in| Ok((sign_in.not_mailed(), ()))).await?.ok();
        audit(x, "mail_budget_used_up", account);
        return Ok(Mailed::Limited(wait));
    }
    let code = stored.sign_in.code(&x.app.keys, to_mail.number, settings.digits);
    let words = x.words(account.language.as_deref());
    let message = code_mail(
        words,
        &x.snapshot.brand,
        &CodeMail {
            purpose: CodeFor::SignIn,
            to: &account.email,
            code: code.expose(),
            valid_minutes: to_mail.valid_for.as_secs().div_ceil(60),
            app: destination,
            address: x.address,
            browser: &BrowserName::of(x.user_agent).in_words(words),
            started: stored.sign_in.started,
        },
    );
    if let Err(error) = x.app.mailer.send(message).await {
        tracing::error!(%error, request_id = x.request_id, "a sign-in code could not be mailed");
        x.app.throttle.undo_mail(&counted, purpose, budget).await?;
        change(x.app, stored, |sign_in| Ok((sign_in.not_mailed(), ()))).await?.ok();
        audit(x, "code_not_sent", account);
        return Ok(Mailed::Failed);
    }
    change(x.app, stored, |sign_in| Ok((sign_in.mailed(to_mail.number, x.app.clock.now()), ()))).await?.ok();
    audit(x, "code_sent", account);
    Ok(Mailed::Sent)
}

/// How many mails one address may get.
pub fn budget(snapshot: &Snapshot) -> MailBudget {
    MailBudget { hourly: snapshot.email_code.hourly, daily: snapshot.email_code.daily }
}

/// Ends all sign-ins under way of an account.
pub async fn forget_all(app: &App, account: &AccountId) -> Result<(), FlowError> {
    let index = account_index(app, account);
    for member in app.store.index_members(index).await? {
        let Ok(digest) = <[u8; 32]>::try_from(member.as_slice()) else { continue };
        app.store.take(Key { space: Space::SignIn, digest }).await?;
        app.store.index_remove(index, &digest).await?;
    }
    Ok(())
}

/// What waits for an account's code: keys of sign-ins under way.
pub fn account_index(app: &App, account: &AccountId) -> Key {
    let name: [&[u8]; 2] = [b"sign-ins", account.as_str().as_bytes()];
    Key { space: Space::Index, digest: app.keys.sign(Purpose::StoreName, &name) }
}

/// Leaves an entry about this account in the audit trail.
pub fn audit(x: &Exchange<'_>, what: &'static str, account: &Account) {
    x.app.audit.record(&Event {
        at: x.now,
        what,
        by: None,
        account: Some(account.id.as_str()),
        address: Some(x.address),
        request_id: Some(x.request_id),
        detail: None,
    });
}

fn write(sign_in: &SignIn) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(sign_in).map_err(|error| StoreError::Corrupt(error.to_string()))
}
