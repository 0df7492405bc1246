//! `vestibule account import`: line by line what would happen and what is wrong; with `--apply` it happens.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::super::{Failure, print};
use super::{with_app, with_new_app};
use crate::account::import::{Format, Import, Remark, Row};
use crate::app::App;
use crate::flow::By;
use crate::flow::import::{self, Outcome};

/// Larger files are taken for something else.
const LARGEST: u64 = 512 << 20;

/// From so many accounts on, a terminal shows how far it is.
const WORTH_WATCHING: usize = 1000;

pub fn run(config: &Path, from: &Path, apply: bool) -> Result<(), Failure> {
    let import = crate::account::import::read(&content(from)?);
    let format = import.format;
    let shown =
        if is_standard_input(from) { "standard input".to_owned() } else { from.display().to_string() };
    let (plan, notes) = (plan(&shown, &import), placed(&shown, &import.notes, " (note)"));
    let progress = Progress::of(plan.len());
    let work = async |app: Arc<App>| {
        let by = By::command_line(&app);
        import::import(&app, by, import, apply, move |done| progress.show(done)).await
    };
    let outcome = if apply { with_new_app(config, work)? } else { with_app(config, work)? };
    progress.end();
    let problems = &outcome.problems;
    // Which cannot be made, the database may know alone.
    let refused = |index: &usize| outcome.refused.contains(index);
    let right: Vec<_> = plan.iter().enumerate().filter(|(index, _)| !refused(index)).collect();
    if !apply {
        print(&right.iter().map(|(_, text)| text.as_str()).collect::<String>())?;
    }
    print(&notes)?;
    if problems.is_empty() {
        return print(&summary(format, &outcome));
    }
    // Nobody may be reading it any more, which is no reason to panic.
    let told = placed(&shown, problems, "");
    io::stderr().lock().write_all(told.as_bytes()).ok();
    Err(Failure::Work(refusal(&shown, problems, right.len())))
}

fn content(from: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Work(format!("{}: {error}", from.display()));
    let mut content = Vec::new();
    let size = if is_standard_input(from) {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut content)
    } else {
        File::open(from).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content))
    };
    let size = size.map_err(|error| failed(&error))?;
    if size as u64 > LARGEST {
        return Err(failed(&"the file is larger than 512 MiB: import it in parts"));
    }
    Ok(content)
}

fn is_standard_input(from: &Path) -> bool {
    from == Path::new("-")
}

/// Each with the file's name before it: a place that editors jump to.
fn placed(shown: &str, remarks: &[Remark], ending: &str) -> String {
    let mut text = String::new();
    for remark in remarks {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{shown}:{remark}{ending}");
    }
    text
}

/// What would be made, a line each.
fn plan(shown: &str, import: &Import) -> Vec<String> {
    let line = |row: &Row| {
        let groups = row.groups.as_slice();
        let groups = if groups.is_empty() { String::new() } else { format!(", in {}", groups.join(", ")) };
        let password = if row.password.is_some() { "" } else { ", without a password" };
        let disabled = if row.disabled { ", disabled" } else { "" };
        let Row { line, username, email, name, .. } = row;
        let name = name.as_str();
        format!("{shown}:{line}: {username} <{email}>, {name}{groups}{password}{disabled}\n")
    };
    import.rows.iter().map(line).collect()
}

fn summary(format: Format, outcome: &Outcome) -> String {
    let Outcome { accounts, without_password, outdated, written, .. } = outcome;
    let mut text = format!("{format}: {}", counted(*accounts, "account"));
    text.push_str(if *written { " made" } else { " could be made" });
    if *without_password > 0 {
        let _ =
            write!(text, "; {without_password} without a password, to be chosen by \"forgotten password\"");
    }
    if *outdated > 0 {
        let _ = write!(text, "; {outdated} with a hash weaker than today's, replaced at the next sign-in");
    }
    text.push_str(if *written { "\n" } else { "\nnothing was written: repeat it with --apply\n" });
    text
}

fn refusal(shown: &str, problems: &[Remark], rows: usize) -> String {
    let (wrong, right) = (counted(problems.len(), "problem"), counted(rows, "account"));
    format!("{shown}: {wrong}, and {right} without one; nothing was written")
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A line on a terminal that says how far it is.
#[derive(Clone, Copy)]
struct Progress {
    of: usize,
    shown: bool,
}

impl Progress {
    fn of(rows: usize) -> Self {
        Self { of: rows, shown: rows >= WORTH_WATCHING && io::stderr().is_terminal() }
    }

    fn show(self, done: usize) {
        const WIDTH: usize = 40;
        if self.shown {
            let filled = WIDTH * done / self.of.max(1);
            let bar = "#".repeat(filled) + &".".repeat(WIDTH.saturating_sub(filled));
            let line = format!("\r[{bar}] {done} of {}", self.of);
            io::stderr().lock().write_all(line.as_bytes()).ok();
        }
    }

    fn end(self) {
        if self.shown {
            io::stderr().lock().write_all(b"\n").ok();
        }
    }
}
