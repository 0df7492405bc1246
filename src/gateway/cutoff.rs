//! Watches over answers that outlast the check that allowed them: tunnels, event streams, long downloads.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use crate::app::App;
use crate::flow::who;
use crate::session::Session;
use crate::tasks::{Cutoff, Shutdown, Watch};

/// How often a session is looked at while a connection of its stays open. With the time that closing takes, well
/// within the five seconds that are promised.
const LOOK: Duration = Duration::from_secs(2);

/// How long a connection may stay open when the gateway stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Fires when the session behind an answer has ended, or when the gateway stops.
pub(super) fn watch(context: &Context<'_>, session: Option<Arc<Session>>) -> Cutoff {
    let (cutoff, watch) = Cutoff::new();
    let (shutdown, app) = (context.connection.shutdown.clone(), context.gateway.app.clone());
    context.connection.tasks.spawn("cutoff", async move {
        tokio::select! {
            () = watch.released() => return,
            () = stopping(&shutdown) => {}
            () = ended(&app, session, &watch) => {}
        }
        watch.cut();
        // A tunnel says a last word; this task is what the worker waits for.
        watch.released().await;
    });
    cutoff
}

/// A download under way may finish; what would never end by itself does not hold the gateway up for the whole of its
/// grace.
async fn stopping(shutdown: &Shutdown) {
    shutdown.begun().await;
    tokio::time::sleep(LAST_WORDS).await;
}

async fn ended(app: &App, session: Option<Arc<Session>>, watch: &Watch) {
    let Some(session) = session else {
        // Nobody is signed in, so nobody can be signed out.
        return watch.released().await;
    };
    loop {
        tokio::select! {
            () = session.ended() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let snapshot = app.snapshot.load_full();
        match who::still_in(app, &snapshot, &session).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            // Nobody is signed out because the store is down, but nobody stays for ever either.
            Err(_) if app.clock.now() >= session.latest_end() => return,
            Err(error) => tracing::debug!(%error, "an open connection's session could not be looked at"),
        }
    }
}
