//! Interim answers (1xx) are passed over, but not for ever: a server that sends nothing else would keep a core busy for as
//! long as an answer may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Request;
use tokio::sync::Notify;

use super::transfer::Upload;

/// To one request. Servers that work long on something say so every few seconds at the most often.
pub(super) const MOST: u32 = 100;

/// Counts those that hyper reads on an HTTP/1.1 connection. Those of HTTP/2 are counted in [`super::frames`].
pub(super) struct Interim(Arc<Counted>);

#[derive(Default)]
struct Counted {
    so_far: AtomicU32,
    too_many: Notify,
}

impl Interim {
    pub(super) fn answering(request: &mut Request<Upload>) -> Self {
        let counted = Arc::<Counted>::default();
        let counting = Arc::clone(&counted);
        hyper::ext::on_informational(request, move |_| {
            if counting.so_far.fetch_add(1, Ordering::Relaxed) == MOST {
                counting.too_many.notify_one();
            }
        });
        Self(counted)
    }

    /// Resolves when there are more than [`MOST`].
    pub(super) async fn too_many(&self) {
        self.0.too_many.notified().await;
    }
}
