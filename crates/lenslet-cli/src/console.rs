//! Standard output: words that survive a closed pipe.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::failure::Failure;

/// Prints a line. What nobody reads any more (`| head`) is dropped: a training goes on.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    print(format_args!("{line}\n"))
}

/// Prints a paragraph: on a terminal it is broken between words, in a pipe it stays one line.
pub(crate) fn tell(paragraph: &str) -> Result<(), Failure> {
    if is_terminal() { say(wrapped(paragraph, width())) } else { say(paragraph) }
}

/// Lines of at most `width` columns where words allow that; all but the first are indented.
fn wrapped(paragraph: &str, width: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in paragraph.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}

/// Prints text as it is.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write to standard output: {e}; check where it goes"
        ))),
        _ => Ok(()),
    }
}

/// A remark beside the output, on the error stream.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "note: {text}");
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal; 80 where there is none.
pub(crate) fn width() -> usize {
    let size = is_terminal().then(|| terminal_size::terminal_size_of(io::stdout())).flatten();
    size.map_or(80, |(width, _)| usize::from(width.0).max(20))
}

/// `10000` as `10,000`.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `2 images`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_broken_between_words() {
        assert_eq!(wrapped("one two three four", 9), "one two\n  three\n  four");
        assert_eq!(wrapped("a-very-long-word b", 5), "a-very-long-word\n  b");
        assert_eq!(wrapped("fits", 80), "fits");
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(thousands(1_060_138), "1,060,138");
        assert_eq!(counted(1, "image"), "1 image");
        assert_eq!(counted(2000, "image"), "2,000 images");
    }
}
