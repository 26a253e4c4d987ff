#!/usr/bin/env python3
"""Writes what scikit-learn computes for scores of classifiers.

    pip install -r requirements.txt && python make.py

Output: scores.json beside this script. Labels and outputs are stored: they are few. scikit-learn has no expected
calibration error; that one is computed here, as its definition reads.
"""

import json
import os

import numpy as np
import sklearn
from sklearn import metrics

HERE = os.path.dirname(os.path.abspath(__file__))


def calibration(outputs, labels, bins):
    confidence, right = outputs.max(-1), outputs.argmax(-1) == labels
    total = 0.0
    for low, high in zip(np.linspace(0, 1, bins + 1)[:-1], np.linspace(0, 1, bins + 1)[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


def case(rng, samples, classes, skill, levels):
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=samples - classes)])
    logits = rng.normal(size=(samples, classes))
    logits[np.arange(samples), labels] += skill
    outputs = np.exp(logits)
    outputs /= outputs.sum(-1, keepdims=True)
    if levels:
        # Few values, so that many are equal; each row adds up to 1 still.
        outputs = np.round(outputs * levels) / levels
        outputs[:, 0] += 1 - outputs.sum(-1)
        outputs = np.abs(outputs)
        outputs /= outputs.sum(-1, keepdims=True)
    outputs = outputs.astype(np.float32)
    predicted = outputs.argmax(-1)
    f1 = {kind: metrics.f1_score(labels, predicted, average=kind, zero_division=0) for kind in ("macro", "micro", "weighted")}
    if classes == 2:
        auc = metrics.roc_auc_score(labels, outputs[:, 1])
    else:
        auc = np.mean([metrics.roc_auc_score(labels == c, outputs[:, c]) for c in range(classes)])
    top = [np.mean([(row > row[label]).sum() < k for row, label in zip(outputs, labels)]) for k in (1, 2, 5)]
    if not levels:
        for k, ours in zip((1, 2, 5), top):
            if classes > 2 and k < classes:
                assert np.isclose(ours, metrics.top_k_accuracy_score(labels, outputs, k=k, labels=np.arange(classes)))
    return {
        "classes": classes,
        "labels": labels.tolist(),
        "outputs": [float(np.format_float_scientific(v, unique=True)) for v in outputs.ravel()],
        "f1": f1,
        "precision_macro": metrics.precision_score(labels, predicted, average="macro", zero_division=0),
        "recall_macro": metrics.recall_score(labels, predicted, average="macro", zero_division=0),
        "roc_auc": float(auc),
        "cohen_kappa": metrics.cohen_kappa_score(labels, predicted),
        "matthews_correlation": metrics.matthews_corrcoef(labels, predicted),
        "top_k_accuracy": {"1": top[0], "2": top[1], "5": top[2]},
        "expected_calibration_error": calibration(outputs.astype(np.float64), labels, 15),
    }


def label_case(rng, samples, labels, skill, levels):
    """Any number of labels for each sample."""
    truth = (rng.random((samples, labels)) < rng.uniform(0.1, 0.6, labels)).astype(int)
    truth[0], truth[1] = 1, 0
    outputs = 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + skill * (truth - 0.5))))
    if levels:
        outputs = np.round(outputs * levels) / levels
    outputs = outputs.astype(np.float32)
    said = (outputs > 0.5).astype(int)
    scores = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}
    means = {
        name: {kind: score(truth, said, average=kind, zero_division=0) for kind in ("micro", "macro", "weighted")}
        for name, score in scores.items()
    }
    each = metrics.precision_recall_fscore_support(truth, said, zero_division=0)
    return {
        "labels": labels,
        "truth": truth.ravel().tolist(),
        "outputs": [float(np.format_float_scientific(v, unique=True)) for v in outputs.ravel()],
        "means": means,
        "f1": each[2].tolist(),
        "support": each[3].tolist(),
        "roc_auc": metrics.roc_auc_score(truth, outputs, average="macro"),
        "roc_aucs": np.asarray(metrics.roc_auc_score(truth, outputs, average=None)).tolist(),
        "confusion": metrics.multilabel_confusion_matrix(truth, said).reshape(labels, 4).tolist(),
        "exact_match": metrics.accuracy_score(truth, said),
    }


def main():
    rng = np.random.default_rng(7)
    cases = [case(rng, *shape) for shape in [(40, 2, 1.0, 0), (60, 3, 1.5, 0), (60, 10, 2.0, 0), (50, 4, 0.0, 8), (45, 2, 0.7, 5), (70, 7, 4.0, 6)]]
    label_cases = [label_case(rng, *shape) for shape in [(40, 3, 1.0, 0), (60, 7, 3.0, 0), (50, 5, 0.5, 8)]]
    about = "outputs: a row of probabilities for each label, shortest decimals that read back as the same float32. The rest: what scikit-learn "
    about += "finds (make.py says how); expected_calibration_error: over 15 bins. label_cases: truth has a row of 0 and 1 for each "
    about += "sample; a label is said where its output is above one half; confusion: true negatives, false positives, false negatives, true positives."
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    lines, label_lines = (",\n  ".join(json.dumps(c, separators=(",", ":")) for c in all) for all in (cases, label_cases))
    with open(os.path.join(HERE, "scores.json"), "w") as f:
        f.write(f'{{\n "about": {json.dumps(about)},\n "versions": {json.dumps(versions)},\n "cases": [\n  {lines}\n ],\n "label_cases": [\n  {label_lines}\n ]\n}}\n')


if __name__ == "__main__":
    main()
