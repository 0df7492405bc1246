//! Finds a language for a reader: pure, and never wrong about a header, since no header is an error.

/// The language that a tag means, by its place among the `known`: itself, else what it is a kind of (`de-AT` is German;
/// RFC 4647 § 3.4), else a kind of it (`pt` is met by `pt-BR`).
pub fn find<'a>(known: &(impl Iterator<Item = &'a str> + Clone), tag: &str) -> Option<usize> {
    let mut wider = tag;
    loop {
        if let Some(place) = known.clone().position(|known| known.eq_ignore_ascii_case(wider)) {
            return Some(place);
        }
        match wider.rsplit_once('-') {
            Some((before, _)) => wider = before,
            None => break,
        }
    }
    known.clone().position(|known| is_kind_of(known, tag))
}

/// The language that an `Accept-Language` header asks for most; `None` if it asks for none that is known.
pub fn accepted<'a>(known: &(impl Iterator<Item = &'a str> + Clone), header: &str) -> Option<usize> {
    let refused = |place: usize| {
        let tag = known.clone().nth(place).unwrap_or_default();
        ranges(header).any(|(range, weight)| weight == 0 && range.eq_ignore_ascii_case(tag))
    };
    let named = |place: usize| ranges(header).any(|(range, _)| find(known, range) == Some(place));
    let mut best = None;
    for (range, weight) in ranges(header) {
        let place = match range {
            // Anything that the others do not name.
            "*" => (0..known.clone().count()).find(|place| !named(*place)),
            _ => find(known, range),
        };
        // Of two that are asked for alike, the first.
        let better = best.is_none_or(|(_, most)| weight > most);
        if let Some(place) = place.filter(|place| weight > 0 && better && !refused(*place)) {
            best = Some((place, weight));
        }
    }
    best.map(|(place, _)| place)
}

/// The ranges of a header with their weights in thousandths. What is malformed is passed over; a real browser names a
/// few, so the rest of a long list is, too.
fn ranges(header: &str) -> impl Iterator<Item = (&str, u16)> {
    header.split(',').take(32).filter_map(|member| {
        let mut parts = member.split(';');
        let range = parts.next()?.trim();
        let weight = match parts.next() {
            Some(parameter) => thousandths(parameter)?,
            None => 1000,
        };
        (!range.is_empty() && parts.next().is_none()).then_some((range, weight))
    })
}

/// ` q=0.8` is 800: at most three digits after the point, and no more than one.
fn thousandths(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// Whether `tag` is `wider` and more.
fn is_kind_of(tag: &str, wider: &str) -> bool {
    let (Some(head), Some(b'-')) = (tag.get(..wider.len()), tag.as_bytes().get(wider.len())) else {
        return false;
    };
    head.eq_ignore_ascii_case(wider)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["en", "de", "pt-BR"];

    #[test]
    fn a_browser_gets_the_language_that_it_asks_for_most() {
        for (header, expected) in [
            ("de", Some("de")),
            ("DE-at", Some("de")),
            ("de-AT-1996-x-y", Some("de")),
            ("de-AT,de;q=0.9,en;q=0.8", Some("de")),
            ("en-GB,en;q=0.8,de;q=0.5", Some("en")),
            ("fr-FR, de;q=0.4, en;q=0.7", Some("en")),
            ("fr, it;q=0.9", None),
            ("en;q=0.5 , de ; q=0.501", Some("de")),
            ("en;q=0.5,de;q=0.5", Some("en")),
            ("de;q=0.5,en;q=0.5", Some("de")),
            ("pt", Some("pt-BR")),
            ("pt-PT", None),
            ("german, den", None),
            ("*", Some("en")),
            ("de;q=0.5, *", Some("en")),
            ("en;q=0.5, *", Some("de")),
            ("fr, *;q=0.1", Some("en")),
            ("en;q=0, *", Some("de")),
            ("de;q=0", None),
            ("de;q=0.000, de-AT", None),
            ("de;q=0,en", Some("en")),
        ] {
            check(header, expected);
        }
    }

    #[test]
    fn what_is_malformed_is_passed_over() {
        let long = format!("{}de", "fr,".repeat(40));
        for (header, expected) in [
            ("", None),
            (",,;", None),
            (";q=1", None),
            ("de;q=2", None),
            ("de;q=1.001", None),
            ("de;q=0.1234", None),
            ("de;q=-1", None),
            ("de;q=0.+1", None),
            ("de;q", None),
            ("de;level=1", None),
            ("de;q=1;q=1", None),
            ("de;q=x, en;q=0.1", Some("en")),
            ("ä, de", Some("de")),
            (long.as_str(), None),
        ] {
            check(header, expected);
        }
    }

    fn check(header: &str, expected: Option<&str>) {
        let place = accepted(&KNOWN.into_iter(), header);
        assert_eq!(place.map(|place| KNOWN[place]), expected, "{header:?}");
    }
}
