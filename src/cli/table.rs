//! What lists have in common: columns of text, and times.

use std::fmt::Write as _;

use crate::clock::Timestamp;

/// Rows under their headings, each column as wide as its widest cell.
pub fn aligned<const N: usize>(headings: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    let width =
        |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let mut table = String::new();
    for row in &all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

/// `2026-11-26 09:05Z`.
pub fn minute(at: Timestamp) -> String {
    let [year, month, day, hour, minute] = at.date_and_minute();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}Z")
}
