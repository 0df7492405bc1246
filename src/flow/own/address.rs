//! A new e-mail address: it is proved by a code that is mailed there, and the old one is told.
//!
//! Whether an address is somebody else's is not said: such a change waits for a code that is never mailed, and its owner
//! gets a mail in its place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::confirm::Confirmed;
use super::super::notice::{self, Post};
use super::super::who::Visitor;
use super::super::{By, FlowError, mailing};
use super::{account, change, database};
use crate::account::database::Changed;
use crate::account::{Account, Address, AddressError, canonical};
use crate::app::Exchange;
use crate::browser::BrowserName;
use crate::clock::Timestamp;
use crate::mail::{CodeFor, CodeMail, code_mail};
use crate::secret::{self, Purpose};
use crate::sign_in::code::{self, Code, For};
use crate::store::{Key, Space, StoreError, Version};
use crate::subject::AccountId;
use crate::throttle::MailPurpose;

/// How long the code may take.
pub const LIFETIME: Duration = Duration::from_mins(30);

/// A change of address under way, as the store has it. An account has one at most.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnderWay {
    address: String,
    /// The address is somebody's: no code was mailed, and none is right.
    taken: bool,
    /// Of the account's password: with a new one the change is over.
    password: [u8; 8],
    started: Timestamp,
    nonce: [u8; 32],
}

pub enum Begun {
    /// A code is on its way, or a mail to whom the address belongs.
    Waiting,
    Address(AddressError),
    /// It is the account's address already.
    Same,
    /// People with this domain have no accounts here.
    Domain,
    TooSoon(Duration),
    /// The account stands in a file, or has gone.
    NotHere,
}

pub enum Ended {
    Changed,
    Wrong,
    /// There is no such change any more: it took too long, had too many wrong codes, or is done.
    Gone,
    NotHere,
}

/// Mails a code to the new address. An earlier change under way is over.
pub async fn begin(x: &Exchange<'_>, confirmed: &Confirmed, typed: &str) -> Result<Begun, FlowError> {
    let address = match Address::parse(typed) {
        Ok(address) => address,
        Err(error) => return Ok(Begun::Address(error)),
    };
    let visitor = confirmed.visitor();
    let Some(account) = account(x, visitor).await? else { return Ok(Begun::NotHere) };
    if database(x, &account).is_none() {
        return Ok(Begun::NotHere);
    }
    if address.canonical() == canonical(&account.email) {
        return Ok(Begun::Same);
    }
    if !is_welcome(x, &address) {
        return Ok(Begun::Domain);
    }
    if let Some((_, under_way)) = load(x, &account).await? {
        let wait = x.now.until(under_way.started.plus(x.snapshot.email_code.resend_after));
        if !wait.is_zero() {
            return Ok(Begun::TooSoon(wait));
        }
    }
    let owner = x.snapshot.directory.find(address.as_str()).await?;
    let under_way = UnderWay {
        address: address.as_str().to_owned(),
        taken: owner.is_some(),
        password: account.fingerprint,
        started: x.now,
        nonce: secret::random(),
    };
    let (key, ends) = (key(x, &account.id), x.now.plus(LIFETIME));
    x.app.store.put(key, &write(&under_way)?, ends).await?;
    let by = By::visitor(x, visitor);
    match owner {
        Some(owner) => notice::address_wanted(x.app, x.snapshot, by, &owner),
        None => mail_code(x, by, &account, &under_way),
    }
    x.app.audit.record(&by.event("email_change_asked", Some(&account.id), Some(address.as_str())));
    Ok(Begun::Waiting)
}

/// The address to which a code was mailed, while one is awaited.
pub async fn awaited(x: &Exchange<'_>, account: &Account) -> Result<Option<String>, FlowError> {
    Ok(load(x, account).await?.map(|(_, under_way)| under_way.address))
}

/// Changes the address, if this is the code that was mailed there. Of many right ones at once one does.
pub async fn confirm(x: &Exchange<'_>, visitor: &Visitor, typed: &str) -> Result<Ended, FlowError> {
    let Some(account) = account(x, visitor).await? else { return Ok(Ended::NotHere) };
    if database(x, &account).is_none() {
        return Ok(Ended::NotHere);
    }
    let Some((version, under_way)) = load(x, &account).await? else { return Ok(Ended::Gone) };
    let settings = &x.snapshot.email_code;
    // What is no code cannot be a guess.
    let Some(typed) = Code::parse(typed, settings.digits) else { return Ok(Ended::Wrong) };
    let attempts = Key { space: Space::Counter, digest: secret::sha256(&under_way.nonce) };
    let tries = x.app.store.bump(attempts, 1, LIFETIME).await?.value;
    if tries > settings.attempts {
        return Ok(Ended::Gone);
    }
    let secret = code::Secret { nonce: &under_way.nonce, is_for: is_for(account.id.as_str()) };
    let codes = secret.under_all_keys(&x.app.keys, NUMBER, settings.digits);
    let right = codes.iter().fold(false, |found, code| found | code.is(&typed)) && !under_way.taken;
    if right {
        return accept(x, visitor, &account, version, under_way).await;
    }
    x.app.audit.record(&By::visitor(x, visitor).event("wrong_code", Some(&account.id), None));
    if tries == settings.attempts {
        forget(x, &account.id, version).await?;
        return Ok(Ended::Gone);
    }
    Ok(Ended::Wrong)
}

/// Gives up a change under way.
pub async fn stop(x: &Exchange<'_>, visitor: &Visitor) -> Result<(), FlowError> {
    x.app.store.take(key(x, visitor.session.account())).await?;
    Ok(())
}

async fn accept(
    x: &Exchange<'_>,
    visitor: &Visitor,
    account: &Account,
    version: Version,
    under_way: UnderWay,
) -> Result<Ended, FlowError> {
    if !forget(x, &account.id, version).await? {
        return Ok(Ended::Gone);
    }
    let Some(database) = database(x, account) else { return Ok(Ended::NotHere) };
    // Somebody may have come by it in the meantime.
    if x.snapshot.directory.a_file_knows(&under_way.address) {
        return Ok(Ended::Gone);
    }
    let (new, now) = (under_way.address, x.now);
    let detail = format!("{} -> {new}", account.email);
    let changed = change(x, visitor, database, ("email_changed", Some(&detail)), move |entry| {
        if entry.account.fingerprint != under_way.password {
            return Err(());
        }
        entry.account.email.clone_from(&new);
        entry.email_verified = Some(now);
        Ok(())
    });
    let changed = match changed.await? {
        Changed::Done(entry) => entry.account,
        Changed::Refused(()) | Changed::Taken(_) => return Ok(Ended::Gone),
        Changed::Gone => return Ok(Ended::NotHere),
    };
    x.app.sessions.account_changed(&account.id).await?;
    // Their codes went to the old address.
    mailing::forget_all(x.app, &account.id).await?;
    notice::address_changed(x.app, x.snapshot, By::visitor(x, visitor), &changed, &account.email);
    Ok(Ended::Changed)
}

/// The new address is in the nonce's record, so that a code proves one address and no other.
const fn is_for(account: &str) -> For<'_> {
    For { purpose: Purpose::AddressCode, whom: account }
}

/// The only code of a change; another one begins another change.
const NUMBER: u32 = 1;

fn mail_code(x: &Exchange<'_>, by: By<'_>, account: &Account, under_way: &UnderWay) {
    let secret = code::Secret { nonce: &under_way.nonce, is_for: is_for(account.id.as_str()) };
    let code = secret.derive(&x.app.keys, NUMBER, x.snapshot.email_code.digits);
    let words = x.words(account.language.as_deref());
    let mail = CodeMail {
        purpose: CodeFor::Address,
        to: &under_way.address,
        code: code.expose(),
        valid_minutes: LIFETIME.as_secs() / 60,
        app: &x.snapshot.pages(x.origin).authority(),
        address: x.address,
        browser: &BrowserName::of(x.user_agent).in_words(words),
        started: x.now,
    };
    let (post, message) = (Post::new(x.app, x.snapshot, by), code_mail(words, &x.snapshot.brand, &mail));
    let account = account.id.clone();
    // Aside, as the mail to somebody whose address it is: the answer takes as long for both.
    x.app.mailer.aside(async move { post.deliver(MailPurpose::Asked, Some(&account), message).await });
}

/// Whether people with such an address have accounts here.
fn is_welcome(x: &Exchange<'_>, address: &Address) -> bool {
    let domains = x.snapshot.database.as_ref().map(|database| database.domains.as_slice());
    let domains = domains.unwrap_or_default();
    domains.is_empty() || domains.iter().any(|domain| domain == address.domain().as_str())
}

/// The change under way of this account, if it has the password still with which that began.
async fn load(x: &Exchange<'_>, account: &Account) -> Result<Option<(Version, UnderWay)>, FlowError> {
    let Some(record) = x.app.store.get(key(x, &account.id)).await? else { return Ok(None) };
    // What cannot be read has to be begun anew.
    let under_way = serde_json::from_slice::<UnderWay>(&record.value).ok();
    let under_way = under_way.filter(|under_way| under_way.password == account.fingerprint);
    Ok(under_way.map(|under_way| (record.version, under_way)))
}

/// Ends a change, if it stands as it was read: whether it did.
async fn forget(x: &Exchange<'_>, account: &AccountId, version: Version) -> Result<bool, FlowError> {
    Ok(x.app.store.swap(key(x, account), Some(version), b"", x.app.clock.now()).await?)
}

fn key(x: &Exchange<'_>, account: &AccountId) -> Key {
    let name: [&[u8]; 2] = [b"address", account.as_str().as_bytes()];
    Key { space: Space::Address, digest: x.app.keys.sign(Purpose::StoreName, &name) }
}

fn write(under_way: &UnderWay) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(under_way).map_err(|error| StoreError::Corrupt(error.to_string()))
}
