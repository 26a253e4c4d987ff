//! A table with lines between its rows, as the `rich` package draws it for Keras.

/// One column.
pub(super) struct Column {
    pub(super) head: &'static str,
    /// Where it ends, as a share of the whole width.
    pub(super) end: f64,
    /// Numbers stand on the right and are never cut.
    pub(super) numbers: bool,
}

/// The least width of a column of words, padding included.
const LEAST: usize = 14;

/// The table, `width` wide where that is possible.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>], width: usize) -> String {
    let widths = widths(columns, rows, width);
    let mut table = String::new();
    rule(&mut table, &widths, ['┏', '━', '┳', '┓']);
    let head: Vec<String> = columns.iter().map(|column| column.head.to_owned()).collect();
    cells(&mut table, columns, &widths, &head, '┃');
    rule(&mut table, &widths, ['┡', '━', '╇', '┩']);
    for (i, row) in rows.iter().enumerate() {
        if i > 0 {
            rule(&mut table, &widths, ['├', '─', '┼', '┤']);
        }
        cells(&mut table, columns, &widths, row, '│');
    }
    rule(&mut table, &widths, ['└', '─', '┴', '┘']);
    table
}

/// The columns' widths with their padding, without borders.
///
/// Keras asks for columns that fill the width without padding and borders; `rich` takes the excess
/// off in equal parts, rounded as Python does. Numbers get their room from the others.
fn widths(columns: &[Column], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let mut start = 0;
    let mut widths: Vec<usize> = Vec::new();
    for column in columns {
        let end = (column.end * width as f64) as usize;
        widths.push(end - start + 2);
        start = end;
    }
    let room = width.saturating_sub(columns.len() + 1);
    let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
    for (i, w) in widths.iter_mut().enumerate() {
        let cut = (excess as f64 / (columns.len() - i) as f64).round_ties_even() as usize;
        *w -= cut.min(*w);
        excess -= cut;
    }
    let longest = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0) + 2;
    for (i, column) in columns.iter().enumerate().filter(|(_, column)| column.numbers) {
        let needed = longest(i).max(column.head.len() + 2);
        let mut missing = needed.saturating_sub(widths[i]);
        widths[i] += missing;
        for other in (0..columns.len()).filter(|&other| other != i) {
            let cut = missing.min(widths[other].saturating_sub(LEAST));
            widths[other] -= cut;
            missing -= cut;
        }
    }
    widths.iter().zip(columns).map(|(&w, c)| if c.numbers { w } else { w.max(LEAST) }).collect()
}

fn rule(table: &mut String, widths: &[usize], [left, line, cross, right]: [char; 4]) {
    for (i, &w) in widths.iter().enumerate() {
        table.push(if i == 0 { left } else { cross });
        table.extend(std::iter::repeat_n(line, w));
    }
    table.push(right);
    table.push('\n');
}

fn cells(table: &mut String, columns: &[Column], widths: &[usize], row: &[String], bar: char) {
    let broken: Vec<Vec<String>> =
        row.iter().zip(widths).map(|(cell, &w)| break_lines(cell, w - 2)).collect();
    let height = broken.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        for ((column, lines), &w) in columns.iter().zip(&broken).zip(widths) {
            let text = lines.get(line).map_or("", String::as_str);
            let room = w - 2;
            table.push_str(&match column.numbers {
                true => format!("{bar} {text:>room$} "),
                false => format!("{bar} {text:<room$} "),
            });
        }
        table.push(bar);
        table.push('\n');
    }
}

/// Breaks at spaces. A word that is longer than a line is cut.
fn break_lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        let (used, length) = (line.chars().count(), word.chars().count());
        let mut word = word.to_owned();
        if length > room {
            word = word.chars().take(room - 1).chain(['…']).collect();
        }
        if used == 0 {
            *line = word;
        } else if used + 1 + length <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}
