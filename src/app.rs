//! What a request is answered with: [`App`] lives as long as the process, [`Snapshot`] is replaced whole when the
//! configuration changes, [`Exchange`] is one request's context. Plain structs.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderName;

use crate::account::{DatabaseSettings, Directory, Hasher, PasswordSettings};
use crate::clock::{Clock, Timestamp};
use crate::mail::{Brand, Mailer};
use crate::observe::Audit;
use crate::observe::metrics::AppMetrics;
use crate::policy::Rules;
use crate::route::{AppUrl, Host, Origin, Routes};
use crate::secret::Keys;
use crate::session::{Activity, Sessions};
use crate::store::Store;
use crate::subject::Subject;
use crate::tasks::Tasks;
use crate::throttle::Throttle;
use crate::upstream::{Rewrite, Upstream};
use crate::words::{Languages, Words};
use crate::{identity, session, sign_in};

pub struct App {
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub store: Arc<Store>,
    pub sessions: Sessions,
    pub throttle: Throttle,
    pub hasher: Hasher,
    pub mailer: Mailer,
    pub words: Languages,
    pub audit: Audit,
    pub tasks: Tasks,
    pub snapshot: ArcSwap<Snapshot>,
}

/// Everything that follows from the configuration. A request reads one of these, taken at its start.
pub struct Snapshot {
    pub routes: Routes,
    pub apps: Vec<Application>,
    pub portal: Option<Origin>,
    pub directory: Directory,
    /// Who may register in the directory's database, if it has one.
    pub database: Option<DatabaseSettings>,
    /// Groups whose members may use the administration pages.
    pub admins: Vec<String>,
    /// For passwords set from now on.
    pub passwords: PasswordSettings,
    pub session: session::Settings,
    pub email_code: sign_in::Settings,
    pub brand: Brand,
    /// What no client may tell an app, over all apps.
    pub strip: Arc<identity::StripList>,
}

/// One app behind the gateway.
pub struct Application {
    pub name: String,
    pub url: AppUrl,
    pub rules: Rules,
    /// Whether a path decides anything here: between apps on one host, or between this app's rules.
    pub by_path: bool,
    pub identity: identity::Prepared,
    /// What the app is told of its own address, as nearly every request names it.
    pub place: Option<identity::Place>,
    pub allow_headers: Vec<HeaderName>,
    /// What is set and removed on the way to the app and back.
    pub headers: identity::Headers,
    /// Removed from the path before it is sent on.
    pub strip_prefix: Option<String>,
    /// Answers nothing but that it will be back.
    pub maintenance: bool,
    pub activity: Activity,
    /// In bytes; zero: no limit.
    pub max_request_body: u64,
    pub behind: Behind,
    pub metrics: Arc<AppMetrics>,
}

/// What stands behind an app's address.
pub enum Behind {
    Upstream(Box<Upstream>, Rewrite),
    /// Everybody is sent there.
    Redirect(AppUrl),
}

/// One request's context.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub app: &'a App,
    pub snapshot: &'a Snapshot,
    pub now: Timestamp,
    /// The visitor's address.
    pub address: IpAddr,
    pub user_agent: &'a str,
    /// Which languages the visitor's browser asks for, as it does.
    pub accept_language: &'a str,
    pub request_id: &'a str,
    /// The configured origin of the host that was asked: the app's or the portal's.
    pub origin: &'a Origin,
}

impl<'a> Exchange<'a> {
    pub fn host(&self) -> &Host {
        &self.origin.host
    }

    /// The texts for the visitor, whose account may name a language.
    pub fn words(&self, language: Option<&str>) -> &'a Words {
        self.app.words.choose(language, self.accept_language)
    }
}

impl Snapshot {
    /// Where the pages live for visitors of this origin.
    pub fn pages<'a>(&'a self, origin: &'a Origin) -> &'a Origin {
        self.portal.as_ref().unwrap_or(origin)
    }

    /// Whether anybody can be one.
    pub fn has_admins(&self) -> bool {
        !self.admins.is_empty()
    }

    /// Whether this is an administrator, with two factors proved.
    pub fn is_admin(&self, subject: &Subject) -> bool {
        subject.proofs.two_factors() && self.is_one_of_the_admins(subject)
    }

    /// Whether this is an administrator's account, whatever was proved.
    pub fn is_one_of_the_admins(&self, subject: &Subject) -> bool {
        subject.groups.iter().any(|group| self.admins.contains(group))
    }
}

impl Application {
    /// `None` for an app that only sends elsewhere.
    pub fn upstream(&self) -> Option<&Upstream> {
        match &self.behind {
            Behind::Upstream(upstream, _) => Some(upstream),
            Behind::Redirect(_) => None,
        }
    }
}
