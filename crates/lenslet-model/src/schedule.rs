//! How the learning rate goes from step to step: pure functions of the step.

mod cosine;
mod exponential;
mod one_cycle;
mod piecewise;
mod polynomial;

use serde::{Deserialize, Serialize};

pub use cosine::{CosineDecay, CosineDecayRestarts};
pub use exponential::{ExponentialDecay, StepDecay};
pub use one_cycle::OneCycle;
pub use piecewise::PiecewiseConstantDecay;
pub use polynomial::PolynomialDecay;

use crate::{Problem, range};

/// The course of the learning rate, perhaps after a warm-up. The optimiser's learning rate is where
/// the course starts from (Keras's `initial_learning_rate`), or for [`OneCycle`] its peak.
///
/// ```
/// use lenslet_model::{CosineDecay, Schedule};
/// let schedule = Schedule::from(CosineDecay::new(1000)).warmup(100);
/// assert_eq!(schedule.rate(0.5, 50), 0.25);
/// assert_eq!(schedule.rate(0.5, 100), 0.5);
/// assert!(schedule.rate(0.5, 1100) < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The course.
    #[serde(flatten)]
    pub course: Course,
    /// Steps in which the rate grows evenly to the course's first; 0. The course begins after them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warmup_steps: u64,
    /// Where the warm-up begins, as a share of the learning rate; 0.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub warmup_from: f64,
}

fn is_zero(steps: &u64) -> bool {
    *steps == 0
}

fn is_nothing(share: &f64) -> bool {
    *share == 0.0
}

/// The courses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Course {
    /// Always the same.
    Constant(Constant),
    /// [`StepDecay`].
    Step(StepDecay),
    /// [`PiecewiseConstantDecay`].
    Piecewise(PiecewiseConstantDecay),
    /// [`ExponentialDecay`].
    Exponential(ExponentialDecay),
    /// [`PolynomialDecay`].
    Polynomial(PolynomialDecay),
    /// [`CosineDecay`].
    Cosine(CosineDecay),
    /// [`CosineDecayRestarts`].
    CosineRestarts(CosineDecayRestarts),
    /// [`OneCycle`].
    OneCycle(OneCycle),
}

/// Always the same rate, for a warm-up before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

/// What every course says of itself. `step` counts from the course's beginning.
trait Describe {
    fn rate(&self, learning_rate: f64, step: u64) -> f64;
    fn check(&self) -> Result<(), Problem>;
}

impl Describe for Constant {
    fn rate(&self, learning_rate: f64, _step: u64) -> f64 {
        learning_rate
    }

    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

impl Schedule {
    /// With a warm-up of so many steps, from 0.
    pub fn warmup(self, steps: u64) -> Self {
        Self { warmup_steps: steps, ..self }
    }

    /// The rate of step `step`, counted from 0, of an optimiser with this learning rate.
    pub fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        let course = self.describe();
        match step.checked_sub(self.warmup_steps) {
            Some(step) => course.rate(learning_rate, step),
            None => {
                let (from, to) = (self.warmup_from * learning_rate, course.rate(learning_rate, 0));
                from + (to - from) * (step as f64 / self.warmup_steps as f64)
            }
        }
    }

    /// Refuses settings that make no course.
    ///
    /// # Errors
    /// Where a setting is out of range.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        range::portion("schedule: warmup_from", self.warmup_from)?;
        self.describe().check()
    }

    fn describe(&self) -> &dyn Describe {
        match &self.course {
            Course::Constant(course) => course,
            Course::Step(course) => course,
            Course::Piecewise(course) => course,
            Course::Exponential(course) => course,
            Course::Polynomial(course) => course,
            Course::Cosine(course) => course,
            Course::CosineRestarts(course) => course,
            Course::OneCycle(course) => course,
        }
    }
}

/// Of a course a schedule without warm-up.
macro_rules! schedules {
    ($($variant:ident($course:ty)),*) => {
        $(impl From<$course> for Schedule {
            fn from(course: $course) -> Self {
                Self { course: Course::$variant(course), warmup_steps: 0, warmup_from: 0.0 }
            }
        })*
    };
}

schedules!(
    Constant(Constant),
    Step(StepDecay),
    Piecewise(PiecewiseConstantDecay),
    Exponential(ExponentialDecay),
    Polynomial(PolynomialDecay),
    Cosine(CosineDecay),
    CosineRestarts(CosineDecayRestarts),
    OneCycle(OneCycle)
);
