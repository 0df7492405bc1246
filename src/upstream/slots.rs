//! How many requests an app has under way at once, over all workers, and who waits for one of them to end: an app that
//! hangs takes up its own share of the gateway and no more.
//!
//! A request that finds room costs one atomic operation. Start from [`Slots::take`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::{Limits, UpstreamError};
use crate::observe::metrics::{AppMetrics, Waits};

/// One app's. Process-wide.
pub(super) struct Slots {
    limits: Limits,
    /// How many are taken in the lower half, how many wait in the upper: one number, so that nobody begins to wait just
    /// after the last one has left.
    state: AtomicU64,
    /// Told once whenever there is room for one of those who wait.
    freed: Notify,
}

const TAKEN: u64 = 1;
const WAITING: u64 = 1 << 32;

/// A request that is under way, as long as this lives.
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, state: AtomicU64::new(0), freed: Notify::new() }
    }

    /// A slot, if one is free and nobody waits for it.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        self.change(|state| self.is_open(state).then_some(state + TAKEN)).map(|_| self.slot())
    }

    /// A slot as soon as one is free, first come, first served. `metrics` count who waits and who is refused.
    pub(super) async fn wait(self: &Arc<Self>, metrics: &AppMetrics) -> Result<Slot, UpstreamError> {
        let Limits { connections, waiting, wait } = self.limits;
        let slot = match self.enter(metrics) {
            None => Err(UpstreamError::Crowded { connections, waiting }),
            Some(Entered::Slot(slot)) => Ok(slot),
            Some(Entered::Queue(queued)) => timeout(wait, queued.turn())
                .await
                .map_err(|_| UpstreamError::WaitedInVain { connections, after: wait }),
        };
        slot.inspect_err(|_| metrics.refused())
    }

    /// A slot or a place in the queue, if either is free.
    fn enter<'a>(self: &'a Arc<Self>, metrics: &'a AppMetrics) -> Option<Entered<'a>> {
        let most = u64::from(self.limits.waiting);
        let before = self.change(|state| match waiting(state) {
            _ if self.is_open(state) => Some(state + TAKEN),
            others => (others < most).then_some(state + WAITING),
        })?;
        Some(if self.is_open(before) {
            Entered::Slot(self.slot())
        } else {
            Entered::Queue(Queued { slots: self, _counted: metrics.waits() })
        })
    }

    /// Whether somebody who comes now need not queue.
    fn is_open(&self, state: u64) -> bool {
        waiting(state) == 0 && self.has_room(state)
    }

    fn has_room(&self, state: u64) -> bool {
        taken(state) < u64::from(self.limits.connections)
    }

    /// The state before, if it was changed. Nothing but the state itself hangs on its order.
    fn change(&self, change: impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).ok()
    }

    fn slot(self: &Arc<Self>) -> Slot {
        Slot(Arc::clone(self))
    }

    /// To be told the state after it has made room, or somebody has stopped waiting for it. A notice can be lost on
    /// somebody who leaves, and two can become one; so whoever leaves the queue sees to it that it goes on.
    fn pass_on(&self, state: u64) {
        if waiting(state) > 0 && self.has_room(state) {
            self.freed.notify_one();
        }
    }
}

fn taken(state: u64) -> u64 {
    state % WAITING
}

fn waiting(state: u64) -> u64 {
    state / WAITING
}

impl Drop for Slot {
    fn drop(&mut self) {
        let before = self.0.state.fetch_sub(TAKEN, Ordering::Relaxed);
        self.0.pass_on(before - TAKEN);
    }
}

enum Entered<'a> {
    Slot(Slot),
    Queue(Queued<'a>),
}

/// A place in the queue.
struct Queued<'a> {
    slots: &'a Arc<Slots>,
    _counted: Waits<'a>,
}

impl Queued<'_> {
    async fn turn(self) -> Slot {
        loop {
            self.slots.freed.notified().await;
            if self.slots.change(|state| self.slots.has_room(state).then_some(state + TAKEN)).is_some() {
                return self.slots.slot();
            }
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let before = self.slots.state.fetch_sub(WAITING, Ordering::Relaxed);
        self.slots.pass_on(before - WAITING);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slots(connections: u32, waiting: u32, wait: Duration) -> Arc<Slots> {
        Arc::new(Slots::new(Limits { connections, waiting, wait }))
    }

    fn state(slots: &Slots) -> (u64, u64) {
        let state = slots.state.load(Ordering::Relaxed);
        (taken(state), waiting(state))
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn whoever_waits_comes_in_turn_and_nobody_overtakes() {
        let (slots, metrics) = (slots(1, 8, LONG), AppMetrics::default());
        let held = slots.take().unwrap();
        assert!(slots.take().is_none());
        let order = std::sync::Mutex::new(Vec::new());
        let wait = async |number| {
            let _slot = slots.wait(&metrics).await.unwrap();
            order.lock().unwrap().push(number);
        };
        let leave = async {
            assert_eq!(state(&slots), (1, 3));
            drop(held);
            // There is room, but it is not a newcomer's.
            assert_eq!(state(&slots), (0, 3));
            assert!(slots.take().is_none());
            wait(4).await;
        };
        tokio::join!(wait(1), wait(2), wait(3), leave);
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4]);
        assert_eq!(state(&slots), (0, 0));
        assert!(slots.take().is_some());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_refused_at_once_and_who_waits_too_long_later() {
        let (slots, metrics) = (slots(1, 1, Duration::from_millis(10)), AppMetrics::default());
        let held = slots.take().unwrap();
        let refused = async {
            let refused = slots.wait(&metrics).await;
            assert!(matches!(refused, Err(UpstreamError::Crowded { connections: 1, waiting: 1 })));
        };
        let (late, ()) = tokio::join!(slots.wait(&metrics), refused);
        assert!(matches!(late, Err(UpstreamError::WaitedInVain { .. })));
        assert_eq!(state(&slots), (1, 0));
        drop(held);
        assert!(slots.wait(&metrics).await.is_ok());
    }

    /// A request that has begun to wait.
    async fn begun<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
        let mut future = Box::pin(future);
        std::future::poll_fn(|context| {
            assert!(future.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        future
    }

    #[tokio::test]
    async fn who_leaves_the_queue_passes_its_turn_on() {
        let (slots, metrics) = (slots(2, 8, LONG), AppMetrics::default());
        let held = [slots.take(), slots.take()];
        let (first, second) = (begun(slots.wait(&metrics)).await, begun(slots.wait(&metrics)).await);
        let (third, fourth) = (begun(slots.wait(&metrics)).await, begun(slots.wait(&metrics)).await);
        // Both are told, and leave before they have heard.
        drop(held);
        drop((first, second));
        assert_eq!(state(&slots), (0, 2));
        let slots_taken = tokio::join!(third, fourth);
        assert!(slots_taken.0.is_ok() && slots_taken.1.is_ok());
        assert_eq!(state(&slots), (2, 0));
    }

    #[tokio::test]
    async fn two_who_are_told_at_once_are_both_served() {
        let (slots, metrics) = (slots(2, 8, LONG), AppMetrics::default());
        let held = [slots.take(), slots.take()];
        let enter = || match slots.enter(&metrics) {
            Some(Entered::Queue(queued)) => queued,
            _ => panic!("there is room"),
        };
        let (first, second) = (enter(), enter());
        // Neither listens yet, so that two notices are one.
        drop(held);
        let served = async { tokio::join!(first.turn(), second.turn()) };
        let served = timeout(Duration::from_secs(5), served).await.expect("nobody is forgotten");
        assert_eq!(state(&slots), (2, 0));
        drop(served);
    }

    #[test]
    fn many_threads_lose_no_slot_and_no_turn() {
        let (slots, metrics) = (slots(3, 64, LONG), AppMetrics::default());
        let most = AtomicU64::new(0);
        let (slots, metrics, most) = (&slots, &metrics, &most);
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let one = async move |number: u64| {
                        for round in 0..500 {
                            let waiting = async {
                                match slots.take() {
                                    Some(slot) => slot,
                                    None => slots.wait(metrics).await.unwrap(),
                                }
                            };
                            tokio::pin!(waiting);
                            // Some leave at once.
                            if (round + number).is_multiple_of(5) {
                                let _ = futures_util::poll!(&mut waiting);
                                continue;
                            }
                            let _slot = waiting.await;
                            most.fetch_max(state(slots).0, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                        }
                    };
                    let all = (0..8).map(|number| one(thread + number));
                    runtime.block_on(futures_util::future::join_all(all));
                });
            }
        });
        assert_eq!(most.load(Ordering::Relaxed), 3);
        assert_eq!(state(slots), (0, 0));
    }
}
