//! What an operator wants to know, but not a thousand times: anybody may cause it, and a line is written while others wait.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::stopwatch;

const EVERY: Duration = Duration::from_mins(1);

/// When it was last said.
pub(super) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether it is time to say it again.
    pub fn is_due(&self) -> bool {
        let (now, mut said) = (stopwatch(), self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let due = said.is_none_or(|said| now.duration_since(said) >= EVERY);
        if due {
            *said = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_a_minute() {
        let seldom = Seldom::new();
        assert_eq!([0; 3].map(|_| seldom.is_due()), [true, false, false]);
    }
}
