//! What an epoch takes beyond its steps: the tutorial's network trained by [`Model::fit`], and the
//! very same steps on the bare engine with batches that lie ready, in turn.
//!
//! `cargo run --release -p lenslet-train --example epoch_overhead [-- CIFAR [BATCH [THREADS]]]`
//!
//! `CIFAR` is an archive or folder of CIFAR-10's binary version; without it (or with `-`) the
//! pictures are the built-in ones.

use std::env;
use std::hint::black_box;
use std::time::Instant;

use lenslet_data::synthetic::Synthetic;
use lenslet_data::{Batches, Dataset, Labels, cifar10, shuffled_order};
use lenslet_engine::{Cpu, Engine, Options};
use lenslet_model::{Adam, Metric, SparseCategoricalCrossentropy, cnn};
use lenslet_train::{Compile, Fit, Model};

/// Pictures of an epoch: short, so that both ways meet the same weather.
const PICTURES: u32 = 1000;
const ROUNDS: u64 = 60;
const SEED: u64 = 42;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let data = match arguments.next().filter(|path| path != "-") {
        Some(path) => cifar10::read(path.as_ref())?.train,
        None => Synthetic { train: 20_000, ..Synthetic::default() }.generate()?.train,
    };
    let batch_size = arguments.next().map_or(Ok(10), |n| n.parse())?;
    let threads = arguments.next().map_or(Ok(0), |n| n.parse())?;

    // Pictures from all over the data's memory, as an epoch over all of it would meet them.
    let data = data.take(&shuffled_order(SEED, 0, data.len())[..PICTURES as usize * 5]);
    let parts: Vec<_> =
        (0..5).map(|i| data.take(&Vec::from_iter(i * PICTURES..(i + 1) * PICTURES))).collect();
    let steps = (PICTURES as usize).div_ceil(batch_size) as f64;
    let options = Options { threads, ..Options::default() };
    let loss = SparseCategoricalCrossentropy::default();
    let metrics = [Metric::Accuracy];
    let description = cnn((32, 32, 3), 10);
    let mut engine = Cpu::new(description.build()?, loss.into(), Adam::default().into(), options)?;
    let mut model = description.compile_with(Adam::default(), loss, &metrics, options)?;

    let mut extra = Vec::new();
    for round in 0..ROUNDS {
        let part = &parts[round as usize % parts.len()];
        let bare = bare(&mut engine, part, batch_size, round)?;
        let fit = fit(&mut model, part, batch_size, round)?;
        println!("steps {:.1} us, epoch {:.1} us", bare / steps, fit / steps);
        // The first rounds warm up.
        if round >= 3 {
            extra.push((fit - bare, fit / bare - 1.0));
        }
    }
    extra.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (time, share) = extra[extra.len() / 2];
    let copy = copy(&parts, batch_size) / steps;
    println!(
        "an epoch takes {:.2} % more than its steps: {:.2} us a step, {copy:.2} us of it to copy \
         its pictures",
        share * 100.0,
        time / steps
    );
    Ok(())
}

/// Microseconds to copy an epoch's pictures together, batch by batch.
fn copy(parts: &[Dataset], batch_size: usize) -> f64 {
    let (mut pixels, mut labels) = (Vec::new(), Labels::default());
    let order = shuffled_order(SEED, 1, parts[0].len());
    let mut seconds = 0.0;
    for part in parts {
        let start = Instant::now();
        for batch in Batches::new(&order, batch_size) {
            part.gather(batch, black_box(&mut pixels), &mut labels);
        }
        seconds += start.elapsed().as_secs_f64();
    }
    seconds * 1e6 / parts.len() as f64
}

/// Microseconds of an epoch's steps alone.
fn bare(
    engine: &mut Cpu,
    data: &Dataset,
    batch_size: usize,
    round: u64,
) -> Result<f64, Box<dyn std::error::Error>> {
    // The order of `fit`'s first and only epoch.
    let ready = data.take(&shuffled_order(SEED + round, 1, data.len()));
    let size = ready.pixels().len() / ready.len();
    let labels = ready.labels().sparse().ok_or("one class each")?;
    let batches = ready.pixels().chunks(size * batch_size).zip(labels.chunks(batch_size));
    let start = Instant::now();
    for (pixels, labels) in batches {
        engine.train_step(pixels, labels)?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

/// Microseconds of an epoch.
fn fit(
    model: &mut Model,
    data: &Dataset,
    batch_size: usize,
    round: u64,
) -> Result<f64, Box<dyn std::error::Error>> {
    let fit = Fit::new().batch_size(batch_size).seed(SEED + round);
    let start = Instant::now();
    model.fit(data, fit)?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}
