//! The time of day, and the one place that asks for it.
//!
//! Everything that expires takes a [`Timestamp`] as an argument; only the edges hold a [`Clock`]. Tests turn a
//! [`Clock::manual`] by hand, so that expiry, lockout and limits are tested exactly and without sleeping.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This moment and `duration` later; far beyond the end of time it stays there.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// How long it is until `later`; zero if that has passed.
    pub fn until(self, later: Self) -> Duration {
        later.since(self)
    }
}

impl Timestamp {
    /// The beginning in UTC of a day that is written as `2026-11-22`; `None` where there is no such day.
    pub fn of_day(written: &str) -> Option<Self> {
        let numbers = written.split('-').map(|part| {
            let digits = part.bytes().all(|digit| digit.is_ascii_digit());
            part.parse::<i64>().ok().filter(|_| digits && part.len() <= 4)
        });
        let [year, month, day] = numbers.collect::<Option<Vec<_>>>()?.try_into().ok()?;
        // Counted from 1 March as in `civil`, and then looked at there, which finds the 30 February.
        let (from_march, year_from_march) = ((month + 9).rem_euclid(12), year - i64::from(month <= 2));
        let of_year = (153 * from_march + 2) / 5 + day - 1;
        let leap_days =
            year_from_march.div_euclid(4) - year_from_march.div_euclid(100) + year_from_march.div_euclid(400);
        let days = 365 * year_from_march + leap_days + of_year - 719_468;
        (civil(days) == (year, month, day)).then_some(Self(days * 86_400_000))
    }

    /// Year, month, day, hour and minute in UTC.
    pub fn date_and_minute(self) -> [i64; 5] {
        let minutes = self.0.div_euclid(60_000);
        let (year, month, day) = civil(minutes.div_euclid(1440));
        let of_day = minutes.rem_euclid(1440);
        [year, month, day, of_day / 60, of_day % 60]
    }
}

impl Timestamp {
    /// Appends itself as it is displayed. By hand: every line of the access log begins with one.
    pub fn push_to(self, line: &mut String) {
        let [year, month, day, hour, minute] = self.date_and_minute();
        let (second, milli) = (self.0.div_euclid(1000).rem_euclid(60), self.0.rem_euclid(1000));
        let parts = [
            (year, 4, '-'),
            (month, 2, '-'),
            (day, 2, 'T'),
            (hour, 2, ':'),
            (minute, 2, ':'),
            (second, 2, '.'),
            (milli, 3, 'Z'),
        ];
        for (number, digits, then) in parts {
            push_number(line, number.unsigned_abs(), digits);
            line.push(then);
        }
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-22T09:05:00.120Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        self.push_to(&mut line);
        formatter.write_str(&line)
    }
}

/// Appends a decimal number with at least so many digits.
pub fn push_number(line: &mut String, number: u64, digits: usize) {
    // The largest has 20 digits.
    let mut written = [b'0'; 20];
    let (mut rest, mut length) = (number, 0);
    for digit in written.iter_mut().rev() {
        if rest == 0 && length >= digits.max(1) {
            break;
        }
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        length += 1;
    }
    let start = written.len() - length;
    line.push_str(written.get(start..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default());
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(timestamp.0).unwrap_or(0))
    }
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Stands still until [`Clock::advance`] moves it. Shared by its clones.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.0)))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(millis) => Timestamp(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock on; the system's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

/// A reading of the monotonic clock, for measuring how long something took.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar, by counting from 1 March of a
/// year divisible by 400, where the leap day is the last of the year and eras repeat every 146097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_at_the_ends_of_months_and_eras() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_795_338_300_120, "2026-11-22T09:05:00.120Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millis, text) in cases {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn a_day_is_read_as_it_is_written_and_one_that_is_none_is_not() {
        for day in -1_000_000..1_000_000_i64 {
            let start = Timestamp::from_millis(day * 86_400_000);
            let [year, month, of_month, ..] = start.date_and_minute();
            if (0..10_000).contains(&year) {
                assert_eq!(Timestamp::of_day(&format!("{year:04}-{month:02}-{of_month:02}")), Some(start));
            }
        }
        for none in [
            "",
            "2026",
            "2026-11",
            "2026-11-31",
            "2025-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "x-y-z",
            "2026-1-1-1",
            "99999-01-01",
            "+2026-01-01",
        ] {
            assert_eq!(Timestamp::of_day(none), None, "{none}");
        }
    }
}
