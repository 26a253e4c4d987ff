//! `history.csv`.

use std::fs;

use lenslet_engine::{Cpu, Options};
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{Loss, Metric, SGD, Sequential};
use lenslet_store::{CsvLogger, HistoryRow, read_history, write_history};
use lenslet_train::{Epoch, MetricValues, Observer, Plan};

fn row(epoch: usize) -> HistoryRow {
    let x = 1.0 / (epoch as f64 + 2.0);
    HistoryRow {
        epoch,
        loss: x.sqrt(),
        accuracy: 1.0 - x,
        val_loss: Some(x.exp()),
        val_accuracy: Some(x),
        seconds: x * 1e-9,
        learning_rate: Some(x * 0.001),
        metrics: MetricValues::default(),
        val_metrics: MetricValues::default(),
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
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning_rate\n";
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
    assert!(text.ends_with("\n2,0.5,0.75,,,2.5e-10,0.00025\n"), "{text}");
}

#[test]
fn other_metrics_have_columns_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let mut rows: Vec<_> = (1..4).map(row).collect();
    rows[0].val_metrics = [(Metric::CohenKappa, 0.1 + 0.2)].into_iter().collect();
    rows[2].val_metrics =
        [(Metric::F1Macro, 0.25), (Metric::CohenKappa, -0.5)].into_iter().collect();
    rows[2].metrics = [(Metric::CohenKappa, 0.75)].into_iter().collect();
    write_history(&path, &rows).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].ends_with(",learning_rate,val_f1_macro,cohen_kappa,val_cohen_kappa"),
        "{text}"
    );
    assert!(lines[2].ends_with(",,,") && lines[3].ends_with(",0.25,0.75,-0.5"), "{text}");
    assert_eq!(read_history(&path).unwrap(), rows);
    fs::write(&path, text.replace("-0.5", "half")).unwrap();
    let message = read_history(&path).unwrap_err().to_string();
    assert!(message.contains("line 4: val_cohen_kappa = \"half\" is no number"), "{message}");
}

#[test]
fn a_history_without_learning_rates_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    fs::write(&path, "epoch,loss,accuracy,val_loss,val_accuracy,seconds\n1,0.5,0.5,,,1\n").unwrap();
    assert_eq!(read_history(&path).unwrap()[0].learning_rate, None);
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

#[test]
fn a_logger_leaves_what_a_training_has_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let layers = Sequential::new((1, 1, 1)).add(Flatten::new()).add(Dense::new(2));
    let (network, options) = (layers.build().unwrap(), Options::default());
    let mut engine = Cpu::new(network, Loss::default(), SGD::new(0.1).into(), options).unwrap();
    let mut logger = CsvLogger::new(&path);
    logger.begin(&Plan { epochs: 2, steps: 1, validation: false, metrics: &[] }).unwrap();
    for number in 1..=2 {
        let epoch = Epoch {
            epoch: number,
            loss: 0.5,
            accuracy: Some(0.25),
            val_loss: None,
            val_accuracy: None,
            metrics: MetricValues::default(),
            val_metrics: MetricValues::default(),
            learning_rate: 0.1,
            seconds: 1.0,
        };
        logger.steer(&epoch, &mut engine).unwrap();
        let rows = read_history(&path).unwrap();
        assert_eq!(rows.len(), number);
        assert_eq!(rows[number - 1], HistoryRow::from(&epoch));
    }
    let missing = CsvLogger::new(folder.path().join("no/folder.csv")).begin(&Plan {
        epochs: 2,
        steps: 1,
        validation: false,
        metrics: &[],
    });
    assert!(missing.unwrap_err().to_string().contains("folder.csv"));
}
