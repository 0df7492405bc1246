//! Bytes to text, and places in it.

use super::Remark;

/// The text without a byte order mark; or where it ceases to be UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, Remark> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        return Err(Remark::at(1, "the file is in UTF-16: save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let (good, _) = bytes.split_at(error.valid_up_to());
        let (line, column) = place(&String::from_utf8_lossy(good));
        let text = "here begins something that is no UTF-8: save the file as UTF-8".to_owned();
        Remark { line, column: Some(column), text }
    })
}

/// Line and column of what follows this text.
pub fn place(before: &str) -> (usize, usize) {
    let last = before.rsplit('\n').next().unwrap_or_default();
    (1 + before.bytes().filter(|byte| *byte == b'\n').count(), 1 + last.chars().count())
}

/// As much of a value as a message needs.
pub fn quoted(text: &str) -> String {
    const ENOUGH: usize = 40;
    let shown: String = text.chars().take(ENOUGH).flat_map(char::escape_debug).collect();
    if text.chars().count() > ENOUGH { format!("`{shown}...`") } else { format!("`{shown}`") }
}
