//! What was taken for what, for spreadsheets.

use std::path::Path;

use crate::read::{MOST_TEXT, read};
use crate::{ContentError, StoreError};

/// Above the column of true classes, left of the predicted ones.
const CORNER: &str = "true \\ predicted";
/// Above what was said of each label.
const LABEL_HEADER: [&str; 5] =
    ["label", "true_positives", "false_negatives", "false_positives", "true_negatives"];

/// A confusion matrix as CSV: a header of predicted classes, then one row per true class, which
/// begins with its name. Names are quoted where they need it.
///
/// `counts` are row by row: true class times predicted class.
///
/// ```
/// let classes = ["cat", "dog, small"].map(String::from);
/// let text = lenslet_store::confusion_csv(&classes, &[5, 1, 0, 7]);
/// assert_eq!(text, "true \\ predicted,cat,\"dog, small\"\ncat,5,1\n\"dog, small\",0,7\n");
/// ```
///
/// # Panics
/// Where there are not as many counts as pairs of classes.
pub fn confusion_csv(classes: &[String], counts: &[u64]) -> String {
    assert_eq!(counts.len(), classes.len().pow(2), "one count per pair of classes");
    let mut csv = csv::Writer::from_writer(Vec::new());
    let names = classes.iter().map(String::as_str);
    let memory = "memory takes every record";
    csv.write_record([CORNER].into_iter().chain(names)).expect(memory);
    for (class, row) in classes.iter().zip(counts.chunks(classes.len())) {
        let counts = row.iter().map(u64::to_string);
        csv.write_record([class.clone()].into_iter().chain(counts)).expect(memory);
    }
    String::from_utf8(csv.into_inner().expect(memory)).expect("names and numbers are text")
}

/// What is said of each label as CSV: a header, then a row for each label with the four counts that
/// `counts` has of it.
///
/// ```
/// let labels = ["cat", "dog, small"].map(String::from);
/// let text = lenslet_store::label_csv(&labels, &[[5, 1, 0, 7], [3, 0, 2, 8]]);
/// assert!(text.starts_with("label,true_positives,false_negatives,false_positives,true_negatives\n"));
/// assert!(text.ends_with("\n\"dog, small\",3,0,2,8\n"));
/// ```
///
/// # Panics
/// Where there is not a row of counts for each label.
pub fn label_csv(labels: &[String], counts: &[[u64; 4]]) -> String {
    assert_eq!(counts.len(), labels.len(), "a row for each label");
    let mut csv = csv::Writer::from_writer(Vec::new());
    let memory = "memory takes every record";
    csv.write_record(LABEL_HEADER).expect(memory);
    for row in labels.iter().zip(counts) {
        csv.serialize(row).expect(memory);
    }
    String::from_utf8(csv.into_inner().expect(memory)).expect("names and numbers are text")
}

/// What a table of an evaluation tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfusionTable {
    /// [`confusion_csv`]'s: what was taken for what.
    Classes {
        /// The classes' names.
        classes: Vec<String>,
        /// True class times predicted class, row by row.
        counts: Vec<u64>,
    },
    /// [`label_csv`]'s: what was said of each label.
    Labels {
        /// The labels' names.
        labels: Vec<String>,
        /// The four counts of each.
        counts: Vec<[u64; 4]>,
    },
}

/// Reads what [`confusion_csv`] or [`label_csv`] wrote.
///
/// # Errors
/// Where the file cannot be read, is longer than 4 MiB, or is no such table: with the line.
pub fn read_confusion(path: &Path) -> Result<ConfusionTable, StoreError> {
    parse(&read(path, MOST_TEXT)?).map_err(|e| e.at(path))
}

fn refuse<T>(what: String) -> Result<T, ContentError> {
    Err(ContentError::text(what, "it is no confusion matrix, or was changed by hand"))
}

fn parse(bytes: &[u8]) -> Result<ConfusionTable, ContentError> {
    let mut csv = csv::Reader::from_reader(bytes);
    let header = match csv.headers() {
        Ok(header) => header.clone(),
        Err(e) => return refuse(e.to_string()),
    };
    if header == LABEL_HEADER[..] {
        let rows: Result<Vec<(String, [u64; 4])>, _> = csv.into_deserialize().collect();
        let (labels, counts) = rows.or_else(|e| refuse(e.to_string()))?.into_iter().unzip();
        return Ok(ConfusionTable::Labels { labels, counts });
    }
    if header.get(0) != Some(CORNER) || header.len() < 2 {
        return refuse(format!("its first line does not begin with `{CORNER}`"));
    }
    let classes: Vec<String> = header.iter().skip(1).map(str::to_owned).collect();
    let mut counts = Vec::new();
    let mut rows = 0;
    for record in csv.records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => return refuse(e.to_string()),
        };
        if record.get(0) != classes.get(rows).map(String::as_str) {
            return refuse(format!("row {} is not that of column {}", rows + 1, rows + 1));
        }
        rows += 1;
        for count in record.iter().skip(1) {
            match count.parse() {
                Ok(count) => counts.push(count),
                Err(_) => return refuse(format!("{count:?} in row {rows} is no count")),
            }
        }
    }
    if rows != classes.len() {
        return refuse(format!("it has {rows} rows for {} classes", classes.len()));
    }
    Ok(ConfusionTable::Classes { classes, counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let classes = ["cat", "dog, \"small\"", "1"].map(String::from).to_vec();
        let counts: Vec<u64> = (0..9).collect();
        let csv = confusion_csv(&classes, &counts);
        let table = ConfusionTable::Classes { classes: classes.clone(), counts };
        assert_eq!(parse(csv.as_bytes()).unwrap(), table);
        let counts = vec![[1, 2, 3, 4], [0, 0, 0, 10], [u64::MAX, 0, 0, 0]];
        let csv = label_csv(&classes, &counts);
        let table = ConfusionTable::Labels { labels: classes, counts };
        assert_eq!(parse(csv.as_bytes()).unwrap(), table);
    }

    #[test]
    fn other_tables_are_refused() {
        for (text, words) in [
            ("", "first line"),
            ("epoch,loss\n1,2\n", "first line"),
            ("true \\ predicted,a,b\na,1,2\n", "1 rows for 2 classes"),
            ("true \\ predicted,a,b\nb,1,2\na,1,2\n", "row 1"),
            ("true \\ predicted,a,b\na,1\nb,1,2\n", "fields"),
            (
                "label,true_positives,false_negatives,false_positives,true_negatives\na,1,2,x,3\n",
                "x",
            ),
            (
                "label,true_positives,false_negatives,false_positives,true_negatives\na,1,2\n",
                "fields",
            ),
            ("true \\ predicted,a,b\na,1,-2\nb,1,2\n", "no count"),
        ] {
            let message = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(words), "{text:?}: {message}");
        }
    }
}
