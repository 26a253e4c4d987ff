//! What layers take from the data before training: the statistics of a `Normalization`.

use lenslet_data::Dataset;
use lenslet_engine::{Engine, State};
use lenslet_model::{Layer, Node, Source};

use crate::TrainError;
use crate::evaluation::BATCH;

/// Which layers take their statistics.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those that have none yet: their `count` is 0.
    New,
}

/// Gives layers that take their statistics from the data those of `data`, in the network's order:
/// what comes to the second depends on those of the first.
pub(crate) fn adapt(
    engine: &mut dyn Engine,
    data: &Dataset,
    which: Which,
) -> Result<(), TrainError> {
    for node in engine.network().nodes().to_vec() {
        let Layer::Normalization(layer) = &node.layer else { continue };
        if !layer.adapts() || (which == Which::New && count(engine, &node) > 0.0) {
            continue;
        }
        let places = layer.places(&node.input).expect("checked when the network was built");
        let statistics = match node.sources[0] {
            Source::Input => of_pixels(data, places),
            Source::Node(before) => of_values(engine, data, before, places)?,
        };
        store(engine, &node, statistics, data.len())?;
    }
    Ok(())
}

/// How many samples a layer's statistics come from.
fn count(engine: &dyn Engine, node: &Node) -> f32 {
    let count = engine.network().parameters_of(node).find(|p| p.name.ends_with("/count"));
    count.map_or(0.0, |count| engine.weights()[count.range.start])
}

/// Mean and variance of each place.
struct Statistics {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// Of the pixels, which a network sees between 0 and 1. The sums are exact.
fn of_pixels(data: &Dataset, places: usize) -> Statistics {
    let (mut sums, mut squares) = (vec![0u64; places], vec![0u64; places]);
    for row in data.pixels().chunks_exact(places) {
        for ((sum, square), &pixel) in sums.iter_mut().zip(&mut squares).zip(row) {
            *sum += u64::from(pixel);
            *square += u64::from(pixel).pow(2);
        }
    }
    let rows = (data.pixels().len() / places) as u128;
    let variance = sums.iter().zip(&squares).map(|(&sum, &square)| {
        let squared_distances = rows * u128::from(square) - u128::from(sum).pow(2);
        squared_distances as f64 / (rows * rows) as f64 / (255.0 * 255.0)
    });
    let variance = variance.collect();
    Statistics {
        mean: sums.iter().map(|&sum| sum as f64 / rows as f64 / 255.0).collect(),
        variance,
    }
}

/// Of what a node gives at prediction.
fn of_values(
    engine: &dyn Engine,
    data: &Dataset,
    node: usize,
    places: usize,
) -> Result<Statistics, TrainError> {
    let mut part = engine.up_to(node)?;
    let (size, mut outputs) = (engine.network().input().elements(), Vec::new());
    let (mut sums, mut squares, mut rows) = (vec![0.0; places], vec![0.0; places], 0.0);
    for pixels in data.pixels().chunks(BATCH * size) {
        part.predict(pixels, pixels.len() / size, &mut outputs)?;
        for row in outputs.chunks_exact(places) {
            rows += 1.0;
            for ((sum, square), &x) in sums.iter_mut().zip(&mut squares).zip(row) {
                *sum += f64::from(x);
                *square += f64::from(x).powi(2);
            }
        }
    }
    let mean: Vec<f64> = sums.iter().map(|sum| sum / rows).collect();
    let variance =
        squares.iter().zip(&mean).map(|(square, mean)| (square / rows - mean * mean).max(0.0));
    Ok(Statistics { variance: variance.collect(), mean })
}

fn store(
    engine: &mut dyn Engine,
    node: &Node,
    Statistics { mean, variance }: Statistics,
    samples: usize,
) -> Result<(), TrainError> {
    let mut state: State = engine.state();
    for parameter in engine.network().parameters_of(node) {
        let numbers = match parameter.name.rsplit('/').next() {
            Some("mean") => &mean[..],
            Some("variance") => &variance[..],
            _ => &[samples as f64][..],
        };
        let to = &mut state.parameters[parameter.range.clone()];
        to.iter_mut().zip(numbers).for_each(|(to, &number)| *to = number as f32);
    }
    engine.load_state(&state)?;
    Ok(())
}
