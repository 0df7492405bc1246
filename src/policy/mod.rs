//! Pure: who may do what. Start from [`decide`].
//!
//! The first rule that matches decides; nothing matches: deny. Only [`decide`] makes a [`Permit`], and only a permit
//! opens the way to an upstream.

mod pattern;
mod rules;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

pub use pattern::PathPattern;
pub use rules::Rules;

use crate::route::Otherwise;
use crate::subject::Subject;

/// What a rule asks for, the strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// What a request looks like to the rules.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub method: &'a str,
    /// The canonical path, see [`crate::route::canonical_path`].
    pub path: &'a str,
    /// How else some servers would read the path.
    pub otherwise: Option<&'a Otherwise>,
    pub client: IpAddr,
}

/// Proof that a request was allowed, and for whom. Cannot be made outside this module.
#[derive(Debug)]
pub struct Permit {
    subject: Option<Arc<Subject>>,
}

impl Permit {
    /// Who the request is forwarded for; `None` is an anonymous visitor on a bypass path.
    pub fn subject(&self) -> Option<&Arc<Subject>> {
        self.subject.as_ref()
    }
}

/// What is missing before a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    SignIn,
    SecondFactor,
}

#[derive(Debug)]
pub enum Decision {
    Allow(Permit),
    Challenge(Missing),
    Deny,
}

/// Judges one request. An app without rules lets everyone in who proved two factors.
pub fn decide(rules: &Rules, who: Option<&Arc<Subject>>, facts: &Facts<'_>) -> Decision {
    match (policy_for(rules, who.map(AsRef::as_ref), facts), who) {
        (Policy::Bypass, who) => Decision::Allow(Permit { subject: who.cloned() }),
        (Policy::Deny, _) => Decision::Deny,
        (Policy::OneFactor | Policy::TwoFactor, None) => Decision::Challenge(Missing::SignIn),
        (Policy::TwoFactor, Some(who)) if !who.proofs.two_factors() => {
            Decision::Challenge(Missing::SecondFactor)
        }
        (Policy::OneFactor | Policy::TwoFactor, Some(who)) => {
            Decision::Allow(Permit { subject: Some(who.clone()) })
        }
    }
}

/// What the rules ask of this visitor for this request. Where the app may read the path in another way than it stands
/// there, whatever is asked for that counts too, and the strictest decides.
pub fn policy_for(rules: &Rules, who: Option<&Subject>, facts: &Facts<'_>) -> Policy {
    if rules.is_empty() {
        return Policy::TwoFactor;
    }
    let asks = |path: &str, reads: fn(&PathPattern, &str) -> bool| {
        let mut perhaps = rules.perhaps_for(path);
        let first = perhaps.find(|rule| rule.matches(who, facts, |pattern| reads(pattern, path)));
        first.map_or(Policy::Deny, |rule| rule.policy)
    };
    let policy = asks(facts.path, PathPattern::matches);
    match facts.otherwise {
        Some(Otherwise { bare, folded }) => {
            policy.max(asks(bare, PathPattern::matches)).max(asks(folded, PathPattern::matches_folded))
        }
        // The path has no capitals, but the rules may.
        None if rules.have_capitals() => policy.max(asks(facts.path, PathPattern::matches_folded)),
        None => policy,
    }
}

impl Rule {
    /// `reads`: whether the path is one of these.
    fn matches(
        &self,
        who: Option<&Subject>,
        facts: &Facts<'_>,
        reads: impl Fn(&PathPattern) -> bool,
    ) -> bool {
        given(&self.methods, |method| method == facts.method)
            && given(&self.paths, reads)
            && given(&self.networks, |network| network.contains(&facts.client))
            && self.matches_person(who)
    }

    /// Until somebody is signed in, a rule for certain people counts as matching and asks for the sign-in; one that
    /// denies them is passed over.
    fn matches_person(&self, who: Option<&Subject>) -> bool {
        if self.users.is_empty() && self.groups.is_empty() {
            return true;
        }
        who.map_or(self.policy != Policy::Deny, |who| {
            given(&self.users, |user| *user == who.username)
                && given(&self.groups, |group| who.groups.contains(group))
        })
    }
}

fn given<T>(list: &[T], matches: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(matches)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::Timestamp;
    use crate::subject::{AccountId, Person, Proofs, Stamps};

    fn rule(policy: Policy) -> Rule {
        let (paths, methods, users, groups, networks) = Default::default();
        Rule { paths, methods, users, groups, networks, policy, line: 1 }
    }

    fn person(username: &str, groups: &[&str], two_factors: bool) -> Arc<Subject> {
        let now = Timestamp::from_millis(0);
        let person = Person {
            id: AccountId::new("file", username),
            username: username.into(),
            name: String::new(),
            email: format!("{username}@example.com"),
            groups: groups.iter().map(ToString::to_string).collect(),
            attributes: BTreeMap::new(),
            language: None,
        };
        let proofs = Proofs { password: now, email_code: two_factors.then_some(now) };
        Arc::new(Subject { person: Arc::new(person), proofs, stamps: Stamps::default() })
    }

    fn facts<'a>(method: &'a str, path: &'a str) -> Facts<'a> {
        Facts { method, path, otherwise: None, client: IpAddr::from([192, 0, 2, 7]) }
    }

    fn say(rules: &[Rule], who: Option<&Arc<Subject>>, facts: &Facts<'_>) -> &'static str {
        match decide(&Rules::from(rules.to_vec()), who, facts) {
            Decision::Allow(permit) if permit.subject().is_some() => "allow",
            Decision::Allow(_) => "allow anonymous",
            Decision::Challenge(Missing::SignIn) => "sign in",
            Decision::Challenge(Missing::SecondFactor) => "second factor",
            Decision::Deny => "deny",
        }
    }

    #[test]
    fn without_rules_two_factors_are_asked() {
        let get = facts("GET", "/");
        assert_eq!(say(&[], None, &get), "sign in");
        assert_eq!(say(&[], Some(&person("alice", &[], false)), &get), "second factor");
        assert_eq!(say(&[], Some(&person("alice", &[], true)), &get), "allow");
    }

    #[test]
    fn the_first_match_decides_and_nothing_else_is_allowed() {
        let public = Rule { paths: vec![PathPattern::parse("/public/**").unwrap()], ..rule(Policy::Bypass) };
        let read = Rule { methods: vec!["GET".into()], ..rule(Policy::OneFactor) };
        let rules = [public, read];
        let alice = person("alice", &[], false);
        assert_eq!(say(&rules, None, &facts("POST", "/public/x")), "allow anonymous");
        assert_eq!(say(&rules, Some(&alice), &facts("POST", "/public/x")), "allow");
        assert_eq!(say(&rules, None, &facts("GET", "/x")), "sign in");
        assert_eq!(say(&rules, Some(&alice), &facts("GET", "/x")), "allow");
        assert_eq!(say(&rules, Some(&alice), &facts("POST", "/x")), "deny");
        assert_eq!(say(&rules, None, &facts("POST", "/x")), "deny");
    }

    #[test]
    fn rules_for_people_ask_strangers_to_sign_in_unless_they_deny() {
        let no_guests = Rule { groups: vec!["guests".into()], ..rule(Policy::Deny) };
        let ops = Rule { groups: vec!["ops".into()], users: vec!["alice".into()], ..rule(Policy::TwoFactor) };
        let rules = [no_guests, ops];
        let get = facts("GET", "/");
        assert_eq!(say(&rules, None, &get), "sign in");
        assert_eq!(say(&rules, Some(&person("alice", &["ops"], true)), &get), "allow");
        assert_eq!(say(&rules, Some(&person("alice", &["dev"], true)), &get), "deny");
        assert_eq!(say(&rules, Some(&person("bob", &["ops"], true)), &get), "deny");
        assert_eq!(say(&rules, Some(&person("alice", &["ops", "guests"], true)), &get), "deny");
    }

    #[test]
    fn a_path_that_a_server_may_read_otherwise_gets_the_strictest_of_what_is_asked() {
        let paths = |pattern| vec![PathPattern::parse(pattern).unwrap()];
        let rules = [
            Rule { paths: paths("/public/**"), ..rule(Policy::Bypass) },
            Rule { paths: paths("/ops/**"), groups: vec!["ops".into()], ..rule(Policy::TwoFactor) },
            Rule { paths: paths("/ops/**"), ..rule(Policy::Deny) },
            Rule { paths: paths("/Archive/**"), ..rule(Policy::Deny) },
            rule(Policy::TwoFactor),
        ];
        let (alice, olga) = (person("alice", &[], true), person("olga", &["ops"], true));
        for (path, stranger, member, operator) in [
            ("/x", "sign in", "allow", "allow"),
            ("/X;a/y.", "sign in", "allow", "allow"),
            ("/ops/x", "sign in", "deny", "allow"),
            ("/ops;a/x", "sign in", "deny", "allow"),
            ("/;/ops/x", "sign in", "deny", "allow"),
            ("/OPS/x", "sign in", "deny", "allow"),
            ("/ops./x", "sign in", "deny", "allow"),
            ("/ops /x", "sign in", "deny", "allow"),
            ("/archive/x", "deny", "deny", "deny"),
            ("/ARCHIVE/x", "deny", "deny", "deny"),
            ("/Archive;a/x", "deny", "deny", "deny"),
            ("/public/x", "allow anonymous", "allow", "allow"),
            ("/public/A.b/x", "allow anonymous", "allow", "allow"),
            ("/public;a/x", "sign in", "allow", "allow"),
            ("/Public/x", "sign in", "allow", "allow"),
        ] {
            let otherwise = crate::route::otherwise(path);
            let facts = Facts { otherwise: otherwise.as_deref(), ..facts("GET", path) };
            let said = [None, Some(&alice), Some(&olga)].map(|who| say(&rules, who, &facts));
            assert_eq!(said, [stranger, member, operator], "{path}");
        }
    }

    #[test]
    fn networks_narrow_a_rule() {
        let inside = Rule { networks: vec!["10.0.0.0/8".parse().unwrap()], ..rule(Policy::Bypass) };
        let rules = [inside, rule(Policy::TwoFactor)];
        assert_eq!(say(&rules, None, &facts("GET", "/")), "sign in");
        let near = Facts { client: IpAddr::from([10, 1, 2, 3]), ..facts("GET", "/") };
        assert_eq!(say(&rules, None, &near), "allow anonymous");
    }
}
