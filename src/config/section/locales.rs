//! `portal.locales`: the operator's own texts, a Fluent file a language.

use std::path::{Path, PathBuf};

use super::super::problem::{Place, Problem, Report};
use super::super::reason;
use super::super::source::Node;
use super::super::value;
use crate::spelling::nearest;
use crate::words::{Fault, Locale, check_locale, language_tag};

const LARGEST: u64 = 256 << 10;

/// Reads the folder. What is wrong with a file is put to the `others`, which are not about the configuration itself.
pub fn read(node: &Node, report: &mut Report, others: &mut Vec<Problem>) -> Option<Vec<Locale>> {
    let folder = value::path(node, report)?;
    let files = match files(&folder) {
        Ok(files) => files,
        Err(error) => {
            let why = reason(&error);
            let message = format!("`{}`: the folder {} cannot be read: {why}", node.path, folder.display());
            let help = "paths are relative to the folder in which vestibule is started";
            report.error(node.place, message, help);
            return None;
        }
    };
    if files.is_empty() {
        let message = format!("`{}`: there is no .ftl file in {}", node.path, folder.display());
        report.error(node.place, message, "name each file by its language: en.ftl, de.ftl");
    }
    Some(files.iter().filter_map(|file| locale(file, others)).collect())
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "ftl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn locale(file: &Path, others: &mut Vec<Problem>) -> Option<Locale> {
    let mut whole = |message: String, help: &str| {
        let mut report = Report::new(file, "");
        report.error(Place::FILE, message, help);
        others.extend(report.into_problems());
    };
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let language = match language_tag(&name) {
        Some(tag) if tag == name => tag,
        Some(tag) => {
            whole(format!("`{name}` is not how this language is written"), &format!("name it {tag}.ftl"));
            return None;
        }
        None => {
            whole(format!("`{name}` is no language"), "name it by its language: en.ftl, de.ftl, pt-BR.ftl");
            return None;
        }
    };
    let bytes = match value::file(file, LARGEST) {
        Ok(bytes) => bytes,
        Err((why, help)) => {
            whole(format!("this file {why}"), help);
            return None;
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        whole("this file is not text in UTF-8".to_owned(), "save it as UTF-8");
        return None;
    };
    let text = text.strip_prefix('\u{feff}').map_or(text.as_str(), |text| text).to_owned();
    let mut report = Report::new(file, &text);
    for fault in check_locale(&language, &text) {
        tell(&mut report, &text, fault);
    }
    others.extend(report.into_problems());
    Some(Locale { language, text })
}

fn tell(report: &mut Report, text: &str, fault: Fault) {
    let near = fault.unknown.as_ref().and_then(|(name, known)| {
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        nearest(name, &known).map(|name| format!("did you mean `{name}`?"))
    });
    let place = place(text, fault.at, fault.length);
    let help = near.unwrap_or(fault.help);
    if fault.warning {
        report.warning(place, fault.message, help);
    } else {
        report.error(place, fault.message, help);
    }
}

/// From bytes to a line and a column.
fn place(text: &str, at: usize, length: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let marked = text.get(at..at + length).unwrap_or_default();
    Place {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        length: marked.chars().count().max(1),
    }
}
