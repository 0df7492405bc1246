//! Walks over the requests of a connection as they are read, see [`Grammar`].

use std::io;
use std::sync::Arc;

use super::activity::Activity;
use super::grammar::Grammar;
use crate::read_along::Along;

pub(super) struct Checked {
    grammar: Grammar,
    activity: Arc<Activity>,
}

impl Checked {
    pub fn new(activity: &Arc<Activity>) -> Self {
        Self { grammar: Grammar::default(), activity: Arc::clone(activity) }
    }
}

impl Along for Checked {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        if self.activity.has_switched() {
            self.grammar.end();
        }
        self.grammar.check(bytes);
        Ok(())
    }
}
