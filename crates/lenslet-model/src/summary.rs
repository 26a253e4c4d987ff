//! The table that Keras 3 prints of a model.

use crate::Network;

/// Widths of the three columns, borders not counted, when the terminal has room: Keras's.
const WIDTHS: [usize; 3] = [33, 24, 15];

impl Network {
    /// The table of layers, output shapes and parameter counts, at most `width` columns wide
    /// where that is possible; cells that do not fit are broken into lines, numbers are not.
    pub fn summary(&self, width: usize) -> String {
        let head = ["Layer (type)", "Output Shape", "Param #"].map(str::to_owned);
        let rows: Vec<[String; 3]> =
            self.nodes().iter().map(|node| self.summary_row(node)).collect();
        let widths = column_widths(rows.iter().chain([&head]), width);
        let mut table = format!("Model: \"{}\"\n", self.name());
        rule(&mut table, &widths, ['┏', '━', '┳', '┓']);
        cells(&mut table, &widths, &head, '┃');
        rule(&mut table, &widths, ['┡', '━', '╇', '┩']);
        for (i, row) in rows.iter().enumerate() {
            if i > 0 {
                rule(&mut table, &widths, ['├', '─', '┼', '┤']);
            }
            cells(&mut table, &widths, row, '│');
        }
        rule(&mut table, &widths, ['└', '─', '┴', '┘']);
        let total = self.parameter_count();
        for (what, count) in [("Total", total), ("Trainable", total), ("Non-trainable", 0)] {
            let size = readable_bytes(count * 4);
            table.push_str(&format!(" {what} params: {} ({size})\n", thousands(count)));
        }
        table
    }

    fn summary_row(&self, node: &crate::Node) -> [String; 3] {
        let count = self.parameters_of(node).iter().map(|p| p.range.len()).sum();
        let layer = format!("{} ({})", node.name, node.layer.kind());
        [layer, node.output.to_string(), thousands(count)]
    }
}

/// As wide as the content and Keras's own table, narrowed from the left where `width` is less.
fn column_widths<'a>(rows: impl Iterator<Item = &'a [String; 3]>, width: usize) -> [usize; 3] {
    let mut widths = WIDTHS;
    let mut number = 0;
    for row in rows {
        for (w, cell) in widths.iter_mut().zip(row) {
            *w = (*w).max(cell.chars().count() + 2);
        }
        number = number.max(row[2].len() + 2);
    }
    let mut excess = (widths.iter().sum::<usize>() + 4).saturating_sub(width);
    for (w, least) in widths.iter_mut().zip([14, 14, number]) {
        let cut = excess.min(w.saturating_sub(least));
        *w -= cut;
        excess -= cut;
    }
    widths
}

fn rule(table: &mut String, widths: &[usize; 3], [left, line, cross, right]: [char; 4]) {
    for (i, &w) in widths.iter().enumerate() {
        table.push(if i == 0 { left } else { cross });
        table.extend(std::iter::repeat_n(line, w));
    }
    table.push(right);
    table.push('\n');
}

fn cells(table: &mut String, widths: &[usize; 3], row: &[String; 3], bar: char) {
    let broken: Vec<Vec<String>> =
        row.iter().zip(widths).map(|(cell, &w)| break_lines(cell, w - 2)).collect();
    let height = broken.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        for (column, (lines, &w)) in broken.iter().zip(widths).enumerate() {
            let text = lines.get(line).map_or("", String::as_str);
            let room = w - 2;
            table.push_str(&match column {
                2 => format!("{bar} {text:>room$} "),
                _ => format!("{bar} {text:<room$} "),
            });
        }
        table.push(bar);
        table.push('\n');
    }
}

/// Breaks at spaces where a piece fits, else wherever the line is full.
fn break_lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= room {
                line.extend(std::iter::repeat_n(' ', gap).chain(word));
                break;
            }
            if used == 0 {
                line.extend(word.drain(..room));
            }
            lines.push(String::new());
        }
    }
    lines
}

/// `1060138` as `1,060,138`.
fn thousands(n: usize) -> String {
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

/// Bytes as Keras writes them: two decimals, steps of 1,024.
fn readable_bytes(bytes: usize) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if size < 1024.0 {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.2} TB")
}
