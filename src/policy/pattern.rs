//! Path patterns: `*` is anything but `/`, `**` is anything.

use percent_encoding::percent_decode_str;

/// A pattern over the whole path as the visitor types it, case-sensitive; compared with percent-encoding undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    exact: Pattern,
    /// In small letters, if it has others.
    folded: Option<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// What stands before the first `*`.
    literal: String,
    rest: String,
}

impl PathPattern {
    /// `None` unless it begins with `/` and, decoded, is text.
    pub fn parse(text: &str) -> Option<Self> {
        let pattern =
            percent_decode_str(text).decode_utf8().ok().filter(|pattern| pattern.starts_with('/'))?;
        let folded = Some(pattern.to_lowercase()).filter(|folded| *folded != pattern);
        Some(Self { exact: Pattern::of(&pattern), folded: folded.as_deref().map(Pattern::of) })
    }

    /// `path` is canonical. Takes a time proportional to pattern times path at the worst, and hardly any where the
    /// pattern's beginning does not match.
    pub fn matches(&self, path: &str) -> bool {
        self.exact.matches(path)
    }

    pub fn has_capitals(&self) -> bool {
        self.folded.is_some()
    }

    /// What the path may have behind its first slash, in capitals and without; `None`: anything.
    pub(super) fn letters(&self) -> impl Iterator<Item = Option<u8>> {
        let patterns = [Some(&self.exact), self.folded.as_ref()];
        patterns.into_iter().flatten().map(|pattern| pattern.literal.as_bytes().get(1).copied())
    }

    /// The same for servers that know no capitals; `path` is in small letters.
    pub fn matches_folded(&self, path: &str) -> bool {
        self.folded.as_ref().unwrap_or(&self.exact).matches(path)
    }
}

impl Pattern {
    /// `pattern` is decoded.
    fn of(pattern: &str) -> Self {
        let (literal, rest) = pattern.split_at(pattern.find('*').unwrap_or(pattern.len()));
        Self { literal: literal.to_owned(), rest: rest.to_owned() }
    }

    fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix(self.literal.as_str()) else { return false };
        match self.rest.as_str() {
            "" => path.is_empty(),
            "**" => true,
            rest => matches(rest.as_bytes(), path.as_bytes()),
        }
    }
}

fn matches(pattern: &[u8], path: &[u8]) -> bool {
    // One row of the usual table, from the end: `row[i]` says whether the rest of the pattern matches `path[i..]`. Each
    // byte of the pattern changes it in place.
    let mut row = vec![false; path.len() + 1];
    if let Some(last) = row.last_mut() {
        *last = true;
    }
    let mut rest = pattern;
    while let Some((&byte, before)) = rest.split_last() {
        rest = before;
        let some = if byte == b'*' {
            let any = before.last() == Some(&b'*');
            if any {
                rest = before.split_last().map_or(before, |(_, before)| before);
            }
            let mut after = false;
            for (start, matched) in row.iter_mut().enumerate().rev() {
                let passes = path.get(start).is_some_and(|here| any || *here != b'/');
                *matched |= after && passes;
                after = *matched;
            }
            true
        } else {
            let mut some = false;
            for (start, here) in path.iter().enumerate() {
                let step = row.get(start + 1).copied().unwrap_or(false);
                if let Some(matched) = row.get_mut(start) {
                    *matched = *here == byte && step;
                    some |= *matched;
                }
            }
            if let Some(last) = row.last_mut() {
                *last = false;
            }
            some
        };
        if !some {
            return false;
        }
    }
    row.first().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_the_whole_path() {
        let check = |pattern: &str, path: &str, expected: bool| {
            let pattern = PathPattern::parse(pattern).expect("begins with a slash");
            assert_eq!(pattern.matches(path), expected, "{pattern:?} on {path}");
        };
        check("/api/health", "/api/health", true);
        check("/api/health", "/api/health/", false);
        check("/api/health", "/api/healthz", false);
        check("/public/**", "/public/", true);
        check("/public/**", "/public/a/b", true);
        check("/public/**", "/public", false);
        check("/public/**", "/publicity/", false);
        check("/*/edit", "/a/edit", true);
        check("/*/edit", "//edit", true);
        check("/*/edit", "/a/b/edit", false);
        check("/**/edit", "/a/b/edit", true);
        check("/a*c", "/abc", true);
        check("/a*c", "/ac", true);
        check("/a*c", "/ab/c", false);
        check("/*c*c", "/c", false);
        check("/*c*c", "/cc", true);
        check("/Admin", "/admin", false);
        assert!(PathPattern::parse("/Admin/*").is_some_and(|pattern| pattern.matches_folded("/admin/x")));
        check("/a%20b/*", "/a b/c", true);
        check("/**", "/", true);
    }
}
