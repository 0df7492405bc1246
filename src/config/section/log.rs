//! `log`: what is written to the log, and how.

use super::super::fields::{Fields, wrong};
use super::super::problem::Report;
use super::super::source::{Kind, Node};
use super::super::value;
use crate::observe::{Format, Settings, logging};
use crate::spelling::nearest;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub fn read(keys: &mut Fields<'_, '_>) -> Settings {
    let default = Settings { format: Format::Text, level: "info".to_owned(), access: true };
    keys.or("log", default, |node, report| {
        let mut keys = Fields::of(node, report, "write `level: info` below it")?;
        let settings = Settings {
            format: keys.or(
                "format",
                Format::Text,
                value::choice(&[("text", Format::Text), ("json", Format::Json)]),
            ),
            level: keys.or("level", "info".to_owned(), level),
            access: keys.or("access", true, value::truth),
        };
        keys.finish();
        Some(settings)
    })
}

/// A level, or several as `RUST_LOG` has them. A word that is no level would silently become the name of a module.
fn level(node: &Node, report: &mut Report) -> Option<String> {
    const HELP: &str = "write error, warn, info, debug or trace, or several: `vestibule=debug,info`";
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "a log level", HELP);
        return None;
    };
    let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
    let odd = text.split(',').map(str::trim).find(|part| match part.rsplit_once('=') {
        Some((module, level)) => module.is_empty() || !is_level(level),
        None => !is_level(part),
    });
    if odd.is_none() && logging::check_level(text).is_ok() {
        return Some(text.clone());
    }
    let near = odd.and_then(|odd| nearest(odd.rsplit('=').next().unwrap_or(odd), &LEVELS));
    let help = near.map_or_else(|| HELP.to_owned(), |near| format!("did you mean `{near}`?"));
    wrong(node, report, "a log level", &help);
    None
}
