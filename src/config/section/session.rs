//! `session`: how long people stay signed in.

use std::time::Duration;

use super::super::fields::Fields;
use super::super::value::{self, spell};
use crate::session::Settings;

const DEFAULT: Settings = Settings {
    idle: Duration::from_hours(1),
    lifetime: Duration::from_hours(12),
    remember: Duration::from_hours(30 * 24),
    cache: 100_000,
};

pub fn read(keys: &mut Fields<'_, '_>) -> Settings {
    keys.or("session", DEFAULT, |node, report| {
        let mut keys = Fields::of(node, report, "write `lifetime: 12h` below it")?;
        let least = Duration::from_mins(1);
        let idle = keys.or("idle", DEFAULT.idle, value::duration_from(least));
        let lifetime = keys.or("lifetime", DEFAULT.lifetime, value::duration_from(least));
        let remember = keys.or("remember", DEFAULT.remember, value::duration_from(Duration::ZERO));
        let cache = keys.or("cache", 100_000, value::whole(1..=100_000_000));
        if let (true, Some(node)) = (idle > lifetime, keys.node("idle").or(keys.node("lifetime"))) {
            let message = format!("`session.idle` ({}) never comes to pass: `lifetime` ends sooner ({})", spell(idle), spell(lifetime));
            keys.report.warning(node.place, message, "make `idle` shorter than `lifetime`");
        }
        if let (true, Some(node)) =
            (!remember.is_zero() && remember < lifetime, keys.node("remember").or(keys.node("lifetime")))
        {
            let message = format!("`session.remember` ({}) is shorter than `lifetime` ({}): to tick the box would shorten the session", spell(remember), spell(lifetime));
            keys.report.warning(node.place, message, "make `remember` longer, or 0s to hide the box");
        }
        keys.finish();
        Some(Settings { idle, lifetime, remember, cache: usize::try_from(cache).unwrap_or(DEFAULT.cache) })
    })
}
