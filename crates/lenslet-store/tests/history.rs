//! `history.csv`.

use std::fs;

use lenslet_store::{HistoryRow, read_history, write_history};

fn row(epoch: usize) -> HistoryRow {
    let x = 1.0 / (epoch as f64 + 2.0);
    HistoryRow {
        epoch,
        loss: x.sqrt(),
        accuracy: 1.0 - x,
        val_loss: Some(x.exp()),
        val_accuracy: Some(x),
        seconds: x * 1e-9,
    }
}

#[test]
fn numbers_are_read_back_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let mut rows: Vec<_> = (1..500).map(row).collect();
    rows[3].val_loss = None;
    rows[3].val_accuracy = None;
    rows[4].loss = f64::INFINITY;
    rows[5].seconds = f64::MIN_POSITIVE;
    write_history(&path, &rows).unwrap();
    assert_eq!(read_history(&path).unwrap(), rows);
    rows[0].loss = f64::NAN;
    write_history(&path, &rows).unwrap();
    assert!(read_history(&path).unwrap()[0].loss.is_nan());
}

#[test]
fn a_history_without_epochs_has_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    write_history(&path, &[]).unwrap();
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,seconds\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), header);
    assert_eq!(read_history(&path).unwrap(), []);
}

#[test]
fn what_is_not_there_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let row = HistoryRow { val_loss: None, val_accuracy: None, ..row(2) };
    write_history(&path, &[row]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.ends_with("\n2,0.5,0.75,,,2.5e-10\n"), "{text}");
}

#[test]
fn bad_histories_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,seconds\n";
    let cases = [
        (String::new(), "its first line is not `epoch,loss"),
        (header.replace("loss", "lost"), "its first line is not `epoch,loss"),
        (format!("{header}1,0.5,0.5,,\n"), "line: 2"),
        (format!("{header}1,0.5,0.5,,,1\n2,x,0.5,,,1\n"), "line: 3"),
        (format!("{header}-1,0.5,0.5,,,1\n"), "line: 2"),
    ];
    for (text, part) in cases {
        fs::write(&path, text).unwrap();
        let message = read_history(&path).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    }
}
