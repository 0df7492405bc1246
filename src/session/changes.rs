//! News of sign-ons, from this process to the others and from them to this one.

use super::{Sessions, SignOnId};
use crate::store::{About, Change, News};

impl Sessions {
    /// Takes in what other processes say, for as long as the store is open. While nobody does, an ended sign-on may be
    /// served here for as long as it is trusted.
    pub async fn follow(&self) {
        let mut changes = self.store.changes();
        while let Some(news) = changes.next().await {
            match news {
                News::Change(change) => self.heard(change),
                // The run of the channel has ended, and with it the trust in everything that was read before.
                News::Missed => {}
            }
        }
    }

    /// Tells the others. The change itself is written: one that is not told shows there at the next look, and while the
    /// channel is down every use is one.
    pub(super) async fn tell(&self, about: About, id: &SignOnId) {
        if let Err(error) = self.store.publish(Change { about, id: *id }).await {
            tracing::warn!(%error, "other gateways learn of a session's change a few seconds later");
        }
    }

    fn heard(&self, change: Change) {
        // Of what is not remembered here there is nothing to be said.
        let Some(shared) = self.shared.get(&change.id) else { return };
        match change.about {
            About::SignOnEnded => shared.end(),
            About::SignOnChanged => shared.changed(),
            About::AccountChanged => {}
        }
    }
}
