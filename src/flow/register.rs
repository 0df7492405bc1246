//! Asking for an account: what is typed, the proof of the address by a mailed code, and then the account.
//!
//! No answer tells whether an address is known. What is typed is hashed, kept and followed by a mail whosever it is; to
//! who has an account the mail says so, and holds no code, so that none is ever right. Start from [`begin`].

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::notice::{self, Post};
use super::{By, FlowError};
use crate::account::database::{Entry, Inserted, Line, New, Taken};
use crate::account::password::{Owner, Rules, Weakness};
use crate::account::{
    Account, Address, AddressError, Approval, Database, Directory, DirectoryError, FullName, NameError,
    Registration, StoredHash, Username, UsernameError, database,
};
use crate::app::{App, Exchange, Snapshot};
use crate::mail::{CodeFor, CodeMail, Notice, code_mail};
use crate::secret::{self, Purpose, Secret};
use crate::session::cookie;
use crate::sign_in::code::{Code, For};
use crate::sign_in::{Codes, Hold, ToMail};
use crate::store::{Key, Space, StoreError, Version};
use crate::throttle::{Errand, MailPurpose};

/// How long a registration may stay under way.
pub const LIFETIME: Duration = Duration::from_mins(30);

/// How many usernames may be tried that turn out to be somebody's.
const MOST_NAMES: i64 = 20;

/// How many names are made up from an address before its owner has to choose one.
const MOST_PROPOSALS: usize = 100;

/// What was typed. Nothing else of a form is ever looked at.
pub struct Typed<'a> {
    pub name: &'a str,
    pub email: &'a str,
    /// Empty: one is made from the address.
    pub username: &'a str,
    pub password: Secret<String>,
}

/// What is wrong with what was typed, field by field.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    pub name: Option<NameError>,
    pub email: Option<WrongAddress>,
    pub username: Option<UsernameError>,
    pub password: Option<Weakness>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum WrongAddress {
    Malformed(AddressError),
    /// Nobody of this domain may register.
    Domain(String),
}

pub enum Begun {
    Wrong(Box<Wrong>),
    /// Too many from this network.
    Limited(Duration),
    /// A mail is on its way; the value of the cookie.
    Mailed(String),
}

/// A registration under way, as its page shows it.
pub struct Awaiting {
    stored: Stored,
    /// How long until the code may be mailed again.
    pub resend_wait: Duration,
    pub resend_possible: bool,
}

pub enum Outcome {
    /// There is an account now, and it can be used at once, or waits for a decision.
    Made(Approval),
    Wrong(Box<Awaiting>),
    /// The address is proved, but the username is somebody's.
    UsernameTaken(Box<Awaiting>),
    WrongUsername(UsernameError, Box<Awaiting>),
    /// There is no such registration any more.
    Expired,
    /// That was the last try, or one too many.
    TooMany(Duration),
}

/// What came of asking for the code once more.
pub enum Resent {
    Mailed,
    TooEarly(Duration, Box<Awaiting>),
    Exhausted(Box<Awaiting>),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    email: String,
    username: Option<String>,
    /// A hash.
    password: String,
    language: Option<String>,
    host: String,
    codes: Codes,
    /// The code was right.
    proved: bool,
}

#[derive(Clone)]
struct Stored {
    key: Key,
    version: Version,
    application: Application,
}

impl Awaiting {
    /// As it was typed.
    pub fn email(&self) -> &str {
        &self.stored.application.email
    }

    /// Whether a username is all that is missing.
    pub fn is_proved(&self) -> bool {
        self.stored.application.proved
    }
}

/// Whether people may register here, and what that gets them.
pub fn offered(snapshot: &Snapshot) -> Option<Registration> {
    let settings = snapshot.database.as_ref()?;
    (settings.registration != Registration::Closed).then_some(settings.registration)
}

/// Checks what was typed, keeps it, and mails a code to the address.
pub async fn begin(x: &Exchange<'_>, typed: Typed<'_>) -> Result<Begun, FlowError> {
    let (name, address, username) = match check(x.snapshot, &typed) {
        Ok(checked) => checked,
        Err(wrong) => return Ok(Begun::Wrong(wrong)),
    };
    if let Some(wait) = x.app.throttle.errand(Errand::Registration, x.address, x.now).await? {
        return Ok(Begun::Limited(wait));
    }
    answers(&x.snapshot.directory).await?;
    let password = x.app.hasher.hash(typed.password).await?;
    let asked = (!x.accept_language.is_empty()).then(|| x.words(None).language().to_owned());
    let id: [u8; 32] = secret::random();
    let application = Application {
        name: name.as_str().to_owned(),
        email: address.as_str().to_owned(),
        username: username.map(|username| username.to_string()),
        password: password.0.expose().clone(),
        language: asked,
        host: x.host().to_string(),
        codes: Codes::new(secret::random(), x.now.plus(LIFETIME)),
        proved: false,
    };
    let key = Key { space: Space::Registration, digest: secret::sha256(&id) };
    put(x.app, key, &application).await?;
    let stored = load(x.app, key).await?.ok_or_else(|| StoreError::Refused("a record was lost".into()))?;
    mail(x, stored).await?.ok();
    Ok(Begun::Mailed(cookie::seal(&x.app.keys, Purpose::RegistrationCookie, x.host(), &id)))
}

fn check(
    snapshot: &Snapshot,
    typed: &Typed<'_>,
) -> Result<(FullName, Address, Option<Username>), Box<Wrong>> {
    let name = FullName::parse(typed.name);
    let address = Address::parse(typed.email).map_err(WrongAddress::Malformed);
    let address = address.and_then(|address| match admits(snapshot, &address) {
        true => Ok(address),
        false => Err(WrongAddress::Domain(address.domain().shown())),
    });
    let wanted = (!typed.username.trim().is_empty()).then(|| Username::parse_new(typed.username));
    let username = wanted.transpose();
    let owner = Owner {
        username: username.as_ref().ok().and_then(Option::as_ref).map(Username::as_str),
        address: address.as_ref().ok(),
        name: name.as_ref().ok().map(FullName::as_str),
    };
    let rules = Rules::new(snapshot.passwords.minimum_length, &snapshot.brand.title);
    let password = rules.check(typed.password.expose(), &owner);
    match (name, address, username, password) {
        (Ok(name), Ok(address), Ok(username), Ok(())) => Ok((name, address, username)),
        (name, email, username, password) => Err(Box::new(Wrong {
            name: name.err(),
            email: email.err(),
            username: username.err(),
            password: password.err(),
        })),
    }
}

fn admits(snapshot: &Snapshot, address: &Address) -> bool {
    let domains = snapshot.database.iter().flat_map(|settings| &settings.domains);
    let mut domains = domains.peekable();
    domains.peek().is_none() || domains.any(|domain| domain == address.domain().as_str())
}

/// Says whether the database answers, before anybody is told to wait for a mail. It looks for nobody: whose address was
/// typed must not show in how long that takes.
pub(super) async fn answers(directory: &Directory) -> Result<(), FlowError> {
    if let Some(database) = directory.database() {
        database.find("").await.map_err(DirectoryError::from)?;
    }
    Ok(())
}

/// The registration under way in this browser.
pub async fn awaiting(x: &Exchange<'_>, cookie: Option<&str>) -> Result<Option<Awaiting>, FlowError> {
    Ok(find(x, cookie).await?.map(|stored| show(x, stored)))
}

/// Mails the code again, or a new one.
pub async fn resend(x: &Exchange<'_>, cookie: Option<&str>) -> Result<Option<Resent>, FlowError> {
    let Some(stored) = find(x, cookie).await? else { return Ok(None) };
    let held = mail(x, stored.clone()).await?;
    let shown = || Box::new(show(x, stored));
    Ok(Some(match held {
        Ok(()) => Resent::Mailed,
        Err(Hold::TooEarly(wait)) => Resent::TooEarly(wait, shown()),
        Err(Hold::Exhausted) => Resent::Exhausted(shown()),
    }))
}

/// Forgets this registration.
pub async fn cancel(x: &Exchange<'_>, cookie: Option<&str>) -> Result<(), FlowError> {
    if let Some(stored) = find(x, cookie).await? {
        x.app.store.take(stored.key).await?;
    }
    Ok(())
}

/// Takes the code. Every try is counted before it is looked at.
pub async fn verify(x: &Exchange<'_>, cookie: Option<&str>, typed: &str) -> Result<Outcome, FlowError> {
    let settings = &x.snapshot.email_code;
    let Some(stored) = find(x, cookie).await? else { return Ok(Outcome::Expired) };
    if stored.application.proved {
        return Ok(Outcome::UsernameTaken(Box::new(show(x, stored))));
    }
    // What is no code cannot be a guess.
    let Some(code) = Code::parse(typed, settings.digits) else {
        return Ok(Outcome::Wrong(Box::new(show(x, stored))));
    };
    let tries = x.app.store.bump(counter(&stored, b"codes"), 1, LIFETIME).await?.value;
    let application = &stored.application;
    let good = tries <= settings.attempts
        && application.codes.accept(
            &code,
            is_for(&application.email),
            &x.app.keys,
            settings,
            x.app.clock.now(),
        );
    if good { finish(x, stored, tries).await } else { refuse(x, stored, tries).await }
}

/// Takes another username, once the address is proved.
pub async fn choose(x: &Exchange<'_>, cookie: Option<&str>, typed: &str) -> Result<Outcome, FlowError> {
    let Some(mut stored) = find(x, cookie).await?.filter(|stored| stored.application.proved) else {
        return Ok(Outcome::Expired);
    };
    let username = match Username::parse_new(typed) {
        Ok(username) => username,
        Err(wrong) => return Ok(Outcome::WrongUsername(wrong, Box::new(show(x, stored)))),
    };
    let tries = x.app.store.bump(counter(&stored, b"names"), 1, LIFETIME).await?.value;
    if tries > MOST_NAMES {
        return Ok(Outcome::TooMany(x.now.until(stored.application.codes.ends())));
    }
    stored.application.username = Some(username.to_string());
    finish(x, stored, 0).await
}

/// The address is proved: takes the registration out of the store, so that of many answers one comes through, and makes
/// the account. What stands in the way of that puts it back.
async fn finish(x: &Exchange<'_>, stored: Stored, tries: i64) -> Result<Outcome, FlowError> {
    let Some(registration) = offered(x.snapshot) else { return Ok(Outcome::Expired) };
    if x.app.store.take(stored.key).await?.is_none() {
        return Ok(Outcome::Expired);
    }
    match make(x, &stored.application, registration).await {
        Ok(Made::Account(approval)) => Ok(Outcome::Made(approval)),
        Ok(Made::UsernameTaken) => {
            let application = Application { proved: true, ..stored.application };
            put(x.app, stored.key, &application).await?;
            let stored = Stored { application, ..stored };
            Ok(Outcome::UsernameTaken(Box::new(show(x, stored))))
        }
        Ok(Made::AddressTaken) => {
            put(x.app, stored.key, &stored.application).await?;
            refuse(x, stored, tries).await
        }
        Err(error) => {
            put(x.app, stored.key, &stored.application).await?;
            Err(error.into())
        }
    }
}

async fn refuse(x: &Exchange<'_>, stored: Stored, tries: i64) -> Result<Outcome, FlowError> {
    if tries >= x.snapshot.email_code.attempts {
        x.app.store.take(stored.key).await?;
        return Ok(Outcome::TooMany(x.now.until(stored.application.codes.ends())));
    }
    Ok(Outcome::Wrong(Box::new(show(x, stored))))
}

enum Made {
    Account(Approval),
    UsernameTaken,
    /// Somebody was given the address meanwhile, or had it all along.
    AddressTaken,
}

async fn make(
    x: &Exchange<'_>,
    application: &Application,
    registration: Registration,
) -> Result<Made, DirectoryError> {
    let directory = &x.snapshot.directory;
    let Some(database) = directory.database() else { return Ok(Made::AddressTaken) };
    let Ok(address) = Address::parse(&application.email) else { return Ok(Made::AddressTaken) };
    if directory.a_file_knows(&application.email) || !admits(x.snapshot, &address) {
        return Ok(Made::AddressTaken);
    }
    let approval = match registration {
        Registration::Open => Approval::Approved,
        Registration::Approval | Registration::Closed => Approval::Pending,
    };
    let chosen = application.username.iter().cloned();
    let proposed = Username::proposals(&address).take(MOST_PROPOSALS).map(|name| name.to_string());
    let proposed = proposed.filter(|_| application.username.is_none() && !application.proved);
    for username in chosen.chain(proposed) {
        if directory.a_file_knows(&username) || database.is_retired(&username).await? {
            continue;
        }
        match insert(x, database, application, username, approval).await? {
            None => return Ok(Made::Account(approval)),
            Some(Taken::Username) => {}
            // The username was none, so that the address was a deleted account's.
            Some(Taken::Email | Taken::Retired) => return Ok(Made::AddressTaken),
        }
    }
    Ok(Made::UsernameTaken)
}

/// Makes the account with this username, unless something of it is taken.
async fn insert(
    x: &Exchange<'_>,
    database: &Database,
    application: &Application,
    username: String,
    approval: Approval,
) -> Result<Option<Taken>, DirectoryError> {
    let new = New {
        username,
        email: application.email.clone(),
        name: application.name.clone(),
        groups: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
        approval,
        decision: None,
        disabled: false,
        email_verified: Some(x.now),
        password: Some(StoredHash(Secret::new(application.password.clone()))),
        language: application.language.clone(),
    };
    let entry = Entry::new(new, x.now);
    let by = By::account(x, &entry.account.id);
    let event = by.event("registered", Some(&entry.account.id), Some(approval.as_str()));
    match database.insert(entry.clone(), false, Line::from(&event)).await? {
        Inserted::Taken(taken) => Ok(Some(taken)),
        Inserted::Made => {
            x.app.audit.note(&event);
            if approval == Approval::Pending {
                notice::waiting(x.app, x.snapshot, by, &entry);
            }
            Ok(None)
        }
    }
}

/// Chooses a code and has it mailed aside: the answer does not wait, nor tell what the mail says.
async fn mail(x: &Exchange<'_>, stored: Stored) -> Result<Result<(), Hold>, FlowError> {
    let settings = &x.snapshot.email_code;
    let (key, mut stored) = (stored.key, stored);
    for _ in 0..16 {
        let to_mail = match stored.application.codes.issue(settings, x.now) {
            Ok(to_mail) => to_mail,
            Err(hold) => return Ok(Err(hold)),
        };
        stored.application.codes.mailed(to_mail.number, x.now);
        let (value, ends) = (write(&stored.application)?, stored.application.codes.ends());
        if x.app.store.swap(key, Some(stored.version), &value, ends).await? {
            send(x, &stored.application, to_mail);
            return Ok(Ok(()));
        }
        let Some(current) = load(x.app, key).await? else { return Ok(Err(Hold::Exhausted)) };
        stored = current;
    }
    Err(StoreError::Refused("a registration is changed by too many at once".into()).into())
}

fn send(x: &Exchange<'_>, application: &Application, to_mail: ToMail) {
    let digits = x.snapshot.email_code.digits;
    let code = application.codes.code(to_mail.number, is_for(&application.email), &x.app.keys, digits);
    let (post, email) = (Post::of(x), application.email.clone());
    let site = x.snapshot.pages(x.origin).authority();
    x.app.mailer.aside(async move {
        let whose = match whose(&post.snapshot.directory, &email).await {
            Ok(whose) => whose,
            Err(error) => return tracing::error!(%error, "a code for a registration was not mailed"),
        };
        match whose {
            Whose::Account(account) => {
                let occasion = post.occasion(&account);
                let reset = (account.source == database::SOURCE).then(|| post.page("reset"));
                let notice = Notice::Known { page: post.page("login"), reset, occasion };
                let words = post.words_for(&account);
                post.send(MailPurpose::Asked, Some(&account.id), &account.email, words, &notice).await;
            }
            Whose::Deleted => {
                let notice = Notice::Retired { occasion: post.occasion_in(post.words()) };
                post.send(MailPurpose::Asked, None, &email, post.words(), &notice).await;
            }
            Whose::Nobodys => {
                let occasion = post.occasion_in(post.words());
                let mail = CodeMail {
                    purpose: CodeFor::Registration,
                    to: &email,
                    code: code.expose(),
                    valid_minutes: to_mail.valid_for.as_secs().div_ceil(60),
                    app: &site,
                    address: occasion.address.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into()),
                    browser: &occasion.browser,
                    started: occasion.at,
                };
                let message = code_mail(post.words(), &post.snapshot.brand, &mail);
                post.deliver(MailPurpose::Asked, None, message).await;
            }
        }
    });
}

enum Whose {
    Account(Arc<Account>),
    Deleted,
    Nobodys,
}

async fn whose(directory: &Directory, email: &str) -> Result<Whose, DirectoryError> {
    if let Some(account) = directory.find(email).await? {
        return Ok(Whose::Account(account));
    }
    let Some(database) = directory.database() else { return Ok(Whose::Nobodys) };
    let deleted = database.is_retired(&crate::account::canonical(email)).await?;
    Ok(if deleted { Whose::Deleted } else { Whose::Nobodys })
}

async fn find(x: &Exchange<'_>, cookie: Option<&str>) -> Result<Option<Stored>, FlowError> {
    let opened =
        cookie.and_then(|value| cookie::open(&x.app.keys, Purpose::RegistrationCookie, x.host(), value));
    let Some(id) = opened else { return Ok(None) };
    let found = load(x.app, Key { space: Space::Registration, digest: secret::sha256(&id) }).await?;
    Ok(found.filter(|stored| stored.application.host == x.host().as_str()))
}

async fn load(app: &App, key: Key) -> Result<Option<Stored>, StoreError> {
    let Some(record) = app.store.get(key).await? else { return Ok(None) };
    match serde_json::from_slice(&record.value) {
        Ok(application) => Ok(Some(Stored { key, version: record.version, application })),
        Err(error) => {
            tracing::warn!(%error, "a registration under way cannot be read and has to start over");
            Ok(None)
        }
    }
}

async fn put(app: &App, key: Key, application: &Application) -> Result<(), StoreError> {
    app.store.put(key, &write(application)?, application.codes.ends()).await
}

fn show(x: &Exchange<'_>, stored: Stored) -> Awaiting {
    let codes = &stored.application.codes;
    let resend_wait = codes.resend_wait(&x.snapshot.email_code, x.now);
    let resend_possible = codes.may_mail_again(&x.snapshot.email_code, x.now);
    Awaiting { stored, resend_wait, resend_possible }
}

fn is_for(email: &str) -> For<'_> {
    For { purpose: Purpose::RegistrationCode, whom: email }
}

/// Counts the tries of one registration.
fn counter(stored: &Stored, of: &[u8]) -> Key {
    Key { space: Space::Counter, digest: secret::sha256(&[of, &stored.key.digest].concat()) }
}

fn write(application: &Application) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(application).map_err(|error| StoreError::Corrupt(error.to_string()))
}
