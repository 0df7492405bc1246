//! The chunked coding of an answer, undone (RFC 9112 §7.1). Pure: bytes in, pieces out. Start from [`Chunks::step`].
//!
//! Lines end with CRLF, sizes are hexadecimal digits and nothing else, and whatever is not understood is an error: two
//! readings of one body would make two answers of it.

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A size with its extensions, which are passed over, and all trailers together; in bytes.
const LONGEST_SIZE: usize = 4 * 1024;
const LARGEST_TRAILERS: usize = 16 * 1024;
const MOST_TRAILERS: usize = 100;

/// How far a body was read.
#[derive(Debug, Default)]
pub(super) struct Chunks(State);

#[derive(Debug, Default)]
enum State {
    #[default]
    Size,
    /// So many bytes of a chunk to come.
    Data(u64),
    /// The line's end behind a chunk.
    DataEnd,
    Trailers,
    Over,
}

/// What the bytes that were read amount to.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Nothing yet.
    More,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    #[error("the size of a chunk")]
    Size,
    #[error("the end of a chunk")]
    DataEnd,
    #[error("its trailers")]
    Trailers,
}

impl Chunks {
    /// The next piece, taken from the front of `read`. What stands behind the body's end stays there.
    pub(super) fn step(&mut self, read: &mut BytesMut) -> Result<Step, ChunkError> {
        loop {
            match self.0 {
                State::Size => match size(read)? {
                    None => return Ok(Step::More),
                    Some(0) => self.0 = State::Trailers,
                    Some(size) => self.0 = State::Data(size),
                },
                State::Data(_) if read.is_empty() => return Ok(Step::More),
                State::Data(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(read.len());
                    let left = left - length as u64;
                    self.0 = if left == 0 { State::DataEnd } else { State::Data(left) };
                    return Ok(Step::Data(read.split_to(length).freeze()));
                }
                State::DataEnd => match read.as_ref() {
                    [b'\r', b'\n', ..] => {
                        read.advance(2);
                        self.0 = State::Size;
                    }
                    [] | [b'\r'] => return Ok(Step::More),
                    _ => return Err(ChunkError::DataEnd),
                },
                State::Trailers => {
                    let Some(trailers) = trailers(read)? else { return Ok(Step::More) };
                    self.0 = State::Over;
                    if !trailers.is_empty() {
                        return Ok(Step::Trailers(trailers));
                    }
                }
                State::Over => return Ok(Step::Over),
            }
        }
    }
}

/// The size in a whole line at the front, which is taken away; `None` if there is no whole line yet.
fn size(read: &mut BytesMut) -> Result<Option<u64>, ChunkError> {
    let Some(end) = memchr::memchr(b'\n', read) else {
        return if read.len() > LONGEST_SIZE { Err(ChunkError::Size) } else { Ok(None) };
    };
    let line = read.split_to(end + 1);
    let line =
        line.strip_suffix(b"\r\n").filter(|line| line.len() <= LONGEST_SIZE).ok_or(ChunkError::Size)?;
    if line.contains(&b'\r') {
        return Err(ChunkError::Size);
    }
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    // Some old servers fill a size up with blanks (RFC 9112 §7.1.1 calls that bad whitespace).
    let digits = digits.trim_ascii_end();
    let text =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u64::from_str_radix(text, 16).ok()).map(Some).ok_or(ChunkError::Size)
}

/// All trailers up to the empty line, which is taken away; `None` if that has not come.
fn trailers(read: &mut BytesMut) -> Result<Option<HeaderMap>, ChunkError> {
    let end = if read.starts_with(b"\r\n") {
        Some(2)
    } else {
        memchr::memmem::find(read, b"\r\n\r\n").map(|place| place + 4)
    };
    let Some(end) = end else {
        return if read.len() > LARGEST_TRAILERS { Err(ChunkError::Trailers) } else { Ok(None) };
    };
    let block = read.split_to(end).freeze();
    // httparse takes a lone LF for a line's end.
    if memchr::memchr_iter(b'\n', &block)
        .any(|place| !block.get(..place).is_some_and(|line| line.ends_with(b"\r")))
    {
        return Err(ChunkError::Trailers);
    }
    let mut fields = [httparse::EMPTY_HEADER; MOST_TRAILERS];
    match httparse::parse_headers(&block, &mut fields) {
        Ok(httparse::Status::Complete((length, fields))) if length == block.len() => {
            let pairs = fields.iter().map(|field| {
                let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| ChunkError::Trailers)?;
                let value = HeaderValue::from_bytes(field.value).map_err(|_| ChunkError::Trailers)?;
                Ok((name, value))
            });
            let mut trailers = HeaderMap::new();
            for pair in pairs {
                let (name, value) = pair?;
                trailers.append(name, value);
            }
            Ok(Some(trailers))
        }
        _ => Err(ChunkError::Trailers),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Body, trailers, and what is left behind.
    type Decoded = (Vec<u8>, HeaderMap, Vec<u8>);

    /// Everything that comes of these bytes, given in pieces of this size; `None`: they are not all.
    fn decode(bytes: &[u8], piece: usize) -> Result<Option<Decoded>, ChunkError> {
        let (mut chunks, mut read) = (Chunks::default(), BytesMut::new());
        let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
        let mut pieces = bytes.chunks(piece);
        loop {
            match chunks.step(&mut read)? {
                Step::Data(data) => body.extend_from_slice(&data),
                Step::Trailers(found) => trailers = found,
                Step::More => match pieces.next() {
                    Some(piece) => read.extend_from_slice(piece),
                    None => return Ok(None),
                },
                Step::Over => {
                    let left = read.iter().chain(pieces.flatten()).copied().collect();
                    return Ok(Some((body, trailers, left)));
                }
            }
        }
    }

    #[test]
    fn a_body_is_the_same_however_it_comes() {
        let coded = b"5\r\nhello\r\n00006;x=\"y\"\r\n world\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\nnext";
        for piece in 1..=coded.len() {
            let (body, trailers, left) = decode(coded, piece).unwrap().unwrap();
            assert_eq!(body, b"hello world0123456789", "in pieces of {piece}");
            assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"]);
            assert_eq!(left, b"next");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_an_error() {
        for coded in [
            "5\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n",
            "5;a\rb\r\nhello\r\n",
            "\r\n",
            " 5\r\nhello\r\n",
            "0x5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            "-5\r\nhello\r\n",
            "5_\r\nhello\r\n",
            "FFFFFFFFFFFFFFFF0\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n\r\n",
            "0\r\nX: 1\nY: 2\r\n\r\n",
            "0\r\nno field\r\n\r\n",
            "0\r\nX : 1\r\n\r\n",
            "0\r\n X: 1\r\n\r\n",
        ] {
            for piece in [1, 3, coded.len()] {
                let decoded = decode(coded.as_bytes(), piece);
                assert!(decoded.is_err(), "{coded:?} in pieces of {piece}: {decoded:?}");
            }
        }
    }

    #[test]
    fn nothing_grows_without_end() {
        let extension = format!("5;{}", "x".repeat(LONGEST_SIZE));
        assert_eq!(decode(extension.as_bytes(), 100), Err(ChunkError::Size));
        let trailers = format!("0\r\nX: {}", "x".repeat(LARGEST_TRAILERS));
        assert_eq!(decode(trailers.as_bytes(), 100), Err(ChunkError::Trailers));
        let many = format!("0\r\n{}\r\n", "X: 1\r\n".repeat(MOST_TRAILERS + 1));
        assert_eq!(decode(many.as_bytes(), 100), Err(ChunkError::Trailers));
    }

    proptest! {
        #[test]
        fn what_was_coded_is_decoded(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..8),
            piece in 1_usize..700,
        ) {
            let mut coded = Vec::new();
            for part in &parts {
                coded.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                coded.extend_from_slice(part);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\n\r\n");
            let (body, trailers, left) = decode(&coded, piece).unwrap().unwrap();
            prop_assert_eq!(body, parts.concat());
            prop_assert!(trailers.is_empty() && left.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..50) {
            let _ = decode(&bytes, piece);
        }
    }
}
