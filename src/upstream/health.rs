//! Active health checks: asks every server of an upstream from time to time how it is.

use std::sync::Arc;

use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request};
use tokio::time::{sleep, timeout};

use super::backend::Backend;
use super::group::Group;
use super::outgoing::Outgoing;
use super::pool::Pools;
use super::send::{Over, send};
use super::standing::Verdict;
use super::transfer::Upload;
use super::{Health, Timeouts};
use crate::tasks::Tasks;

/// Checks one server for ever. It counts as healthy until a check says otherwise.
pub(super) async fn watch(group: Arc<Group>, place: usize, health: Health) {
    let Some(backend) = group.backends.get(place) else { return };
    let (app, server) = (&*group.app, backend.dialer.address());
    let needed = (health.unhealthy_after, health.healthy_after);
    loop {
        let found = check(backend, &health).await;
        match (backend.standing.checked(found.is_ok(), needed), found) {
            (Some(Verdict::Unhealthy), Err(why)) => {
                tracing::warn!(app, server, "a server is unhealthy: {why}");
            }
            (Some(Verdict::Healthy), _) => tracing::info!(app, server, "a server is healthy again"),
            (Some(Verdict::AnswersAgain), _) => tracing::info!(app, server, "a server answers again"),
            _ => {}
        }
        sleep(health.interval).await;
    }
}

/// One request on a connection of its own; an answer below 400 is healthy.
async fn check(backend: &Backend, health: &Health) -> Result<(), String> {
    let (mut head, ()) = Request::new(()).into_parts();
    head.uri = health.path.clone().into();
    if let Some(host) = &health.host {
        head.headers.insert(HOST, host.clone());
    }
    head.headers.insert(USER_AGENT, HeaderValue::from_static("Vestibule health check"));
    let mut outgoing = Outgoing::new(head, None, Upload::empty(), None, false);
    let pools = Pools::new(Tasks::default());
    let timeouts = Timeouts { connect: health.timeout, response: health.timeout, ..Timeouts::default() };
    let answered = timeout(health.timeout, send(&pools, backend, timeouts, &mut outgoing, Over::New)).await;
    match answered {
        Err(_) => Err(format!("no answer within {:?}", health.timeout)),
        Ok(Err(failed)) => Err(failed.error.to_string()),
        Ok(Ok(answer)) if answer.status().as_u16() < 400 => Ok(()),
        Ok(Ok(answer)) => Err(format!("it answers {}", answer.status())),
    }
}
