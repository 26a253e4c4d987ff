//! Loss over epochs.

use crate::line_chart::{Curve, LineChart, Mark};
use crate::picture::Picture;

/// The loss on training and validation data after each epoch.
///
/// `best_epoch`, counted from 1, is where the validation loss is lowest (the training loss,
/// without validation data): it is marked with a dashed line, a ring and its value in the legend.
/// One outside the history, or whose loss is not finite, is not marked. `validation` may be empty;
/// a value that is not finite is a gap.
pub fn loss_curves(train: &[f64], validation: &[f64], best_epoch: Option<usize>) -> Picture {
    let curves = [
        Curve { label: "Train", values: train },
        Curve { label: "Validation", values: validation },
    ];
    LineChart {
        title: "Model loss",
        y_title: "Loss",
        curves: &curves,
        y_limits: [0.0, f64::INFINITY],
        mark: best_epoch.and_then(|epoch| mark(train, validation, epoch)),
        across: None,
    }
    .draw()
}

fn mark(train: &[f64], validation: &[f64], epoch: usize) -> Option<Mark> {
    let (values, name) = if validation.is_empty() {
        (train, "Lowest training loss")
    } else {
        (validation, "Lowest validation loss")
    };
    let value = *values.get(epoch.checked_sub(1)?)?;
    let shown = if (1e-3..1e5).contains(&value.abs()) {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    };
    let label = format!("{name}: {shown} in epoch {epoch}");
    value.is_finite().then_some(Mark { epoch, value, label })
}
