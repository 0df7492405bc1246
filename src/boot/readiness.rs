//! What `/readyz` asks.
//!
//! The mail server is not among it: whoever is signed in can be served without, and taking every replica out of
//! service would help nobody to a code.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::observe::admin::Readiness;
use crate::store::Store;

/// Shorter than the usual probe waits (1 s), so that it hears the reason.
const PATIENCE: Duration = Duration::from_millis(800);

#[derive(Clone)]
pub(super) struct Checks {
    pub store: Arc<Store>,
}

impl Readiness for Checks {
    async fn obstacles(&self) -> Vec<String> {
        match timeout(PATIENCE, self.store.ping()).await {
            Ok(Ok(())) => Vec::new(),
            Ok(Err(error)) => vec![format!("store ({}): {error}", self.store.kind())],
            Err(_) => vec![format!("store ({}): no answer within {PATIENCE:?}", self.store.kind())],
        }
    }
}
