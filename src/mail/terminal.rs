//! The terminal: where the quick start's codes are read.

use std::io::{self, Write as _};

use super::{MailError, Message};

/// Columns of text inside the frame.
const WIDTH: usize = 72;

/// Prints the text part to standard output, framed so that it stands out of the log.
pub(super) fn show(message: &Message) -> Result<(), MailError> {
    let mut output = io::stdout().lock();
    output.write_all(framed(message).as_bytes()).and_then(|()| output.flush()).map_err(MailError::Terminal)
}

fn framed(message: &Message) -> String {
    let bar = "─".repeat(WIDTH + 2);
    let head = [format!("To: {}", message.to), format!("Subject: {}", message.subject), String::new()];
    let lines = head.iter().map(String::as_str).chain(message.text.trim_end().lines());
    let mut framed = format!("\n┌{bar}┐\n");
    for line in lines.flat_map(wrapped) {
        let padding = " ".repeat(WIDTH.saturating_sub(line.chars().count()));
        framed.extend(["│ ", &line, &padding, " │\n"]);
    }
    framed + &format!("└{bar}┘\n")
}

/// The line in pieces of at most [`WIDTH`] characters, broken at spaces, with nothing in it that moves a cursor.
fn wrapped(line: &str) -> Vec<String> {
    let line: String = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let indent: String = line.chars().take_while(|letter| *letter == ' ').take(WIDTH / 2).collect();
    let mut pieces = vec![indent];
    for word in line.split_whitespace() {
        let taken = pieces.last().map_or(0, |piece| piece.chars().count());
        match pieces.last_mut() {
            Some(piece) if taken == 0 || piece.trim().is_empty() => piece.push_str(word),
            Some(piece) if taken + 1 + word.chars().count() <= WIDTH => {
                piece.push(' ');
                piece.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
    }
    pieces.into_iter().flat_map(|piece| cut(&piece)).collect()
}

/// A word longer than a line is cut.
fn cut(piece: &str) -> Vec<String> {
    let letters: Vec<char> = piece.chars().collect();
    if letters.is_empty() {
        return vec![String::new()];
    }
    letters.chunks(WIDTH).map(|chunk| chunk.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_stands_in_a_frame_of_even_width() {
        let long = "word ".repeat(40) + &"x".repeat(100);
        let message = Message {
            to: "alice@example.com".into(),
            subject: "Your sign-in code".into(),
            text: format!("Your sign-in code is 123456.\n\n  Browser: Firefox\x1b[2J\n{long}\n"),
            html: String::new(),
        };
        let framed = framed(&message);
        let widths: Vec<_> = framed.trim().lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == WIDTH + 4), "{framed}");
        assert!(framed.contains("│ Your sign-in code is 123456. "), "{framed}");
        assert!(framed.contains("│   Browser: Firefox"), "{framed}");
        assert!(!framed.contains('\x1b'));
    }
}
