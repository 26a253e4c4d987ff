//! What checkpoints cost: one training of the tutorial's network, with a checkpoint after every other
//! epoch. The epochs that begin with one, and in which it is written,
//! are compared with their neighbours.
//!
//! `cargo run --release -p lenslet-store --example checkpoint_cost [-- FOLDER [PAIRS [CIFAR]]]`
//!
//! Checkpoints go to a new folder in `FOLDER`, the current one by default: name one on the disk that
//! is to be measured. `CIFAR` is an archive or folder of CIFAR-10's binary version; without it the
//! pictures are the built-in ones, a fifth as many.

use std::env;
use std::time::{Duration, Instant};

use lenslet_data::cifar10;
use lenslet_data::synthetic::Synthetic;
use lenslet_engine::State;
use lenslet_model::{Adam, Metric, SparseCategoricalCrossentropy, cnn};
use lenslet_store::{CheckpointWriter, Checkpoints};
use lenslet_train::{
    Checkpoint, Compile, Epoch, Fit, Flow, Keeper, Moment, Observer, Progress, TrainError,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = tempfile::tempdir_in(arguments.next().unwrap_or_else(|| ".".to_owned()))?;
    let pairs: usize = arguments.next().map_or(Ok(10), |n| n.parse())?;
    let data = match arguments.next() {
        Some(path) => cifar10::read(path.as_ref())?.train,
        None => Synthetic::default().generate()?.train,
    };
    let (loss, metrics) = (SparseCategoricalCrossentropy::default(), [Metric::Accuracy]);
    let mut model = cnn((32, 32, 3), 10).compile(Adam::default(), loss, &metrics)?;
    let checkpoints = Checkpoints::new(folder.path(), "settings");
    let writer = CheckpointWriter::new(checkpoints, Duration::MAX, |error| eprintln!("{error}"));
    let mut keeper = EveryOther { writer, epochs: 0 };
    let mut ends = Ends::default();
    let fit = Fit::new().epochs(2 * pairs + 2).batch_size(10);
    model.fit_kept(&data, fit, None, &mut keeper, &mut ends)?;
    keeper.writer.finish()?;

    // The first epoch warms up; the second ends with the first checkpoint.
    let epochs: Vec<f64> =
        ends.0.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    let mut costs = Vec::new();
    for pair in epochs[1..].chunks_exact(2) {
        println!("epoch with a checkpoint {:.4} s, without {:.4} s", pair[0], pair[1]);
        costs.push((pair[0] - pair[1], pair[0] / pair[1] - 1.0));
    }
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, share) = costs[costs.len() / 2];
    println!(
        "a checkpoint takes {:.1} ms, {:.2} % of an epoch (median of {})",
        seconds * 1e3,
        share * 100.0,
        costs.len()
    );
    Ok(())
}

/// Keeps one after every other epoch, from the second on.
struct EveryOther {
    writer: CheckpointWriter,
    epochs: usize,
}

impl Keeper for EveryOther {
    fn due(&mut self, moment: Moment) -> bool {
        self.epochs += usize::from(moment == Moment::Epoch);
        moment == Moment::Epoch && self.epochs.is_multiple_of(2) && self.writer.due(moment)
    }

    fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.writer.keep(checkpoint)
    }

    fn spare(&mut self) -> Option<State> {
        self.writer.spare()
    }
}

/// When each epoch ended, before a checkpoint.
#[derive(Default)]
struct Ends(Vec<Instant>);

impl Observer for Ends {
    fn epoch(&mut self, _progress: &Progress, _epoch: &Epoch) -> Flow {
        self.0.push(Instant::now());
        Flow::Continue
    }
}
