//! What an evaluation found, in words.

use std::fmt::Write;

use lenslet_train::{ConfusionMatrix, LabelReport};

use crate::console::{counted, thousands};

/// How many weak classes and frequent mistakes are named.
const NAMED: usize = 3;
/// The most classes of a matrix that is printed.
const PRINTED: usize = 20;

/// The classes recognised least often.
pub(crate) fn weakest(confusion: &ConfusionMatrix) -> String {
    let weakest = confusion.weakest(NAMED);
    let words = weakest.iter().map(|&(class, recall)| {
        // Halves go up, as in the matrix's shares: a format alone takes 52.5 to 52.
        let percent = (recall * 100.0).round();
        format!("{} ({percent} % recognised)", confusion.classes()[class])
    });
    format!("Weakest classes: {}", words.collect::<Vec<_>>().join(", "))
}

/// The labels recognised worst.
pub(crate) fn weakest_labels(report: &LabelReport) -> String {
    let weakest = report.weakest(NAMED);
    let words = weakest.iter().map(|&(label, f1)| {
        let counts = report.counts[label];
        format!(
            "{} (F1 {f1:.2}; missed {}, {})",
            report.classes[label],
            counted(counts.false_negatives as usize, "time"),
            counted(counts.false_positives as usize, "false alarm")
        )
    });
    format!("Weakest labels: {}", words.collect::<Vec<_>>().join(", "))
}

/// The most frequent mistakes.
pub(crate) fn most_confused(confusion: &ConfusionMatrix) -> String {
    let worst = confusion.most_confused(NAMED);
    if worst.is_empty() {
        return "Most confused: nothing, every image was recognised".to_owned();
    }
    let words = worst.iter().map(|mistake| {
        let [truth, predicted] = [mistake.truth, mistake.predicted];
        format!(
            "{} taken for {} ({} of {})",
            confusion.classes()[truth],
            confusion.classes()[predicted],
            thousands(mistake.count as usize),
            thousands(confusion.support(truth) as usize)
        )
    });
    format!("Most confused: {}", words.collect::<Vec<_>>().join(", "))
}

/// The matrix as a table where it fits into `width` columns.
pub(crate) fn matrix(confusion: &ConfusionMatrix, width: usize) -> Option<String> {
    let classes = confusion.classes();
    if classes.len() > PRINTED {
        return None;
    }
    let digits = confusion.counts().iter().map(|n| n.to_string().len()).max().unwrap_or(1);
    let head = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
    // Columns are headed by whole names, or by numbers where names are too wide.
    let named = head + classes.len() * (head.max(digits) + 1);
    let column = if named <= width { head.max(digits) } else { digits.max(2) };
    let numbered = named > width;
    let room = head + if numbered { 3 } else { 0 };
    if room + classes.len() * (column + 1) > width {
        return None;
    }
    let mut table = format!("{:room$}", "");
    for (index, class) in classes.iter().enumerate() {
        let title = if numbered { (index + 1).to_string() } else { class.clone() };
        let _ = write!(table, " {title:>column$}");
    }
    for (truth, class) in classes.iter().enumerate() {
        let title = if numbered { format!("{:>2} {class}", truth + 1) } else { class.clone() };
        let _ = write!(table, "\n{title:room$}");
        for predicted in 0..classes.len() {
            let _ = write!(table, " {:>column$}", confusion.get(truth, predicted));
        }
    }
    Some(table + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(names: [&str; 2]) -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(names.map(String::from).into());
        for (truth, predicted, times) in [(0, 0, 12), (0, 1, 3), (1, 1, 5)] {
            (0..times).for_each(|_| matrix.count(truth, predicted));
        }
        matrix
    }

    #[test]
    fn names_head_the_columns_or_numbers_where_there_is_no_room() {
        let confusion = example(["cat", "dog"]);
        assert_eq!(matrix(&confusion, 80).unwrap(), "    cat dog\ncat  12   3\ndog   0   5\n");
        let confusion = example(["a very long name", "dog"]);
        let table = matrix(&confusion, 30).unwrap();
        assert!(table.starts_with("                     1  2\n 1 a very long name"), "{table}");
        assert_eq!(matrix(&confusion, 20), None);
    }

    #[test]
    fn mistakes_are_named() {
        let confusion = example(["cat", "dog"]);
        assert_eq!(most_confused(&confusion), "Most confused: cat taken for dog (3 of 15)");
        let weakest = weakest(&confusion);
        assert!(weakest.ends_with("cat (80 % recognised), dog (100 % recognised)"), "{weakest}");
    }

    #[test]
    fn half_a_percent_is_rounded_up() {
        let mut confusion = ConfusionMatrix::new(["bird", "fish"].map(str::to_owned).to_vec());
        (0..200).for_each(|i| confusion.count(0, usize::from(i >= 105)));
        assert_eq!(weakest(&confusion), "Weakest classes: bird (53 % recognised)");
    }
}
