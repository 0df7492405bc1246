//! Pure: who may do what. Start from [`decide`].

mod pattern;

use ipnet::IpNet;

pub use pattern::PathPattern;

/// What a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Bypass,
    OneFactor,
    TwoFactor,
    Deny,
}

/// One entry of an app's `access`. All that is given must match, any of a list does; an empty list is not given.
#[derive(Clone, Debug)]
pub struct Rule {
    pub paths: Vec<PathPattern>,
    /// Upper case.
    pub methods: Vec<String>,
    /// Canonical usernames.
    pub users: Vec<String>,
    pub groups: Vec<String>,
    pub networks: Vec<IpNet>,
    pub policy: Policy,
    /// Line of the rule in the configuration file, from 1.
    pub line: usize,
}
