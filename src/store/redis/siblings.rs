//! What the links to one server tell each other: that one of them has just reached it, or has lost it.
//!
//! Each runtime has a link of its own, with pauses of its own. Without these words one worker would refuse visitors for up
//! to a second after another serves them; and one that has nothing to do would not find its connection dead, or its
//! server a replica, before a visitor does. Start from [`Siblings`].

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone)]
pub struct Siblings(Arc<watch::Sender<Told>>);

/// How often each was told so far.
#[derive(Clone, Copy, Default)]
struct Told {
    reached: u64,
    lost: u64,
}

/// What one link hears of the others.
pub struct News {
    siblings: Siblings,
    told: watch::Receiver<Told>,
    /// As this link has last heard of it.
    reached: u64,
}

impl Siblings {
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Told::default())))
    }

    /// Begins to listen: what was told before is no news.
    pub fn listen(&self) -> News {
        let mut told = self.0.subscribe();
        let reached = told.borrow_and_update().reached;
        News { siblings: self.clone(), told, reached }
    }
}

impl News {
    /// Tells the others that the server can be reached.
    pub fn reached(&mut self) {
        self.tell(|told| told.reached = told.reached.wrapping_add(1));
    }

    /// Tells the others that this link has lost it.
    pub fn lost(&mut self) {
        self.tell(|told| told.lost = told.lost.wrapping_add(1));
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Told)) {
        self.siblings.0.send_modify(tell);
        // Not oneself, nor what came before.
        self.reached = self.told.borrow_and_update().reached;
    }

    /// Returns once another link has reached the server, or lost it.
    pub async fn any(&mut self) {
        // An error would mean that the sender is gone, and it is held here.
        let _ = self.told.changed().await;
        self.reached = self.told.borrow().reached;
    }

    /// Returns once another link has reached the server.
    pub async fn good(&mut self) {
        let before = self.reached;
        let told = self.told.wait_for(|told| told.reached != before).await;
        if let Ok(told) = told {
            self.reached = told.reached;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_told(news: impl Future<Output = ()>) -> bool {
        pin!(news).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_others_are_told_once_and_oneself_never() {
        let siblings = Siblings::new();
        let (mut one, mut other) = (siblings.listen(), siblings.listen());
        one.reached();
        let mut late = siblings.listen();
        assert!(is_told(other.good()) && !is_told(other.good()) && !is_told(other.any()));
        assert!(!is_told(one.good()) && !is_told(one.any()) && !is_told(late.any()));
        other.reached();
        assert!(is_told(one.any()) && !is_told(one.good()) && is_told(late.good()));
        assert!(!is_told(other.any()));
    }

    #[test]
    fn a_loss_wakes_nobody_who_waits_for_the_server() {
        let siblings = Siblings::new();
        let (mut one, mut other, mut third) = (siblings.listen(), siblings.listen(), siblings.listen());
        one.lost();
        assert!(!is_told(other.good()) && is_told(third.any()) && !is_told(one.any()));
        one.lost();
        one.reached();
        assert!(is_told(other.good()) && !is_told(other.any()));
    }
}
