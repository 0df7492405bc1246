//! The shape of a YAML text with the place of everything in it, found in one pass over the parser's events.
//!
//! The only file that knows `saphyr-parser`. It finds what serde does not tell: where each key and value stands,
//! keys that are there twice, and texts built to exhaust whoever reads them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, Span};

use crate::config::problem::{Place, Report, is_sensitive, lines};

/// Deeper nesting than this is refused; the deepest right configuration has eight levels.
const DEEPEST: usize = 32;
/// More values than this, aliases followed, are refused.
const MOST: usize = 200_000;

/// A value's place, and those of the values inside it.
#[derive(Debug)]
pub struct Spot {
    pub place: Place,
    pub shape: Shape,
    /// Its value is not to be shown.
    pub sensitive: bool,
    /// How many values there are here and below.
    size: usize,
    /// How many levels there are below.
    depth: usize,
}

#[derive(Debug)]
pub enum Shape {
    Scalar,
    List(Vec<Arc<Spot>>),
    Map(Vec<(KeySpot, Arc<Spot>)>),
}

#[derive(Clone, Debug)]
pub struct KeySpot {
    pub name: String,
    pub place: Place,
}

/// The outline of a text: `Ok(None)` if there is no value in it. What is wrong goes to the report; `Err` if the
/// text cannot be used at all.
pub fn outline(text: &str, report: &mut Report) -> Result<Option<Arc<Spot>>, ()> {
    let mut builder = Builder {
        lines: lines(text),
        reached: Cell::default(),
        report,
        frames: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        total: 0,
    };
    let mut documents = 0;
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                builder.syntax(error.marker().line(), error.marker().col() + 1, error.info());
                return Err(());
            }
        };
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                let place = builder.place(span);
                builder.report.error(
                    place,
                    "a second document begins here",
                    "keep everything in one document, without `---`",
                );
                return Err(());
            }
        }
        builder.event(&event, span)?;
    }
    Ok(builder.root)
}

/// A list or mapping whose end has not come yet.
struct Frame {
    place: Place,
    anchor: usize,
    sensitive: bool,
    /// The key that waits for its value.
    key: Option<KeySpot>,
    shape: Shape,
    size: usize,
    depth: usize,
}

struct Builder<'a> {
    lines: Vec<&'a str>,
    /// Where the last value began: its line, its column, and the byte at that. Values come in order, so the next is looked
    /// for from there: a long line is not counted from its start for each of its values.
    reached: Cell<(usize, usize, usize)>,
    report: &'a mut Report,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Arc<Spot>>,
    root: Option<Arc<Spot>>,
    total: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: &Event<'_>, span: Span) -> Result<(), ()> {
        let place = self.place(span);
        match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                self.report.error(place, "tags such as `!name` have no meaning here", "remove the tag");
                Err(())
            }
            Event::Scalar(text, _, anchor, None) => self.scalar(text, *anchor, span),
            Event::SequenceStart(anchor, None) => self.open(place, *anchor, Shape::List(Vec::new())),
            Event::MappingStart(anchor, None) => self.open(place, *anchor, Shape::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(place, *anchor),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, anchor: usize, span: Span) -> Result<(), ()> {
        let place = self.place(span);
        if let Some(Frame { key: key @ None, shape: Shape::Map(entries), .. }) = self.frames.last_mut() {
            if let Some((first, _)) = entries.iter().find(|(known, _)| known.name == text) {
                let help = format!("it stands already on line {}: remove one of the two", first.place.line);
                self.report.error(place, format!("the key `{text}` is here twice"), help);
            }
            *key = Some(KeySpot { name: text.to_owned(), place });
            return Ok(());
        }
        let sensitive = self.sensitive();
        // A reference gives nothing away, and the reader must see which one it is.
        let reference = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
        if sensitive && !reference {
            self.hide(span);
        }
        self.add(Spot { place, shape: Shape::Scalar, sensitive, size: 1, depth: 0 }, anchor)
    }

    fn open(&mut self, place: Place, anchor: usize, shape: Shape) -> Result<(), ()> {
        if let Some(Frame { key: None, shape: Shape::Map(_), .. }) = self.frames.last() {
            self.report.error(
                place,
                "a key must be a plain text, not a list or mapping",
                "write `key: value`; a value such as `${NAME}` needs quotes inside { } and [ ]",
            );
            return Err(());
        }
        if self.frames.len() >= DEEPEST {
            self.too_deep(place);
            return Err(());
        }
        let sensitive = self.sensitive_below();
        self.frames.push(Frame { place, anchor, sensitive, key: None, shape, size: 1, depth: 0 });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ()> {
        let Some(frame) = self.frames.pop() else { return Err(()) };
        let Frame { place, anchor, sensitive, shape, size, depth, .. } = frame;
        self.add(Spot { place, shape, sensitive, size, depth: depth + 1 }, anchor)
    }

    fn alias(&mut self, place: Place, anchor: usize) -> Result<(), ()> {
        if let Some(Frame { key: None, shape: Shape::Map(_), .. }) = self.frames.last() {
            self.report.error(place, "a key must be a plain text, not an alias", "write the key itself");
            return Err(());
        }
        let Some(spot) = self.anchors.get(&anchor).cloned() else {
            self.report.error(place, "this alias stands inside of what it names", "write the value itself");
            return Err(());
        };
        if self.sensitive() {
            self.report.hide(spot.place);
        }
        self.attach(spot)
    }

    fn add(&mut self, spot: Spot, anchor: usize) -> Result<(), ()> {
        let spot = Arc::new(spot);
        if anchor > 0 {
            self.anchors.insert(anchor, Arc::clone(&spot));
        }
        self.attach(spot)
    }

    fn attach(&mut self, spot: Arc<Spot>) -> Result<(), ()> {
        // A list or mapping was counted by its values already; only what an alias repeats comes on top.
        self.total = self.total.saturating_add(if Arc::strong_count(&spot) > 1 { spot.size } else { 1 });
        if self.total > MOST || self.frames.len() + spot.depth > DEEPEST {
            self.report.error(
                spot.place,
                "this is too large once its aliases are followed",
                "write fewer `*name`",
            );
            return Err(());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(spot);
            return Ok(());
        };
        frame.size = frame.size.saturating_add(spot.size);
        frame.depth = frame.depth.max(spot.depth);
        match (&mut frame.shape, frame.key.take()) {
            (Shape::List(items), _) => items.push(spot),
            (Shape::Map(entries), Some(key)) => entries.push((key, spot)),
            (Shape::Map(_) | Shape::Scalar, _) => return Err(()),
        }
        Ok(())
    }

    /// Whether the value that comes next is a secret: its key says so, or the list that it stands in.
    fn sensitive(&self) -> bool {
        self.frames.last().is_some_and(|frame| {
            frame.sensitive || frame.key.as_ref().is_some_and(|key| is_sensitive(&key.name))
        })
    }

    /// As [`Self::sensitive`], for a list or mapping. A user named `secretary` is no secret.
    fn sensitive_below(&self) -> bool {
        self.frames.last().is_some_and(|frame| {
            frame.sensitive
                || frame.key.as_ref().is_some_and(|key| key.name == "secret" || key.name == "password")
        })
    }

    /// Hides all lines of a scalar; a block scalar begins on the line after its `|`.
    fn hide(&mut self, span: Span) {
        let (first, last) = (span.start.line(), span.end.line());
        for line in first..=last.max(first) {
            let column = if line == first { span.start.col() + 1 } else { 1 };
            let end = if line == last { span.end.col() } else { usize::MAX / 2 };
            let length = self.without_blanks(line, column - 1, end);
            self.report.hide(Place { line, column, length });
        }
    }

    fn place(&self, span: Span) -> Place {
        let (line, column) = (span.start.line().max(1), span.start.col() + 1);
        let end = if span.end.line() == span.start.line() { span.end.col() } else { usize::MAX / 2 };
        Place { line, column, length: self.without_blanks(line, column - 1, end).max(1) }
    }

    /// How long this part of a line is without the blanks at its end, which the parser counts as part of a value.
    fn without_blanks(&self, line: usize, from: usize, to: usize) -> usize {
        let text = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let (known, column, byte) = self.reached.get();
        let (column, byte) = if known == line && column <= from { (column, byte) } else { (0, 0) };
        let rest = text.get(byte..).unwrap_or_default();
        let begin = rest.char_indices().nth(from - column).map_or(rest.len(), |(at, _)| at);
        self.reached.set((line, from, byte + begin));
        let part = rest.get(begin..).unwrap_or_default();
        let end = part.char_indices().nth(to.saturating_sub(from)).map_or(part.len(), |(at, _)| at);
        part.get(..end).unwrap_or_default().trim_end().chars().count()
    }

    fn too_deep(&mut self, place: Place) {
        self.report.error(place, "this is nested too deeply", format!("nest at most {DEEPEST} levels"));
    }

    fn syntax(&mut self, line: usize, column: usize, info: &str) {
        self.report.hide_by_looks(line);
        let text = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let help = if text.contains("${") {
            "inside { } and [ ] a reference needs quotes: \"${NAME}\""
        } else if info.contains("quote") {
            "a quote that is opened must be closed: look at this line and those above"
        } else if info.contains("tab") || text.trim_start_matches(' ').starts_with('\t') {
            "indent with spaces: there is a tab on this line or near it"
        } else if info.contains("anchor") {
            "a text that begins with `*` or `&` needs quotes: \"**\""
        } else if info.contains("mapping values") {
            "a text that holds `: ` or ends with `:` needs quotes, as \"whoami:\" does; otherwise this line is indented further than those beside it"
        } else if info.contains("block") {
            "this line is indented as nothing above it is: keys that belong together begin in the same column"
        } else if text.contains(": ") || text.contains('%') || text.contains('@') {
            "a text that holds `: `, ` #`, or begins with one of @ % & * ! | > ` needs quotes"
        } else {
            "look at the indentation and the quotes of this line and the one above"
        };
        let place = Place { line: line.max(1), column, length: 1 };
        if info.contains("recursion limit") {
            self.too_deep(place);
            return;
        }
        self.report.error(place, format!("this is not YAML: {}", info.to_lowercase()), help);
    }
}
