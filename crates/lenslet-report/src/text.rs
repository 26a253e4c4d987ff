//! Names from outside, made fit for a picture.

use unicode_normalization::UnicodeNormalization;

use crate::font;

/// The longest name that is shown whole, in characters.
const LONGEST_NAME: usize = 40;

/// Composes accents and takes out what has no picture: control characters, direction marks and
/// what XML forbids. White space of any kind becomes one blank.
pub(crate) fn clean(text: &str) -> String {
    let shown = |c: &char| !c.is_control() && !is_invisible(*c);
    let visible: String =
        text.nfc().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(shown).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A class name: clean, never empty, at most 40 characters, the last of them `…` where more came.
pub(crate) fn name(text: &str) -> String {
    let clean = clean(text);
    if clean.is_empty() {
        return "(no name)".to_owned();
    }
    if clean.chars().count() <= LONGEST_NAME {
        return clean;
    }
    let kept: String = clean.chars().take(LONGEST_NAME - 1).collect();
    kept.trim_end().to_owned() + "…"
}

/// Breaks a name into lines of at most `width`, after blanks, `_` and `-` where it can. What does
/// not fit in `most` lines is cut, and the last line then ends in `…`.
pub(crate) fn wrap(text: &str, size: f64, width: f64, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = line_end(rest, size, width);
        if lines.len() + 1 == most && end < rest.len() {
            lines.push(shorten(rest, size, width));
            return lines;
        }
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    lines
}

/// Where the first line of `text` ends: after the last separator that fits, else in a word.
fn line_end(text: &str, size: f64, width: f64) -> usize {
    let mut fits = 0;
    let mut after_separator = None;
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        if fits > 0 && font::width(text[..end].trim_end(), size) > width {
            return after_separator.unwrap_or(fits);
        }
        fits = end;
        if matches!(c, ' ' | '_' | '-') {
            after_separator = Some(end);
        }
    }
    fits
}

/// Cuts `text` so that it ends in `…` within `width`.
pub(crate) fn shorten(text: &str, size: f64, width: f64) -> String {
    if font::width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let cut = kept.trim_end().to_owned() + "…";
        if font::width(&cut, size) <= width {
            return cut;
        }
    }
    "…".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_go_and_accents_join() {
        assert_eq!(clean("a\u{0}\tb\u{202e}\n  c\u{1b}"), "a b c");
        assert_eq!(clean("cafe\u{301}"), "caf\u{e9}");
        assert_eq!(name("\u{7}"), "(no name)");
    }

    #[test]
    fn forty_characters_stay_whole() {
        let forty = "x".repeat(40);
        assert_eq!(name(&forty), forty);
        assert_eq!(name(&"x".repeat(41)), "x".repeat(39) + "…");
    }

    #[test]
    fn lines_break_after_separators() {
        assert_eq!(wrap("golden_retriever", 14.0, 70.0, 2), ["golden_", "retriever"]);
        assert_eq!(wrap("ship", 14.0, 70.0, 2), ["ship"]);
        let lines = wrap("internationalisation", 14.0, 50.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'));
        assert!(lines.iter().all(|line| font::width(line, 14.0) <= 50.0));
    }

    #[test]
    fn a_width_too_small_for_a_letter_still_ends() {
        assert_eq!(wrap("abc", 14.0, 1.0, 9), ["a", "b", "c"]);
        assert_eq!(wrap("abc", 14.0, 1.0, 1), ["…"]);
        assert_eq!(wrap("", 14.0, 1.0, 1), [""; 0]);
    }
}
