//! The rules of an app, laid out so that those that are not for a path are passed over at a glance.

use super::{PathPattern, Rule};

#[derive(Clone, Debug, Default)]
pub struct Rules {
    all: Vec<Rule>,
    /// For each rule the letters that its paths may begin with.
    letters: Vec<Letters>,
    have_capitals: bool,
}

/// Letters behind a path's first slash, as bits of which some letters share one. The rules lie far apart in memory, and
/// these side by side.
#[derive(Clone, Copy, Debug)]
struct Letters(u64);

impl From<Vec<Rule>> for Rules {
    /// In the order in which they are asked.
    fn from(rules: Vec<Rule>) -> Self {
        let letters = rules.iter().map(|rule| Letters::of(&rule.paths)).collect();
        let have_capitals = rules.iter().flat_map(|rule| &rule.paths).any(PathPattern::has_capitals);
        Self { all: rules, letters, have_capitals }
    }
}

impl Rules {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether the path of some rule has capitals.
    pub(super) fn have_capitals(&self) -> bool {
        self.have_capitals
    }

    /// All rules but those whose paths begin otherwise.
    pub(super) fn perhaps_for(&self, path: &str) -> impl Iterator<Item = &Rule> {
        let letter = Letters::one(path.as_bytes().get(1).copied());
        let rules = self.letters.iter().zip(&self.all);
        rules.filter(move |(letters, _)| letters.0 & letter.0 != 0).map(|(_, rule)| rule)
    }
}

impl Letters {
    const ALL: Self = Self(u64::MAX);

    fn of(patterns: &[PathPattern]) -> Self {
        if patterns.is_empty() {
            return Self::ALL;
        }
        let begin = patterns.iter().flat_map(PathPattern::letters);
        Self(
            begin
                .map(|letter| letter.map_or(Self::ALL, |letter| Self::one(Some(letter))).0)
                .fold(0, |all, one| all | one),
        )
    }

    /// `None`: there is none, and its bit is that of some letters too. A rule may be asked in vain, and is never passed over.
    fn one(letter: Option<u8>) -> Self {
        Self(1 << (letter.unwrap_or_default() % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn no_rule_is_passed_over_that_is_for_a_path() {
        let patterns = ["/", "/**", "/*", "/*/x", "/a", "/A/**", "/\u{c4}", "/%C3%84/*", "/~x", "/{", "/0"];
        let paths = [
            "*",
            "/",
            "/a",
            "/x",
            "/A/",
            "/a/",
            "/\u{c4}",
            "/\u{c4}/x",
            "/\u{e4}",
            "/\u{e4}/x",
            "/~x",
            "/{",
            "/0",
            "/x/x",
        ];
        for text in patterns {
            let pattern = PathPattern::parse(text).unwrap();
            let (methods, users, groups, networks) = Default::default();
            let rule = Rule {
                paths: vec![pattern.clone()],
                methods,
                users,
                groups,
                networks,
                policy: Policy::Deny,
                line: 1,
            };
            let rules = Rules::from(vec![rule]);
            for path in paths {
                let is_for_it = pattern.matches(path) || pattern.matches_folded(path);
                assert!(!is_for_it || rules.perhaps_for(path).count() == 1, "{text} {path}");
            }
        }
        let passed_over = Rules::from(vec![Rule {
            paths: vec![PathPattern::parse("/ops/**").unwrap(), PathPattern::parse("/admin").unwrap()],
            methods: vec![],
            users: vec![],
            groups: vec![],
            networks: vec![],
            policy: Policy::Deny,
            line: 1,
        }]);
        assert_eq!(
            ["/x", "/", "*", "/ops", "/a"].map(|path| passed_over.perhaps_for(path).count()),
            [0, 0, 0, 1, 1]
        );
    }
}
