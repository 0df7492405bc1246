//! Vestibule: a login gateway in one program.
//!
//! It stands in front of web apps that cannot sign people in themselves. Every request is checked; who is not signed
//! in gets Vestibule's own pages, a password and then a mailed code; what is allowed goes on to the app, with headers
//! that say who is there.
//!
//! # The life of a request
//!
//! ```text
//! listen::accept ─▶ TLS ─▶ hyper ─▶ gateway (Handler)      never fails; request id, clock, log line
//!                                      │
//!                                      ▼
//!                           gateway::pipeline::respond     uses `?`; read top to bottom
//!   1 sanitize   admit::admit, Client::settle              malformed or ambiguous: refused
//!   2 route      route::own_path, Routes::find             an app, one of our own pages, or nothing
//!   3 session    flow::who::visiting                       the cookie's session, and the account behind it today
//!   4 policy     policy::decide                            Allow(Permit) | Challenge(Missing) | Deny
//!   5 act        identity::stamp(Permit, ..) ─▶ Stamped ─▶ upstream::forward
//!                                      │
//!                                      ▼
//!                           gateway::answer                every refusal ─▶ page or JSON, in one table
//! ```
//!
//! Two proofs make "forwarded without a check" a compile error. Only [`policy::decide`] makes a [`policy::Permit`];
//! only [`identity::stamp`] turns a permit and a request into a [`identity::Stamped`] one, and [`upstream::forward`]
//! takes nothing else.
//!
//! # Invariants
//!
//! - `upstream` never sees a session, an account or a cookie of ours.
//! - `hyper` types appear only in `listen`, `gateway`, `portal`, `identity`, `upstream` and `observe`.
//! - A request reads one [`app::Snapshot`], taken at its start.
//! - Store unreachable: a session confirmed within 5 s is served, any other request that needs one gets 503; never
//!   "allow", and never "signed out".
//! - Every page that a browser gets is written by `portal::view`, the built-in `whoami` app's apart.
//! - No GET changes anything but `enter`, which uses up its ticket.
//!
//! # Words
//!
//! - *sign-in*: what somebody walks through; *under way* until the code is right, and never a session before.
//! - *sign-on*: its result, the shared record: who, vouched for by which source, with which factors, until when.
//! - *session*: one host's random id that points to a sign-on; what a cookie opens.
//! - *ticket*: carries a sign-on from the portal's host to an app's, once.
//! - *known device*: a browser that has signed in before; it has its own limits and grants nothing.

pub mod accent;
pub mod account;
pub mod app;
pub mod body;
pub mod boot;
pub mod browser;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cookies;
pub mod flow;
pub mod gateway;
pub mod identity;
pub mod lifecycle;
pub mod listen;
pub mod mail;
pub mod observe;
pub mod policy;
pub mod portal;
pub mod read_along;
pub mod route;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod spelling;
pub mod sqlite;
pub mod store;
pub mod subject;
pub mod tasks;
pub mod throttle;
pub mod upstream;
pub mod words;
