//! The passwords that people choose most, and that are therefore tried first. Start from [`any_is_common`].
//!
//! Some 40,000 in lower case, mostly without the digits and signs that people put at their ends. `common/make` makes the
//! list and says from what; `common/LICENSES.txt` has the licences.

/// Sorted; each line the number of characters that it shares with the one before, as a letter, and the rest.
const LIST: &str = include_str!("common/list.txt");

/// Whether one of these, in lower case, is on the list. Reads it from end to end, in under a millisecond: a password is
/// set seldom, and hashing it takes much longer.
pub fn any_is_common(candidates: &[&str]) -> bool {
    let mut word = String::new();
    LIST.lines().any(|line| {
        let mut rest = line.chars();
        let shared = rest.next().map_or(0, |letter| u32::from(letter) - u32::from('A'));
        word.truncate(shared as usize);
        word.push_str(rest.as_str());
        candidates.contains(&word.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_what_is_tried_first() {
        for common in ["password", "qwerty", "iloveyou", "trustno", "q2w3e4r", "zxcvbnm", "12345678", "abcd"]
        {
            assert!(any_is_common(&[common]), "{common}");
        }
        assert!(any_is_common(&["not this", "dragon"]));
        assert!(!any_is_common(&["correct horse battery staple", "Password", ""]) && !any_is_common(&[]));
    }

    #[test]
    fn the_list_is_whole_and_in_order() {
        let mut words: Vec<String> = Vec::new();
        for line in LIST.lines() {
            let (shared, rest) = line.split_at(1);
            let shared = usize::from(shared.as_bytes()[0] - b'A');
            let word = words.last().map_or("", |word| word.split_at(shared).0).to_owned() + rest;
            assert!(word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_graphic()), "{word:?}");
            assert_eq!(word, word.to_ascii_lowercase());
            words.push(word);
        }
        assert!(words.is_sorted());
        assert!(words.len() > 40_000, "{}", words.len());
        assert!(words.iter().filter(|word| word.len() >= 8).count() > 15_000);
    }
}
