//! From the arguments to the loss.

use std::str::FromStr;

use lenslet_data::Dataset;
use lenslet_model::{BinaryCrossentropy, Loss, LossFunction};

use crate::failure::Failure;
use crate::number::real;

/// What training makes small.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Loss")]
pub(crate) struct LossArgs {
    /// sparse_categorical_crossentropy, categorical_focal_crossentropy, binary_crossentropy,
    /// binary_focal_crossentropy, mean_squared_error or categorical_crossentropy [default: the first; for
    /// images with any number of labels binary_crossentropy]
    #[arg(long, value_name = "NAME", value_parser = LossFunction::named)]
    loss: Option<LossFunction>,

    /// The share of the targets that goes to all classes evenly [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, value_parser = real)]
    label_smoothing: Option<f64>,

    /// What each class counts, in the order of the classes: W,W,... or balanced, for rare classes to
    /// count as much as frequent ones [default: 1 each]
    #[arg(long, value_name = "balanced|W,W,...", allow_hyphen_values = true)]
    class_weights: Option<Weights>,
}

#[derive(Clone, Debug, PartialEq)]
enum Weights {
    Balanced,
    Given(Vec<f64>),
}

impl FromStr for Weights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "balanced" {
            return Ok(Self::Balanced);
        }
        let weights: Result<_, _> = text.split(',').map(|weight| weight.trim().parse()).collect();
        weights.map(Self::Given).map_err(|_| "give `balanced`, or numbers as 1,2.5,1".to_owned())
    }
}

impl LossArgs {
    /// The loss that the arguments ask for, else that of the run which is repeated, but for weights.
    pub(crate) fn loss(&self, last: Option<&Loss>) -> Result<Loss, Failure> {
        let mut loss = last.cloned().unwrap_or_default();
        if let Some(asked) = self.loss.filter(|asked| asked.name() != loss.function.name()) {
            loss.function = asked;
        }
        if let Some(share) = self.label_smoothing {
            loss.function = loss.function.with_label_smoothing(share).ok_or_else(|| {
                let name = loss.function.name();
                Failure::usage(format!("--label-smoothing is not for {name}; leave it out"))
            })?;
        }
        // Whether weights fit the classes is known when the images are.
        let plain = Loss { class_weights: Vec::new(), ..loss.clone() };
        plain.check(0).map_err(|e| Failure::usage(e.to_string()))?;
        Ok(loss)
    }

    /// Makes the loss that of these images: with the weights of classes that the arguments ask for;
    /// where images have any number of labels, binary cross-entropy unless they ask for another.
    pub(crate) fn fit_to(&self, loss: &mut Loss, images: &Dataset) -> Result<(), Failure> {
        if images.labels().multi_hot().is_some() {
            return self.fit_to_labels(loss, images);
        }
        let counts = images.class_counts();
        loss.class_weights = match &self.class_weights {
            None => return Ok(()),
            Some(Weights::Given(weights)) => weights.clone(),
            Some(Weights::Balanced) => {
                let even = images.len() as f64 / counts.len() as f64;
                counts.iter().map(|&count| even / count.max(1) as f64).collect()
            }
        };
        loss.check(counts.len()).map_err(|e| Failure::usage(e.to_string()))
    }

    fn fit_to_labels(&self, loss: &mut Loss, images: &Dataset) -> Result<(), Failure> {
        let refuse = |what: String| {
            let name = images.name();
            Err(Failure::usage(format!(
                "{what} is for images of one class each, but those of {name} have any number of \
                 labels; leave it out, or take --loss binary_crossentropy"
            )))
        };
        if self.class_weights.is_some() || !loss.class_weights.is_empty() {
            return refuse("--class-weights".to_owned());
        }
        let function = loss.function;
        if function.is_binary() || matches!(function, LossFunction::MeanSquaredError(_)) {
            return Ok(());
        }
        if self.loss.is_some() {
            return refuse(format!("--loss {}", function.name()));
        }
        let binary = LossFunction::BinaryCrossentropy(BinaryCrossentropy::default());
        let smoothed = binary.with_label_smoothing(function.label_smoothing());
        loss.function = smoothed.unwrap_or(binary);
        Ok(())
    }
}
