//! The way around the pages behind the sign-in.

/// What stands above and below every page behind the sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Nav<'a> {
    /// Where the page belongs.
    pub here: Section,
    /// Where the visitor may go.
    pub sections: &'a [Section],
    /// Who is signed in: the name, or the username where there is none.
    pub who: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Apps,
    Account,
    Admin,
}

impl Section {
    pub const fn address(self) -> &'static str {
        match self {
            Self::Apps => "/_vestibule/",
            Self::Account => "/_vestibule/account",
            Self::Admin => "/_vestibule/admin",
        }
    }

    pub const fn text(self) -> &'static str {
        match self {
            Self::Apps => "nav-apps",
            Self::Account => "nav-account",
            Self::Admin => "nav-admin",
        }
    }
}
