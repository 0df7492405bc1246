//! Bytes in a record, as base64url: a JSON array of numbers would take three times the room, and longer to read.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

pub fn serialize<const N: usize, S: Serializer>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
}

pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(from: D) -> Result<[u8; N], D::Error> {
    from.deserialize_str(Letters)
}

/// The same where there may be none.
pub mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Bytes<const N: usize>(#[serde(with = "super")] [u8; N]);

    #[expect(clippy::ref_option, reason = "so serde calls it")]
    pub fn serialize<const N: usize, S: Serializer>(
        bytes: &Option<[u8; N]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.map(Bytes).serialize(to)
    }

    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        Ok(Option::<Bytes<N>>::deserialize(from)?.map(|Bytes(bytes)| bytes))
    }
}

struct Letters<const N: usize>;

impl<const N: usize> Visitor<'_> for Letters<N> {
    type Value = [u8; N];

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{N} bytes in base64url")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<[u8; N], E> {
        let mut bytes = [0; N];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        if read == Ok(N) { Ok(bytes) } else { Err(E::custom(format_args!("not {N} bytes in base64url"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        #[serde(with = "super")]
        one: [u8; 4],
        #[serde(with = "super::option")]
        other: Option<[u8; 2]>,
    }

    #[test]
    fn bytes_are_written_in_letters_and_read_back() {
        for (record, text) in [
            (Record { one: [0, 255, 62, 63], other: None }, r#"{"one":"AP8-Pw","other":null}"#),
            (Record { one: [1, 2, 3, 4], other: Some([0, 0]) }, r#"{"one":"AQIDBA","other":"AAA"}"#),
        ] {
            assert_eq!(serde_json::to_string(&record).unwrap(), text);
            assert_eq!(serde_json::from_str::<Record>(text).unwrap(), record);
        }
    }

    #[test]
    fn another_number_of_bytes_is_an_error_and_no_panic() {
        for one in ["\"\"", "\"AQID\"", "\"AQIDBAU\"", "\"AQID*A\"", "\"AQIDBA==\"", "[1,2,3,4]", "null", "7"]
        {
            let read = serde_json::from_str::<Record>(&format!(r#"{{"one":{one},"other":null}}"#));
            assert!(read.is_err(), "{one}");
        }
    }
}
