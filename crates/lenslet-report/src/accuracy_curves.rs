//! Accuracy over epochs.

use crate::line_chart::{Curve, LineChart};
use crate::picture::Picture;

/// The accuracy on training and validation data after each epoch, as shares between 0 and 1.
///
/// `validation` may be empty: then there is one line. A value that is not finite is a gap.
pub fn accuracy_curves(train: &[f64], validation: &[f64]) -> Picture {
    let curves = [
        Curve { label: "Train", values: train },
        Curve { label: "Validation", values: validation },
    ];
    LineChart {
        title: "Model accuracy",
        y_title: "Accuracy",
        curves: &curves,
        y_limits: [0.0, 1.0],
        mark: None,
        across: None,
    }
    .draw()
}
