//! As much of the WebSocket protocol (RFC 6455) as it takes to know one and to close it from the middle.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A close frame from a server, code 1008, policy violation (§5.5.1, §7.4.1).
pub(super) const CLOSE_POLICY: [u8; 4] = [0x88, 0x02, 0x03, 0xf0];

/// The same with code 1001, going away.
pub(super) const CLOSE_GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];

/// The `Sec-WebSocket-Accept` of a server that has understood the handshake with this key (§4.2.2).
pub(super) fn accept(key: &[u8]) -> String {
    let salted = [key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &salted))
}

/// Follows a stream of frames and knows where it stands between two of them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Of a header that has not come whole.
    header: Vec<u8>,
    /// Bytes of the frame's payload still to come.
    payload: u64,
}

impl Frames {
    /// A frame could be put in here.
    pub(super) fn at_boundary(&self) -> bool {
        self.header.is_empty() && self.payload == 0
    }

    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Goes to the end of the frame that has begun, if these bytes reach it: how many of them belong to it.
    pub(super) fn pass_to_boundary(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while !self.at_boundary() {
            let rest = bytes.get(passed..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            passed += self.step(rest);
        }
        passed
    }

    /// Takes at least one of the bytes, and none beyond a frame's end.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.payload > 0 {
            let taken = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= taken as u64;
            return taken;
        }
        if let Some(byte) = bytes.first() {
            self.header.push(*byte);
        }
        if let Some(payload) = payload_length(&self.header) {
            self.payload = payload;
            self.header.clear();
        }
        1
    }
}

/// The payload's length, once the header is whole (§5.2).
fn payload_length(header: &[u8]) -> Option<u64> {
    let lengths = *header.get(1)?;
    let masked = if lengths & 0x80 == 0 { 0 } else { 4 };
    let (extended, length) = match lengths & 0x7f {
        126 => (2, big_endian(header.get(2..4)?)),
        127 => (8, big_endian(header.get(2..10)?)),
        short => (0, u64::from(short)),
    };
    (header.len() >= 2 + extended + masked).then_some(length)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_own_key_is_accepted() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn frames_of_every_size_end_where_they_end() {
        let check = |header: &[u8], payload: usize| {
            let mut stream = header.to_vec();
            stream.resize(header.len() + payload, 7);
            let mut frames = Frames::default();
            for (place, byte) in stream.iter().enumerate() {
                assert_eq!(frames.at_boundary(), place == 0, "{header:?} at {place}");
                frames.pass(&[*byte]);
            }
            assert!(frames.at_boundary(), "{header:?}");
        };
        check(&[0x81, 0], 0);
        check(&[0x81, 5], 5);
        check(&[0x81, 0x85, 1, 2, 3, 4], 5);
        check(&[0x82, 126, 0x01, 0x00], 256);
        check(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65536);
    }

    #[test]
    fn a_frame_that_has_begun_is_finished_and_no_more() {
        let mut frames = Frames::default();
        frames.pass(&[0x81, 1, 7, 0x81, 5, 1, 2]);
        assert_eq!(frames.pass_to_boundary(&[3, 4, 5, 0x81, 1, 9]), 3);
        assert!(frames.at_boundary());
        assert_eq!(frames.pass_to_boundary(&[0x81]), 0);
    }
}
