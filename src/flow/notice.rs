//! Mails about an account that are no codes: to its owner, or to the administrators. Start from any function here.
//!
//! Each is written and sent aside: nothing waits for it, and no answer tells whether there was anything to send. What
//! could not be sent stands in the log and in the audit trail.

use std::net::IpAddr;
use std::sync::Arc;

use super::{By, mailing};
use crate::account::database::{self, Entry};
use crate::account::{Account, Approval, canonical};
use crate::app::{App, Exchange, Snapshot};
use crate::browser::BrowserName;
use crate::clock::Timestamp;
use crate::mail::{Mailer, Message, Notice, Occasion, notice_mail};
use crate::observe::{Audit, Event};
use crate::route::{OWN_PREFIX, Origin};
use crate::subject::{AccountId, Person, Proofs};
use crate::throttle::{MailPurpose, Throttle};
use crate::words::{Languages, Words};

/// Tells the administrators that somebody waits for their decision.
pub fn waiting(app: &App, snapshot: &Snapshot, by: By<'_>, entry: &Entry) {
    let post = Post::new(app, snapshot, by).without_language();
    let (snapshot, entry) = (app.snapshot.load_full(), entry.clone());
    app.mailer.aside(async move {
        let members = match snapshot.directory.members(&snapshot.admins).await {
            Ok(members) => members,
            Err(error) => {
                tracing::error!(%error, "the administrators were not told of a request");
                return;
            }
        };
        for member in members.into_iter().filter(|member| member.id != entry.account.id) {
            // Each for itself: one may have to be tried again for minutes.
            let (post, entry) = (post.clone(), entry.clone());
            post.mailer.clone().aside(async move { post.ask(&member, &entry).await });
        }
    });
}

/// Tells the owner what was decided: an account that is approved or rejected.
pub fn decided(app: &App, snapshot: &Snapshot, by: By<'_>, entry: &Entry) {
    let post = Post::new(app, snapshot, by).without_language();
    let entry = entry.clone();
    app.mailer.aside(async move {
        let reason = entry.decision.as_ref().and_then(|decision| decision.reason.as_deref());
        let notice = match entry.account.approval {
            Approval::Approved => {
                Notice::Approved { username: &entry.account.username, reason, page: post.page("login") }
            }
            Approval::Rejected => Notice::Rejected { reason },
            Approval::Pending => return,
        };
        post.tell(&entry.account, &notice).await;
    });
}

/// Tells the owner that the password is another now. `by` the owner, or the command line.
pub fn password_changed(app: &App, snapshot: &Snapshot, by: By<'_>, account: &Account) {
    let post = Post::new(app, snapshot, by);
    let account = account.clone();
    app.mailer.aside(async move {
        let (username, reset, occasion) = (&account.username, post.page("reset"), post.occasion(&account));
        let notice = Notice::PasswordChanged { username, reset, occasion };
        let words = post.words_for(&account);
        post.send(MailPurpose::Ownership, Some(&account.id), &account.email, words, &notice).await;
    });
}

/// Tells the owner at the address that the account had before. `account` is as it stands now.
pub fn address_changed(app: &App, snapshot: &Snapshot, by: By<'_>, account: &Account, old: &str) {
    let post = Post::new(app, snapshot, by);
    let (account, old) = (account.clone(), old.to_owned());
    app.mailer.aside(async move {
        let (username, to, occasion) = (&account.username, &account.email, post.occasion(&account));
        let notice = Notice::AddressChanged { username, to, occasion };
        post.send(MailPurpose::Ownership, Some(&account.id), &old, post.words_for(&account), &notice).await;
    });
}

/// Tells the owner that somebody else wanted to have the account's address for theirs.
pub fn address_wanted(app: &App, snapshot: &Snapshot, by: By<'_>, owner: &Account) {
    let post = Post::new(app, snapshot, by).without_language();
    let owner = owner.clone();
    app.mailer.aside(async move {
        let words = post.words_for(&owner);
        post.send(MailPurpose::Asked, Some(&owner.id), &owner.email, words, &Notice::AddressWanted).await;
    });
}

/// Tells who reads mails at an address that was another account's before, and that somebody wants to change to.
pub fn address_retired(app: &App, snapshot: &Snapshot, by: By<'_>, account: &Account, to: &str) {
    let post = Post::new(app, snapshot, by);
    let (account, to) = (account.clone(), to.to_owned());
    app.mailer.aside(async move {
        let (words, occasion) = (post.words_for(&account), post.occasion(&account));
        post.send(MailPurpose::Asked, Some(&account.id), &to, words, &Notice::Retired { occasion }).await;
    });
}

/// Tells the owner of the first sign-in from a browser, whose language it is in if the owner's code was proved there: with
/// the password alone it may be a stranger's.
pub fn new_device(app: &App, snapshot: &Snapshot, by: By<'_>, account: &Account, proofs: Proofs) {
    let post = Post::new(app, snapshot, by);
    let post = if proofs.two_factors() { post } else { post.without_language() };
    let account = account.clone();
    app.mailer.aside(async move {
        let (username, occasion) = (&account.username, post.occasion(&account));
        // The password of an account in a file is not chosen here.
        let reset = (account.source == database::SOURCE).then(|| post.page("reset"));
        post.tell(&account, &Notice::NewDevice { username, reset, occasion }).await;
    });
}

/// What it takes to write and send a mail, without the request that brought it about.
#[derive(Clone)]
pub(super) struct Post {
    pub snapshot: Arc<Snapshot>,
    mailer: Mailer,
    throttle: Throttle,
    languages: Languages,
    audit: Audit,
    portal: Option<Origin>,
    home: String,
    pub at: Timestamp,
    address: Option<IpAddr>,
    request_id: Option<String>,
    accept_language: String,
    browser: BrowserName,
}

impl Post {
    pub fn new(app: &App, snapshot: &Snapshot, by: By<'_>) -> Self {
        let own = by.origin.map(|origin| snapshot.pages(origin)).or(snapshot.portal.as_ref());
        // At the command line, and without a portal: any app's host has the pages.
        let own = own.or_else(|| snapshot.apps.first().map(|app| &app.url.origin));
        Self {
            snapshot: app.snapshot.load_full(),
            mailer: app.mailer.clone(),
            throttle: app.throttle.clone(),
            languages: app.words.clone(),
            audit: app.audit.clone(),
            portal: snapshot.portal.clone(),
            home: own.map(ToString::to_string).unwrap_or_default(),
            at: by.at,
            address: by.address,
            request_id: by.request_id.map(str::to_owned),
            accept_language: by.accept_language.to_owned(),
            browser: BrowserName::of(by.user_agent),
        }
    }

    /// For a mail that somebody brings about who has not said who they are.
    pub fn of(x: &Exchange<'_>) -> Self {
        let by = By {
            at: x.now,
            address: Some(x.address),
            request_id: Some(x.request_id),
            account: None,
            user_agent: x.user_agent,
            accept_language: x.accept_language,
            origin: Some(x.origin),
        };
        Self::new(x.app, x.snapshot, by)
    }

    /// For a mail to somebody else than who asks.
    #[must_use]
    pub fn without_language(self) -> Self {
        Self { accept_language: String::new(), ..self }
    }

    /// The address of one of our pages.
    pub fn page(&self, name: &str) -> String {
        format!("{}{OWN_PREFIX}/{name}", self.home)
    }

    pub fn occasion(&self, account: &Account) -> Occasion {
        self.occasion_in(self.words_for(account))
    }

    pub fn occasion_in(&self, words: &Words) -> Occasion {
        Occasion { address: self.address, browser: self.browser.in_words(words), at: self.at }
    }

    /// In the language that the account names, else in the one that the request asks for.
    pub fn words_for(&self, account: &Account) -> &Words {
        self.languages.choose(account.language.as_deref(), &self.accept_language)
    }

    /// In the language that the request asks for.
    pub fn words(&self) -> &Words {
        self.languages.choose(None, &self.accept_language)
    }

    /// Mails an administrator that somebody waits for a decision.
    async fn ask(&self, administrator: &Account, entry: &Entry) {
        let Person { name, username, email, .. } = &*entry.account;
        // Administration needs a portal of its own.
        let page = self.portal.as_ref().map(|_| self.page("admin"));
        let notice = Notice::Waiting { name, username, email, page };
        let (to, words) = (&administrator.email, self.words_for(administrator));
        // Strangers bring these about: they leave room for what an administrator is mailed besides.
        self.send(MailPurpose::Request, Some(&administrator.id), to, words, &notice).await;
    }

    /// Mails the owner.
    async fn tell(&self, account: &Account, notice: &Notice<'_>) {
        let words = self.words_for(account);
        self.send(MailPurpose::Notice, Some(&account.id), &account.email, words, notice).await;
    }

    pub async fn send(
        &self,
        purpose: MailPurpose,
        account: Option<&AccountId>,
        to: &str,
        words: &Words,
        notice: &Notice<'_>,
    ) {
        let message = notice_mail(words, &self.snapshot.brand, to, notice);
        self.deliver(purpose, account, message).await;
    }

    /// Sends a mail, if the address may have one more.
    async fn deliver(&self, purpose: MailPurpose, account: Option<&AccountId>, message: Message) {
        let budget = mailing::budget(&self.snapshot);
        let to = canonical(&message.to);
        match self.throttle.mail(&to, purpose, budget, self.at).await {
            Ok(None) => {}
            Ok(Some(_)) => return self.record("mail_budget_used_up", account, &message.subject),
            Err(error) => {
                tracing::error!(%error, request_id = self.request_id, "a mail was not sent");
                return self.record("mail_not_sent", account, &message.subject);
            }
        }
        if !self.hand_over(account, message).await
            && let Err(error) = self.throttle.undo_mail(&to, purpose, budget).await
        {
            tracing::warn!(%error, "a mail that never left counts as sent");
        }
    }

    /// Sends a mail that was counted before. Whether it left.
    pub async fn hand_over(&self, account: Option<&AccountId>, message: Message) -> bool {
        let subject = message.subject.clone();
        let sent = self.mailer.send_patiently(message).await;
        if let Err(error) = &sent {
            tracing::error!(%error, request_id = self.request_id, "a mail could not be sent");
            self.record("mail_not_sent", account, &subject);
        }
        sent.is_ok()
    }

    /// Leaves an entry in the audit trail.
    pub fn record(&self, what: &'static str, account: Option<&AccountId>, detail: &str) {
        self.audit.record(&Event {
            at: self.at,
            what,
            by: None,
            account: account.map(AccountId::as_str),
            address: self.address,
            request_id: self.request_id.as_deref(),
            detail: (!detail.is_empty()).then_some(detail),
        });
    }
}
