//! What runs a network.

use lenslet_model::Network;

use crate::EngineError;
use crate::not_finite::NotFinite;
use crate::profile::Profile;
use crate::state::State;
use crate::tally::Tally;
use crate::targets::Targets;

/// What runs a network: this CPU's engine, and whatever else can take its place.
pub trait Engine {
    /// The network that it runs.
    fn network(&self) -> &Network;
    /// One step of training on a batch: `pixels` holds one sample after the other, a byte per
    /// number. Returns the loss and accuracy *before* the update. Where the loss is not finite
    /// nothing is changed.
    ///
    /// # Errors
    /// Where the bytes or targets do not fit the network or the loss; nothing is changed then.
    fn train_on(&mut self, pixels: &[u8], targets: Targets<'_>) -> Result<Tally, EngineError> {
        self.train_and_tell(pixels, targets, None)
    }
    /// [`Self::train_on`] that also appends to `outputs` those that the loss was found from, before the
    /// update and with dropout: one row after the other, logits as the probabilities that the loss made
    /// of them.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn train_and_tell(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
        outputs: Option<&mut Vec<f32>>,
    ) -> Result<Tally, EngineError>;
    /// Loss and accuracy on a batch, without dropout and without learning.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn evaluate_on(&mut self, pixels: &[u8], targets: Targets<'_>) -> Result<Tally, EngineError> {
        self.evaluate_and_tell(pixels, targets, None)
    }
    /// [`Self::evaluate_on`] that also appends to `outputs` those that the loss was found from: as
    /// [`Self::train_and_tell`].
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn evaluate_and_tell(
        &mut self,
        pixels: &[u8],
        targets: Targets<'_>,
        outputs: Option<&mut Vec<f32>>,
    ) -> Result<Tally, EngineError>;
    /// [`Self::train_on`] with the true class of every sample.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn train_step(&mut self, pixels: &[u8], labels: &[u32]) -> Result<Tally, EngineError> {
        self.train_on(pixels, Targets::Labels(labels))
    }
    /// [`Self::evaluate_on`] with the true class of every sample.
    ///
    /// # Errors
    /// As [`Self::train_on`].
    fn evaluate(&mut self, pixels: &[u8], labels: &[u32]) -> Result<Tally, EngineError> {
        self.evaluate_on(pixels, Targets::Labels(labels))
    }
    /// Writes the outputs (usually class probabilities) of `samples` samples to `outputs`, one
    /// row after the other.
    ///
    /// # Errors
    /// Where the bytes do not fit the network.
    fn predict(
        &mut self,
        pixels: &[u8],
        samples: usize,
        outputs: &mut Vec<f32>,
    ) -> Result<(), EngineError>;
    /// Ends a training: where the optimiser averages parameters, the average takes their place.
    fn finish(&mut self);
    /// The learning rate of the next step.
    fn learning_rate(&self) -> f64;
    /// Multiplies the learning rates of all further steps.
    fn scale_learning_rate(&mut self, factor: f64);
    /// Whether, as far as is known, all parameters are finite; costs nothing.
    fn all_finite(&self) -> bool;
    /// The first layer, in the order of the network, whose parameters or gradients (those that the
    /// last step kept) are not finite. Looks at every number.
    fn not_finite(&self) -> Option<NotFinite>;
    /// An engine of the same kind, with the same parameters, for the part of the network that gives
    /// the result of this node: what comes to the layers behind it.
    ///
    /// # Errors
    /// Where the engine does not run that.
    fn up_to(&self, node: usize) -> Result<Box<dyn Engine>, EngineError>;
    /// All that training changes.
    fn state(&self) -> State;
    /// The same in the place of another state, whose memory is used again.
    fn state_into(&self, state: &mut State) {
        *state = self.state();
    }
    /// The flat parameter buffer: what of the state is needed to predict.
    fn weights(&self) -> Vec<f32> {
        self.state().parameters
    }
    /// Goes on from a state of the same network and optimiser.
    ///
    /// # Errors
    /// Where the state does not fit.
    fn load_state(&mut self, state: &State) -> Result<(), EngineError>;
    /// From here on training steps are timed, part by part; of the first `traced` steps every
    /// single span is kept. What was measured before is dropped. An engine that cannot tell
    /// ignores it.
    fn start_profile(&mut self, _traced: usize) {}
    /// What was measured since [`Self::start_profile`]; `None` before, or where the engine cannot
    /// tell.
    fn profile(&self) -> Option<&Profile> {
        None
    }
    /// Ends the measuring; returns what was measured.
    fn take_profile(&mut self) -> Option<Profile> {
        None
    }
}
