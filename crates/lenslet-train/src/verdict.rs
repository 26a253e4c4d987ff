//! What the curves say about the fit, in a sentence.

use std::fmt;

use crate::History;

/// How training and validation loss went.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// There is no validation, or only one epoch: nothing can be said.
    Unknown,
    /// Validation loss was best in the last epoch.
    StillImproving {
        /// The last epoch.
        epoch: usize,
        /// Its validation loss.
        val_loss: f64,
    },
    /// Validation loss stopped improving while training loss went on falling.
    Overfitting {
        /// The epoch with the lowest validation loss.
        best: usize,
        /// That loss.
        best_val_loss: f64,
        /// Validation loss of the last epoch.
        last_val_loss: f64,
    },
    /// Neither loss improves any more.
    Stalled {
        /// The epoch with the lowest validation loss.
        best: usize,
    },
}

/// Reads a history.
pub fn verdict(history: &History) -> Verdict {
    let complete = || history.epochs.iter().filter(|e| e.val_loss.is_some_and(f64::is_finite));
    let value = |e: &crate::Epoch| e.val_loss.unwrap_or(f64::INFINITY);
    let best = complete().min_by(|a, b| value(a).total_cmp(&value(b)));
    let (Some(best), Some(last)) = (best, complete().next_back()) else { return Verdict::Unknown };
    if complete().count() < 2 {
        Verdict::Unknown
    } else if best.epoch == last.epoch {
        Verdict::StillImproving { epoch: last.epoch, val_loss: value(last) }
    } else if last.loss < best.loss {
        Verdict::Overfitting {
            best: best.epoch,
            best_val_loss: value(best),
            last_val_loss: value(last),
        }
    } else {
        Verdict::Stalled { best: best.epoch }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str(
                "Whether the model overfits cannot be told yet: train two epochs or more, with \
                 validation data.",
            ),
            Self::StillImproving { epoch, val_loss } => write!(
                f,
                "The model still improves: validation loss was lowest in the last epoch, {epoch} \
                 ({val_loss:.4}). More epochs may help."
            ),
            Self::Overfitting { best, best_val_loss, last_val_loss } => write!(
                f,
                "The model overfits from epoch {} on: validation loss stopped improving at epoch \
                 {best} ({best_val_loss:.4}; {last_val_loss:.4} at the end) while training loss \
                 went on falling.",
                best + 1
            ),
            Self::Stalled { best } => write!(
                f,
                "The model has stopped learning: validation loss was lowest in epoch {best}, and \
                 training loss has not fallen since. Try a smaller learning rate or a larger model."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, MetricValues};

    fn history(losses: &[(f64, f64)]) -> History {
        let epoch = |(i, &(loss, val_loss)): (usize, &(f64, f64))| Epoch {
            epoch: i + 1,
            loss,
            accuracy: Some(0.5),
            val_loss: Some(val_loss),
            val_accuracy: Some(0.5),
            metrics: MetricValues::default(),
            val_metrics: MetricValues::default(),
            learning_rate: 0.001,
            seconds: 1.0,
        };
        History { epochs: losses.iter().enumerate().map(epoch).collect(), stopped: false }
    }

    #[test]
    fn each_course_has_its_sentence() {
        let cases: [(&[(f64, f64)], &str); 4] = [
            (&[(1.0, 1.0)], "cannot be told"),
            (&[(2.0, 2.0), (1.0, 1.5)], "still improves"),
            (&[(2.0, 2.0), (1.0, 1.5), (0.5, 1.8)], "overfits from epoch 3 on"),
            (&[(2.0, 2.0), (1.0, 1.5), (1.1, 1.8)], "has stopped learning"),
        ];
        for (losses, words) in cases {
            let sentence = verdict(&history(losses)).to_string();
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
