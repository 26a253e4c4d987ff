//! Scores against scikit-learn. `golden/sklearn/make.py` made the values.

use std::collections::BTreeMap;

use lenslet_train::{
    ClassificationReport, ConfusionMatrix, cohen_kappa, expected_calibration_error,
    matthews_correlation, roc_auc, top_k_accuracy,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
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
    let text = include_str!("../../../golden/sklearn/scores.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
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
