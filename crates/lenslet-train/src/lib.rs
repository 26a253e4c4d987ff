//! The fit loop: history, metrics, evaluation and what they mean.
//!
//! [`Compile::compile`] turns a description into a [`Model`]; [`Model::fit`] trains it,
//! [`Model::evaluate`] and [`Model::predict`] use it. Nothing here draws, prints or opens files: a
//! caller who wants to see progress passes an [`Observer`].
#![forbid(unsafe_code)]

mod adapt;
mod bench;
mod callbacks;
mod checkpoint;
mod classification_report;
mod confusion_matrix;
mod diagnosis;
mod error;
mod evaluation;
mod feed;
mod fit;
mod history;
mod label_evaluation;
mod label_report;
mod learning_rate_sweep;
mod model;
mod observer;
mod scores;
mod targets;
mod verdict;

pub use bench::{Bench, LayerSpeed, Machine, Speed, Timing};
pub use callbacks::{
    EarlyStopping, ModelCheckpoint, Quantity, ReduceLROnPlateau, SaveResult, SaveWhen,
};
pub use checkpoint::{Checkpoint, Keeper, Memory, Moment, Note, Position};
pub use classification_report::{ClassScores, ClassificationReport};
pub use confusion_matrix::{Confusion, ConfusionMatrix};
pub use diagnosis::Bad;
pub use error::TrainError;
pub use evaluation::{Evaluation, Mistake};
pub use fit::{Fit, OnNan};
pub use history::{Epoch, History};
pub use label_evaluation::{LabelEvaluation, LabelMistake};
pub use label_report::{LabelCounts, LabelReport};
pub use learning_rate_sweep::{LearningRateSweep, SweptRates};
pub use model::{Compile, Model};
pub use observer::{Flow, Observer, Observers, Plan, Progress};
pub use scores::{
    MetricValues, Scores, cohen_kappa, expected_calibration_error, matthews_correlation,
    precision_and_recall, roc_auc, roc_auc_binary, top_k_accuracy,
};
pub use verdict::{Verdict, verdict};
