//! Reads along on an HTTP/2 connection, and ends it when a server sends interim answers without end: hyper passes over
//! them there and tells nobody.
//!
//! Only the frames' heads are looked at. An answer has one HEADERS frame before its body, and one more for each interim
//! answer; the one with its trailers ends the stream. Start from [`Watch`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{interim, lanes};
use crate::read_along::Along;

/// The length of a frame's head (RFC 9113 §4.1).
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

/// To one request: every interim answer that it may have, and the final one.
const MOST_HEADS: u32 = interim::MOST + 1;

/// Streams that are counted one by one. More than can be open, as nobody ends those that we have given up.
const MOST_STREAMS: usize = 256;

/// To all older ones together, of which no more can be open than share a connection.
const MOST_OLDER: u32 = lanes::MOST_STREAMS * MOST_HEADS;

/// Reads along. The connection cannot be read on once there are too many interim answers to a request.
#[derive(Default)]
pub(super) struct Watch {
    frames: Frames,
    flooded: Flooded,
}

/// Whether that has happened.
#[derive(Clone, Default)]
pub(super) struct Flooded(Arc<AtomicBool>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {} interim answers to one request", interim::MOST)]
struct TooMany;

impl Watch {
    pub(super) fn flooded(&self) -> Flooded {
        self.flooded.clone()
    }
}

impl Along for Watch {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.frames.follow(bytes).map_err(|too_many| {
            self.flooded.0.store(true, Ordering::Relaxed);
            io::Error::other(too_many)
        })
    }
}

impl Flooded {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a server's frames were read. Pure: bytes in, a verdict out.
#[derive(Debug, Default)]
struct Frames {
    /// The next frame's head, as far as it has come.
    head: Vec<u8>,
    /// So many bytes of a payload to come.
    payload: usize,
    heads: Heads,
}

impl Frames {
    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), TooMany> {
        while let Some([a, b, c, kind, flags, stream @ ..]) = self.next_head(&mut bytes) {
            self.payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            // The first bit is reserved.
            let stream = u32::from_be_bytes(stream) & (u32::MAX >> 1);
            match kind {
                DATA | HEADERS if flags & END_STREAM != 0 => self.heads.forget(stream),
                RST_STREAM => self.heads.forget(stream),
                HEADERS => self.heads.count(stream)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The next whole head; what comes before it is taken away.
    fn next_head(&mut self, bytes: &mut &[u8]) -> Option<[u8; HEAD]> {
        self.payload -= bytes.split_off(..self.payload.min(bytes.len()))?.len();
        let missing = HEAD - self.head.len();
        self.head.extend_from_slice(bytes.split_off(..missing.min(bytes.len()))?);
        let head = self.head.as_slice().try_into().ok()?;
        self.head.clear();
        Some(head)
    }
}

/// The heads of answers on streams that have not ended.
#[derive(Debug, Default)]
struct Heads {
    /// Streams and how many came on each, in the streams' order.
    streams: Vec<(u32, u32)>,
    /// All streams up to this one are counted together, anew each time that it rises.
    older: u32,
    on_older: u32,
}

impl Heads {
    fn count(&mut self, stream: u32) -> Result<(), TooMany> {
        if stream <= self.older {
            self.on_older += 1;
            return if self.on_older > MOST_OLDER { Err(TooMany) } else { Ok(()) };
        }
        let place = self.streams.partition_point(|(other, _)| *other < stream);
        match self.streams.get_mut(place) {
            Some((same, heads)) if *same == stream => {
                *heads += 1;
                if *heads > MOST_HEADS {
                    return Err(TooMany);
                }
            }
            _ => self.streams.insert(place, (stream, 1)),
        }
        if self.streams.len() > MOST_STREAMS {
            (self.older, _) = self.streams.remove(0);
            self.on_older = 0;
        }
        Ok(())
    }

    fn forget(&mut self, stream: u32) {
        if let Ok(place) = self.streams.binary_search_by_key(&stream, |(stream, _)| *stream) {
            self.streams.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame with so long a payload, of bytes that look like heads of HEADERS frames on stream 1.
    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let bytes = u32::try_from(length).unwrap().to_be_bytes();
        let mut frame = vec![bytes[1], bytes[2], bytes[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend([0, 0, 0, HEADERS, 0, 0, 0, 0, 1].iter().cycle().take(length));
        frame
    }

    fn interim(stream: u32) -> Vec<u8> {
        frame(HEADERS, 4, stream, 5)
    }

    /// What comes of these frames, which came in pieces of this size.
    fn follow(frames: &[Vec<u8>], piece: usize) -> Result<(), TooMany> {
        let mut followed = Frames::default();
        frames.concat().chunks(piece).try_for_each(|piece| followed.follow(piece))
    }

    #[test]
    fn a_request_has_its_interim_answers_and_a_final_one_and_no_more() {
        let mut frames = vec![frame(4, 0, 0, 18), frame(HEADERS, 4, 1, 0)];
        for _ in 0..interim::MOST {
            frames.extend([interim(3), frame(6, 0, 0, 8), frame(8, 0, 3, 4)]);
        }
        // Its final answer, body and trailers.
        let answer = [frame(HEADERS, 4, 3, 700), frame(DATA, 0, 3, 70_000), frame(HEADERS, 5, 3, 20)];
        for piece in [1, 2, 5, 8, 9, 10, 100, 1_000_000] {
            assert_eq!(follow(&[frames.as_slice(), &answer].concat(), piece), Ok(()), "in pieces of {piece}");
            let more = [frames.as_slice(), &[interim(3)], &answer].concat();
            assert_eq!(follow(&more, piece), Err(TooMany), "in pieces of {piece}");
        }
    }

    #[test]
    fn a_stream_that_has_ended_is_forgotten() {
        for end in [frame(DATA, 1, 3, 0), frame(HEADERS, 5, 3, 10), frame(RST_STREAM, 0, 3, 4)] {
            let mut followed = Frames::default();
            for _ in 0..MOST_HEADS {
                followed.follow(&interim(3)).unwrap();
            }
            // Neither another's end nor another's frames are its own.
            followed.follow(&[frame(DATA, 1, 5, 0), frame(DATA, 0, 3, 2), interim(7)].concat()).unwrap();
            assert_eq!(followed.heads.streams, [(3, MOST_HEADS), (7, 1)]);
            followed.follow(&end).unwrap();
            assert_eq!(followed.heads.streams, [(7, 1)]);
        }
    }

    #[test]
    fn streams_that_never_end_take_up_no_more_than_so_much_and_the_youngest_are_counted() {
        let mut followed = Frames::default();
        let mut streams = (1..).step_by(2);
        for stream in streams.by_ref().take(10_000) {
            followed.follow(&interim(stream)).unwrap();
        }
        assert_eq!(followed.heads.streams.len(), MOST_STREAMS);
        let youngest = streams.next().unwrap();
        for _ in 0..MOST_HEADS {
            followed.follow(&interim(youngest)).unwrap();
        }
        assert_eq!(followed.follow(&interim(youngest)), Err(TooMany));
    }

    #[test]
    fn older_streams_have_what_all_that_can_be_open_may_have_and_no_more() {
        let mut followed = Frames::default();
        for stream in (1001..3001).step_by(2) {
            followed.follow(&interim(stream)).unwrap();
        }
        for number in 0..lanes::MOST_STREAMS * MOST_HEADS {
            followed.follow(&interim(number % 100 * 2 + 1)).unwrap();
        }
        assert_eq!(followed.follow(&interim(1)), Err(TooMany));
    }

    proptest! {
        #[test]
        fn the_verdict_is_the_same_however_the_bytes_come(
            // Seldom one that ends its stream, so that some streams have too many heads.
            kinds in proptest::collection::vec((0_u8..3, 0_u8..100, 1_u32..4, 0_usize..40), 0..400),
            rounds in 1_usize..6,
            pieces in proptest::collection::vec(1_usize..60, 1..20),
        ) {
            let frames: Vec<_> = kinds
                .iter()
                .map(|(kind, flags, stream, length)| frame(*kind, u8::from(*flags == 0), *stream, *length))
                .collect();
            let bytes = frames.concat().repeat(rounds);
            let (mut whole, mut split) = (Frames::default(), Frames::default());
            let verdict = whole.follow(&bytes);
            let (mut rest, mut sizes) = (bytes.as_slice(), pieces.iter().cycle());
            let mut pieces = std::iter::from_fn(|| {
                let (piece, left) = rest.split_at(rest.len().min(*sizes.next()?));
                rest = left;
                (!piece.is_empty()).then_some(piece)
            });
            prop_assert_eq!(pieces.try_for_each(|piece| split.follow(piece)), verdict);
            prop_assert_eq!(split.heads.streams, whole.heads.streams);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = Frames::default().follow(&bytes);
        }
    }
}
