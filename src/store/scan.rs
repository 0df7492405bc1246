//! Going through all records of a space, a page at a time.
//!
//! What stands there from the first page to the last is found at least once; what comes or goes meanwhile may be
//! found, and a record may be found twice.

use super::{Key, Record};

/// Some records, and where to go on.
pub struct Page {
    pub records: Vec<(Key, Record)>,
    /// `None`: that was all.
    pub next: Option<Cursor>,
}

/// A place between two pages; of use only to the store that made it.
#[derive(Clone, Debug)]
pub struct Cursor(pub(super) Position);

#[derive(Clone, Debug)]
pub(super) enum Position {
    /// The name of the last record found.
    After(Vec<u8>),
    /// A server's own cursor, and which server it is.
    Server { number: usize, cursor: u64 },
}
