//! A run's model, ready to be used.

use std::path::Path;

use lenslet_store::{Run, RunConfig, TrainingConfig};
use lenslet_train::Model;

use crate::failure::Failure;
use crate::machine::{self, ShortcutArgs, ThreadArgs};

/// A model with what it was trained on.
pub(crate) struct Trained {
    pub(crate) model: Model,
    pub(crate) config: RunConfig,
}

impl Trained {
    /// Loads the run in `folder`; `images` is how many it is wanted for, where that is known.
    pub(crate) fn open(
        folder: &Path,
        threads: &ThreadArgs,
        shortcuts: &ShortcutArgs,
        images: Option<usize>,
    ) -> Result<Self, Failure> {
        let isa = machine::isa()?;
        let run = Run::open(folder)?;
        let mut config = run.load_config()?;
        config.without = shortcuts.without(&config.without);
        let file = run.open_model()?;
        let options = match images {
            Some(images) => threads.at_most(images, file.network.multiply_adds()),
            None => threads.clone(),
        }
        .options(isa, &config);
        let TrainingConfig { optimizer, loss, .. } = config.training.clone();
        let (network, classes) = (file.network.clone(), file.saved.classes.clone());
        let read = |parameters: &mut [f32]| Ok::<_, Failure>(file.read_parameters(parameters)?);
        let model = Model::trained(network, classes, optimizer, loss, options, read)?;
        Ok(Self { model, config })
    }

    /// `[height, width, channels]` of the images that the model takes, if it takes images.
    pub(crate) fn image_shape(&self) -> Option<[usize; 3]> {
        self.model.network().input().dims().try_into().ok()
    }
}
