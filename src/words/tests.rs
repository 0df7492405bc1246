use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Where texts are asked for by name.
const USERS: [&str; 5] = ["src/portal", "src/mail", "src/account", "src/browser.rs", "src/words.rs"];

const ENGLISH: &str = BUILT_IN[0].1;

#[test]
fn no_file_has_errors_or_a_name_twice() {
    for (language, text) in BUILT_IN {
        let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| errors);
        let mut bundle = FluentBundle::new_concurrent(vec![language.parse().expect("a language")]);
        let added = bundle.add_resource(resource.expect("the file is well formed"));
        assert_eq!(added, Ok(()), "{language}");
    }
}

#[test]
fn every_language_has_the_same_texts_with_the_same_gaps_in_the_same_order() {
    let texts = |file: &str| -> Vec<_> {
        file.lines()
            .filter(|line| line.starts_with("## "))
            .map(str::to_owned)
            .chain(messages(file).map(|(name, body)| format!("{name} with {:?}", gaps(body))))
            .collect()
    };
    for (language, file) in BUILT_IN {
        assert_eq!(texts(file), texts(ENGLISH), "{language}.ftl differs from en.ftl");
    }
}

#[test]
fn a_reader_gets_what_the_account_names_then_what_the_browser_asks_for_then_english() {
    let languages = Languages::built_in();
    for (own, accepted, expected) in [
        (None, "", "en"),
        (None, "de-CH, en;q=0.5", "de"),
        (None, "fr", "en"),
        (Some("en"), "de", "en"),
        (Some("de"), "en", "de"),
        (Some("de-AT"), "", "de"),
        (Some("fr"), "de", "de"),
    ] {
        assert_eq!(languages.choose(own, accepted).language(), expected, "{own:?}, {accepted}");
    }
}

#[test]
fn an_operators_texts_lie_over_the_built_in_ones() {
    let locale = |language: &str, text: &str| Locale { language: language.into(), text: text.into() };
    let languages = Languages::with(&[
        locale("en", "login-heading = Come in\n-house = Example\nlogin-submit = Into { -house }\n"),
        locale("de-AT", "login-heading = Servus\n"),
        locale(
            "fr",
            "login-submit = Se connecter\npager-range = { $from } à { $to } sur { $total }\nnumber-example = 1\u{202f}000\n",
        ),
    ]);
    for (asked, name, expected) in [
        ("en", "login-heading", "Come in"),
        ("en", "login-submit", "Into Example"),
        ("en", "login-password", "Password"),
        ("de", "login-heading", "Anmelden"),
        ("de-AT", "login-heading", "Servus"),
        ("de-AT", "login-submit", "Anmelden"),
        ("fr-CA", "login-submit", "Se connecter"),
        ("fr", "login-heading", "Come in"),
        ("it", "login-heading", "Come in"),
    ] {
        assert_eq!(languages.choose(None, asked).text(name), expected, "{name} for {asked}");
    }
    let french = languages.choose(Some("fr"), "en");
    assert_eq!(french.language(), "fr");
    let gaps = [("from", 1.into()), ("to", 50.into()), ("total", 100_000.into())];
    assert_eq!(french.with("pager-range", &gaps), "1 à 50 sur 100\u{202f}000");
}

#[test]
fn moments_are_told_in_the_order_and_the_names_of_the_language() {
    let languages = Languages::built_in();
    let told = |language, seconds: i64| {
        languages.choose(Some(language), "").moment(Timestamp::from_millis(seconds * 1000))
    };
    assert_eq!(told("en", 0), "1 January 1970, 00:00 UTC");
    assert_eq!(told("en", 951_782_399), "28 February 2000, 23:59 UTC");
    assert_eq!(told("en", 951_782_400), "29 February 2000, 00:00 UTC");
    assert_eq!(told("de", 4_107_542_400), "1. März 2100, 00:00 Uhr (UTC)");
    let months = |language| {
        let told = (0..12).map(|month| told(language, month * 2_630_016 + 86_400));
        told.map(|told| told.split(' ').nth(1).unwrap_or_default().to_owned()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!((months("en"), months("de")), (12, 12));
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

/// The names of all texts.
fn names() -> BTreeSet<String> {
    messages(ENGLISH).map(|(name, _)| name.to_owned()).collect()
}

/// What stands before a ` = ` at the start of a line, or a bare ` =`; and all until the next such line.
fn messages(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let starts = file.match_indices('\n').map(|(place, _)| place + 1).filter(|place| {
        file.get(*place..).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
    });
    let starts: Vec<_> = starts.chain([file.len()]).collect();
    let whole: Vec<_> = starts.windows(2).filter_map(|ends| file.get(ends[0]..ends[1])).collect();
    whole.into_iter().filter_map(|message| message.split_once(" ="))
}

/// The names after a `$`, comments apart.
fn gaps(body: &str) -> BTreeSet<&str> {
    let body = body.split("\n#").next().unwrap_or_default();
    let names = body.split('$').skip(1);
    names.filter_map(|rest| rest.split(|letter: char| !letter.is_ascii_alphanumeric()).next()).collect()
}

/// The literal names in `text("...")` and `with("...")`, in code and templates, tests apart.
fn asked_for() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in USERS.iter().flat_map(|folder| sources(Path::new(folder))) {
        for call in ["words.text(\"", "words.with(\"", "words.filled(\"", "self.with(\""] {
            found
                .extend(text.split(call).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    assert!(found.len() > 20, "the search itself is broken: {found:?}");
    found
}

/// This file, or every Rust and template file below this folder, test files apart.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if folder.is_file() {
        let text = fs::read_to_string(&folder).expect("readable");
        return vec![(folder, text)];
    }
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
