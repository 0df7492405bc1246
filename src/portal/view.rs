//! Writes pages.
