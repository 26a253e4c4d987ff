//! Settings that every optimiser has, one after the other.

use super::Optimizer;
use crate::Schedule;

/// Adds to an algorithm, or an optimiser, what every optimiser can have.
///
/// ```
/// use lenslet_model::{Configure, Lion};
/// let optimizer = Lion::new(1e-4).weight_decay(0.1).clipnorm(1.0);
/// assert_eq!(optimizer.clipnorm, Some(1.0));
/// ```
pub trait Configure: Into<Optimizer> {
    /// Limits the norm of every parameter tensor's gradient.
    fn clipnorm(self, norm: f64) -> Optimizer {
        Optimizer { clipnorm: Some(norm), ..self.into() }
    }

    /// Limits every number of the gradients.
    fn clipvalue(self, value: f64) -> Optimizer {
        Optimizer { clipvalue: Some(value), ..self.into() }
    }

    /// Limits the norm of the whole gradient.
    fn global_clipnorm(self, norm: f64) -> Optimizer {
        Optimizer { global_clipnorm: Some(norm), ..self.into() }
    }

    /// Lets parameters decay by this share times the learning rate a step.
    fn weight_decay(self, decay: f64) -> Optimizer {
        Optimizer { weight_decay: Some(decay), ..self.into() }
    }

    /// Names the layers and parameters that do not decay.
    fn exclude_from_weight_decay<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Optimizer {
        let names = names.into_iter().map(str::to_owned).collect();
        Optimizer { exclude_from_weight_decay: names, ..self.into() }
    }

    /// Keeps a moving average of the parameters, which takes their place when training ends.
    fn ema(self, momentum: f64) -> Optimizer {
        Optimizer { use_ema: true, ema_momentum: momentum, ..self.into() }
    }

    /// Changes parameters every so many steps, by the mean of the gradients since.
    fn gradient_accumulation_steps(self, steps: u64) -> Optimizer {
        Optimizer { gradient_accumulation_steps: Some(steps), ..self.into() }
    }

    /// Lets the learning rate follow a schedule.
    fn schedule(self, schedule: impl Into<Schedule>) -> Optimizer {
        Optimizer { schedule: Some(schedule.into()), ..self.into() }
    }
}

impl<T: Into<Optimizer>> Configure for T {}
