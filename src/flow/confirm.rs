//! Whether a visitor has proved enough for what they want to do: two factors for the pages that are theirs alone, and
//! both of them lately for a change that matters. Start from [`confirm`].

use std::time::Duration;

use super::who::Visitor;
use crate::clock::Timestamp;
use crate::subject::Proofs;

/// How old a sign-in may be, in both its factors, to change what matters.
pub const RECENT: Duration = Duration::from_mins(10);

/// Somebody who proved both factors within the last minutes. Only [`confirm`] says so: what matters asks for one of
/// these.
#[derive(Clone)]
pub struct Confirmed(Visitor);

/// What somebody who is signed in has to prove yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// The second factor: a step-up will do.
    SecondFactor,
    /// Both factors, again.
    RecentSignIn,
}

impl Confirmed {
    pub fn visitor(&self) -> &Visitor {
        &self.0
    }
}

pub fn confirm(visitor: Visitor, now: Timestamp) -> Result<Confirmed, Lacking> {
    match lacking(&visitor.session.proofs(), now) {
        None => Ok(Confirmed(visitor)),
        Some(lacking) => Err(lacking),
    }
}

/// What is lacking for a change that matters.
pub fn lacking(proofs: &Proofs, now: Timestamp) -> Option<Lacking> {
    match proofs.email_code {
        _ if !is_recent(proofs.password, now) => Some(Lacking::RecentSignIn),
        None => Some(Lacking::SecondFactor),
        Some(code) if !is_recent(code, now) => Some(Lacking::RecentSignIn),
        Some(_) => None,
    }
}

/// A moment in the future is no more recent than one as long ago: clocks are put back.
fn is_recent(proved: Timestamp, now: Timestamp) -> bool {
    now.since(proved) <= RECENT && now.until(proved) <= RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn check(password_ago: i64, code_ago: Option<i64>, expected: Option<Lacking>) {
        let at = |ago: i64| Timestamp::from_millis(NOW - ago);
        let proofs = Proofs { password: at(password_ago), email_code: code_ago.map(at) };
        assert_eq!(
            lacking(&proofs, Timestamp::from_millis(NOW)),
            expected,
            "{password_ago} ms, {code_ago:?} ms"
        );
    }

    #[test]
    fn both_factors_are_recent_for_ten_minutes_and_not_a_moment_longer() {
        let limit = 600_000;
        check(limit, Some(0), None);
        check(limit, Some(limit), None);
        check(limit + 1, Some(0), Some(Lacking::RecentSignIn));
        check(0, Some(limit + 1), Some(Lacking::RecentSignIn));
        check(0, None, Some(Lacking::SecondFactor));
        check(limit + 1, None, Some(Lacking::RecentSignIn));
    }

    #[test]
    fn a_clock_that_was_put_back_makes_nothing_recent() {
        check(-600_000, Some(-600_000), None);
        check(-600_001, Some(0), Some(Lacking::RecentSignIn));
        check(0, Some(-600_001), Some(Lacking::RecentSignIn));
    }
}
