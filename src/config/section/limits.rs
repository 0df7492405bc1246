//! `limits`: on guessing, and on the size of requests.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::Limits;
use super::super::fields::Fields;
use super::super::value::{duration, size, whole};
use crate::throttle::Settings;

/// How large a request's body may be, in bytes; zero: no limit.
pub const BODY: RangeInclusive<u64> = 0..=1 << 50;

const DEFAULT: Limits = Limits {
    throttle: Settings {
        failures: 5,
        within: Duration::from_mins(10),
        lock: Duration::from_mins(5),
        device_failures: 10,
    },
    max_request_headers: 64 << 10,
    max_request_body: 0,
};

pub fn read(keys: &mut Fields<'_, '_>) -> Limits {
    keys.or("limits", DEFAULT, |node, report| {
        let mut keys = Fields::of(node, report, "write `failures: 5` below it")?;
        let (least, day) = (Duration::from_secs(1), Duration::from_hours(24));
        let throttle = Settings {
            failures: keys.or("failures", DEFAULT.throttle.failures, whole(1..=1000)),
            within: keys.or("within", DEFAULT.throttle.within, duration(least..=day)),
            // It doubles up to an hour.
            lock: keys.or("lock", DEFAULT.throttle.lock, duration(least..=Duration::from_hours(1))),
            device_failures: keys.or("device_failures", DEFAULT.throttle.device_failures, whole(1..=1000)),
        };
        // The HTTP library takes no less than 8 KiB.
        let headers = keys.or("max_request_headers", 64 << 10, size(8 << 10..=1 << 20));
        let limits = Limits {
            throttle,
            max_request_headers: usize::try_from(headers).unwrap_or(DEFAULT.max_request_headers),
            max_request_body: keys.or("max_request_body", 0, size(BODY)),
        };
        keys.finish();
        Some(limits)
    })
}
