//! A forgotten password: a link by mail, good once, with which another is set.
//!
//! No answer tells whether there is such an account: looking it up and mailing it happen aside. The store keeps the hash
//! of a link alone. Start from [`ask`].

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::notice::{self, Post};
use super::{By, FlowError, device, register, revoke};
use crate::account::database::{self, Changed, Line};
use crate::account::password::{Owner, Rules, Weakness};
use crate::account::{Account, Address, DirectoryError, Standing};
use crate::app::{App, Exchange, Snapshot};
use crate::clock::Timestamp;
use crate::mail::Notice;
use crate::secret::{self, Secret};
use crate::store::{Key, Space, StoreError};
use crate::subject::AccountId;
use crate::throttle::{Errand, Gate, MailPurpose};

/// How long a link is good.
pub const VALID_FOR: Duration = Duration::from_mins(30);

/// The same for somebody who has no password yet, and may not be waiting for the mail.
pub const INVITED_FOR: Duration = Duration::from_hours(24);

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    account: AccountId,
    /// Of the password that it is to take the place of: once that has gone, the link is worth nothing.
    password: [u8; 8],
    /// The account's, to which it was mailed: with another one, whoever reads that mail is nobody to this account.
    address: String,
    ends: Timestamp,
}

/// Somebody holds a good link.
pub struct Holder {
    key: Key,
    link: Link,
    pub account: Arc<Account>,
}

pub enum Outcome {
    Done,
    Weak(Weakness, Box<Holder>),
    /// The link was used before, or has expired.
    Dead,
}

/// Has a link mailed to the account with this name or address, if there is one. How long to wait, if this network asks
/// too often.
pub async fn ask(x: &Exchange<'_>, login: &str) -> Result<Option<Duration>, FlowError> {
    if let Some(wait) = x.app.throttle.errand(Errand::Reset, x.address, x.now).await? {
        return Ok(Some(wait));
    }
    register::answers(&x.snapshot.directory).await?;
    let (post, login) = (Links::of(x.app, Post::of(x)), login.to_owned());
    x.app.mailer.aside(async move {
        match post.post.snapshot.directory.find(&login).await {
            Ok(Some(account)) => post.send(&account, Reason::Asked).await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a link for a new password was not mailed"),
        }
    });
    Ok(None)
}

/// Has a link mailed to the owner on an administrator's behalf: to choose the first password, or another.
pub fn invite(app: &App, snapshot: &Snapshot, by: By<'_>, account: &Account) {
    let links = Links::of(app, Post::new(app, snapshot, by).without_language());
    let account = account.clone();
    app.mailer.aside(async move { links.send(&account, Reason::Invited).await });
}

/// Who holds this link, if it is still good. Looking at it uses nothing up.
pub async fn look(x: &Exchange<'_>, token: &str) -> Result<Option<Holder>, FlowError> {
    let mut id = [0_u8; 32];
    if URL_SAFE_NO_PAD.decode_slice(token, &mut id) != Ok(32) {
        return Ok(None);
    }
    let key = key(&id);
    let Some(record) = x.app.store.get(key).await? else { return Ok(None) };
    // What cannot be read is no link.
    let Ok(link) = serde_json::from_slice::<Link>(&record.value) else { return Ok(None) };
    let account = x.snapshot.directory.by_id(&link.account).await?;
    let account = account
        .filter(|account| account.fingerprint == link.password && account.email == link.address)
        .filter(|account| account.standing() != Standing::Barred);
    Ok(account.map(|account| Holder { key, link, account }))
}

/// Sets the password, uses the link up, and ends whatever the old password opened.
pub async fn set(x: &Exchange<'_>, token: &str, password: Secret<String>) -> Result<Outcome, FlowError> {
    let Some(holder) = look(x, token).await? else { return Ok(Outcome::Dead) };
    if let Err(weakness) = check(x.snapshot, &holder.account, password.expose()) {
        return Ok(Outcome::Weak(weakness, Box::new(holder)));
    }
    let Some(database) = x.snapshot.directory.database() else { return Ok(Outcome::Dead) };
    let hash = x.app.hasher.hash(password).await?;
    // In one step: of many who hold the link one sets the password.
    if x.app.store.take(holder.key).await?.is_none() {
        return Ok(Outcome::Dead);
    }
    let Holder { key, link, account } = holder;
    let (by, now, before) = (By::account(x, &account.id), x.now, link.password);
    let event = by.event("password_reset", Some(&account.id), None);
    let line = Line::from(&event);
    let changed = database.change(&account.id, move |entry| {
        if entry.account.fingerprint != before {
            return Err(());
        }
        entry.set_password(Some(hash.clone()));
        // Who has the link has the address.
        entry.email_verified.get_or_insert(now);
        Ok(line.clone())
    });
    match changed.await {
        Ok(Changed::Done(_)) => {}
        Ok(Changed::Refused(()) | Changed::Gone | Changed::Taken(_)) => return Ok(Outcome::Dead),
        Err(error) => {
            // Nothing was changed, and the link is as good as before.
            x.app.store.put(key, &write(&link)?, link.ends).await?;
            return Err(DirectoryError::from(error).into());
        }
    }
    x.app.audit.note(&event);
    end_everything(x, by, &account).await;
    notice::password_changed(x.app, x.snapshot, by, &account);
    Ok(Outcome::Done)
}

/// All of it is worth nothing with another password already, which each look into the accounts finds out; this makes it
/// so at once, and forgives the wrong passwords typed here.
async fn end_everything(x: &Exchange<'_>, by: By<'_>, account: &Account) {
    let gate = Gate::Network { name: account.id.as_str(), address: x.address };
    let ended = async {
        revoke::all_of(x.app, by, &account.id, None).await?;
        device::forget_all(x.app, &account.id).await?;
        x.app.throttle.passed(gate).await?;
        Ok::<_, FlowError>(())
    };
    if let Err(error) = ended.await {
        tracing::error!(%error, account = account.id.as_str(), "sessions of an old password end by themselves");
    }
}

fn check(snapshot: &Snapshot, account: &Account, password: &str) -> Result<(), Weakness> {
    let address = Address::parse(&account.email).ok();
    let owner = Owner {
        username: Some(&account.username),
        address: address.as_ref(),
        name: (!account.name.is_empty()).then_some(account.name.as_str()),
    };
    Rules::new(snapshot.passwords.minimum_length, &snapshot.brand.title).check(password, &owner)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// By somebody who says to be the owner.
    Asked,
    /// By an administrator.
    Invited,
}

/// Makes links and mails them.
struct Links {
    post: Post,
    store: Arc<crate::store::Store>,
}

impl Links {
    fn of(app: &App, post: Post) -> Self {
        Self { post, store: Arc::clone(&app.store) }
    }

    async fn send(&self, account: &Account, reason: Reason) {
        let post = &self.post;
        if account.standing() == Standing::Barred {
            return post.record("reset_refused", Some(&account.id), "the account is disabled or rejected");
        }
        let purpose = match reason {
            Reason::Asked => MailPurpose::Asked,
            Reason::Invited => MailPurpose::Notice,
        };
        let (username, words) = (&account.username, post.words_for(account));
        if account.source != database::SOURCE {
            let notice = Notice::ResetElsewhere { username, occasion: post.occasion(account) };
            return post.send(purpose, Some(&account.id), &account.email, words, &notice).await;
        }
        let valid_for = if account.password.is_none() { INVITED_FOR } else { VALID_FOR };
        let token = match self.make(account, valid_for).await {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(%error, "a link for a new password was not mailed");
                return post.record("mail_not_sent", Some(&account.id), "the store took no link");
            }
        };
        let (page, minutes) = (post.page(&format!("reset?token={token}")), valid_for.as_secs() / 60);
        let notice = match (account.password.is_none(), reason) {
            (true, _) => Notice::Invited { username, page, hours: minutes / 60, again: post.page("reset") },
            (false, Reason::Asked) => {
                Notice::Reset { username, page, minutes, occasion: post.occasion(account) }
            }
            (false, Reason::Invited) => Notice::ResetByAdministrator { username, page, minutes },
        };
        post.record("reset_mailed", Some(&account.id), "");
        post.send(purpose, Some(&account.id), &account.email, words, &notice).await;
    }

    async fn make(&self, account: &Account, valid_for: Duration) -> Result<String, StoreError> {
        let (id, ends): ([u8; 32], _) = (secret::random(), self.post.at.plus(valid_for));
        let (account, password, address) = (account.id.clone(), account.fingerprint, account.email.clone());
        let link = Link { account, password, address, ends };
        self.store.put(key(&id), &write(&link)?, ends).await?;
        Ok(URL_SAFE_NO_PAD.encode(id))
    }
}

fn key(id: &[u8; 32]) -> Key {
    Key { space: Space::Reset, digest: secret::sha256(id) }
}

fn write(link: &Link) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(link).map_err(|error| StoreError::Corrupt(error.to_string()))
}
