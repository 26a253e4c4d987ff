//! Optimisers, with Keras's arithmetic and defaults.

use serde::{Deserialize, Serialize};

use crate::{ModelError, Problem};

/// How gradients change parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Optimizer {
    /// [`Adam`].
    Adam(Adam),
    /// [`SGD`].
    Sgd(SGD),
}

/// Adam (Kingma and Ba 2015) with Keras's arithmetic: epsilon outside the bias correction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients; 0.9.
    pub beta_1: f64,
    /// Decay of the mean of their squares; 0.999.
    pub beta_2: f64,
    /// Added to the root of the second; 1e-7.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl Adam {
    /// Adam with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

/// Stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SGD {
    /// Step size; 0.01.
    pub learning_rate: f64,
    /// Share of the last step that is taken again; 0.
    pub momentum: f64,
    /// Nesterov's form of momentum; no.
    pub nesterov: bool,
}

impl Default for SGD {
    fn default() -> Self {
        Self { learning_rate: 0.01, momentum: 0.0, nesterov: false }
    }
}

impl SGD {
    /// Plain gradient descent with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }

    /// With momentum.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// With Nesterov's form of momentum.
    pub fn nesterov(self) -> Self {
        Self { nesterov: true, ..self }
    }
}

impl Optimizer {
    /// Keras's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::Sgd(_) => "sgd",
        }
    }

    /// The step size.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Adam(o) => o.learning_rate,
            Self::Sgd(o) => o.learning_rate,
        }
    }

    /// The same with another step size.
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        match self {
            Self::Adam(o) => Self::Adam(Adam { learning_rate, ..o }),
            Self::Sgd(o) => Self::Sgd(SGD { learning_rate, ..o }),
        }
    }

    /// Refuses settings that cannot train.
    pub fn check(&self) -> Result<(), ModelError> {
        let error = |setting: &str, value: f64, remedy: &str| ModelError::Setting {
            setting: format!("optimizer {}", self.name()),
            problem: Problem::new(format!("{setting} = {value} is out of range"), remedy),
        };
        let rate = self.learning_rate();
        if !(rate.is_finite() && rate > 0.0) {
            return Err(error("learning_rate", rate, "it must be a finite number above 0"));
        }
        let shares = match self {
            Self::Adam(o) => vec![("beta_1", o.beta_1), ("beta_2", o.beta_2)],
            Self::Sgd(o) => vec![("momentum", o.momentum)],
        };
        for (setting, value) in shares {
            if !(0.0..1.0).contains(&value) {
                return Err(error(setting, value, "it must lie between 0 and 1, below 1"));
            }
        }
        match self {
            Self::Adam(o) if !(o.epsilon.is_finite() && o.epsilon > 0.0) => {
                Err(error("epsilon", o.epsilon, "it must be a finite number above 0"))
            }
            Self::Sgd(o) if o.nesterov && o.momentum == 0.0 => Err(error(
                "momentum",
                o.momentum,
                "nesterov needs a momentum above 0, for example 0.9",
            )),
            _ => Ok(()),
        }
    }
}

impl From<Adam> for Optimizer {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

impl From<SGD> for Optimizer {
    fn from(sgd: SGD) -> Self {
        Self::Sgd(sgd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_train_are_refused() {
        let cases: [(Optimizer, &str); 5] = [
            (Adam::new(f64::NAN).into(), "learning_rate = NaN"),
            (SGD::new(0.0).into(), "learning_rate = 0"),
            (Adam { beta_2: 1.0, ..Adam::default() }.into(), "beta_2 = 1"),
            (Adam { epsilon: -1.0, ..Adam::default() }.into(), "epsilon = -1"),
            (SGD::new(0.1).nesterov().into(), "nesterov needs a momentum"),
        ];
        for (optimizer, part) in cases {
            let message = optimizer.check().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(Optimizer::from(Adam::default()).check(), Ok(()));
    }
}
