//! HTTP/2 answers of which the client takes nothing any more: given up, as a connection of HTTP/1 is.
//!
//! The client says for each stream how much it takes. hyper waits for that as long as the connection answers pings, and
//! what waits holds a connection to its upstream.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::debug;

tokio::task_local! {
    static STREAM: Arc<Taking>;
}

/// How much of a stream's answer has been taken over for sending: the number of frames, doubled, and one more while the
/// next is waited for. All on one thread; the atomic only says so to the compiler.
#[derive(Default)]
pub(super) struct Taking(AtomicU64);

impl Taking {
    /// Of the stream that this is called in; `None` outside of one.
    pub fn of_this_stream() -> Option<Arc<Self>> {
        STREAM.try_with(Arc::clone).ok()
    }

    /// hyper has asked for the next frame; whether it came.
    pub fn has_asked(&self, came: bool) {
        let frames = (self.0.load(Ordering::Relaxed) >> 1) + u64::from(came);
        self.0.store(frames << 1 | u64::from(!came), Ordering::Relaxed);
    }

    /// How many frames have been taken over, the last of which is still being sent.
    fn sending(&self) -> Option<u64> {
        let state = self.0.load(Ordering::Relaxed);
        (state != 0 && state & 1 == 0).then_some(state)
    }
}

/// Runs a stream to its end, or until its client has taken nothing for so long.
pub(super) async fn unless_stalled(stream: impl Future<Output = ()>, patience: Duration) {
    let taking = Arc::<Taking>::default();
    let mut stream = pin!(STREAM.scope(Arc::clone(&taking), stream));
    let (mut alarm, mut taken) = (None, None);
    poll_fn(|context| {
        if stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let sending = taking.sending();
        if sending.is_none() {
            return Poll::Pending;
        }
        let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        if taken != sending {
            taken = sending;
            alarm.as_mut().reset(Instant::now() + patience);
        }
        ready!(alarm.as_mut().poll(context));
        debug!("the client takes no data");
        Poll::Ready(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::clock::stopwatch;

    const PATIENCE: Duration = Duration::from_secs(2);

    /// Moments that are far shorter than the patience, and together longer.
    const MOMENT: Duration = Duration::from_millis(500);
    const MOMENTS: u32 = 6;

    #[tokio::test]
    async fn only_a_client_that_takes_nothing_for_long_is_given_up() {
        let begun = stopwatch();
        let stream = async {
            let taking = Taking::of_this_stream().expect("within a stream");
            for _ in 0..MOMENTS {
                taking.has_asked(true);
                sleep(MOMENT).await;
            }
            taking.has_asked(false);
            sleep(PATIENCE + MOMENT).await;
            taking.has_asked(true);
            std::future::pending::<()>().await;
        };
        unless_stalled(stream, PATIENCE).await;
        assert!(begun.elapsed() >= MOMENTS * MOMENT + PATIENCE + MOMENT + PATIENCE);
    }
}
