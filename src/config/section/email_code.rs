//! `email_code`: the one-time codes.

use std::time::Duration;

use super::super::fields::Fields;
use super::super::value::{self, duration, whole};
use crate::sign_in::Settings;

const DEFAULT: Settings = Settings {
    digits: 6,
    lifetime: Duration::from_mins(5),
    attempts: 5,
    resend_after: Duration::from_mins(1),
    hourly: 10,
    daily: 30,
    quarantine: 15,
};

pub fn read(keys: &mut Fields<'_, '_>) -> Settings {
    keys.or("email_code", DEFAULT, |node, report| {
        let mut keys = Fields::of(node, report, "write `lifetime: 5m` below it")?;
        let (second, longest) = (Duration::from_secs(1), Duration::from_mins(10));
        let digits = keys.or("digits", 6, whole(6..=10));
        // NIST SP 800-63B, 5.1.3.2: a code sent out of band is good for ten minutes at most.
        let lifetime = keys.or("lifetime", DEFAULT.lifetime, duration(Duration::from_secs(30)..=longest));
        let settings = Settings {
            digits: u32::try_from(digits).unwrap_or(DEFAULT.digits),
            lifetime,
            // Ten tries at six digits: one in 100 000 for each sign-in that an attacker begins.
            attempts: keys.or("attempts", DEFAULT.attempts, whole(1..=10)),
            resend_after: keys.or("resend_after", DEFAULT.resend_after, duration(second..=longest)),
            hourly: keys.or("hourly", DEFAULT.hourly, whole(2..=1000)),
            daily: keys.or("daily", DEFAULT.daily, whole(2..=10_000)),
            quarantine: keys.or("quarantine", DEFAULT.quarantine, whole(1..=1000)),
        };
        if let (true, Some(node)) = (settings.daily < settings.hourly, keys.node("daily").or(keys.node("hourly"))) {
            let message = format!("`email_code.daily` ({}) is less than `hourly` ({})", settings.daily, settings.hourly);
            keys.report.error(node.place, message, "a day has room for what an hour allows: make `daily` larger");
        }
        if let (true, Some(node)) =
            (settings.resend_after >= lifetime, keys.node("resend_after").or(keys.node("lifetime")))
        {
            let message = format!(
                "`email_code.resend_after` ({}) is not shorter than `lifetime` ({}): no code could be sent again in time",
                value::spell(settings.resend_after),
                value::spell(lifetime)
            );
            keys.report.error(node.place, message, "make `resend_after` shorter");
        }
        keys.finish();
        Some(settings)
    })
}
