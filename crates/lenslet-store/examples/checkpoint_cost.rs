//! What checkpoints cost: epochs of the tutorial's network on the built-in pictures with a
//! checkpoint after each, and the same epochs without, in turn.
//!
//! `cargo run --release -p lenslet-store --example checkpoint_cost [-- FOLDER [ROUNDS]]`
//!
//! Checkpoints go to a new folder in `FOLDER`, the current one by default: name one on the disk that
//! is to be measured. Every measurement waits until its last checkpoint is on the disk.

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lenslet_data::Dataset;
use lenslet_data::synthetic::Synthetic;
use lenslet_model::{Adam, Metric, SparseCategoricalCrossentropy, cnn};
use lenslet_store::{CheckpointWriter, Checkpoints};
use lenslet_train::{Compile, Fit, Model};

/// Epochs of a measurement, as the tutorial has them: as many checkpoints, the last of which is
/// waited for.
const EPOCHS: usize = 10;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let rounds = arguments.next().map_or(Ok(3), |n| n.parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let data = Synthetic::default().generate()?.train;
    let (loss, metrics) =
        (SparseCategoricalCrossentropy::default(), [Metric::SparseCategoricalAccuracy]);
    let mut model = cnn((32, 32, 3), 10).compile(Adam::default(), loss, &metrics)?;
    // Memory is made, caches are warm.
    without(&mut model, &data)?;
    let mut shares = Vec::new();
    for round in 0..rounds {
        // Neither is always the one that comes after the other.
        let (plain, kept) = if round % 2 == 0 {
            let plain = without(&mut model, &data)?;
            (plain, with(&mut model, &data, folder.path())?)
        } else {
            let kept = with(&mut model, &data, folder.path())?;
            (without(&mut model, &data)?, kept)
        };
        println!("{EPOCHS} epochs: {plain:.3} s, with checkpoints {kept:.3} s");
        shares.push(kept / plain - 1.0);
    }
    shares.sort_by(f64::total_cmp);
    println!("checkpoints take {:.2} % of the training's time", shares[shares.len() / 2] * 100.0);
    Ok(())
}

fn fit() -> Fit<'static> {
    Fit::new().epochs(EPOCHS).batch_size(10)
}

fn without(model: &mut Model, data: &Dataset) -> Outcome<f64> {
    let start = Instant::now();
    model.fit(data, fit())?;
    Ok(start.elapsed().as_secs_f64())
}

fn with(model: &mut Model, data: &Dataset, folder: &Path) -> Outcome<f64> {
    let start = Instant::now();
    let checkpoints = Checkpoints::new(folder, "settings");
    let mut writer = CheckpointWriter::new(checkpoints, Duration::MAX, |_| {});
    model.fit_kept(data, fit(), None, &mut writer, &mut ())?;
    writer.finish()?;
    Ok(start.elapsed().as_secs_f64())
}
