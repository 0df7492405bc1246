//! What was meant by a name that is spelt wrongly.

/// The nearest of these names, if one is near enough to have been meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase().replace('-', "_");
    let allowed = match name.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    known
        .iter()
        .map(|known| (distance(&name, known), *known))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| known)
}

/// How many letters must be added, removed, changed or swapped with their neighbour to get from one to the other.
pub fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (index, letter) in from.chars().enumerate() {
        let mut next = vec![index + 1];
        for (at, other) in to.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let changed = cell(&row, at) + usize::from(letter != *other);
            let mut best = changed.min(cell(&row, at + 1) + 1).min(cell(&next, at) + 1);
            let swapped = at > 0 && last == Some(*other) && to.get(at - 1) == Some(&letter);
            if swapped {
                best = best.min(cell(&before, at - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_only_if_it_is_near() {
        assert_eq!(nearest("titel", &["url", "title"]), Some("title"));
        assert_eq!(nearest("trusted-proxies", &["trusted_proxies"]), Some("trusted_proxies"));
        assert_eq!(nearest("databse", &["file"]), None);
    }
}
