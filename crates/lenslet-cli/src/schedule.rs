//! From the arguments to the course of the learning rate.

use clap::ValueEnum;
use lenslet_model::{
    Constant, CosineDecay, CosineDecayRestarts, ExponentialDecay, OneCycle, Optimizer,
    PolynomialDecay, Schedule, StepDecay,
};

use crate::failure::Failure;
use crate::number::real;

/// How the learning rate goes, in epochs; config.toml holds it in steps.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Learning rate")]
pub(crate) struct ScheduleArgs {
    /// How the learning rate goes from its start [default: it stays]
    #[arg(long, value_name = "NAME", value_enum)]
    schedule: Option<Name>,

    /// Epochs, or a part of one, in which the rate first grows from 0
    #[arg(long, value_name = "EPOCHS", allow_negative_numbers = true, value_parser = real)]
    warmup: Option<f64>,

    /// Epochs that the schedule takes [default: all after the warm-up]; step: between two steps [a
    /// third]; cosine-restarts: of the first wave [a seventh]
    #[arg(long, value_name = "EPOCHS", requires = "schedule", allow_negative_numbers = true, value_parser = real)]
    decay_epochs: Option<f64>,

    /// step, exponential: what the rate is multiplied by in this time [default: 0.1]
    #[arg(long, value_name = "FACTOR", requires = "schedule", allow_negative_numbers = true, value_parser = real)]
    decay_rate: Option<f64>,

    /// cosine, cosine-restarts, polynomial: the rate at the end [default: 0]
    #[arg(long, value_name = "RATE", requires = "schedule", allow_negative_numbers = true, value_parser = real)]
    end_learning_rate: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// The same after the warm-up
    Constant,
    /// Multiplied every few epochs
    Step,
    /// Multiplied bit by bit
    Exponential,
    /// A straight line
    Polynomial,
    /// Half a wave of the cosine
    Cosine,
    /// Half waves, each twice as long as the one before it
    CosineRestarts,
    /// Up to the learning rate and far down
    OneCycle,
}

/// The length of a training.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) epochs: usize,
    pub(crate) steps_per_epoch: usize,
}

impl Length {
    fn steps(self, epochs: f64) -> u64 {
        (epochs * self.steps_per_epoch as f64).round() as u64
    }
}

impl ScheduleArgs {
    /// Gives an optimiser the schedule that the arguments ask for; without any it keeps its own.
    pub(crate) fn apply(&self, optimizer: &mut Optimizer, length: Length) -> Result<(), Failure> {
        for (flag, epochs) in [("--warmup", self.warmup), ("--decay-epochs", self.decay_epochs)] {
            if let Some(epochs) = epochs.filter(|e| !(e.is_finite() && *e >= 0.0)) {
                let message = format!("{flag} {epochs} is out of range; give 0 or more epochs");
                return Err(Failure::usage(message));
            }
        }
        if let Some(name) = self.schedule.or(self.warmup.map(|_| Name::Constant)) {
            let warmup = length.steps(self.warmup.unwrap_or(0.0));
            let schedule = self.schedule(name, optimizer.learning_rate(), length)?;
            optimizer.schedule = Some(schedule.warmup(warmup));
            optimizer.check().map_err(|e| Failure::usage(e.to_string()))?;
        }
        Ok(())
    }

    fn schedule(&self, name: Name, rate: f64, length: Length) -> Result<Schedule, Failure> {
        self.refuse_idle(name)?;
        let all = length.epochs as f64 - self.warmup.unwrap_or(0.0);
        if all <= 0.0 {
            let words = format!("the warm-up leaves nothing of {} epochs", length.epochs);
            return Err(Failure::usage(format!("--warmup: {words}; make it shorter")));
        }
        let steps = |share: f64| {
            let epochs = self.decay_epochs.unwrap_or(all * share);
            length.steps(epochs).max(u64::from(self.decay_epochs.is_none()))
        };
        let factor = self.decay_rate.unwrap_or(0.1);
        let end = self.end_learning_rate.unwrap_or(0.0);
        Ok(match name {
            Name::Constant => Constant {}.into(),
            Name::Step => StepDecay { step_size: steps(1.0 / 3.0), gamma: factor }.into(),
            Name::Exponential => ExponentialDecay::new(steps(1.0), factor).into(),
            Name::Polynomial => {
                PolynomialDecay { end_learning_rate: end, ..PolynomialDecay::new(steps(1.0)) }
                    .into()
            }
            Name::Cosine => {
                CosineDecay { alpha: end / rate, ..CosineDecay::new(steps(1.0)) }.into()
            }
            Name::CosineRestarts => {
                let waves = CosineDecayRestarts::new(steps(1.0 / 7.0));
                CosineDecayRestarts { alpha: end / rate, ..waves }.into()
            }
            Name::OneCycle => OneCycle::new(steps(1.0)).into(),
        })
    }

    /// Refuses an argument that would do nothing.
    fn refuse_idle(&self, name: Name) -> Result<(), Failure> {
        let factor = matches!(name, Name::Step | Name::Exponential);
        let end = matches!(name, Name::Cosine | Name::CosineRestarts | Name::Polynomial);
        let cases = [
            ("--decay-rate", self.decay_rate.is_some() && !factor, "step and exponential"),
            (
                "--end-learning-rate",
                self.end_learning_rate.is_some() && !end,
                "cosine, cosine-restarts and polynomial",
            ),
            (
                "--decay-epochs",
                self.decay_epochs.is_some() && name == Name::Constant,
                "schedules that go somewhere",
            ),
        ];
        match cases.into_iter().find(|(_, idle, _)| *idle) {
            Some((flag, _, what)) => {
                Err(Failure::usage(format!("{flag} is for {what}; leave it out")))
            }
            None => Ok(()),
        }
    }
}
