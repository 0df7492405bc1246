//! Pure: which app a request is for, how its path is read, and where a visitor may be sent.

mod origin;
mod path;
mod return_url;
mod table;

pub use origin::{AppUrl, Host, Origin, Scheme};
pub use path::{OWN_PREFIX, Otherwise, OwnPath, canonical_path, is_ambiguous, otherwise, own_path};
pub use return_url::ReturnUrl;
pub use table::{Route, Routes};
