//! Scores against scikit-learn and Keras. `golden/sklearn/make.py` and `golden/keras/make.py` made the
//! values.

use std::collections::BTreeMap;

use lenslet_data::MultiHot;
use lenslet_train::{
    ClassificationReport, ConfusionMatrix, LabelCounts, LabelReport, cohen_kappa,
    expected_calibration_error, matthews_correlation, precision_and_recall, roc_auc,
    top_k_accuracy,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    label_cases: Vec<LabelCase>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../golden/sklearn/scores.json")).unwrap()
}

#[derive(Deserialize)]
struct Case {
    classes: usize,
    labels: Vec<u32>,
    outputs: Vec<f32>,
    f1: BTreeMap<String, f64>,
    precision_macro: f64,
    recall_macro: f64,
    roc_auc: f64,
    cohen_kappa: f64,
    matthews_correlation: f64,
    top_k_accuracy: BTreeMap<usize, f64>,
    expected_calibration_error: f64,
}

fn confusion(case: &Case) -> ConfusionMatrix {
    let mut confusion = ConfusionMatrix::new((0..case.classes).map(|c| c.to_string()).collect());
    for (row, &label) in case.outputs.chunks(case.classes).zip(&case.labels) {
        let largest =
            (0..case.classes).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        confusion.count(label as usize, largest);
    }
    confusion
}

#[test]
fn scores_are_scikit_learns() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 6);
    for (number, case) in golden.cases.iter().enumerate() {
        let confusion = confusion(case);
        let report = ClassificationReport::new(&confusion);
        let near = |what: &str, got: f64, expected: f64| {
            assert!((got - expected).abs() < 1e-9, "case {number}: {what} {got} {expected}");
        };
        near("macro F1", report.macro_average.f1, case.f1["macro"]);
        near("micro F1", report.accuracy, case.f1["micro"]);
        near("weighted F1", report.weighted_average.f1, case.f1["weighted"]);
        near("precision", report.macro_average.precision, case.precision_macro);
        near("recall", report.macro_average.recall, case.recall_macro);
        near("AUC", roc_auc(&case.outputs, &case.labels).unwrap(), case.roc_auc);
        near("kappa", cohen_kappa(&confusion), case.cohen_kappa);
        near("Matthews", matthews_correlation(&confusion), case.matthews_correlation);
        for (&k, &expected) in &case.top_k_accuracy {
            near("top k", top_k_accuracy(&case.outputs, &case.labels, k), expected);
        }
        let error = expected_calibration_error(&case.outputs, &case.labels, 15).unwrap();
        near("calibration", error, case.expected_calibration_error);
    }
}

#[test]
fn scores_without_a_value_have_none() {
    let missing = roc_auc(&[0.2, 0.3, 0.5, 0.1, 0.8, 0.1], &[2, 1]);
    assert_eq!(missing, None, "no sample of the first class");
    assert_eq!(roc_auc(&[0.5, f32::NAN, 0.5, 0.5], &[0, 1]), None);
    assert_eq!(roc_auc(&[], &[]), None);
    let logits = expected_calibration_error(&[3.0, -1.0], &[0], 15);
    assert_eq!(logits, None, "no probabilities");
    assert_eq!(expected_calibration_error(&[], &[], 15), None);
    let mut one = ConfusionMatrix::new(vec!["a".into(), "b".into()]);
    one.count(0, 0);
    assert_eq!((cohen_kappa(&one), matthews_correlation(&one)), (0.0, 0.0));
}

#[derive(Deserialize)]
struct LabelCase {
    labels: usize,
    truth: Vec<f32>,
    outputs: Vec<f32>,
    means: BTreeMap<String, BTreeMap<String, f64>>,
    f1: Vec<f64>,
    support: Vec<u64>,
    roc_auc: f64,
    roc_aucs: Vec<f64>,
    confusion: Vec<[u64; 4]>,
    exact_match: f64,
}

fn report(classes: usize, truth: &[f32], outputs: &[f32]) -> LabelReport {
    let names: Vec<_> = (0..classes).map(|class| class.to_string()).collect();
    LabelReport::new(&names, outputs, &MultiHot::new(classes, truth.to_vec()).unwrap())
}

#[test]
fn scores_of_many_labels_are_scikit_learns() {
    let golden = golden();
    assert_eq!(golden.label_cases.len(), 3);
    for (number, case) in golden.label_cases.iter().enumerate() {
        let near = |what: &str, got: f64, expected: f64| {
            assert!((got - expected).abs() < 1e-9, "case {number}: {what} {got} {expected}");
        };
        let report = report(case.labels, &case.truth, &case.outputs);
        for (kind, got) in [
            ("micro", report.micro_average()),
            ("macro", report.macro_average()),
            ("weighted", report.weighted_average()),
        ] {
            near("precision", got.precision, case.means["precision"][kind]);
            near("recall", got.recall, case.means["recall"][kind]);
            near("F1", got.f1, case.means["f1"][kind]);
        }
        for (label, counts) in report.counts.iter().enumerate() {
            near("F1 of a label", counts.scores().f1, case.f1[label]);
            assert_eq!(counts.scores().support, case.support[label]);
            near("AUC of a label", report.aucs[label].unwrap(), case.roc_aucs[label]);
            let [tn, fp, missed, tp] = case.confusion[label];
            let LabelCounts { true_positives, false_negatives, .. } = *counts;
            assert_eq!((true_positives, false_negatives), (tp, missed));
            assert_eq!((counts.false_positives, counts.true_negatives), (fp, tn));
        }
        near("AUC", report.roc_auc().unwrap(), case.roc_auc);
        near("exact match", report.exact_match, case.exact_match);
    }
}

#[derive(Deserialize)]
struct KerasGolden {
    cases: Vec<KerasCase>,
}

#[derive(Deserialize)]
struct KerasCase {
    classes: usize,
    truth: Vec<f32>,
    outputs: Vec<f32>,
    many_labels: bool,
    binary_accuracy: f64,
    precision: f64,
    recall: f64,
    auc: f64,
}

/// Keras's numbers are in single precision; its area is by trapezoids between thresholds.
#[test]
fn precision_recall_accuracy_and_area_are_kerass() {
    let text = include_str!("../../../golden/keras/metrics.json");
    let golden: KerasGolden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.cases.len(), 4);
    for (number, case) in golden.cases.iter().enumerate() {
        let near = |what: &str, got: f64, expected: f64, within: f64| {
            assert!((got - expected).abs() < within, "case {number}: {what} {got} {expected}");
        };
        let report = report(case.classes, &case.truth, &case.outputs);
        let micro = report.micro_average();
        near("precision", micro.precision, case.precision, 1e-6);
        near("recall", micro.recall, case.recall, 1e-6);
        near("accuracy", report.binary_accuracy(), case.binary_accuracy, 1e-6);
        if case.many_labels {
            near("AUC", report.roc_auc().unwrap(), case.auc, 1e-4);
        } else {
            let rows = case.truth.chunks(case.classes);
            let labels: Vec<_> =
                rows.map(|row| row.iter().position(|&x| x == 1.0).unwrap() as u32).collect();
            let found = precision_and_recall(&case.outputs, &labels, 0.5);
            assert_eq!(found, [micro.precision, micro.recall]);
        }
    }
}
