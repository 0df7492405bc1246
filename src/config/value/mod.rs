//! Values of the configuration: one reader for each kind, each saying what would be right.
//!
//! A reader takes a [`Node`] and gives the value, or reports a problem and gives `None`.

mod address;
mod file;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::fields::wrong;
use super::problem::Report;
use super::source::{Kind, Node};
use crate::spelling::nearest;

pub use address::{
    app_url, contact, email, host, mailbox, network, origin, port, socket, trusted_network, url,
};
pub use file::{bytes, path, pem_certificates, read as file};

/// Ten years: longer durations are typing errors, and sums of shorter ones cannot overflow.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// A text that is not empty, without control characters.
pub fn text(node: &Node, report: &mut Report) -> Option<String> {
    let help = match &node.kind {
        Kind::Integer(_) | Kind::Float(_) | Kind::Bool(_) if !node.private => {
            format!("put it in quotes: \"{}\"", node.shown().trim_matches('`'))
        }
        _ => "write a text, in quotes if it holds `: ` or ` #`".to_owned(),
    };
    match &node.kind {
        Kind::Text(text) if text.trim().is_empty() => {
            report.error(node.place, format!("`{}` is empty", node.path), "write a text, or remove the key");
            None
        }
        Kind::Text(text) if text.chars().any(char::is_control) => {
            let message = format!("`{}` holds a line break or another control character", node.path);
            report.error(node.place, message, "write it on one line");
            None
        }
        Kind::Text(text) => Some(text.clone()),
        _ => {
            wrong(node, report, "a text", &help);
            None
        }
    }
}

pub fn truth(node: &Node, report: &mut Report) -> Option<bool> {
    match &node.kind {
        Kind::Bool(truth) => Some(*truth),
        Kind::Text(text) if node.substituted && text == "true" => Some(true),
        Kind::Text(text) if node.substituted && text == "false" => Some(false),
        _ => {
            wrong(node, report, "true or false", "write true or false, without quotes");
            None
        }
    }
}

/// A whole number within bounds.
pub fn whole(range: RangeInclusive<i64>) -> impl Fn(&Node, &mut Report) -> Option<i64> {
    move |node, report| {
        let number = match &node.kind {
            Kind::Integer(number) => Some(*number),
            Kind::Text(text) if node.substituted => text.trim().parse().ok(),
            _ => None,
        };
        let (least, most) = (range.start(), range.end());
        let help = match (number, &node.kind) {
            (Some(number), _) if range.contains(&number) => return Some(number),
            (Some(number), _) => bound(number < *least, least, most),
            (None, Kind::Text(_)) => "write digits alone, without quotes".to_owned(),
            (None, _) => "write digits alone".to_owned(),
        };
        wrong(node, report, &format!("a whole number from {least} to {most}"), &help);
        None
    }
}

/// One of a few words.
pub fn choice<T: Clone + 'static>(
    choices: &'static [(&'static str, T)],
) -> impl Fn(&Node, &mut Report) -> Option<T> {
    move |node, report| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let shown = node.shown();
        let plain = shown.trim_matches('`');
        let help = match &node.kind {
            Kind::Text(text) => match choices.iter().find(|(name, _)| name == text) {
                Some((_, choice)) => return Some(choice.clone()),
                None => nearest(text, &names).map(|name| format!("did you mean `{name}`?")),
            },
            Kind::Float(_) | Kind::Integer(_) if names.contains(&plain) => {
                Some(format!("put it in quotes: \"{plain}\""))
            }
            _ => None,
        };
        let help = help.unwrap_or_else(|| format!("write {}", list(&names, "or")));
        let what = if matches!(&node.kind, Kind::Float(_) | Kind::Integer(_)) { "the number " } else { "" };
        if !matches!(node.kind, Kind::Broken) {
            report.error(node.place, format!("`{}` cannot be {what}{shown}", node.path), help);
        }
        None
    }
}

/// A list; a value that is wrong is left out of what is returned.
pub fn items<T>(
    read: impl Fn(&Node, &mut Report) -> Option<T>,
) -> impl Fn(&Node, &mut Report) -> Option<Vec<T>> {
    move |node, report| {
        if let Kind::List(nodes) = &node.kind {
            return Some(nodes.iter().filter_map(|node| read(node, report)).collect());
        }
        let single = matches!(node.kind, Kind::Text(_) | Kind::Integer(_)) && !node.private;
        let help = if single {
            format!("put it in brackets: [{}]", node.shown().trim_matches('`'))
        } else if matches!(node.kind, Kind::Map(_)) {
            "begin every entry with `- `".to_owned()
        } else {
            "write a list: [one, two]".to_owned()
        };
        wrong(node, report, "a list", &help);
        None
    }
}

/// A duration within bounds, `s`, `m`, `h` or `d`.
pub fn duration(range: RangeInclusive<Duration>) -> impl Fn(&Node, &mut Report) -> Option<Duration> {
    move |node, report| {
        let parsed = match &node.kind {
            Kind::Text(text) => parse_duration(text),
            _ => None,
        };
        let Some(duration) = parsed else {
            let help = match &node.kind {
                Kind::Integer(number) if !node.private => {
                    format!("name the unit: {number}s, {number}m, {number}h or {number}d")
                }
                _ => "write it like 30s, 5m, 12h or 30d".to_owned(),
            };
            wrong(node, report, "a duration", &help);
            return None;
        };
        if range.contains(&duration) {
            return Some(duration);
        }
        let (least, most) = (spell(*range.start()), spell(*range.end()));
        let help = bound(duration < *range.start(), &least, &most);
        wrong(node, report, &format!("from {least} to {most}"), &help);
        None
    }
}

/// Any duration from `least` on.
pub fn duration_from(least: Duration) -> impl Fn(&Node, &mut Report) -> Option<Duration> {
    duration(least..=LONGEST)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = digits(text.strip_suffix(unit)?)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

/// A duration as one would write it.
pub fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    for (unit, length) in [("d", 86400), ("h", 3600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// A size in bytes, within bounds.
pub fn size(range: RangeInclusive<u64>) -> impl Fn(&Node, &mut Report) -> Option<u64> {
    move |node, report| {
        let parsed = match &node.kind {
            Kind::Text(text) => parse_size(text),
            Kind::Integer(0) => Some(0),
            _ => None,
        };
        let Some(size) = parsed else {
            let help = match &node.kind {
                Kind::Integer(number) if !node.private => {
                    format!("name the unit: {number}KiB or {number}MiB")
                }
                _ => "write it like 64KiB, 10MiB or 1GiB".to_owned(),
            };
            wrong(node, report, "a size", &help);
            return None;
        };
        if range.contains(&size) {
            return Some(size);
        }
        let (least, most) = (spell_size(*range.start()), spell_size(*range.end()));
        let help = bound(size < *range.start(), &least, &most);
        wrong(node, report, &format!("from {least} to {most}"), &help);
        None
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let number = digits(number)?;
    (unit > 1 || number == 0 || text.ends_with('B')).then(|| number.checked_mul(unit))?
}

fn spell_size(size: u64) -> String {
    match size {
        0 => "0".to_owned(),
        _ if size.is_multiple_of(1 << 30) => format!("{}GiB", size >> 30),
        _ if size.is_multiple_of(1 << 20) => format!("{}MiB", size >> 20),
        _ if size.is_multiple_of(1 << 10) => format!("{}KiB", size >> 10),
        _ => format!("{size}B"),
    }
}

fn bound(too_little: bool, least: impl Display, most: impl Display) -> String {
    if too_little { format!("write {least} or more") } else { format!("write {most} or less") }
}

/// Digits and nothing else: no sign, no blank.
fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A colour as `#rrggbb` or `#rgb`.
pub fn colour(node: &Node, report: &mut Report) -> Option<[u8; 3]> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "a colour", "write it in quotes, like \"#0f766e\": a plain # begins a comment");
        return None;
    };
    let parsed = text.strip_prefix('#').and_then(|hex| {
        let nibbles: Vec<u8> = hex
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        match *nibbles.as_slice() {
            [r, g, b] => Some([r * 17, g * 17, b * 17]),
            [r1, r0, g1, g0, b1, b0] => Some([r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0]),
            _ => None,
        }
    });
    if parsed.is_none() {
        wrong(node, report, "a colour", "write it like \"#0f766e\"");
    }
    parsed
}

/// `a, b or c`, each in backquotes.
pub fn list<T: Display>(names: &[T], joint: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {joint} {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_number_and_one_unit() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(parse_duration(text), seconds.map(Duration::from_secs), "{text}");
        };
        check("0s", Some(0));
        check("30s", Some(30));
        check("5m", Some(300));
        check("12h", Some(43_200));
        check("30d", Some(2_592_000));
        for text in ["", "s", "5", "5 m", "-5m", "+5m", "1h30m", "5M", "99999999999999999999d", "5\u{e4}"] {
            check(text, None);
        }
    }

    #[test]
    fn sizes_are_binary_and_only_zero_has_no_unit() {
        let check = |text: &str, bytes: Option<u64>| assert_eq!(parse_size(text), bytes, "{text}");
        check("0", Some(0));
        check("64KiB", Some(65_536));
        check("10MiB", Some(10_485_760));
        check("1GiB", Some(1_073_741_824));
        check("512B", Some(512));
        for text in ["", "64", "64KB", "64 KiB", "KiB", "-1KiB", "64kib", "99999999999GiB"] {
            check(text, None);
        }
    }

    #[test]
    fn durations_and_sizes_are_spelled_as_they_are_read() {
        for text in ["0s", "90s", "5m", "12h", "30d"] {
            assert_eq!(parse_duration(text).map(spell).as_deref(), Some(text));
        }
        for text in ["0", "64KiB", "10MiB", "1GiB", "500B"] {
            assert_eq!(parse_size(text).map(spell_size).as_deref(), Some(text));
        }
    }
}
