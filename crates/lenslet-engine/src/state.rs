//! All that training changes, as plain numbers.

use lenslet_kernels::Real;
use lenslet_model::Optimizer;

use crate::EngineError;
use crate::cpu::Numbers;

/// Parameters, optimiser state and step count: what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The flat parameter buffer.
    pub parameters: Vec<f32>,
    /// The optimiser's moments, each as long as the parameters: see
    /// [`Optimizer::moments`](lenslet_model::Optimizer::moments).
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

impl State {
    pub(crate) fn of<R: Real>(numbers: &Numbers<R>) -> Self {
        let copy = |buffer: &[R]| buffer.iter().map(|x| x.to_f64() as f32).collect();
        Self {
            parameters: copy(&numbers.parameters),
            moments: numbers.moments.iter().map(|m| copy(m)).collect(),
            steps: numbers.steps,
            rate_scale: numbers.rate_scale,
        }
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
            let trained = numbers.gradients.len();
            fits("numbers in a moment", moment.len(), trained)?;
        }
        let copy = |to: &mut [R], from: &[f32]| {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = R::from_f64(f64::from(from));
            }
        };
        copy(&mut numbers.parameters, &self.parameters);
        let initial = optimizer.moments();
        for (i, moment) in numbers.moments.iter_mut().enumerate() {
            match self.moments.get(i) {
                Some(saved) => copy(moment, saved),
                None => moment.fill(R::from_f64(initial[i].initial)),
            }
        }
        numbers.steps = self.steps;
        numbers.rate_scale = self.rate_scale;
        numbers.changed();
        Ok(())
    }
}
