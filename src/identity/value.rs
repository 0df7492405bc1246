//! Header values out of what is known of a person. A value that cannot be sent is an error, never an omission.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Encoding, Field, Settings};
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

/// The values of all headers, in their order, in one piece of memory: it is kept for each session.
pub fn values(settings: &Settings, subject: &Subject) -> Result<Arc<[HeaderValue]>, StampError> {
    let (mut text, mut ends) = (String::new(), Vec::with_capacity(settings.headers.len()));
    for (header, field) in &settings.headers {
        text.push_str(&value(header, field, settings.encoding, subject)?);
        ends.push(text.len());
    }
    let text = Bytes::from(text.into_bytes());
    let starts = iter::once(0).chain(ends.iter().copied());
    let parts = starts.zip(&ends).zip(&settings.headers).map(|((start, end), (header, _))| {
        HeaderValue::from_maybe_shared(text.slice(start..*end)).map_err(|_| control(header, subject))
    });
    parts.collect()
}

/// The value for one header; empty if the person has none.
fn value<'a>(
    header: &HeaderName,
    field: &Field,
    encoding: Encoding,
    subject: &'a Subject,
) -> Result<Cow<'a, str>, StampError> {
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
        return Err(StampError::TooLong { header: header.clone(), account: subject.id.to_string() });
    }
    if text.chars().any(char::is_control) {
        return Err(control(header, subject));
    }
    Ok(text)
}

fn control(header: &HeaderName, subject: &Subject) -> StampError {
    StampError::ControlCharacter { header: header.clone(), account: subject.id.to_string() }
}

fn encoded(text: &str, encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Utf8 => text.into(),
        Encoding::Percent => utf8_percent_encode(text, RESERVED).into(),
    }
}
