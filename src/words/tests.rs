use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Where texts are asked for by name.
const USERS: [&str; 3] = ["src/portal", "src/mail", "src/account"];

#[test]
fn the_english_file_has_no_errors_and_no_name_twice() {
    let resource = FluentResource::try_new(ENGLISH.to_owned()).map_err(|(_, errors)| errors);
    let mut bundle = FluentBundle::new_concurrent(vec!["en".parse().expect("a language")]);
    let added = bundle.add_resource(resource.expect("the file is well formed"));
    assert_eq!(added, Ok(()));
}

#[test]
fn every_text_that_is_asked_for_exists() {
    let names = names();
    let missing: Vec<_> = asked_for().into_iter().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "en.ftl lacks {missing:?}");
}

#[test]
fn every_text_is_used() {
    let sources: String =
        USERS.iter().flat_map(|folder| sources(Path::new(folder))).map(|(_, text)| text).collect();
    let unused: Vec<_> =
        names().into_iter().filter(|name| !sources.contains(&format!("\"{name}\""))).collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
}

#[test]
fn gaps_are_filled_and_numbers_choose_the_plural() {
    let words = Words::english();
    assert_eq!(words.text("login-heading"), "Sign in");
    let attempts = |minutes: u64| words.with("problem-too-many", &[("minutes", minutes.into())]);
    assert_eq!(attempts(1), "Too many attempts. Try again in 1 minute.");
    assert_eq!(attempts(5), "Too many attempts. Try again in 5 minutes.");
}

#[test]
fn an_unknown_name_is_given_back() {
    assert_eq!(Words::english().text("no-such-text"), "no-such-text");
}

/// The names of all texts in the file: what stands before a ` = ` at the start of a line, or a bare ` =`.
fn names() -> BTreeSet<String> {
    ENGLISH
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter_map(|line| Some(line.split_once(" =")?.0.to_owned()))
        .collect()
}

/// The literal names in `text("...")` and `with("...")`, in code and templates, tests apart.
fn asked_for() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in USERS.iter().flat_map(|folder| sources(Path::new(folder))) {
        for call in ["words.text(\"", "words.with(\"", "words.filled(\""] {
            found
                .extend(text.split(call).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    assert!(found.len() > 20, "the search itself is broken: {found:?}");
    found
}

/// Every Rust and template file below this folder, test files apart.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&folder).expect("the folder is there").map(|entry| entry.expect("readable").path())
    {
        let is = |endings: &[&str]| {
            endings.iter().any(|ending| entry.extension().is_some_and(|has| has == *ending))
        };
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if is(&["rs", "html", "txt"]) && !entry.ends_with("tests.rs") {
            let text = fs::read_to_string(&entry).expect("readable");
            found.push((entry, text));
        }
    }
    found
}
