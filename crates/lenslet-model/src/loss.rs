//! Losses, with Keras's names, arithmetic and defaults.

mod binary;
mod categorical;
mod mean_squared_error;

use serde::{Deserialize, Serialize};

pub use binary::{BinaryCrossentropy, BinaryFocalCrossentropy};
pub use categorical::{
    CategoricalCrossentropy, CategoricalFocalCrossentropy, SparseCategoricalCrossentropy,
};
pub use mean_squared_error::MeanSquaredError;

use crate::{ModelError, Problem, nearest, range};

/// What training makes small: the mean over the samples of a batch.
///
/// ```
/// use lenslet_model::{CategoricalCrossentropy, Loss};
/// let smooth = CategoricalCrossentropy { label_smoothing: 0.1, ..Default::default() };
/// let loss = Loss::from(smooth).class_weights([1.0, 1.0, 5.0]);
/// assert_eq!(loss.check(3), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// The formula and its settings.
    #[serde(flatten)]
    pub function: LossFunction,
    /// The loss of a sample is multiplied by the weight of its class (where targets are numbers, of
    /// the first of their largest): one weight per class; all 1 where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_weights: Vec<f64>,
}

/// The formulas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LossFunction {
    /// [`SparseCategoricalCrossentropy`].
    SparseCategoricalCrossentropy(SparseCategoricalCrossentropy),
    /// [`CategoricalCrossentropy`].
    CategoricalCrossentropy(CategoricalCrossentropy),
    /// [`CategoricalFocalCrossentropy`].
    CategoricalFocalCrossentropy(CategoricalFocalCrossentropy),
    /// [`BinaryCrossentropy`].
    BinaryCrossentropy(BinaryCrossentropy),
    /// [`BinaryFocalCrossentropy`].
    BinaryFocalCrossentropy(BinaryFocalCrossentropy),
    /// [`MeanSquaredError`].
    MeanSquaredError(MeanSquaredError),
}

impl LossFunction {
    /// Every formula with Keras's defaults.
    pub fn all() -> [Self; 6] {
        [
            Self::SparseCategoricalCrossentropy(Default::default()),
            Self::CategoricalCrossentropy(Default::default()),
            Self::CategoricalFocalCrossentropy(Default::default()),
            Self::BinaryCrossentropy(Default::default()),
            Self::BinaryFocalCrossentropy(Default::default()),
            Self::MeanSquaredError(Default::default()),
        ]
    }

    /// The formula of that name, with Keras's defaults.
    ///
    /// # Errors
    /// Where there is none: with the names that there are, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::all();
        if let Some(found) = all.into_iter().find(|function| function.name() == name) {
            return Ok(found);
        }
        let names = all.map(Self::name);
        let hint = nearest(name, names).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        Err(format!("there is no loss `{name}` (known: {}){hint}", names.join(", ")))
    }

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SparseCategoricalCrossentropy(_) => "sparse_categorical_crossentropy",
            Self::CategoricalCrossentropy(_) => "categorical_crossentropy",
            Self::CategoricalFocalCrossentropy(_) => "categorical_focal_crossentropy",
            Self::BinaryCrossentropy(_) => "binary_crossentropy",
            Self::BinaryFocalCrossentropy(_) => "binary_focal_crossentropy",
            Self::MeanSquaredError(_) => "mean_squared_error",
        }
    }

    /// Whether each output is a probability by itself, so that a sample can have many classes.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryCrossentropy(_) | Self::BinaryFocalCrossentropy(_))
    }

    /// Whether the network's outputs are logits, of which the loss makes probabilities.
    pub fn from_logits(self) -> bool {
        match self {
            Self::SparseCategoricalCrossentropy(loss) => loss.from_logits,
            Self::CategoricalCrossentropy(loss) => loss.from_logits,
            Self::CategoricalFocalCrossentropy(loss) => loss.from_logits,
            Self::BinaryCrossentropy(loss) => loss.from_logits,
            Self::BinaryFocalCrossentropy(loss) => loss.from_logits,
            Self::MeanSquaredError(_) => false,
        }
    }

    /// Share of the targets that goes to all classes evenly.
    pub fn label_smoothing(self) -> f64 {
        match self {
            Self::SparseCategoricalCrossentropy(loss) => loss.label_smoothing,
            Self::CategoricalCrossentropy(loss) => loss.label_smoothing,
            Self::CategoricalFocalCrossentropy(loss) => loss.label_smoothing,
            Self::BinaryCrossentropy(loss) => loss.label_smoothing,
            Self::BinaryFocalCrossentropy(loss) => loss.label_smoothing,
            Self::MeanSquaredError(_) => 0.0,
        }
    }

    /// Sets the share of the targets that goes to all classes evenly; `None` where the formula has
    /// no such setting.
    pub fn with_label_smoothing(mut self, share: f64) -> Option<Self> {
        match &mut self {
            Self::SparseCategoricalCrossentropy(loss) => loss.label_smoothing = share,
            Self::CategoricalCrossentropy(loss) => loss.label_smoothing = share,
            Self::CategoricalFocalCrossentropy(loss) => loss.label_smoothing = share,
            Self::BinaryCrossentropy(loss) => loss.label_smoothing = share,
            Self::BinaryFocalCrossentropy(loss) => loss.label_smoothing = share,
            Self::MeanSquaredError(_) => return None,
        }
        Some(self)
    }

    fn focus(self) -> Option<(f64, f64)> {
        match self {
            Self::CategoricalFocalCrossentropy(loss) => Some((loss.alpha, loss.gamma)),
            Self::BinaryFocalCrossentropy(loss) => Some((loss.alpha, loss.gamma)),
            _ => None,
        }
    }

    fn problem(self) -> Result<(), Problem> {
        range::share("label_smoothing", self.label_smoothing())?;
        if let Some((alpha, gamma)) = self.focus() {
            match self.is_binary() {
                true => range::portion("alpha", alpha)?,
                false => range::positive("alpha", alpha)?,
            }
            range::not_negative("gamma", gamma)?;
        }
        Ok(())
    }
}

impl Loss {
    /// With one weight per class.
    pub fn class_weights(self, weights: impl Into<Vec<f64>>) -> Self {
        Self { class_weights: weights.into(), ..self }
    }

    /// Refuses settings that cannot train a network with this many outputs.
    ///
    /// # Errors
    /// Where a setting is out of range, or there are not as many weights as classes.
    pub fn check(&self, classes: usize) -> Result<(), ModelError> {
        self.problem(classes).map_err(|problem| ModelError::Setting {
            setting: format!("loss {}", self.function.name()),
            problem,
        })
    }

    fn problem(&self, classes: usize) -> Result<(), Problem> {
        self.function.problem()?;
        let weights = &self.class_weights;
        weights.iter().try_for_each(|&weight| range::not_negative("class_weights", weight))?;
        if weights.is_empty() || weights.len() == classes {
            return Ok(());
        }
        Err(Problem::new(
            format!("{} class_weights do not fit {classes} classes", weights.len()),
            "give one for each class, in the order of the classes",
        ))
    }
}

impl Default for Loss {
    fn default() -> Self {
        SparseCategoricalCrossentropy::default().into()
    }
}

/// Of a formula a loss in which all classes count the same.
macro_rules! losses {
    ($($loss:ident),*) => {
        $(impl From<$loss> for Loss {
            fn from(loss: $loss) -> Self {
                Self { function: LossFunction::$loss(loss), class_weights: Vec::new() }
            }
        })*
    };
}

losses!(
    SparseCategoricalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    MeanSquaredError
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_is_read_back() {
        for function in LossFunction::all() {
            let smooth = function.with_label_smoothing(0.25).unwrap_or(function);
            let loss = Loss { function: smooth, class_weights: vec![1.0, 0.5] };
            let text = toml::to_string(&loss).unwrap();
            assert_eq!(toml::from_str::<Loss>(&text).unwrap(), loss, "{text}");
            assert_eq!(LossFunction::named(function.name()), Ok(function));
        }
    }

    #[test]
    fn settings_that_cannot_train_are_refused() {
        let focal = CategoricalFocalCrossentropy::default;
        let binary = BinaryFocalCrossentropy::default;
        let smooth = |label_smoothing| SparseCategoricalCrossentropy {
            label_smoothing,
            ..SparseCategoricalCrossentropy::default()
        };
        let cases: [(Loss, &str); 9] = [
            (smooth(1.0).into(), "label_smoothing = 1 is out of range"),
            (smooth(-0.1).into(), "label_smoothing = -0.1"),
            (smooth(f64::NAN).into(), "label_smoothing = NaN"),
            (CategoricalFocalCrossentropy { gamma: -1.0, ..focal() }.into(), "gamma = -1"),
            (CategoricalFocalCrossentropy { alpha: 0.0, ..focal() }.into(), "alpha = 0"),
            (BinaryFocalCrossentropy { alpha: 1.5, ..binary() }.into(), "alpha = 1.5"),
            (BinaryFocalCrossentropy { gamma: f64::INFINITY, ..binary() }.into(), "gamma = inf"),
            (Loss::default().class_weights([1.0, 2.0]), "2 class_weights do not fit 3 classes"),
            (Loss::default().class_weights([1.0, -2.0, 1.0]), "class_weights = -2"),
        ];
        for (loss, part) in cases {
            let message = loss.check(3).unwrap_err().to_string();
            let place = format!("loss {}: ", loss.function.name());
            assert!(message.starts_with(&place) && message.contains(part), "{message}");
        }
        assert_eq!(Loss::default().class_weights([1.0, 0.0, 2.0]).check(3), Ok(()));
    }

    #[test]
    fn unknown_names_have_a_hint() {
        let message = LossFunction::named("binary_crossentropi").unwrap_err();
        assert!(message.contains("did you mean `binary_crossentropy`?"), "{message}");
    }
}
