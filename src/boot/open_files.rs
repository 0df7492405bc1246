//! How many files and connections this process may have open at once: as many as the system grants, and a warning where
//! one app that hangs could use them all up.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::config::{App, Behind};
use crate::upstream::Target;

/// For visitors who are idle or ask other apps, for listeners, store, mail and files.
const OTHERS: u64 = 1024;

/// Raises the limit to the most that the system grants. The usual 1024 is for programs that use `select`, which this one
/// does not.
pub(super) fn raise(apps: &[App]) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    let greediest = apps.iter().filter_map(|app| Some((needed(app)?, app))).max_by_key(|(needed, _)| *needed);
    if let (Some(limit), Some((needed, app))) = (limit, greediest)
        && limit < needed
    {
        warn!(
            "only {limit} files and connections can be open at once, and the app {} alone may use them up: grant {needed} \
             (LimitNOFILE of systemd, ulimit -n), or lower its limits.connections",
            app.name
        );
    }
}

/// Each request under way is a visitor's connection and one to the app.
fn needed(app: &App) -> Option<u64> {
    match &app.behind {
        Behind::Upstream { settings, .. } if settings.target != Target::Whoami => {
            let limits = settings.limits;
            Some(2 * u64::from(limits.connections) + u64::from(limits.waiting) + OTHERS)
        }
        Behind::Upstream { .. } | Behind::Redirect { .. } => None,
    }
}
