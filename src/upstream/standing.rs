//! Whether a server is given requests: what became of its last ones, and what health checks say of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// Requests that fail one after another before a server is passed over. One that does not even accept a connection is
/// passed over at once.
const FAILURES: u32 = 3;

/// How long it is passed over at first; twice as long each further time, up to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What is known of one server; shared by all workers.
#[derive(Default)]
pub(super) struct Standing {
    /// Requests that it is working on.
    busy: AtomicUsize,
    /// There is something to look at in `record`. Nearly never, so nearly no request takes the lock.
    troubled: AtomicBool,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// Requests in a row.
    failures: u32,
    pauses: u32,
    /// Passed over until then; whoever comes first after that tries it.
    out_until: Option<Instant>,
    /// What became of the last request that it did not answer.
    trouble: Option<Trouble>,
    /// Checks in a row that said otherwise than `unhealthy`.
    dissent: u32,
    unhealthy: bool,
}

/// Counts a request as long as it lives.
pub(super) struct Busy {
    standing: Arc<Standing>,
    /// How many there had been when it was taken on.
    pauses: u32,
    /// It was taken on within a pause, as there was no better server: what comes of it does not lengthen that.
    within_pause: bool,
}

/// Why a server did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing could be sent to it.
    Unreachable,
    /// It said nothing for too long.
    Silent,
    /// It took the request and broke off, or what it said is no answer: the request may have been at fault itself.
    NoAnswer,
}

/// What a check changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Unhealthy,
    Healthy,
    /// A pause has ended.
    AnswersAgain,
}

impl Standing {
    pub(super) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn is_good(&self) -> bool {
        if !self.troubled.load(Ordering::Relaxed) {
            return true;
        }
        let record = self.lock();
        !record.unhealthy && record.out_until.is_none_or(|until| until <= clock::stopwatch())
    }

    /// Whether it will do where no other is good: it is passed over for no more than [`Trouble::NoAnswer`].
    pub(super) fn will_do(&self) -> bool {
        let record = self.lock();
        !record.unhealthy && matches!(record.trouble, None | Some(Trouble::NoAnswer))
    }

    /// Takes a request on. After a pause only one tries first: the others wait for what comes of it.
    pub(super) fn take(self: &Arc<Self>) -> Busy {
        let (mut pauses, mut within_pause) = (0, false);
        if self.troubled.load(Ordering::Relaxed) {
            let (mut record, now) = (self.lock(), clock::stopwatch());
            pauses = record.pauses;
            within_pause = record.out_until.is_some_and(|until| now < until);
            if record.out_until.is_some() && !within_pause {
                record.out_until = Some(now + pause(pauses));
            }
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy { standing: Arc::clone(self), pauses, within_pause }
    }

    /// It has answered. Whether that ends a pause.
    pub(super) fn succeeded(&self) -> bool {
        if !self.troubled.load(Ordering::Relaxed) {
            return false;
        }
        let mut record = self.lock();
        let paused = record.out_until.is_some();
        record.forgive();
        self.troubled.store(record.unhealthy, Ordering::Relaxed);
        paused
    }

    /// What a health check says; it takes so many that say the same in a row to change the state.
    pub(super) fn checked(
        &self,
        healthy: bool,
        (unhealthy_after, healthy_after): (u32, u32),
    ) -> Option<Verdict> {
        let mut record = self.lock();
        if record.unhealthy != healthy {
            record.dissent = 0;
            let ends_a_pause = healthy && record.trouble == Some(Trouble::Unreachable);
            if ends_a_pause {
                record.forgive();
                self.troubled.store(false, Ordering::Relaxed);
            }
            return ends_a_pause.then_some(Verdict::AnswersAgain);
        }
        record.dissent += 1;
        if record.dissent < if healthy { healthy_after } else { unhealthy_after } {
            return None;
        }
        record.dissent = 0;
        record.unhealthy = !healthy;
        if healthy {
            record.forgive();
        }
        self.troubled.store(!healthy, Ordering::Relaxed);
        Some(if healthy { Verdict::Healthy } else { Verdict::Unhealthy })
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn forgive(&mut self) {
        (self.failures, self.pauses, self.out_until, self.trouble) = (0, 0, None, None);
    }
}

impl Busy {
    /// It has not been answered. Whether that is the end of the server's turn for now.
    ///
    /// One that was under way when the server's pause began says nothing new: else the end of a busy server would be
    /// as many pauses as it had requests, and the last of them a minute.
    pub(super) fn failed(&self, trouble: Trouble) -> bool {
        let mut record = self.standing.lock();
        if record.pauses != self.pauses {
            return false;
        }
        record.trouble = Some(trouble);
        if self.within_pause {
            return false;
        }
        self.standing.troubled.store(true, Ordering::Relaxed);
        record.failures = record.failures.saturating_add(1);
        if trouble != Trouble::Unreachable && record.failures < FAILURES {
            return false;
        }
        record.pauses = record.pauses.saturating_add(1);
        record.out_until = Some(clock::stopwatch() + pause(record.pauses));
        true
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.standing.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

fn pause(pauses: u32) -> Duration {
    let doubled = 1_u32.checked_shl(pauses.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds = [1, 2, 3, 6, 7, 8, 40, u32::MAX].map(|pauses| pause(pauses).as_secs());
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn a_server_is_out_after_three_failures_or_at_once_if_it_cannot_be_reached() {
        let standing = Arc::new(Standing::default());
        let fails = |trouble| standing.take().failed(trouble);
        assert!(!fails(Trouble::NoAnswer) && !fails(Trouble::Silent));
        assert!(standing.is_good());
        assert!(fails(Trouble::NoAnswer));
        assert!(!standing.is_good());
        assert!(standing.succeeded() && !standing.succeeded());
        assert!(standing.is_good());
        assert!(fails(Trouble::Unreachable) && !standing.is_good());
    }

    #[test]
    fn one_that_takes_requests_will_do_until_it_is_silent_or_cannot_be_reached_or_a_check_fails() {
        let standing = Arc::new(Standing::default());
        for _ in 0..FAILURES {
            standing.take().failed(Trouble::NoAnswer);
        }
        assert!(!standing.is_good() && standing.will_do());
        for trouble in [Trouble::Unreachable, Trouble::Silent] {
            standing.take().failed(trouble);
            assert!(!standing.will_do());
            standing.take().failed(Trouble::NoAnswer);
            assert!(standing.will_do());
        }
        standing.checked(false, (1, 1));
        assert!(!standing.will_do());
    }

    #[test]
    fn what_fails_within_a_pause_does_not_lengthen_it() {
        let standing = Arc::new(Standing::default());
        standing.take().failed(Trouble::Unreachable);
        let out_until = standing.lock().out_until;
        for _ in 0..10 {
            assert!(!standing.take().failed(Trouble::NoAnswer));
        }
        let record = standing.lock();
        assert_eq!((record.out_until, record.pauses, record.failures), (out_until, 1, 1));
    }

    #[test]
    fn a_check_that_reaches_a_server_again_ends_its_pause_and_no_other() {
        let standing = Arc::new(Standing::default());
        let check = || standing.checked(true, (3, 3));
        standing.take().failed(Trouble::Unreachable);
        assert_eq!([check(), check()], [Some(Verdict::AnswersAgain), None]);
        assert!(standing.is_good() && standing.will_do());
        for _ in 0..FAILURES {
            standing.take().failed(Trouble::NoAnswer);
        }
        assert_eq!(check(), None);
        assert!(!standing.is_good(), "it answers checks and not visitors");
    }

    #[test]
    fn after_a_pause_one_request_tries_first() {
        let standing = Arc::new(Standing::default());
        standing.take().failed(Trouble::Unreachable);
        standing.lock().out_until = Some(clock::stopwatch());
        assert!(standing.is_good());
        let _trial = standing.take();
        assert!(!standing.is_good());
        standing.succeeded();
        assert!(standing.is_good());
    }

    #[test]
    fn all_that_fail_with_a_server_are_one_pause_and_the_next_trial_another() {
        let standing = Arc::new(Standing::default());
        let under_way: Vec<_> = (0..100).map(|_| standing.take()).collect();
        assert_eq!(under_way.iter().filter(|busy| busy.failed(Trouble::Unreachable)).count(), 1);
        assert_eq!(standing.lock().pauses, 1);
        standing.lock().out_until = Some(clock::stopwatch());
        assert!(standing.take().failed(Trouble::Unreachable));
        assert_eq!(standing.lock().pauses, 2);
        assert!(!under_way.iter().any(|busy| busy.failed(Trouble::Unreachable)));
    }

    #[test]
    fn checks_decide_only_several_in_a_row() {
        let standing = Standing::default();
        let check = |healthy| standing.checked(healthy, (3, 2));
        assert_eq!([false, false, true, false, false].map(check), [None; 5]);
        assert_eq!(check(false), Some(Verdict::Unhealthy));
        assert!(!standing.is_good());
        assert_eq!([true, false, true].map(check), [None; 3]);
        assert_eq!(check(true), Some(Verdict::Healthy));
        assert!(standing.is_good());
    }

    #[test]
    fn an_answer_does_not_overrule_a_check() {
        let standing = Standing::default();
        standing.checked(false, (1, 1));
        standing.succeeded();
        assert!(!standing.is_good());
    }
}
