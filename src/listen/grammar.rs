//! What hyper lets pass in a request and others may read otherwise: lines of one head that end in different ways, and what
//! stands beside the size of a chunk (RFC 9112 §2.2 and §7.1). Pure: bytes in, bytes out. Start from [`Grammar`].
//!
//! hyper says what a request is. This only walks along with it, to know where heads, sizes and trailers are, and spoils what
//! is not to be read before hyper comes to it: hyper refuses it then as it refuses all that is malformed.

use std::io;

use memchr::memchr;

use crate::read_along::Along;

/// As much is looked at of a line, in bytes: enough for a name, and for any length that is written to be understood.
const LOOKED_AT: usize = 128;

/// No line and no size of a chunk has this byte in it.
const SPOILED_LINE: u8 = 0;
const SPOILED_SIZE: u8 = b'\n';

/// Comes after a spoiled line: hyper refuses only what has come to an end.
const END: &[u8] = b"\r\n\r\n";

/// Hexadecimal digits in the size of a chunk.
const MOST_DIGITS: u8 = 16;

/// Follows the requests of one connection.
#[derive(Default)]
pub(super) struct Grammar {
    state: State,
    line: Line,
    ends: Ends,
    follows: Follows,
    /// What comes after the request may be another protocol.
    upgrade: bool,
    /// To be read in place of what comes.
    end: &'static [u8],
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Before a request: empty lines are passed over.
    #[default]
    Begin,
    Head,
    /// So many bytes of a body to come.
    Body(u64),
    Chunk(Chunk),
    Trailers,
    /// Nothing more is read, or perhaps not as HTTP.
    Over,
}

#[derive(Clone, Copy)]
enum Chunk {
    /// So many digits, and what they say.
    Size(u8, u64),
    /// Blanks before an extension.
    Blanks(u64),
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    /// So many bytes of a line's end.
    DataEnd(u8),
}

/// How the lines of a head end, as the first of them does.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Ends {
    #[default]
    Crlf,
    /// All with a lone LF: some write so by hand.
    Lf,
}

/// What a head says of the body.
#[derive(Clone, Copy, Default)]
enum Follows {
    #[default]
    Nothing,
    Length(u64),
    Chunks,
}

/// The beginning of a line that has not come to its end.
#[derive(Default)]
struct Line {
    kept: Vec<u8>,
    length: usize,
    last: Option<u8>,
}

impl Grammar {
    fn check(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let walked = match self.state {
                State::Begin | State::Head | State::Trailers => self.line(bytes),
                State::Body(left) => {
                    let (walked, left) = pass_over(bytes, left);
                    self.state = if left == 0 { self.next() } else { State::Body(left) };
                    walked
                }
                State::Chunk(chunk) => self.chunk(chunk, bytes),
                State::Over => return,
            };
            bytes = bytes.get_mut(walked..).unwrap_or_default();
        }
    }

    /// Up to a line's end, if there is one.
    fn line(&mut self, bytes: &mut [u8]) -> usize {
        let Some(end) = memchr(b'\n', bytes) else {
            self.line.keep(bytes);
            return bytes.len();
        };
        let before = bytes.get(..end).unwrap_or_default();
        let understood = if self.line.length == 0 {
            self.whole(before, before.len(), before.last().copied())
        } else {
            self.line.keep(before);
            let line = std::mem::take(&mut self.line);
            self.whole(&line.kept, line.length, line.last)
        };
        if !understood {
            (self.state, self.end) = (State::Over, END);
            if let Some(byte) = bytes.get_mut(end) {
                *byte = SPOILED_LINE;
            }
        }
        end + 1
    }

    /// A line's beginning, its length up to the LF, and what stands before that. Whether it may stand here.
    fn whole(&mut self, line: &[u8], length: usize, last: Option<u8>) -> bool {
        let crlf = last == Some(b'\r');
        let (ends, is_empty) = (if crlf { Ends::Crlf } else { Ends::Lf }, length == usize::from(crlf));
        match self.state {
            State::Begin => {
                if !is_empty {
                    (self.state, self.ends) = (State::Head, ends);
                    (self.follows, self.upgrade) = (Follows::Nothing, false);
                }
                true
            }
            State::Head if is_empty => {
                self.state = match self.follows {
                    Follows::Nothing | Follows::Length(0) => self.next(),
                    Follows::Length(length) => State::Body(length),
                    Follows::Chunks => State::Chunk(Chunk::Size(0, 0)),
                };
                ends == self.ends
            }
            State::Head => ends == self.ends && self.field(line, length),
            State::Trailers => {
                if is_empty {
                    self.state = self.next();
                }
                crlf
            }
            State::Body(_) | State::Chunk(_) | State::Over => true,
        }
    }

    /// What comes after a request.
    fn next(&self) -> State {
        if self.upgrade { State::Over } else { State::Begin }
    }

    /// What a field says of the body: the coding goes before the length (RFC 9112 §6.3). Whether it can be understood.
    fn field(&mut self, line: &[u8], length: usize) -> bool {
        // It is not to matter in what pieces it comes.
        let line = line.get(..LOOKED_AT).unwrap_or(line);
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b't') if value(line, b"transfer-encoding").is_some() => self.follows = Follows::Chunks,
            Some(b'u') if value(line, b"upgrade").is_some() => self.upgrade = true,
            Some(b'c') => {
                let Some(digits) = value(line, b"content-length") else { return true };
                let Some(said) = number(digits).filter(|_| length <= LOOKED_AT) else { return false };
                if matches!(self.follows, Follows::Nothing) {
                    self.follows = Follows::Length(said);
                }
            }
            _ => {}
        }
        true
    }

    fn chunk(&mut self, chunk: Chunk, bytes: &mut [u8]) -> usize {
        if let Chunk::Data(left) = chunk {
            let (walked, left) = pass_over(bytes, left);
            self.state = State::Chunk(if left == 0 { Chunk::DataEnd(0) } else { Chunk::Data(left) });
            return walked;
        }
        let Some(byte) = bytes.first_mut() else { return 0 };
        self.state = match (chunk, *byte) {
            (Chunk::Size(digits, size), digit) if digit.is_ascii_hexdigit() && digits < MOST_DIGITS => {
                let digit = char::from(digit).to_digit(16).map_or(0, u64::from);
                State::Chunk(Chunk::Size(digits + 1, size << 4 | digit))
            }
            (Chunk::Size(1.., size) | Chunk::Extension(size), b'\r') => State::Chunk(Chunk::SizeEnd(size)),
            (Chunk::Size(1.., size) | Chunk::Blanks(size), b' ' | b'\t') => State::Chunk(Chunk::Blanks(size)),
            (Chunk::Size(1.., size) | Chunk::Blanks(size), b';') => State::Chunk(Chunk::Extension(size)),
            (Chunk::Extension(size), byte) if byte == b'\t' || !byte.is_ascii_control() => {
                State::Chunk(Chunk::Extension(size))
            }
            (Chunk::SizeEnd(0), b'\n') => State::Trailers,
            (Chunk::SizeEnd(size), b'\n') => State::Chunk(Chunk::Data(size)),
            (Chunk::DataEnd(0), b'\r') => State::Chunk(Chunk::DataEnd(1)),
            (Chunk::DataEnd(1..), b'\n') => State::Chunk(Chunk::Size(0, 0)),
            // hyper refuses these by itself.
            (Chunk::SizeEnd(_) | Chunk::DataEnd(_), _) => State::Over,
            _ => {
                *byte = SPOILED_SIZE;
                State::Over
            }
        };
        1
    }
}

impl Line {
    fn keep(&mut self, bytes: &[u8]) {
        let room = LOOKED_AT.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.length = self.length.saturating_add(bytes.len());
        self.last = bytes.last().copied().or(self.last);
    }
}

impl Along for Grammar {
    fn instead(&mut self, room: usize) -> &[u8] {
        let (now, later) = self.end.split_at(room.min(self.end.len()));
        self.end = later;
        now
    }

    /// Walks over what has been read next, and spoils a byte of what is not to be read.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.check(bytes);
        Ok(())
    }
}

/// How many of these bytes belong to so many, and how many are left of those.
fn pass_over(bytes: &[u8], left: u64) -> (usize, u64) {
    let walked = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (walked, left - walked as u64)
}

/// A field's value without the blanks around it, if it has this name.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name))?;
    Some(value.trim_ascii())
}

/// A number of digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\n";
    const MIXED: &str = "GET / HTTP/1.1\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n";

    fn chunked(body: &str) -> String {
        format!("{POST}Transfer-Encoding: chunked\r\n\r\n{body}")
    }

    /// The place of the byte that was spoiled, of bytes that come in such pieces.
    fn spoiled(bytes: &[u8], pieces: &[usize]) -> Option<usize> {
        let (mut grammar, mut read, mut from) = (Grammar::default(), bytes.to_vec(), 0);
        for end in pieces.iter().copied().chain([bytes.len()]) {
            grammar.check(&mut read[from..end]);
            from = end;
        }
        let places: Vec<_> = (0..bytes.len()).filter(|place| read[*place] != bytes[*place]).collect();
        assert!(places.len() < 2, "{places:?}");
        places.first().copied()
    }

    fn well_formed() -> Vec<String> {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let chunks =
            "5;a=\"b\"\t; c\r\nhe\nlo\r\n01a \t;\r\n0123456\n\r9abcdefghijklmnop\r\n0\r\nX: y\r\n\r\n";
        vec![
            format!("{get}\r\n\r\n{get}"),
            "GET / HTTP/1.1\nHost: a\n\n".repeat(2),
            format!("{POST}Content-Length: 4\r\n\r\n\na\n\n{get}"),
            format!("{POST}content-length:4 \r\nContent-Length: 0004\r\n\r\n\na\n\n{get}"),
            format!("{POST}Content-Length: 0\r\n\r\n{get}"),
            format!("{}{get}", chunked(chunks)),
            format!("{}{get}", chunked("0\r\n\r\n")),
            format!("{POST}TRANSFER-ENCODING: chunked\r\nContent-Length: 99\r\n\r\n0\r\n\r\n{get}"),
            format!("{POST}X: {}\r\nCookie: c\r\nTE: trailers\r\n\r\n{get}", "x".repeat(LOOKED_AT * 2)),
        ]
    }

    /// With what goes wrong at the end.
    fn ill_formed() -> Vec<String> {
        let wrong = [
            "GET / HTTP/1.1\nHost: a\r\n".to_owned(),
            "GET / HTTP/1.1\r\nX: y\n".to_owned(),
            format!("GET / HTTP/1.1\r\nX: {}\n", "\r".repeat(LOOKED_AT) + "x"),
            format!("{POST}\n"),
            format!("{POST}Content-Length: 5,5\r\n"),
            format!("{POST}Content-Length: +5\r\n"),
            format!("{POST}Content-Length: {}5\r\n", " ".repeat(LOOKED_AT)),
            format!("{POST}Content-Length: {}5\r\n", "0".repeat(LOOKED_AT - 16)),
            format!("{POST}Content-Length: 5{}\r\n", " ".repeat(LOOKED_AT)),
            chunked("5 \r"),
            chunked("5;\0"),
            chunked("5;a\x7f"),
            chunked("\r"),
            chunked("0x"),
            chunked("00000000000000005"),
            chunked("2\r\n\r\n\r\n5\x0b"),
            chunked("0\r\nX: y\n"),
            chunked("0\r\n\n"),
        ];
        let before = well_formed();
        let first = before.iter().zip(&wrong).map(|(before, wrong)| format!("{before}{wrong}"));
        first.chain(wrong.iter().cloned()).collect()
    }

    #[test]
    fn what_is_well_formed_stays_as_it_is() {
        for request in well_formed() {
            assert_eq!(spoiled(request.as_bytes(), &[]), None, "{request:?}");
        }
    }

    #[test]
    fn what_may_be_read_in_two_ways_is_spoiled_where_it_goes_wrong() {
        for request in ill_formed() {
            let whole = format!("{request}{MIXED}");
            assert_eq!(spoiled(whole.as_bytes(), &[]), Some(request.len() - 1), "{request:?}");
        }
    }

    #[test]
    fn what_may_be_another_protocol_is_left_alone() {
        for request in [
            format!("GET / HTTP/1.1\r\nUPGRADE: x\r\n\r\n{MIXED}"),
            format!("{POST}Upgrade: x\r\nContent-Length: 2\r\n\r\n\n\n{MIXED}"),
            format!("{POST}Upgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{MIXED}"),
        ] {
            assert_eq!(spoiled(request.as_bytes(), &[]), None, "{request:?}");
        }
        let mixed = format!("{POST}Upgrade: x\n");
        assert_eq!(spoiled(mixed.as_bytes(), &[]), Some(mixed.len() - 1));
    }

    #[test]
    fn a_spoiled_line_is_the_last() {
        let mut grammar = Grammar::default();
        grammar.check(&mut MIXED.as_bytes().to_vec());
        let end = [3, 0, 99, 99].map(|room| grammar.instead(room).to_vec());
        assert_eq!(end, [&b"\r\n\r"[..], b"", b"\n", b""]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_what_pieces_it_comes(
            which in 0..100_usize,
            mut pieces in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let all: Vec<_> = well_formed().into_iter().chain(ill_formed()).collect();
            let bytes = all[which % all.len()].as_bytes();
            let mut pieces: Vec<_> = pieces.drain(..).map(|piece| piece.index(bytes.len())).collect();
            pieces.sort_unstable();
            prop_assert_eq!(spoiled(bytes, &pieces), spoiled(bytes, &[]));
        }

        #[test]
        fn whatever_comes_it_goes_on(mut bytes: Vec<u8>, head in 0..2_usize) {
            let mut grammar = Grammar::default();
            grammar.check(&mut [chunked(""), String::new()][head].clone().into_bytes());
            grammar.check(&mut bytes);
        }
    }
}
