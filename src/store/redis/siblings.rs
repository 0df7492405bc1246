//! What the links to one server tell each other: that one of them has just reached it.
//!
//! Each runtime has a link of its own, with pauses of its own. Without this word one worker would refuse visitors for up
//! to a second after another serves them, and one that has nothing to do would not find its connection dead before a
//! visitor does. Start from [`Siblings`].

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone)]
pub struct Siblings {
    /// Counts the connections that were made.
    made: Arc<watch::Sender<u64>>,
}

/// What one link hears of the others.
pub struct News {
    siblings: Siblings,
    made: watch::Receiver<u64>,
}

impl Siblings {
    pub fn new() -> Self {
        Self { made: Arc::new(watch::Sender::new(0)) }
    }

    /// Begins to listen: what was told before is no news.
    pub fn listen(&self) -> News {
        News { siblings: self.clone(), made: self.made.subscribe() }
    }
}

impl News {
    /// Tells the others that the server can be reached.
    pub fn tell(&mut self) {
        self.siblings.made.send_modify(|made| *made = made.wrapping_add(1));
        // Not oneself, nor what came before.
        self.made.mark_unchanged();
    }

    /// Returns once another link has reached the server since the last news.
    pub async fn next(&mut self) {
        // An error would mean that the sender is gone, and it is held here.
        let _ = self.made.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_told(news: &mut News) -> bool {
        pin!(news.next()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_others_are_told_once_and_oneself_never() {
        let siblings = Siblings::new();
        let (mut one, mut other) = (siblings.listen(), siblings.listen());
        one.tell();
        let mut late = siblings.listen();
        assert!(is_told(&mut other) && !is_told(&mut other));
        assert!(!is_told(&mut one) && !is_told(&mut late));
        other.tell();
        assert!(is_told(&mut one) && is_told(&mut late) && !is_told(&mut other));
    }
}
