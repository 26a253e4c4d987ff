//! What is asked of an engine, on the CPU.

use lenslet_kernels::Kernels;
use lenslet_model::Network;

use crate::EngineError;
use crate::cpu::Cpu;
use crate::engine::Engine;
use crate::not_finite::{self, NotFinite};
use crate::numbers::Numbers;
use crate::plan::Mode;
use crate::profile::Profile;
use crate::state::{State, as_f32};
use crate::tally::Tally;
use crate::targets::Targets;
use crate::update::Next;

impl<K: Kernels> Cpu<K> {
    /// Loss, accuracy and gradients of one batch, without an update.
    ///
    /// # Errors
    /// As [`Engine::train_step`].
    pub fn gradients_of(&mut self, pixels: &[u8], labels: &[u32]) -> Result<Tally, EngineError> {
        self.gradients_on(pixels, Targets::Labels(labels))
    }

    /// The same with other targets than classes.
    ///
    /// # Errors
    /// As [`Engine::train_on`].
    pub fn gradients_on(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
    ) -> Result<Tally, EngineError> {
        self.check(pixels, targets)?;
        Ok(self.forward_and_back(pixels, targets, None, None))
    }

    /// One step of the optimiser with these gradients, laid out as the trainable parameters, in place of a
    /// batch's own: what several engines found together, for example.
    ///
    /// # Panics
    /// Where there are not as many gradients as trainable parameters.
    pub fn apply_gradients(&mut self, gradients: &[K::Real]) {
        self.numbers.prepare_training(&self.updater.optimizer);
        self.numbers.gradients.copy_from_slice(gradients);
        let next = self.updater.next(&self.numbers);
        self.update(next, true);
    }

    fn forward_and_back(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
        next: Option<Next>,
        outputs: Option<&mut Vec<f32>>,
    ) -> Tally {
        self.numbers.prepare_training(&self.updater.optimizer);
        self.pack(Mode::Train);
        let mut workspace = self.workspace(Mode::Train, targets.samples());
        let tally = self.forward(&mut workspace, Mode::Train, pixels, Some(targets));
        if let Some(outputs) = outputs {
            self.outputs_of(&workspace, Mode::Train, targets.samples(), outputs);
        }
        // A loss that is no number has nothing to teach.
        if next.is_none() || tally.loss.is_finite() {
            self.backward(&mut workspace, targets, next);
        }
        self.training = Some(workspace);
        tally
    }

    fn check(&self, pixels: &[u8], targets: Targets<'_>) -> Result<(), EngineError> {
        self.check_pixels(pixels, targets.samples())?;
        targets.check(self.network.output().elements(), self.loss)
    }

    fn check_pixels(&self, pixels: &[u8], samples: usize) -> Result<(), EngineError> {
        let expected = self.network.input().elements();
        if expected.checked_mul(samples) == Some(pixels.len()) {
            return Ok(());
        }
        Err(EngineError::InputSize { expected, samples, bytes: pixels.len() })
    }

    /// Lets the moving statistics follow the last batch's.
    fn follow(&mut self) {
        let Numbers { parameters, norms, .. } = &mut self.numbers;
        for (norm, numbers) in self.program.norms.iter().zip(norms) {
            numbers.follow(norm, parameters);
        }
    }
}

impl<K: Kernels> Engine for Cpu<K> {
    fn network(&self) -> &Network {
        &self.network
    }

    fn train_and_tell(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
        outputs: Option<&mut Vec<f32>>,
    ) -> Result<Tally, EngineError> {
        self.check(pixels, targets)?;
        if targets.samples() == 0 {
            return Ok(Tally::default());
        }
        let start = self.begin_step();
        let next = self.updater.next(&self.numbers);
        let tally = self.forward_and_back(pixels, targets, Some(next), outputs);
        if tally.loss.is_finite() {
            self.update(next, false);
            self.follow();
        }
        self.end_step(start, targets.samples());
        Ok(tally)
    }

    fn evaluate_and_tell(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
        outputs: Option<&mut Vec<f32>>,
    ) -> Result<Tally, EngineError> {
        self.check(pixels, targets)?;
        self.pack(Mode::Predict);
        let mut workspace = self.workspace(Mode::Predict, targets.samples());
        let tally = self.forward(&mut workspace, Mode::Predict, pixels, Some(targets));
        if let Some(outputs) = outputs {
            self.outputs_of(&workspace, Mode::Predict, targets.samples(), outputs);
        }
        self.prediction = Some(workspace);
        Ok(tally)
    }

    fn predict(
        &mut self,
        pixels: &[u8],
        samples: usize,
        outputs: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        self.check_pixels(pixels, samples)?;
        self.pack(Mode::Predict);
        let mut workspace = self.workspace(Mode::Predict, samples);
        self.forward(&mut workspace, Mode::Predict, pixels, None);
        outputs.clear();
        self.outputs_of(&workspace, Mode::Predict, samples, outputs);
        self.prediction = Some(workspace);
        Ok(())
    }

    fn finish(&mut self) {
        self.take_average();
    }

    fn learning_rate(&self) -> f64 {
        self.updater.learning_rate(&self.numbers)
    }

    fn scale_learning_rate(&mut self, factor: f64) {
        self.numbers.rate_scale *= factor;
    }

    fn all_finite(&self) -> bool {
        self.numbers.finite != Some(false)
    }

    fn not_finite(&self) -> Option<NotFinite> {
        not_finite::first(&self.network, &self.numbers)
    }

    fn up_to(&self, node: usize) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(self.part(node)?))
    }

    fn state(&self) -> State {
        let mut state = State::default();
        self.state_into(&mut state);
        state
    }

    fn state_into(&self, state: &mut State) {
        state.take(&self.numbers, &self.team);
    }

    fn weights(&self) -> Vec<f32> {
        as_f32(&self.numbers.parameters)
    }

    fn load_state(&mut self, state: &State) -> Result<(), EngineError> {
        state.load_into(&mut self.numbers, &self.updater.optimizer)
    }

    fn start_profile(&mut self, traced: usize) {
        self.begin_profile(traced);
    }

    fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    fn take_profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }
}
