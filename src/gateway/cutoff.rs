//! Watches over answers that outlast the check that allowed them: tunnels, event streams, long downloads.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::Context;
use crate::app::{App, Snapshot};
use crate::flow::who;
use crate::listen::Connection;
use crate::policy::{self, Decision, Facts};
use crate::route;
use crate::session::Session;
use crate::subject::Subject;
use crate::tasks::{Cutoff, Shutdown, Watch};

/// How often a session is looked at while a connection of its stays open. With the time before that and the time that
/// closing takes, well within the five seconds that are promised.
const LOOK: Duration = Duration::from_secs(2);

/// How long a connection may stay open when the gateway stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Why an answer was allowed, to be judged again while it lasts.
pub(super) struct Grounds {
    pub session: Arc<Session>,
    /// The app's name.
    pub app: String,
    pub method: Method,
    /// As rules read it.
    pub path: String,
    /// The visitor's.
    pub address: IpAddr,
}

/// Makes, when it is needed, what fires when an answer would not be allowed any more, or when the gateway stops. `None`:
/// nobody is signed in.
pub(super) fn later(
    context: &Context<'_>,
    grounds: Option<Grounds>,
) -> impl FnOnce() -> Cutoff + Send + use<> {
    let (connection, app) = (Arc::clone(context.connection), Arc::clone(&context.gateway.app));
    move || watch(&connection, app, grounds)
}

fn watch(connection: &Connection, app: Arc<App>, grounds: Option<Grounds>) -> Cutoff {
    let (cutoff, watch) = Cutoff::new();
    let shutdown = connection.shutdown.clone();
    connection.tasks.spawn("cutoff", async move {
        tokio::select! {
            () = watch.released() => return,
            () = stopping(&shutdown) => watch.cut_for_a_stop(),
            () = ended(&app, grounds, &watch) => watch.cut(),
        }
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

async fn ended(app: &App, grounds: Option<Grounds>, watch: &Watch) {
    let Some(grounds) = grounds else {
        // Nobody is signed in, so nobody can be signed out.
        return watch.released().await;
    };
    let session = &grounds.session;
    loop {
        tokio::select! {
            () = session.ended() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let snapshot = app.snapshot.load_full();
        match who::still_in(app, &snapshot, session).await {
            Ok(Some(subject)) if grounds.allow(&snapshot, &subject) => {}
            Ok(_) => return,
            // Nobody is signed out because the store is down, but nobody stays for ever either.
            Err(_) if app.clock.now() >= session.latest_end() => return,
            Err(error) => tracing::debug!(%error, "an open connection's session could not be looked at"),
        }
    }
}

impl Grounds {
    /// Whether the app's rules still allow it: the account may have lost a group.
    fn allow(&self, snapshot: &Snapshot, subject: &Arc<Subject>) -> bool {
        let otherwise = route::otherwise(&self.path);
        let facts = Facts {
            method: self.method.as_str(),
            path: &self.path,
            otherwise: otherwise.as_deref(),
            client: self.address,
        };
        let app = snapshot.apps.iter().find(|app| app.name == self.app);
        app.is_some_and(|app| matches!(policy::decide(&app.rules, Some(subject), &facts), Decision::Allow(_)))
    }
}
