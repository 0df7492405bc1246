//! The one form in which names and addresses are compared, counted and kept unique. Start from [`canonical`].

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

use super::address::Domain;

/// A username or e-mail address in the form in which it is compared and counted: trimmed, case-folded after NFKC, the
/// domain of an address in its ASCII form (`josé@bücher.example` is `josé@xn--bcher-kva.example`). What is neither is
/// only folded: nobody has it.
pub fn canonical(login: &str) -> String {
    // Trimmed last: some letters fold to a blank and a mark.
    let login = fold(login).trim().to_owned();
    match login.rsplit_once('@').map(|(local, domain)| (local, Domain::parse(domain))) {
        Some((local, Ok(domain))) => format!("{local}@{domain}"),
        _ => login,
    }
}

/// Letters without their case and in one spelling: Unicode's compatibility caseless form (The Unicode Standard,
/// section 3.13, D146), composed. Folding once more changes nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Folding may undo a composition, and composing may bring a letter that folds: twice settles both.
    fold_once(&fold_once(text))
}

/// Unicode's compatibility composition: one spelling for what is the same but for its looks, such as `ｅ` and `e`.
pub fn compose(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

fn fold_once(text: &str) -> String {
    compose(&CaseMapper::new().fold_string(&compose(text))).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn logins_are_compared_in_one_form() {
        for (typed, canonically) in [
            (" Alice ", "alice"),
            ("ALICE@Example.COM", "alice@example.com"),
            ("josé@BÜCHER.example", "josé@xn--bcher-kva.example"),
            ("jose\u{301}@bu\u{308}cher.example", "josé@xn--bcher-kva.example"),
            ("ａｌｉｃｅ＠ｅｘａｍｐｌｅ。ｃｏｍ", "alice@example.com"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("ΣΊΣΥΦΟΣ@example.com", "σίσυφοσ@example.com"),
            ("\u{212a}elvin", "kelvin"),
            ("a@b@Example.com", "a@b@example.com"),
            ("a@ex%61mple.com", "a@ex%61mple.com"),
            ("a@127.1", "a@127.1"),
            ("a@", "a@"),
            ("", ""),
        ] {
            assert_eq!(canonical(typed), canonically, "{typed:?}");
        }
    }

    #[test]
    fn a_dotless_i_is_another_letter() {
        assert_ne!(canonical("m\u{131}ke@example.com"), canonical("mike@example.com"));
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own(login in any::<String>()) {
            let once = canonical(&login);
            prop_assert_eq!(canonical(&once), once);
        }

        #[test]
        fn upper_and_lower_case_are_alike(login in "[a-zA-Z0-9äöüßÄÖÜéÉσΣς.@]{0,24}") {
            prop_assert_eq!(canonical(&login.to_lowercase()), canonical(&login));
        }
    }
}
