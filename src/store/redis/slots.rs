//! Which node of a cluster has a key, by the cluster's specification
//! (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>).

use redis::Value;

/// A cluster divides its keys into so many slots.
pub const SLOTS: u16 = 16_384;

/// The slot of what stands in braces in a key.
pub fn slot_of(tag: &[u8]) -> u16 {
    tag.iter().fold(0, |sum, byte| crc16(sum, *byte)) % SLOTS
}

/// CRC-16/XMODEM, a byte further.
fn crc16(sum: u16, byte: u8) -> u16 {
    let mut sum = sum ^ (u16::from(byte) << 8);
    for _ in 0..8 {
        sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
    }
    sum
}

/// Some slots, and the address of the node that has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: u16,
    pub last: u16,
    pub host: String,
    pub port: u16,
}

/// Reads the answer of `CLUSTER SLOTS`. A node may not know by which name it is reached: then it is the one that was
/// asked for it.
pub fn read(answer: &Value, asked: &str) -> Vec<Range> {
    let Value::Array(ranges) = answer else { return Vec::new() };
    ranges.iter().filter_map(|range| read_range(range, asked)).collect()
}

fn read_range(range: &Value, asked: &str) -> Option<Range> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = parts.as_slice() else {
        return None;
    };
    let [host, Value::Int(port), ..] = primary.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        Value::Nil => asked,
        _ => return None,
    };
    let host = if host.is_empty() || host == "?" { asked } else { host };
    let slot = |number: &i64| u16::try_from(*number).ok().filter(|slot| *slot < SLOTS);
    Some(Range {
        first: slot(first)?,
        last: slot(last)?,
        host: host.to_owned(),
        port: u16::try_from(*port).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // Its test vector, and what `CLUSTER KEYSLOT` of a server says.
        assert_eq!(b"123456789".iter().fold(0, |sum, byte| crc16(sum, *byte)), 0x31c3);
        assert_eq!(slot_of(b"foo"), 12_182);
        assert_eq!(slot_of(b"somekey"), 11_058);
        assert_eq!(slot_of(b""), 0);
    }

    #[test]
    fn the_map_of_a_cluster_is_read() {
        let text = |text: &str| Value::BulkString(text.into());
        let node = |host: Value| Value::Array(vec![host, Value::Int(7000), text("id")]);
        let range = |from, to, host| Value::Array(vec![Value::Int(from), Value::Int(to), node(host)]);
        let answer = Value::Array(vec![
            range(0, 99, text("10.0.0.1")),
            range(100, 199, Value::Nil),
            range(200, 299, text("")),
            range(300, 99_999, text("10.0.0.1")),
            Value::Nil,
        ]);
        let read: Vec<_> = read(&answer, "me").into_iter().map(|range| (range.first, range.host)).collect();
        assert_eq!(read, [(0, "10.0.0.1".to_owned()), (100, "me".to_owned()), (200, "me".to_owned())]);
    }
}
