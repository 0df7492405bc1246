//! Requests to answers.

pub mod admit;
pub mod client;
