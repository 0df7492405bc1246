//! Text to [`Config`], with places. The only module that knows YAML, and all Settings types.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::policy::Rule;
use crate::route::AppUrl;
use crate::secret::Secret;
use crate::{account, identity, listen, mail, observe, portal, session, sign_in, store, throttle, upstream};

/// The configuration as used: patterns compiled, files read, references resolved.
pub struct Config {
    /// Raw bytes, 32 or more each; empty: made and kept in `data_dir` (embedded store alone).
    pub secrets: Vec<Secret<Vec<u8>>>,
    pub data_dir: PathBuf,
    pub listen: Vec<listen::ListenerSettings>,
    pub tls: listen::TlsSettings,
    pub trusted_proxies: Vec<IpNet>,
    pub portal: portal::Settings,
    pub store: store::Settings,
    pub accounts: Vec<account::SourceSettings>,
    pub mail: mail::Settings,
    pub session: session::Settings,
    pub email_code: sign_in::Settings,
    pub passwords: account::PasswordSettings,
    pub limits: Limits,
    pub apps: Vec<App>,
    pub admin: Option<SocketAddr>,
    pub log: observe::Settings,
}

/// `limits` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub throttle: throttle::Settings,
    /// In bytes.
    pub max_request_headers: usize,
    /// In bytes; zero: no limit.
    pub max_request_body: u64,
}

/// One entry of `apps`.
#[derive(Clone, Debug)]
pub struct App {
    pub name: String,
    pub url: AppUrl,
    pub insecure: bool,
    pub access: Vec<Rule>,
    pub upstream: upstream::Settings,
    pub identity: identity::Settings,
}
