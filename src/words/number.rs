//! Writes numbers: what groups their thousands is read off an example in each language's file.

use super::Value;

/// Writes a value if it is a whole number, and leaves everything else to Fluent. `M` is Fluent's memory, of no use here.
type Format<M> = fn(&Value<'_>, &M) -> Option<String>;

/// How numbers are written by this example of a thousand: `1,000`, `1.000`, `1 000`, `1'000`, or `1000`.
pub fn format<M>(example: &str) -> Option<Format<M>> {
    match example.chars().nth(1)? {
        ',' => Some(|value, _| grouped(value, ',')),
        '.' => Some(|value, _| grouped(value, '.')),
        '\'' => Some(|value, _| grouped(value, '\'')),
        '\u{2019}' => Some(|value, _| grouped(value, '\u{2019}')),
        // A number is never broken at the end of a line.
        ' ' | '\u{a0}' | '\u{202f}' => Some(|value, _| grouped(value, '\u{202f}')),
        _ => None,
    }
}

fn grouped(value: &Value<'_>, separator: char) -> Option<String> {
    let Value::Number(number) = value else { return None };
    let digits = number.as_string().into_owned();
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            written.push(separator);
        }
        written.push(digit);
    }
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_as_in_the_example() {
        let written = |example, number: u64| {
            let format = format::<()>(example)?;
            format(&Value::from(number), &())
        };
        for (example, number, expected) in [
            ("1,000", 0, Some("0")),
            ("1,000", 999, Some("999")),
            ("1,000", 1000, Some("1,000")),
            ("1.000", 100_000, Some("100.000")),
            ("1 000", 12_345_678, Some("12\u{202f}345\u{202f}678")),
            ("1'000", 1234, Some("1'234")),
            ("1000", 1234, None),
            ("", 1234, None),
        ] {
            assert_eq!(written(example, number).as_deref(), expected, "{number} by {example}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_left_alone() {
        let format = format::<()>("1,000").expect("an example");
        assert_eq!(format(&Value::from(1234.5), &()), None);
        assert_eq!(format(&Value::from(-1234), &()), None);
        assert_eq!(format(&Value::from("1234"), &()), None);
    }
}
