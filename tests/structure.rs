//! Holds the direction of the arrows between modules, as the source itself says it in its `use crate::` lines.

#![expect(clippy::expect_used, reason = "a test that cannot read the source fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, from the top down, with the modules that it may use. `*` stands for the leaves.
const ARROWS: &[(&str, &str)] = &[
    (
        "cli",
        "* accent account app boot config flow gateway identity listen lifecycle mail route store upstream",
    ),
    (
        "boot",
        "* accent account app config flow gateway identity lifecycle listen mail portal route session store throttle upstream",
    ),
    ("lifecycle", "*"),
    (
        "config",
        "* account accent identity listen mail observe policy portal route session sign_in store throttle upstream",
    ),
    ("listen", "* read_along route"),
    ("gateway", "* account app flow identity listen policy portal route session upstream"),
    ("portal", "* accent account app flow mail policy route session"),
    ("flow", "* accent account app identity mail policy route session sign_in throttle upstream"),
    ("app", "* account identity mail policy route session sign_in throttle upstream"),
    ("session", "* route"),
    ("account", "*"),
    ("mail", "* accent"),
    ("throttle", "*"),
    ("identity", "* policy route"),
    ("upstream", "* identity read_along route"),
    ("route", ""),
    ("policy", "route subject"),
    ("sign_in", "clock secret subject"),
    ("store", "clock secret sqlite tasks"),
    ("subject", "clock"),
    ("accent", ""),
    ("secret", ""),
    ("clock", ""),
    ("sqlite", ""),
    ("tasks", "clock"),
    ("observe", "body clock tasks"),
    ("body", ""),
    ("cookies", ""),
    ("words", "clock"),
    ("browser", "words"),
    ("spelling", ""),
    ("read_along", ""),
];

const LEAVES: &str = "store subject secret clock sqlite tasks observe body browser cookies spelling words";

/// The modules in which types of hyper may appear.
const HYPER: &[&str] = &["listen", "gateway", "portal", "identity", "upstream", "observe"];

#[test]
fn the_arrows_point_down() {
    let arrows: BTreeMap<&str, String> =
        ARROWS.iter().map(|(module, uses)| (*module, uses.replace('*', LEAVES))).collect();
    let mut wrong = Vec::new();
    for (file, module) in sources() {
        let Some(allowed) = arrows.get(module.as_str()) else {
            wrong.push(format!("{}: the module {module} has no place in the list of arrows", file.display()));
            continue;
        };
        for (number, used) in uses(&code(&file)) {
            if used != module && !allowed.split(' ').any(|name| name == used) {
                wrong.push(format!("{}:{number}: {module} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hyper_stays_at_the_edges() {
    let mut wrong = Vec::new();
    for (file, module) in sources() {
        if HYPER.contains(&module.as_str()) {
            continue;
        }
        for (number, line) in code(&file).lines().enumerate() {
            if line.contains("hyper::") || line.contains("hyper_util::") {
                wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_modules_neither_wait_nor_ask_for_the_time() {
    let mut wrong = Vec::new();
    for (file, module) in sources() {
        if !["route", "policy", "sign_in"].contains(&module.as_str()) {
            continue;
        }
        for (number, line) in code(&file).lines().enumerate() {
            if ["async fn", ".await", "Clock", "tokio::"].iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every source file with the top module it belongs to; tests are free to use what they like.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let module = |file: &Path| {
        let inside = file.strip_prefix(&root).expect("below src");
        let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
        first.trim_end_matches(".rs").to_owned()
    };
    let is_test = |file: &Path| {
        let text = file.to_string_lossy();
        ["tests.rs", "testing.rs", "suite.rs", "golden.rs", "/tests/", "/wire/"]
            .iter()
            .any(|part| text.contains(part))
    };
    let mut sources: Vec<_> = found
        .into_iter()
        .filter(|file| !is_test(file))
        .map(|file| (file.clone(), module(&file)))
        .filter(|(_, module)| !["main", "lib"].contains(&module.as_str()))
        .collect();
    sources.sort();
    assert!(sources.len() > 50, "the source was not found");
    sources
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// A file's text up to its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("readable");
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// The modules named after `crate::` in code, with their line.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default();
        for rest in line.split("crate::").skip(1) {
            if let Some(list) = rest.strip_prefix('{') {
                let names = list
                    .split(['{', '}', ','])
                    .map(|name| name.split("::").next().unwrap_or_default().trim());
                found.extend(
                    names
                        .filter(|name| !name.is_empty() && *name != ";")
                        .map(|name| (number + 1, name.to_owned())),
                );
            } else {
                let name: String =
                    rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
                found.push((number + 1, name));
            }
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}
