//! A run's model, ready to be used.

use std::path::Path;

use lenslet_engine::State;
use lenslet_store::{Run, RunConfig};
use lenslet_train::{Compile, Model};

use crate::failure::Failure;
use crate::machine::{self, ThreadArgs};

/// A model with what it was trained on.
pub(crate) struct Trained {
    pub(crate) model: Model,
    pub(crate) config: RunConfig,
}

impl Trained {
    /// Loads the run in `folder`.
    pub(crate) fn open(folder: &Path, threads: &ThreadArgs) -> Result<Self, Failure> {
        let isa = machine::isa()?;
        let run = Run::open(folder)?;
        let config = run.load_config()?;
        let loaded = run.load_model()?;
        let options = threads.options(isa, &config);
        let training = &config.training;
        let description = loaded.saved.model;
        let mut model = description.compile_with(
            training.optimizer.clone(),
            training.loss.clone(),
            &[],
            options,
        )?;
        let state = State { parameters: loaded.parameters, ..State::default() };
        model.load(&state, loaded.saved.classes)?;
        Ok(Self { model, config })
    }

    /// `[height, width, channels]` of the images that the model takes, if it takes images.
    pub(crate) fn image_shape(&self) -> Option<[usize; 3]> {
        self.model.network().input().dims().try_into().ok()
    }
}
