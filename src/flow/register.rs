//! Asking for an account: what is typed, the proof of the address by a mailed code, and then the account.
//!
//! No answer tells whether an address is known. What is typed is hashed, kept and followed by a mail whosever it is; to
//! who has an account the mail says so, and holds no code, so that none is ever right. Start from [`begin`].

mod account;
mod letter;
mod record;

use std::time::Duration;

use super::notice::Post;
use super::{FlowError, mailing};
use crate::account::password::{Owner, Rules, Weakness};
use crate::account::{
    Address, AddressError, Approval, Directory, DirectoryError, FullName, NameError, Registration, Username,
    UsernameError, canonical,
};
use crate::app::{Exchange, Snapshot};
use crate::secret::{self, Purpose, Secret};
use crate::session::cookie;
use crate::sign_in::code::Code;
use crate::sign_in::{Codes, Hold};
use crate::store::{Key, Space, StoreError};
use crate::throttle::{Errand, MailPurpose};
use account::{Made, make};
use letter::send;
use record::{Application, Stored, counter, find, is_for, load, put, write};

/// How long a registration may stay under way.
pub const LIFETIME: Duration = Duration::from_mins(30);

/// How many usernames may be tried that turn out to be somebody's.
const MOST_NAMES: i64 = 20;

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
    /// Too many from this network, or for this address.
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
    Exhausted(Duration, Box<Awaiting>),
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
    // Counted whosever it is.
    if let Some(wait) = limited(x, &address.canonical()).await? {
        return Ok(Begun::Limited(wait));
    }
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
    put(&x.app.store, key, &application).await?;
    let stored =
        load(&x.app.store, key).await?.ok_or_else(|| StoreError::Refused("a record was lost".into()))?;
    mail(x, stored).await?.ok();
    Ok(Begun::Mailed(cookie::seal(&x.app.keys, Purpose::RegistrationCookie, x.host(), &id)))
}

fn check(
    snapshot: &Snapshot,
    typed: &Typed<'_>,
) -> Result<(FullName, Address, Option<Username>), Box<Wrong>> {
    let name = FullName::parse(typed.name);
    let address = Address::parse(typed.email).map_err(WrongAddress::Malformed);
    let address = address.and_then(|address| {
        if admits(snapshot, &address) {
            Ok(address)
        } else {
            Err(WrongAddress::Domain(address.domain().shown()))
        }
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

/// Counts a mail that is to prove this address. How long to wait, if there have been too many, or too many wrong codes.
async fn limited(x: &Exchange<'_>, address: &str) -> Result<Option<Duration>, FlowError> {
    if let Some(wait) = x.app.throttle.proof_wait(address, x.now).await? {
        return Ok(Some(wait));
    }
    Ok(x.app.throttle.mail(address, MailPurpose::Proof, mailing::budget(x.snapshot), x.now).await?)
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
    let address = canonical(&stored.application.email);
    if let Some(wait) = limited(x, &address).await? {
        return Ok(Some(Resent::Exhausted(wait, Box::new(show(x, stored)))));
    }
    let held = mail(x, stored.clone()).await?;
    if held.is_err() {
        x.app.throttle.undo_mail(&address, MailPurpose::Proof, mailing::budget(x.snapshot)).await?;
    }
    let left = x.now.until(stored.application.codes.ends());
    let shown = || Box::new(show(x, stored));
    Ok(Some(match held {
        Ok(()) => Resent::Mailed,
        Err(Hold::TooEarly(wait)) => Resent::TooEarly(wait, shown()),
        Err(Hold::Exhausted) => Resent::Exhausted(left, shown()),
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
    let address = canonical(&stored.application.email);
    if let Some(wait) = x.app.throttle.proof_wait(&address, x.now).await? {
        return give_up(x, &stored, wait).await;
    }
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
    if good {
        return finish(x, stored, tries).await;
    }
    if let Some(wait) = x.app.throttle.wrong_proof(&address, x.now).await? {
        Post::of(x).record("too_many_wrong_codes", None, &stored.application.email);
        return give_up(x, &stored, wait).await;
    }
    refuse(x, stored, tries).await
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
            put(&x.app.store, stored.key, &application).await?;
            let stored = Stored { application, ..stored };
            Ok(Outcome::UsernameTaken(Box::new(show(x, stored))))
        }
        // Somebody else has it since it was proved.
        Ok(Made::AddressTaken) if stored.application.proved => Ok(Outcome::Expired),
        Ok(Made::AddressTaken) => {
            put(&x.app.store, stored.key, &stored.application).await?;
            refuse(x, stored, tries).await
        }
        Err(error) => {
            put(&x.app.store, stored.key, &stored.application).await?;
            Err(error.into())
        }
    }
}

async fn refuse(x: &Exchange<'_>, stored: Stored, tries: i64) -> Result<Outcome, FlowError> {
    if tries >= x.snapshot.email_code.attempts {
        return give_up(x, &stored, x.now.until(stored.application.codes.ends())).await;
    }
    Ok(Outcome::Wrong(Box::new(show(x, stored))))
}

async fn give_up(x: &Exchange<'_>, stored: &Stored, wait: Duration) -> Result<Outcome, FlowError> {
    x.app.store.take(stored.key).await?;
    Ok(Outcome::TooMany(wait))
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
        let is_first = !stored.application.codes.has_left(to_mail.number);
        stored.application.codes.mailed(to_mail.number, x.now);
        let (value, ends) = (write(&stored.application)?, stored.application.codes.ends());
        if x.app.store.swap(key, Some(stored.version), &value, ends).await? {
            send(x, &stored, to_mail, is_first);
            return Ok(Ok(()));
        }
        let Some(current) = load(&x.app.store, key).await? else { return Ok(Err(Hold::Exhausted)) };
        stored = current;
    }
    Err(StoreError::Refused("a registration is changed by too many at once".into()).into())
}

fn show(x: &Exchange<'_>, stored: Stored) -> Awaiting {
    let codes = &stored.application.codes;
    let resend_wait = codes.resend_wait(&x.snapshot.email_code, x.now);
    let resend_possible = codes.may_mail_again(&x.snapshot.email_code, x.now);
    Awaiting { stored, resend_wait, resend_possible }
}
