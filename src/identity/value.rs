//! Header values out of what is known of a person. A value that cannot be sent is an error, never an omission.

use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Encoding, Field};
use crate::subject::Subject;

/// RFC 3986 §2.3: all but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Servers refuse lines of more than about 8 KiB.
const LONGEST: usize = 8 * 1024;

/// The request cannot be forwarded, since the app would not learn who is asking.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    #[error("{header}: the value of {account} holds a control character")]
    ControlCharacter { header: HeaderName, account: String },
    #[error("{header}: the value of {account} is longer than {LONGEST} bytes")]
    TooLong { header: HeaderName, account: String },
    #[error("{0} cannot be written as a header value")]
    Forwarding(&'static str),
}

/// The value for one header; empty if the person has none.
pub fn value(
    header: &HeaderName,
    field: &Field,
    encoding: Encoding,
    subject: &Subject,
) -> Result<HeaderValue, StampError> {
    let account = || subject.account.to_string();
    let text = match field {
        Field::Username => encoded(&subject.username, encoding),
        Field::Name => encoded(&subject.name, encoding),
        Field::Email => encoded(&subject.email, encoding),
        Field::Attribute(name) => encoded(subject.attributes.get(name).map_or("", String::as_str), encoding),
        Field::Groups => {
            // A comma in a name would make two groups of one.
            let groups = subject.groups.iter().filter(|group| !group.is_empty() && !group.contains(','));
            groups.map(|group| encoded(group, encoding)).collect::<Vec<_>>().join(",").into()
        }
    };
    if text.len() > LONGEST {
        return Err(StampError::TooLong { header: header.clone(), account: account() });
    }
    let control = || StampError::ControlCharacter { header: header.clone(), account: account() };
    if text.chars().any(char::is_control) {
        return Err(control());
    }
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| control())
}

fn encoded(text: &str, encoding: Encoding) -> std::borrow::Cow<'_, str> {
    match encoding {
        Encoding::Utf8 => text.into(),
        Encoding::Percent => utf8_percent_encode(text, RESERVED).into(),
    }
}
