//! How much faster several threads are: prediction and a step of training of one network, for several
//! batch sizes, with 1, 2, ... threads in turn. What is told are medians.
//!
//! `cargo run --release -p lenslet-engine --example threads [-- MODEL [SIZE [BATCHES [THREADS]]]]`
//!
//! `MODEL` is a name of the zoo (`cnn`), `SIZE` the side of the pictures (32), `BATCHES` and
//! `THREADS` are lists (`1,10,128` and `1,2`). `LENSLET_ISA` chooses the instruction set.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{Isa, Stream};
use lenslet_model::{Adam, SparseCategoricalCrossentropy, zoo_model};

const CLASSES: usize = 10;
/// Each way of working gets a turn of at least this long in every round.
const TURN: Duration = Duration::from_millis(20);
/// For all ways of one batch size.
const TIME: Duration = Duration::from_secs(5);

/// One number of threads.
struct Way {
    threads: usize,
    engine: Cpu,
    predictions: Vec<f64>,
    steps: Vec<f64>,
}

struct Batch {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let argument = |i: usize, default: &str| arguments.get(i).map_or(default, |a| a).to_owned();
    let (name, size) = (argument(0, "cnn"), argument(1, "32").parse::<usize>()?);
    let (batches, threads) = (list(&argument(2, "1,10,128"))?, list(&argument(3, "1,2"))?);
    let isa = match env::var("LENSLET_ISA") {
        Ok(name) if !name.is_empty() => name.parse()?,
        _ => Isa::detect(),
    };
    println!("{name}, {size}x{size}, {isa}");
    println!("| batch | threads | prediction, ms | times | training step, ms | times |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for batch in batches {
        let ways = threads.iter().map(|&threads| way(&name, size, isa, threads));
        let mut ways = ways.collect::<Result<Vec<_>, _>>()?;
        measure(&mut ways, &pictures(batch, size))?;
        let first = [median(&ways[0].predictions), median(&ways[0].steps)];
        for way in &ways {
            let [predict, step] = [median(&way.predictions), median(&way.steps)];
            println!(
                "| {batch} | {} | {:.3} | {:.2} | {:.3} | {:.2} |",
                way.threads,
                predict * 1e3,
                first[0] / predict,
                step * 1e3,
                first[1] / step
            );
        }
    }
    Ok(())
}

fn list(text: &str) -> Result<Vec<usize>, std::num::ParseIntError> {
    text.split(',').map(str::parse).collect()
}

fn way(name: &str, size: usize, isa: Isa, threads: usize) -> Result<Way, Box<dyn Error>> {
    let options = Options { threads, isa: Some(isa), ..Options::default() };
    let network = zoo_model(name, [size, size, 3], CLASSES)?.build()?;
    let loss = SparseCategoricalCrossentropy::default();
    let engine = Cpu::new(network, loss.into(), Adam::new(1e-4).into(), options)?;
    Ok(Way { threads, engine, predictions: Vec::new(), steps: Vec::new() })
}

fn pictures(batch: usize, size: usize) -> Batch {
    let stream = Stream::new(1, 0, 0);
    let pixels = (0..batch * size * size * 3).map(|i| stream.below(i as u64, 256) as u8).collect();
    Batch { pixels, labels: (0..batch).map(|i| (i % CLASSES) as u32).collect() }
}

/// Round after round, each way in turn: prediction, then training, for the filters change between
/// the two.
fn measure(ways: &mut [Way], batch: &Batch) -> Result<(), Box<dyn Error>> {
    let (start, mut outputs) = (Instant::now(), Vec::new());
    let mut round = 0;
    while round < 4 || start.elapsed() < TIME {
        for Way { engine, predictions, steps, .. } in &mut *ways {
            let predict = turn(|| engine.predict(&batch.pixels, batch.labels.len(), &mut outputs))?;
            let step = turn(|| engine.train_step(&batch.pixels, &batch.labels).map(drop))?;
            // The first round makes the memory.
            if round > 0 {
                predictions.push(predict);
                steps.push(step);
            }
        }
        round += 1;
    }
    Ok(())
}

/// Seconds of one call, of a turn of them less the first.
fn turn<E>(mut call: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    call()?;
    let (start, mut calls) = (Instant::now(), 0);
    while calls < 2 || start.elapsed() < TURN {
        call()?;
        calls += 1;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(calls))
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
