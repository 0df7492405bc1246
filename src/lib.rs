//! Vestibule: a login gateway in one program.

pub mod account;
pub mod body;
pub mod cli;
pub mod clock;
pub mod config;
pub mod identity;
pub mod listen;
pub mod mail;
pub mod observe;
pub mod policy;
pub mod portal;
pub mod route;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod store;
pub mod subject;
pub mod tasks;
pub mod throttle;
pub mod upstream;
