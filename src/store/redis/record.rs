//! How records and counters are written into Redis's strings; the scripts read the same form.

use super::super::{Count, Record, StoreError, Version};
use crate::clock::Timestamp;

/// Lua counts in doubles: beyond 2^53 (the year 287396) milliseconds would no longer be exact.
const LAST: i64 = (1 << 53) - 1;

const VERSION_BYTES: usize = 8;
/// As many digits as [`LAST`] has.
const END_DIGITS: usize = 16;

/// An end in milliseconds as Redis can hold it.
pub fn storable(ends: Timestamp) -> i64 {
    ends.millis().clamp(0, LAST)
}

/// Version (8 bytes), end (16 decimal digits), value.
pub fn write(version: Version, ends: Timestamp, value: &[u8]) -> Vec<u8> {
    let ends = format!("{:0END_DIGITS$}", storable(ends));
    [&version.0, ends.as_bytes(), value].concat()
}

/// `None` if it has ended.
pub fn read(bytes: &[u8], now: Timestamp) -> Result<Option<Record>, StoreError> {
    let parts = bytes.split_first_chunk::<VERSION_BYTES>().and_then(|(version, rest)| {
        let (ends, value) = rest.split_first_chunk::<END_DIGITS>()?;
        Some((Version(*version), number(ends)?, value))
    });
    let (version, ends, value) = parts.ok_or_else(|| StoreError::Corrupt("a record is cut short".into()))?;
    Ok((ends > now.millis()).then(|| Record { value: value.to_vec(), version }))
}

/// `END VALUE`, both decimal. Zero, ending now, if the window is over.
pub fn read_count(bytes: &[u8], now: Timestamp) -> Result<Count, StoreError> {
    let split = bytes.iter().position(|&byte| byte == b' ').and_then(|at| bytes.split_at_checked(at));
    let parts = split.and_then(|(ends, value)| Some((number(ends)?, number(value.trim_ascii())?)));
    let (ends, value) = parts.ok_or_else(|| StoreError::Corrupt("a counter is no number".into()))?;
    let open = ends > now.millis();
    Ok(if open { Count { value, ends: Timestamp::from_millis(ends) } } else { Count { value: 0, ends: now } })
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn a_record_reads_back_until_its_end() {
        let version = Version([0, 1, 2, 0xff, 4, 5, 6, 7]);
        let written = write(version, Timestamp::from_millis(1_001), b"\0value");
        assert_eq!(read(&written, NOW).expect("whole"), Some(Record { value: b"\0value".to_vec(), version }));
        assert_eq!(read(&written, Timestamp::from_millis(1_001)).expect("whole"), None);
    }

    #[test]
    fn the_end_of_time_can_be_written() {
        let written = write(Version([0; 8]), Timestamp::from_millis(i64::MAX), b"");
        assert_eq!(written.len(), VERSION_BYTES + END_DIGITS);
        assert!(read(&written, NOW).expect("whole").is_some());
        let past = write(Version([0; 8]), Timestamp::from_millis(i64::MIN), b"");
        assert!(read(&past, NOW).expect("whole").is_none());
    }

    #[test]
    fn somebody_elses_bytes_are_corrupt_not_a_panic() {
        for bytes in [&b""[..], b"short", b"12345678notanumber------", &[0xff; 24], &[0xff; 200]] {
            assert!(matches!(read(bytes, NOW), Err(StoreError::Corrupt(_))), "{bytes:?}");
        }
        for bytes in [&b""[..], b"1", b"1 x", b" ", b"x 1", &[0xff; 9]] {
            assert!(matches!(read_count(bytes, NOW), Err(StoreError::Corrupt(_))), "{bytes:?}");
        }
    }
}
