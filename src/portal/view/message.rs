//! What stands at the top of a form, and at its fields: one problem or one note.

use crate::words::Words;

/// Why a form came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The username or the password, whichever.
    InvalidCredentials,
    /// The password was right; nobody has approved the account yet.
    Pending,
    /// The password was right; the account is rejected or disabled.
    Disabled,
    /// A wrong or an old code.
    InvalidCode,
    /// The sign-in under way is gone.
    Expired,
    /// The registration under way is gone.
    RegistrationExpired,
    /// The mail server did not take the mail.
    MailFailed,
    TooMany {
        minutes: u64,
    },
    /// The code was asked for again too early.
    TooSoon,
    /// There is no room to check another password now.
    Busy,
    UsernameMissing,
    PasswordMissing,
    CodeMissing,
}

/// Something that went well. It stands in the address of the page that says so, after the redirect that every good
/// post is answered with: anybody can make such an address, so that no note may say what one could act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    SentAgain,
    /// Both factors are asked for again, before a change.
    SignInAgain,
    AccountsApproved,
    AccountsRejected,
    AccountDisabled,
    AccountEnabled,
    AccountUnlocked,
    AccountDeleted,
    GroupsChanged,
    SessionEnded,
    SessionsEnded,
    AllSessionsEnded,
    DeviceForgotten,
    ResetSent,
    /// And they were proved.
    SignedInAgain,
    ProfileChanged,
    PasswordChanged,
    AddressChanged,
    AddressKept,
}

/// The texts of a problem or note, and the fields they are about.
#[derive(Default)]
pub(super) struct Messages {
    pub problem: Option<String>,
    pub note: Option<String>,
    fields: &'static [&'static str],
    hint: Option<Hint>,
}

struct Hint {
    field: &'static str,
    text: String,
}

impl Messages {
    pub fn new(words: &Words, problem: Option<Problem>, note: Option<Note>) -> Self {
        let hint = problem.and_then(|problem| problem.hint(words));
        Self {
            problem: problem.map(|problem| problem.text(words)),
            note: note.map(|note| note.text(words)),
            fields: problem.map(Problem::fields).unwrap_or_default(),
            hint,
        }
    }

    /// One problem put in words already, or a note.
    pub fn said(words: &Words, problem: Option<&str>, note: Option<Note>) -> Self {
        Self {
            problem: problem.map(str::to_owned),
            ..Self::new(words, None, note.filter(|_| problem.is_none()))
        }
    }

    pub fn marks(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }

    pub fn hint_at(&self, field: &str) -> Option<&str> {
        self.hint.as_ref().filter(|hint| hint.field == field).map(|hint| hint.text.as_str())
    }

    /// The ids of what is said about this field, for `aria-describedby`; empty if nothing is.
    pub fn described_by(&self, field: &str) -> String {
        match (self.marks(field), self.hint_at(field)) {
            (false, _) => String::new(),
            (true, None) => "problem".into(),
            (true, Some(_)) => format!("problem {field}-hint"),
        }
    }
}

impl Problem {
    pub fn text(self, words: &Words) -> String {
        match self {
            Self::InvalidCredentials => words.text("problem-credentials"),
            Self::Pending => words.text("problem-pending"),
            Self::Disabled => words.text("problem-disabled"),
            Self::InvalidCode => words.text("problem-code"),
            Self::Expired => words.text("problem-expired"),
            Self::RegistrationExpired => words.text("problem-registration-expired"),
            Self::MailFailed => words.text("problem-mail"),
            Self::TooMany { minutes } => words.with("problem-too-many", &[("minutes", minutes.into())]),
            Self::TooSoon => words.text("problem-too-soon"),
            Self::Busy => words.text("problem-busy"),
            Self::UsernameMissing => words.text("problem-username-missing"),
            Self::PasswordMissing => words.text("problem-password-missing"),
            Self::CodeMissing => words.text("problem-code-missing"),
        }
    }

    /// The fields in which the problem may lie.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::InvalidCredentials => &["username", "password"],
            Self::UsernameMissing => &["username"],
            Self::PasswordMissing => &["password"],
            Self::InvalidCode | Self::CodeMissing => &["code"],
            Self::Pending
            | Self::Disabled
            | Self::Expired
            | Self::RegistrationExpired
            | Self::MailFailed
            | Self::TooMany { .. }
            | Self::TooSoon
            | Self::Busy => &[],
        }
    }

    /// What to do next, said at the field where it is done, if the problem's text does not say it already.
    fn hint(self, words: &Words) -> Option<Hint> {
        match self {
            Self::InvalidCredentials => {
                Some(Hint { field: "password", text: words.text("problem-credentials-hint") })
            }
            Self::InvalidCode => Some(Hint { field: "code", text: words.text("problem-code-hint") }),
            _ => None,
        }
    }
}

impl Note {
    const ALL: [Self; 19] = [
        Self::SentAgain,
        Self::AccountsApproved,
        Self::AccountsRejected,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountUnlocked,
        Self::AccountDeleted,
        Self::GroupsChanged,
        Self::SessionEnded,
        Self::SessionsEnded,
        Self::AllSessionsEnded,
        Self::DeviceForgotten,
        Self::ResetSent,
        Self::SignInAgain,
        Self::SignedInAgain,
        Self::ProfileChanged,
        Self::PasswordChanged,
        Self::AddressChanged,
        Self::AddressKept,
    ];

    /// As it stands in an address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SentAgain => "sent-again",
            Self::SignInAgain => "sign-in-again",
            Self::AccountsApproved => "approved",
            Self::AccountsRejected => "rejected",
            Self::AccountDisabled => "disabled",
            Self::AccountEnabled => "enabled",
            Self::AccountUnlocked => "unlocked",
            Self::AccountDeleted => "deleted",
            Self::GroupsChanged => "groups-changed",
            Self::SessionEnded => "session-ended",
            Self::SessionsEnded => "sessions-ended",
            Self::AllSessionsEnded => "all-sessions-ended",
            Self::DeviceForgotten => "device-forgotten",
            Self::ResetSent => "reset-sent",
            Self::SignedInAgain => "signed-in-again",
            Self::ProfileChanged => "profile-changed",
            Self::PasswordChanged => "password-changed",
            Self::AddressChanged => "address-changed",
            Self::AddressKept => "address-kept",
        }
    }

    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|note| note.word() == word)
    }

    fn text(self, words: &Words) -> String {
        match self {
            Self::SentAgain => words.text("note-sent-again"),
            Self::SignInAgain => words.text("note-sign-in-again"),
            Self::AccountsApproved => words.text("note-approved"),
            Self::AccountsRejected => words.text("note-rejected"),
            Self::AccountDisabled => words.text("note-disabled"),
            Self::AccountEnabled => words.text("note-enabled"),
            Self::AccountUnlocked => words.text("note-unlocked"),
            Self::AccountDeleted => words.text("note-deleted"),
            Self::GroupsChanged => words.text("note-groups-changed"),
            Self::SessionEnded => words.text("note-session-ended"),
            Self::SessionsEnded => words.text("note-sessions-ended"),
            Self::AllSessionsEnded => words.text("note-all-sessions-ended"),
            Self::DeviceForgotten => words.text("note-device-forgotten"),
            Self::ResetSent => words.text("note-reset-sent"),
            Self::SignedInAgain => words.text("note-signed-in-again"),
            Self::ProfileChanged => words.text("note-profile-changed"),
            Self::PasswordChanged => words.text("note-password-changed"),
            Self::AddressChanged => words.text("note-address-changed"),
            Self::AddressKept => words.text("note-address-kept"),
        }
    }
}
