//! A training whose checkpoints go to a slow disk.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use lenslet_data::synthetic::Synthetic;
use lenslet_model::layers::{AveragePool2D, BatchNormalization, Conv2D, Dense, Dropout, Flatten};
use lenslet_model::{
    Activation, Adam, Metric, Optimizer, Sequential, SparseCategoricalCrossentropy,
};
use lenslet_store::{CheckpointWriter, Checkpoints};
use lenslet_train::{Compile, EarlyStopping, Fit, Flow, Observer, Observers, Progress};

use super::slow_disk::SlowDisk;

/// The argument that makes this binary train.
pub(crate) const CHILD: &str = "train-slowly";

/// Where it leaves its weights.
pub(crate) fn weights(folder: &Path) -> PathBuf {
    folder.join("weights")
}

/// Begins, or goes on, in `folder`.
pub(crate) fn run(folder: &Path) {
    let files = Box::new(SlowDisk);
    let mut checkpoints = Checkpoints::with_files(folder.join("resume"), "settings", files);
    let from = checkpoints.newest().unwrap().map(|found| {
        assert!(found.damaged.is_empty(), "{:?}", found.damaged);
        found.newest
    });
    let data = Synthetic { train: 70, test: 20, ..Synthetic::default() }.generate().unwrap();
    let optimizer = Optimizer {
        use_ema: true,
        ema_momentum: 0.9,
        gradient_accumulation_steps: Some(3),
        ..Adam::default().into()
    };
    let metrics = [Metric::Accuracy];
    let loss = SparseCategoricalCrossentropy::default();
    let mut model = network().compile(optimizer, loss, &metrics).unwrap();
    let fit = Fit::new().epochs(8).batch_size(20).validation(&data.test);
    // After every step.
    let mut writer = CheckpointWriter::new(checkpoints, Duration::ZERO, |error| panic!("{error}"));
    let mut stopping = EarlyStopping::new(50).restore_best_weights();
    let mut slowly = Slowly;
    let mut observers = Observers(vec![&mut slowly, &mut stopping]);
    model.fit_kept(&data.train, fit, from, &mut writer, &mut observers).unwrap();
    writer.finish().unwrap();
    let bytes: Vec<u8> = model.weights().iter().flat_map(|value| value.to_le_bytes()).collect();
    lenslet_store::write(&weights(folder), &bytes).unwrap();
}

fn network() -> Sequential {
    Sequential::new((32, 32, 3))
        .add(AveragePool2D::new(8))
        .add(Conv2D::new(4, 3).activation(Activation::Relu))
        .add(BatchNormalization::new())
        .add(Flatten::new())
        .add(Dropout::new(0.3))
        .add(Dense::new(10).activation(Activation::Softmax))
}

/// Gives the disk time to keep up, almost.
struct Slowly;

impl Observer for Slowly {
    fn step(&mut self, _progress: &Progress) -> Flow {
        sleep(Duration::from_millis(8));
        Flow::Continue
    }
}
