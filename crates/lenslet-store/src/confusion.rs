//! What was taken for what, for spreadsheets.

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
    csv.write_record(["true \\ predicted"].into_iter().chain(names)).expect(memory);
    for (class, row) in classes.iter().zip(counts.chunks(classes.len())) {
        let counts = row.iter().map(u64::to_string);
        csv.write_record([class.clone()].into_iter().chain(counts)).expect(memory);
    }
    String::from_utf8(csv.into_inner().expect(memory)).expect("names and numbers are text")
}
