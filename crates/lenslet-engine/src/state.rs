//! All that training changes, as plain numbers.

use lenslet_kernels::{Chunks, Real, Team};
use lenslet_model::Optimizer;

use crate::EngineError;
use crate::memory::Buffer;
use crate::numbers::Numbers;

/// Parameters, optimiser state and step count: what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The flat parameter buffer.
    pub parameters: Vec<f32>,
    /// The optimiser's moments, each as long as the parameters: see
    /// [`Optimizer::moments`](lenslet_model::Optimizer::moments). None before the first step.
    pub moments: Vec<Vec<f32>>,
    /// Steps taken.
    pub steps: u64,
    /// What learning rates are multiplied by; 1.
    pub rate_scale: f64,
}

impl Default for State {
    fn default() -> Self {
        Self { parameters: Vec::new(), moments: Vec::new(), steps: 0, rate_scale: 1.0 }
    }
}

/// Numbers that a thread copies at a time.
const PIECE: usize = 1 << 16;

impl State {
    /// Becomes the state of these numbers, in the memory that it has where that is enough: fresh
    /// memory costs as much as the copy.
    pub(crate) fn take<R: Real>(&mut self, numbers: &Numbers<R>, team: &Team) {
        let moments = numbers.moments.iter().filter(|moment| !moment.is_empty());
        copy(team, &numbers.parameters, &mut self.parameters);
        self.moments.resize_with(moments.clone().count(), Vec::new);
        moments.zip(&mut self.moments).for_each(|(moment, to)| copy(team, moment, to));
        (self.steps, self.rate_scale) = (numbers.steps, numbers.rate_scale);
    }

    /// Loads the parameters, and the moments unless the state has none (a model that was saved
    /// for prediction): then the optimiser starts afresh.
    pub(crate) fn load_into<R: Real>(
        &self,
        numbers: &mut Numbers<R>,
        optimizer: &Optimizer,
    ) -> Result<(), EngineError> {
        let fits = |what, came: usize, expected: usize| {
            if came == expected { Ok(()) } else { Err(EngineError::State { what, came, expected }) }
        };
        let count = numbers.parameters.len();
        fits("parameters", self.parameters.len(), count)?;
        if !self.moments.is_empty() {
            fits("moments", self.moments.len(), numbers.moments.len())?;
        }
        for moment in &self.moments {
            fits("numbers in a moment", moment.len(), numbers.trained)?;
        }
        let copy = |to: &mut [R], from: &[f32]| {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = R::from_f64(f64::from(from));
            }
        };
        copy(&mut numbers.parameters, &self.parameters);
        // The next step makes them afresh.
        numbers.moments.iter_mut().for_each(Buffer::clear);
        if !self.moments.is_empty() {
            numbers.prepare_training(optimizer);
        }
        for (moment, saved) in numbers.moments.iter_mut().zip(&self.moments) {
            copy(moment, saved);
        }
        numbers.steps = self.steps;
        numbers.rate_scale = self.rate_scale;
        numbers.changed();
        Ok(())
    }
}

/// All threads copy.
fn copy<R: Real>(team: &Team, numbers: &[R], to: &mut Vec<f32>) {
    to.resize(numbers.len(), 0.0);
    team.share(Chunks::new(to, PIECE), |piece, to| {
        for (to, x) in to.iter_mut().zip(&numbers[piece * PIECE..]) {
            *to = x.to_f64() as f32;
        }
    });
}

/// Numbers as files keep them.
pub(crate) fn as_f32<R: Real>(numbers: &[R]) -> Vec<f32> {
    numbers.iter().map(|x| x.to_f64() as f32).collect()
}
