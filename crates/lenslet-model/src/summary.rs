//! The table that Keras 3 prints of a model.

mod order;
mod table;

use crate::{INPUT, Network, Node, Source};
use order::keras_order;
use table::{Column, table};

/// Widths of the table where the terminal has room, and where each column ends: Keras's.
const CHAIN: (usize, &[f64]) = (88, &[0.45, 0.80, 1.0]);
const GRAPH: (usize, &[f64]) = (108, &[0.3, 0.56, 0.74, 1.0]);

impl Network {
    /// The table of layers, output shapes and parameter counts, at most `width` columns wide
    /// where that is possible. A graph has a column more that says whose results a layer takes.
    /// Words that do not fit are cut, numbers are not.
    pub fn summary(&self, width: usize) -> String {
        let order = keras_order(self);
        let chain =
            order.windows(2).all(|pair| self.nodes()[pair[1]].sources == [Source::Node(pair[0])])
                && self.nodes()[order[0]].sources == [Source::Input];
        let mut rows: Vec<Vec<String>> = Vec::new();
        // Keras knows a graph's input as a layer, a chain's not.
        if !self.description().is_sequential() {
            let name = format!("{INPUT} (InputLayer)");
            rows.push(vec![name, self.input().to_string(), "0".into(), "-".into()]);
        }
        rows.extend(order.iter().map(|&node| self.summary_row(&self.nodes()[node])));
        let (most, ends) = if chain { CHAIN } else { GRAPH };
        rows.iter_mut().for_each(|row| row.truncate(ends.len()));
        let heads = ["Layer (type)", "Output Shape", "Param #", "Connected to"];
        let column = |(i, &end): (usize, &f64)| Column { head: heads[i], end, numbers: i == 2 };
        let columns: Vec<_> = ends.iter().enumerate().map(column).collect();
        let mut text = format!("Model: \"{}\"\n", self.name());
        text.push_str(&table(&columns, &rows, most.min(width.saturating_sub(4))));
        self.totals(&mut text);
        text
    }

    fn summary_row(&self, node: &Node) -> Vec<String> {
        let count = self.parameters_of(node).map(|p| p.range.len()).sum();
        let layer = format!("{} ({})", node.name, node.layer.kind());
        let sources = node.sources.iter().map(|&source| {
            let name = match source {
                Source::Input => INPUT,
                Source::Node(index) => &self.nodes()[index].name,
            };
            // Keras's node and tensor: a layer of ours runs once and gives one result.
            format!("{name}[0][0]")
        });
        let sources = sources.collect::<Vec<_>>().join(", ");
        vec![layer, node.output.to_string(), thousands(count), sources]
    }

    fn totals(&self, text: &mut String) {
        let (total, trainable) = (self.parameter_count(), self.trainable_count());
        let counts =
            [("Total", total), ("Trainable", trainable), ("Non-trainable", total - trainable)];
        for (what, count) in counts {
            let size = readable_bytes(count * 4);
            text.push_str(&format!(" {what} params: {} ({size})\n", thousands(count)));
        }
    }
}

/// `1060138` as `1,060,138`.
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
