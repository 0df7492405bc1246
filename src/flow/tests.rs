//! The flows with a clock turned by hand, over a store in memory, with mails in a folder.

mod codes;
mod limits;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tempfile::TempDir;

use super::code::Outcome as CodeOutcome;
use super::mailing::Mailed;
use super::password::{Attempt, Outcome};
use super::{Browser, Entered, break_glass, code, hand_over, password, sign_out, step_up, who};
use crate::account::{
    self, Account, Approval, Directory, FileDirectory, Hasher, PasswordSettings, Source, StoredHash,
};
use crate::app::{App, Application, Exchange, Snapshot};
use crate::clock::{Clock, Timestamp};
use crate::identity::{Encoding, StripList};
use crate::mail::{self, Brand, Mailer, TransportSettings};
use crate::observe::Audit;
use crate::policy::{Policy, Rule};
use crate::route::{AppUrl, Host, Origin, ReturnUrl, Routes, Scheme};
use crate::secret::{Keys, Secret};
use crate::session::Sessions;
use crate::store::Store;
use crate::subject::AccountId;
use crate::tasks::Tasks;
use crate::throttle::{self, Throttle};
use crate::upstream::{HostHeader, Target, Timeouts, Trust, Upstream};
use crate::words::Words;
use crate::{identity, session, sign_in, upstream};

const HASHING: PasswordSettings = PasswordSettings { memory: 8, iterations: 1, minimum_length: 12 };
const RIGHT: &str = "correct horse battery";
const HERE: [u8; 4] = [192, 0, 2, 1];

struct Rig {
    app: App,
    accounts: FileDirectory,
    portal: Origin,
    wiki: Origin,
    outbox: TempDir,
}

/// A browser: its cookies on the portal's host, and the address it comes from.
#[derive(Clone)]
struct Visitor {
    address: IpAddr,
    session: Option<String>,
    login: Option<String>,
    device: Option<String>,
}

impl Visitor {
    fn new() -> Self {
        Self { address: IpAddr::from(HERE), session: None, login: None, device: None }
    }

    fn cookies(&self) -> Browser<'_> {
        Browser {
            session: self.session.as_deref(),
            login: self.login.as_deref(),
            device: self.device.as_deref(),
        }
    }

    fn keep(&mut self, entered: &Entered) {
        self.session = Some(entered.session.cookie.clone());
        self.device = Some(entered.device.clone());
        self.login = None;
    }
}

impl Rig {
    async fn new() -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
        let keys = Arc::new(Keys::derive(&[Secret::new(vec![7; 32])]).unwrap());
        let store = Arc::new(Store::temporary(clock.clone()).await.unwrap());
        let outbox = tempfile::tempdir().unwrap();
        let origin =
            |host: &str| Origin { scheme: Scheme::Https, host: Host::parse(host).unwrap(), port: 443 };
        let (portal, wiki, status) =
            (origin("auth.example.com"), origin("wiki.example.com"), origin("status.example.com"));
        let accounts = FileDirectory::new(vec![
            account("alice", Approval::Approved, false),
            account("bob", Approval::Pending, false),
            account("carol", Approval::Rejected, false),
            account("dave", Approval::Approved, true),
        ]);
        let apps =
            vec![application("wiki", &wiki, vec![]), application("status", &status, vec![one_factor()])];
        let snapshot = Snapshot {
            routes: Routes::new(apps.iter().map(|app| &app.url), Some(&portal)),
            strip: Arc::new(StripList::new(apps.iter().map(|app| &app.identity))),
            apps,
            portal: Some(portal.clone()),
            directory: Directory::new(vec![Source::File(accounts.clone())]),
            session: SESSION,
            email_code: EMAIL_CODE,
            brand: Brand { title: "Example".into(), accent: crate::accent::Accent::default() },
        };
        let mail = mail::Settings {
            from: "Example <signin@example.com>".into(),
            transport: TransportSettings::Outbox(outbox.path().to_owned()),
        };
        let (tasks, services) = (Tasks::default(), tokio::runtime::Handle::current());
        let app = App {
            mailer: Mailer::new(&mail, clock.clone(), tasks.clone(), services).unwrap(),
            sessions: Sessions::new(store.clone(), keys.clone(), SESSION),
            throttle: Throttle::new(store.clone(), keys.clone(), LIMITS),
            hasher: Hasher::new(2, 64, HASHING).unwrap(),
            words: Arc::new(Words::english()),
            audit: Audit::off(),
            snapshot: ArcSwap::from_pointee(snapshot),
            clock,
            keys,
            store,
            tasks,
        };
        Self { app, accounts, portal, wiki, outbox }
    }

    fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
    }

    fn in_exchange<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        visitor: &Visitor,
        origin: &'a Origin,
    ) -> Exchange<'a> {
        Exchange {
            app: &self.app,
            snapshot,
            now: self.app.clock.now(),
            address: visitor.address,
            user_agent: "",
            request_id: "test",
            origin,
        }
    }

    async fn password(
        &self,
        visitor: &mut Visitor,
        username: &str,
        password: &str,
        rd: Option<&str>,
    ) -> Outcome {
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let destination = rd.map(|rd| ReturnUrl::parse(rd, &self.portal, &snapshot.routes).unwrap());
        let attempt = Attempt {
            username,
            password: Secret::new(password.into()),
            remember: false,
            destination: destination.as_ref(),
        };
        let outcome = password::sign_in(&x, visitor.cookies(), attempt).await.unwrap();
        match &outcome {
            Outcome::CodeSent(cookie) | Outcome::MailFailed(cookie) => visitor.login = Some(cookie.clone()),
            Outcome::Entered(entered) => visitor.keep(entered),
            _ => {}
        }
        outcome
    }

    async fn code(&self, visitor: &mut Visitor, typed: &str) -> CodeOutcome {
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let outcome = code::verify(&x, visitor.cookies(), typed).await.unwrap();
        if let CodeOutcome::Entered(entered) = &outcome {
            visitor.keep(entered);
        }
        outcome
    }

    async fn signed_in(&self, username: &str) -> Visitor {
        let mut visitor = Visitor::new();
        assert!(matches!(self.password(&mut visitor, username, RIGHT, None).await, Outcome::CodeSent(_)));
        let code = self.mails().last().unwrap().clone();
        assert!(matches!(self.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
        visitor
    }

    async fn who(&self, visitor: &Visitor) -> Option<who::Visitor> {
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        who::visitor(&x, visitor.session.as_deref()).await.unwrap()
    }

    /// The codes mailed so far, the first one first.
    fn mails(&self) -> Vec<String> {
        let mut mails: Vec<_> = std::fs::read_dir(self.outbox.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
            .collect();
        mails.sort();
        mails
            .iter()
            .map(|(_, path)| {
                let mail = std::fs::read_to_string(path).unwrap();
                let (_, rest) = mail.split_once("Your sign-in code is ").unwrap();
                rest[..6].to_owned()
            })
            .collect()
    }
}

const SESSION: session::Settings = session::Settings {
    idle: Duration::from_hours(1),
    lifetime: Duration::from_hours(12),
    remember: Duration::from_hours(720),
    cache: 100,
};

const EMAIL_CODE: sign_in::Settings = sign_in::Settings {
    digits: 6,
    lifetime: Duration::from_mins(5),
    attempts: 5,
    resend_after: Duration::from_mins(1),
    hourly: 10,
    daily: 30,
    quarantine: 15,
};

const LIMITS: throttle::Settings = throttle::Settings {
    failures: 5,
    within: Duration::from_mins(10),
    lock: Duration::from_mins(5),
    device_failures: 10,
};

fn account(username: &str, approval: Approval, disabled: bool) -> Account {
    Account {
        id: AccountId::new("file", username),
        source: "file",
        username: username.into(),
        name: String::new(),
        email: format!("{username}@example.com"),
        groups: vec![],
        attributes: std::collections::BTreeMap::default(),
        approval,
        disabled,
        password: StoredHash(Secret::new(account::password::hash(RIGHT, &HASHING).unwrap())),
    }
}

fn one_factor() -> Rule {
    let (paths, methods, users, groups, networks) = Default::default();
    Rule { paths, methods, users, groups, networks, policy: Policy::OneFactor, line: 1 }
}

fn application(name: &str, origin: &Origin, rules: Vec<Rule>) -> Application {
    let settings = upstream::Settings {
        target: Target::Whoami,
        host_header: HostHeader::Preserve,
        strip_prefix: None,
        allow_headers: vec![],
    };
    Application {
        name: name.into(),
        url: AppUrl { origin: origin.clone(), path: "".into() },
        rules,
        by_path: false,
        identity: identity::Settings { headers: vec![], encoding: Encoding::Utf8 },
        allow_headers: vec![],
        strip_prefix: None,
        upstream: Upstream::new(name, &settings, Timeouts::default(), &Trust::system()).unwrap(),
    }
}

fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test]
async fn a_password_and_a_code_open_a_session_that_knows_its_factors_and_source() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("Alice@Example.COM ").await;
    let who = rig.who(&visitor).await.unwrap();
    assert_eq!(who.subject.username, "alice");
    assert_eq!(who.subject.proofs.names(), ["password", "email_code"]);
    assert_eq!(who.session.source(), "file");
}

#[tokio::test]
async fn a_sign_in_under_way_is_not_a_session() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    visitor.session.clone_from(&visitor.login);
    assert!(rig.who(&visitor).await.is_none());
}

async fn step_up(rig: &Rig, visitor: &mut Visitor) {
    let inside = rig.who(visitor).await.unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, visitor, &rig.portal);
    let (cookie, mailed) =
        step_up::begin(&x, visitor.cookies(), &inside, None).await.unwrap().expect("the account is there");
    assert_eq!(mailed, Mailed::Sent);
    visitor.login = Some(cookie);
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_to_who_knows_its_password() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    assert!(matches!(rig.password(&mut visitor, "bob", "wrong", None).await, Outcome::Wrong));
    assert!(matches!(rig.password(&mut visitor, "bob", RIGHT, None).await, Outcome::Pending));
    assert!(matches!(rig.password(&mut visitor, "carol", RIGHT, None).await, Outcome::Disabled));
    assert!(matches!(rig.password(&mut visitor, "dave", RIGHT, None).await, Outcome::Disabled));
    assert!(rig.mails().is_empty());
}

#[tokio::test]
async fn an_account_that_is_disabled_meanwhile_gets_no_further() {
    let rig = Rig::new().await;
    let signed_in = rig.signed_in("alice").await;
    let mut visitor = Visitor { address: IpAddr::from([192, 0, 2, 9]), ..Visitor::new() };
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    rig.accounts.replace(vec![account("alice", Approval::Approved, true)]);
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Disabled));
    assert!(rig.who(&signed_in).await.is_none(), "and who was in is out");
}

#[tokio::test]
async fn a_password_alone_opens_a_session_only_where_the_rule_says_so() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    let status = Some("https://status.example.com/x");
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, status).await, Outcome::Entered(_)));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.proofs.names(), ["password"]);
    let wiki = Some("https://wiki.example.com/");
    assert!(matches!(rig.password(&mut Visitor::new(), "alice", RIGHT, wiki).await, Outcome::CodeSent(_)));
}

#[tokio::test]
async fn a_step_up_adds_the_second_factor_and_renews_the_session_id() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, Some("https://status.example.com/")).await;
    let before = visitor.session.clone().unwrap();
    step_up(&rig, &mut visitor).await;
    let code = rig.mails()[0].clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
    assert_eq!(rig.who(&visitor).await.unwrap().subject.proofs.names(), ["password", "email_code"]);
    assert_ne!(visitor.session.as_deref(), Some(before.as_str()));
    let old = Visitor { session: Some(before), ..visitor };
    assert!(rig.who(&old).await.is_none());
}

#[tokio::test]
async fn signing_in_again_ends_what_this_browser_had_before() {
    let rig = Rig::new().await;
    let mut visitor = rig.signed_in("alice").await;
    let before = visitor.clone();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails().last().unwrap().clone();
    rig.code(&mut visitor, &code).await;
    assert!(rig.who(&visitor).await.is_some());
    assert!(rig.who(&before).await.is_none());
}

#[tokio::test]
async fn a_ticket_is_good_once_for_one_browser_on_one_host_for_thirty_seconds() {
    let rig = Rig::new().await;
    let visitor = rig.signed_in("alice").await;
    let inside = rig.who(&visitor).await.unwrap();
    let snapshot = rig.app.snapshot.load_full();
    let at_portal = rig.in_exchange(&snapshot, &visitor, &rig.portal);
    let wiki = ReturnUrl::parse("https://wiki.example.com/page?a=b", &rig.portal, &snapshot.routes).unwrap();
    let nonce = hand_over::nonce();
    let hash = hand_over::nonce_hash(&nonce);
    let mint = async || hand_over::mint(&at_portal, &inside, &wiki, &hash).await.unwrap().unwrap();
    let at_wiki = rig.in_exchange(&snapshot, &visitor, &rig.wiki);

    let ticket = mint().await;
    let redeemed = hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().unwrap();
    assert_eq!(redeemed.destination, "https://wiki.example.com/page?a=b");
    assert!(who::visitor(&at_wiki, Some(&redeemed.session.cookie)).await.unwrap().is_some());
    assert!(hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().is_none(), "used");

    let ticket = mint().await;
    assert!(hand_over::redeem(&at_wiki, &ticket, &hand_over::nonce()).await.unwrap().is_none());
    assert!(
        hand_over::redeem(&at_wiki, &ticket, &nonce).await.unwrap().is_none(),
        "burnt by the wrong browser"
    );
    let ticket = mint().await;
    assert!(hand_over::redeem(&at_portal, &ticket, &nonce).await.unwrap().is_none(), "another host");

    let ticket = mint().await;
    rig.advance(Duration::from_secs(30));
    let later = rig.in_exchange(&snapshot, &visitor, &rig.wiki);
    assert!(hand_over::redeem(&later, &ticket, &nonce).await.unwrap().is_none(), "expired");

    sign_out::sign_out(&later, &inside).await.unwrap();
    let session = Some(redeemed.session.cookie.as_str());
    assert!(who::visitor(&later, session).await.unwrap().is_none(), "signed out everywhere");
}
