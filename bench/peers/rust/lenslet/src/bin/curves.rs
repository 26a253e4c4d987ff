//! Trains a network that has a name and writes what another program needs to do the same, and what
//! came of it: `curves NETWORK PICTURES FOLDER LEARNING_RATE [PICTURES_USED EPOCHS BATCH]`.
//!
//! `weights.f32` are the initial weights, layer by layer; `order.u32` are the pictures in the order
//! of the steps; `losses.csv` has the loss of each step, and `end.csv` loss and accuracy on the test
//! pictures after the last.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use contest::RECORD;
use lenslet::data::shuffled_order;
use lenslet::engine::{Cpu, Engine};
use lenslet::model::zoo_model;
use lenslet::prelude::*;

/// The same in `torch_curves.py`.
const MOMENTUM: f64 = 0.9;

/// Pictures in a batch of evaluation.
const TEST_BATCH: usize = 500;

struct Pictures {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, data, out, rate, numbers @ ..] = &words[..] else {
        let usage = "curves NETWORK PICTURES FOLDER LEARNING_RATE [PICTURES_USED EPOCHS BATCH]";
        return Err(usage.into());
    };
    let number = |at: usize, default: usize| {
        numbers.get(at).map_or(Ok(default), |word| word.parse::<usize>())
    };
    let (used, epochs, batch) = (number(0, 50_000)?, number(1, 3)?, number(2, 128)?);
    let (data, out) = (Path::new(data), Path::new(out));
    fs::create_dir_all(out)?;

    let training: Vec<_> = (1..=5).map(|i| format!("data_batch_{i}.bin")).collect();
    let training = read(data, &training, used)?;
    let network = zoo_model(name, (32, 32, 3), 10)?.build()?;
    let optimizer = SGD::new(rate.parse()?).momentum(MOMENTUM).into();
    let loss = SparseCategoricalCrossentropy::default().into();
    let mut engine = Cpu::new(network, loss, optimizer, Options::default())?;
    let trained = engine.network().trainable_count();
    let weights = engine.parameters()[..trained].iter().flat_map(|w| w.to_le_bytes());
    fs::write(out.join("weights.f32"), weights.collect::<Vec<_>>())?;

    let steps = training.labels.len() / batch;
    let order: Vec<u32> = (1..=epochs as u64)
        .flat_map(|epoch| {
            let order = shuffled_order(42, epoch, training.labels.len());
            order.into_iter().take(steps * batch)
        })
        .collect();
    fs::write(
        out.join("order.u32"),
        order.iter().flat_map(|i| i.to_le_bytes()).collect::<Vec<_>>(),
    )?;

    let mut losses = String::from("step,loss\n");
    for (step, batch) in order.chunks_exact(batch).enumerate() {
        let (pixels, labels) = training.gather(batch);
        let loss = engine.train_step(&pixels, &labels)?.mean_loss();
        writeln!(losses, "{},{loss}", step + 1)?;
        if (step + 1) % 20 == 0 {
            eprintln!("{name}: step {} of {}: {loss:.4}", step + 1, epochs * steps);
            fs::write(out.join("losses.csv"), &losses)?;
        }
    }
    fs::write(out.join("losses.csv"), losses)?;

    let test = read(data, &["test_batch.bin".to_owned()], 10_000)?;
    let pixels = test.pixels.chunks(TEST_BATCH * (RECORD - 1));
    let (mut loss, mut right, mut samples) = (0.0, 0.0, 0);
    for (pixels, labels) in pixels.zip(test.labels.chunks(TEST_BATCH)) {
        let tally = engine.evaluate(pixels, labels)?;
        (loss, right, samples) =
            (loss + tally.loss, right + tally.correct, samples + tally.samples);
    }
    let samples = samples as f64;
    fs::write(
        out.join("end.csv"),
        format!("loss,accuracy\n{},{}\n", loss / samples, right / samples),
    )?;
    Ok(())
}

impl Pictures {
    fn gather(&self, indices: &[u32]) -> (Vec<u8>, Vec<u32>) {
        let size = RECORD - 1;
        let pixels = |&i: &u32| &self.pixels[i as usize * size..(i as usize + 1) * size];
        let labels = indices.iter().map(|&i| self.labels[i as usize]);
        (indices.iter().flat_map(pixels).copied().collect(), labels.collect())
    }
}

/// The first pictures of some of CIFAR-10's binary files, NHWC.
fn read(folder: &Path, names: &[String], most: usize) -> Result<Pictures, Box<dyn Error>> {
    let mut read = Pictures { pixels: Vec::new(), labels: Vec::new() };
    for name in names {
        let bytes = fs::read(folder.join(name))?;
        for record in bytes.chunks_exact(RECORD).take(most - read.labels.len()) {
            read.labels.push(u32::from(record[0]));
            let planes = &record[1..];
            let size = planes.len() / 3;
            read.pixels.extend((0..size).flat_map(|i| [0, 1, 2].map(|c| planes[c * size + i])));
        }
    }
    Ok(read)
}
