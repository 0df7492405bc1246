//! Logging, access log, audit trail, admin listener.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub format: Format,
    /// As `RUST_LOG` has it: `info`, or `vestibule=debug,info`.
    pub level: String,
    pub access: bool,
}
