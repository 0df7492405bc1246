//! An app with a clock turned by hand, and browsers that visit it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tempfile::TempDir;

use super::super::code::Outcome as CodeOutcome;
use super::super::password::{Attempt, Outcome};
use super::super::{Browser, Entered, code, password, who};
use crate::account::{
    self, Account, Approval, Database, DatabaseSettings, Directory, FileDirectory, Hasher, PasswordSettings,
    Registration, Source, StoredHash, database,
};
use crate::app::{App, Application, Behind, Exchange, Snapshot};
use crate::clock::{Clock, Timestamp};
use crate::identity::{Encoding, StripList};
use crate::mail::{self, Brand, Mailer, TransportSettings};
use crate::observe::Audit;
use crate::policy::{Policy, Rule, Rules};
use crate::route::{AppUrl, Host, Origin, ReturnUrl, Routes, Scheme};
use crate::secret::{Keys, Secret};
use crate::session::Sessions;
use crate::sign_in::code::For;
use crate::store::{Key, Store};
use crate::subject::{AccountId, Person};
use crate::tasks::Tasks;
use crate::throttle::{self, Throttle};
use crate::upstream::{HostHeader, Rewrite, Target, Timeouts, Trust, Upstream};
use crate::words::Languages;
use crate::{identity, session, sign_in, upstream};

pub(super) const HASHING: PasswordSettings =
    PasswordSettings { memory: 8, iterations: 1, minimum_length: 12 };
pub(super) const RIGHT: &str = "correct horse battery";
pub(super) const HERE: [u8; 4] = [192, 0, 2, 1];

pub(super) struct Rig {
    pub(super) app: App,
    pub(super) accounts: FileDirectory,
    /// Empty at first; the second source, and the one that people register in.
    pub(super) database: Database,
    pub(super) portal: Origin,
    pub(super) wiki: Origin,
    pub(super) outbox: TempDir,
    _data: TempDir,
}

/// A browser: its cookies on the portal's host, and the address it comes from.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) address: IpAddr,
    pub(super) session: Option<String>,
    pub(super) login: Option<String>,
    pub(super) device: Option<String>,
    pub(super) accept_language: &'static str,
}

impl Visitor {
    pub(super) fn new() -> Self {
        Self { address: IpAddr::from(HERE), session: None, login: None, device: None, accept_language: "" }
    }

    pub(super) fn cookies(&self) -> Browser<'_> {
        Browser {
            session: self.session.as_deref(),
            login: self.login.as_deref(),
            device: self.device.as_deref(),
        }
    }

    pub(super) fn keep(&mut self, entered: &Entered) {
        self.session = Some(entered.session.cookie.clone());
        self.device = Some(entered.device.clone());
        self.login = None;
    }
}

impl Rig {
    pub(super) async fn new() -> Self {
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
        let data = tempfile::tempdir().unwrap();
        let (tasks, services) = (Tasks::default(), tokio::runtime::Handle::current());
        let place = database::Place::Sqlite(data.path().join("accounts.db"));
        let database = Database::open(&place, services.clone(), tasks.clone()).unwrap();
        let apps =
            vec![application("wiki", &wiki, vec![]), application("status", &status, vec![one_factor()])];
        let snapshot = Snapshot {
            routes: Routes::new(apps.iter().map(|app| &app.url), Some(&portal)),
            strip: Arc::new(StripList::new([])),
            apps,
            portal: Some(portal.clone()),
            directory: Directory::new(vec![
                Source::File(accounts.clone()),
                Source::Database(database.clone()),
            ]),
            database: Some(DatabaseSettings {
                place,
                registration: Registration::Approval,
                domains: Vec::new(),
            }),
            admins: vec!["admins".into()],
            passwords: HASHING,
            session: SESSION,
            email_code: EMAIL_CODE,
            brand: Brand { title: "Example".into(), accent: crate::accent::Accent::default() },
        };
        let mail = mail::Settings {
            from: "Example <signin@example.com>".into(),
            transport: TransportSettings::Outbox(outbox.path().to_owned()),
        };
        let app = App {
            mailer: Mailer::new(&mail, clock.clone(), tasks.clone(), services).unwrap(),
            sessions: Sessions::new(store.clone(), keys.clone(), SESSION),
            throttle: Throttle::new(store.clone(), keys.clone(), LIMITS),
            hasher: Hasher::new(2, 64, HASHING).unwrap(),
            words: Languages::built_in(),
            audit: Audit::off(),
            snapshot: ArcSwap::from_pointee(snapshot),
            clock,
            keys,
            store,
            tasks,
        };
        Self { app, accounts, database, portal, wiki, outbox, _data: data }
    }

    /// Changes the configuration. Nothing may be under way.
    pub(super) fn configure(&self, change: impl FnOnce(&mut Snapshot)) {
        let nothing = Snapshot {
            routes: Routes::new([], None),
            apps: Vec::new(),
            portal: None,
            directory: Directory::default(),
            database: None,
            admins: Vec::new(),
            passwords: HASHING,
            session: SESSION,
            email_code: EMAIL_CODE,
            brand: Brand { title: String::new(), accent: crate::accent::Accent::default() },
            strip: Arc::new(StripList::new([])),
        };
        let mut snapshot = Arc::into_inner(self.app.snapshot.swap(Arc::new(nothing))).expect("at rest");
        change(&mut snapshot);
        self.app.snapshot.store(Arc::new(snapshot));
    }

    pub(super) fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
    }

    pub(super) fn in_exchange<'a>(
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
            accept_language: visitor.accept_language,
            request_id: "test",
            origin,
        }
    }

    pub(super) async fn password(
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
            again: None,
        };
        let outcome = password::sign_in(&x, visitor.cookies(), attempt).await.unwrap();
        match &outcome {
            Outcome::CodeSent(cookie) | Outcome::MailFailed(cookie) => visitor.login = Some(cookie.clone()),
            Outcome::Entered(entered) => visitor.keep(entered),
            _ => {}
        }
        outcome
    }

    pub(super) async fn code(&self, visitor: &mut Visitor, typed: &str) -> CodeOutcome {
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        let outcome = code::verify(&x, visitor.cookies(), typed).await.unwrap();
        if let CodeOutcome::Entered(entered) = &outcome {
            visitor.keep(entered);
        }
        outcome
    }

    pub(super) async fn signed_in(&self, username: &str) -> Visitor {
        let mut visitor = Visitor::new();
        assert!(matches!(self.password(&mut visitor, username, RIGHT, None).await, Outcome::CodeSent(_)));
        let code = self.mails().last().unwrap().clone();
        assert!(matches!(self.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
        visitor
    }

    pub(super) async fn who(&self, visitor: &Visitor) -> Option<who::Visitor> {
        let snapshot = self.app.snapshot.load_full();
        let x = self.in_exchange(&snapshot, visitor, &self.portal);
        who::visitor(&x, visitor.session.as_deref()).await.unwrap()
    }

    /// No mail leaves any more.
    pub(super) fn break_mail(&self) {
        std::fs::remove_dir_all(self.outbox.path()).unwrap();
        std::fs::write(self.outbox.path(), "").unwrap();
    }

    /// The first code that something under way in the store would be proved by, whether it was mailed or not.
    pub(super) async fn derived(&self, key: Key, nonce: &str, is_for: For<'_>) -> String {
        let record = self.app.store.get(key).await.unwrap().expect("something under way");
        let record: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
        let nonce: [u8; 32] = serde_json::from_value(record.pointer(nonce).unwrap().clone()).unwrap();
        sign_in::code::Secret { nonce: &nonce, is_for }.derive(&self.app.keys, 1, 6).expose().to_owned()
    }

    /// The codes mailed so far, the first one first.
    pub(super) fn mails(&self) -> Vec<String> {
        let code = |mail: &String| {
            let (_, rest) = mail.split_once("Your sign-in code is ")?;
            Some(rest[..6].to_owned())
        };
        self.letters().iter().filter_map(code).collect()
    }

    /// The mails themselves, as they are sent.
    pub(super) fn letters(&self) -> Vec<String> {
        let mut mails: Vec<_> = std::fs::read_dir(self.outbox.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            // What is half written has another name.
            .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
            .map(|path| (sent(&path), std::fs::metadata(&path).unwrap().modified().unwrap(), path))
            .collect();
        mails.sort();
        mails.iter().map(|(.., path)| std::fs::read_to_string(path).unwrap()).collect()
    }
}

/// When a letter was sent, as its name begins.
fn sent(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().split('-').next().unwrap().to_owned()
}

pub(super) const SESSION: session::Settings = session::Settings {
    idle: Duration::from_hours(1),
    lifetime: Duration::from_hours(12),
    remember: Duration::from_hours(720),
    cache: 100,
};

pub(super) const EMAIL_CODE: sign_in::Settings = sign_in::Settings {
    digits: 6,
    lifetime: Duration::from_mins(5),
    attempts: 5,
    resend_after: Duration::from_mins(1),
    hourly: 10,
    daily: 30,
    quarantine: 15,
};

pub(super) const LIMITS: throttle::Settings = throttle::Settings {
    failures: 5,
    within: Duration::from_mins(10),
    lock: Duration::from_mins(5),
    device_failures: 10,
};

pub(super) fn account(username: &str, approval: Approval, disabled: bool) -> Account {
    let hash = StoredHash(Secret::new(account::password::hash(RIGHT, &HASHING).unwrap()));
    let person = Person {
        id: AccountId::new("file", username),
        username: username.into(),
        name: String::new(),
        email: format!("{username}@example.com"),
        groups: vec![],
        attributes: std::collections::BTreeMap::default(),
        language: None,
    };
    Account {
        person: Arc::new(person),
        source: "file",
        approval,
        disabled,
        fingerprint: hash.fingerprint(),
        password: Some(hash),
    }
}

pub(super) fn one_factor() -> Rule {
    let (paths, methods, users, groups, networks) = Default::default();
    Rule { paths, methods, users, groups, networks, policy: Policy::OneFactor, line: 1 }
}

pub(super) fn application(name: &str, origin: &Origin, rules: Vec<Rule>) -> Application {
    let settings = upstream::Settings {
        target: Target::Whoami,
        host_header: HostHeader::Preserve,
        strip_prefix: None,
        allow_headers: vec![],
        limits: upstream::Limits::default(),
    };
    let url = AppUrl { origin: origin.clone(), path: "".into() };
    Application {
        name: name.into(),
        url: url.clone(),
        rules: Rules::from(rules),
        by_path: false,
        identity: identity::Prepared::new(identity::Settings { headers: vec![], encoding: Encoding::Utf8 }),
        place: identity::Place::new(origin.scheme, &origin.host, Some(origin.port)).ok(),
        allow_headers: vec![],
        headers: identity::Headers::default(),
        strip_prefix: None,
        maintenance: false,
        activity: session::Activity::Any,
        max_request_body: 0,
        behind: Behind::Upstream(
            Box::new(Upstream::new(name, &settings, Timeouts::default(), &Trust::system()).unwrap()),
            Rewrite::new(&settings, &url),
        ),
        metrics: Arc::default(),
    }
}
