//! The files of a run.

/// A file of a run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunFile {
    /// `config.toml`: a [`RunConfig`](crate::RunConfig).
    Config,
    /// `model.json`: a [`SavedModel`](crate::SavedModel), for people and other programs to read.
    Model,
    /// `weights.safetensors`: a [`TrainedModel`](crate::TrainedModel).
    Weights,
    /// `history.csv`: one [`HistoryRow`](crate::HistoryRow) per epoch.
    History,
    /// `samples.png`, `samples.svg`: images of the data set.
    Samples(Format),
    /// `accuracy.png`, `accuracy.svg`: accuracy over epochs.
    Accuracy(Format),
    /// `loss.png`, `loss.svg`: loss over epochs.
    Loss(Format),
    /// `confusion_matrix.png`, `confusion_matrix.svg`: what was taken for what, or said of each label.
    ConfusionMatrix(Format),
    /// `confusion_matrix.csv`: the same in numbers, of [`confusion_csv`](crate::confusion_csv) or
    /// [`label_csv`](crate::label_csv).
    ConfusionCsv,
    /// `classification_report.txt`: precision, recall and F1 of every class or label.
    ClassificationReport,
    /// `result.json`: a [`RunResult`](crate::RunResult), written last of all.
    Result,
    /// `profile.json`: where the time of the first steps went, for Chrome's trace viewer.
    Profile,
}

/// The format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Pixels.
    Png,
    /// Lines.
    Svg,
}

impl RunFile {
    /// The file's name within the folder.
    pub fn name(self) -> &'static str {
        use Format::{Png, Svg};
        match self {
            Self::Config => "config.toml",
            Self::Model => "model.json",
            Self::Weights => "weights.safetensors",
            Self::History => "history.csv",
            Self::Samples(Png) => "samples.png",
            Self::Samples(Svg) => "samples.svg",
            Self::Accuracy(Png) => "accuracy.png",
            Self::Accuracy(Svg) => "accuracy.svg",
            Self::Loss(Png) => "loss.png",
            Self::Loss(Svg) => "loss.svg",
            Self::ConfusionMatrix(Png) => "confusion_matrix.png",
            Self::ConfusionMatrix(Svg) => "confusion_matrix.svg",
            Self::ConfusionCsv => "confusion_matrix.csv",
            Self::ClassificationReport => "classification_report.txt",
            Self::Result => "result.json",
            Self::Profile => "profile.json",
        }
    }
}
