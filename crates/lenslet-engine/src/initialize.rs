//! Draws the initial weights that a network describes.

mod normal;
mod orthogonal;

use lenslet_kernels::{Real, Stream};
use lenslet_model::{Distribution, Network};

use normal::{normal, truncated_normal};

/// Random numbers for initial weights: the purpose of the first parameter's stream.
const INITIALIZE: u32 = 0x1_0000;

/// Fills `parameters`: number `i` of parameter `p` depends on the seed, `p`, its shape and `i`
/// alone.
pub(crate) fn initialize<R: Real>(network: &Network, seed: u64, parameters: &mut [R]) {
    for (index, parameter) in network.parameters().iter().enumerate() {
        let distribution = parameter.initializer.distribution(&parameter.shape);
        // Numbers that are refused are drawn again, from the stream of the next attempt.
        let stream = |attempt| Stream::new(seed, INITIALIZE + index as u32, attempt);
        fill(distribution, &parameter.shape, stream, &mut parameters[parameter.range.clone()]);
    }
}

fn fill<R: Real>(
    distribution: Distribution,
    shape: &[usize],
    stream: impl Fn(u64) -> Stream,
    values: &mut [R],
) {
    match distribution {
        Distribution::Constant(value) => values.fill(R::from_f64(value)),
        Distribution::Identity(gain) => identity(gain, shape, values),
        Distribution::Uniform(low, high) => uniform(low, high, stream(0), values),
        Distribution::Normal(mean, stddev) => {
            for (i, value) in (0..).zip(values) {
                *value = R::from_f64(mean + stddev * normal(&stream(0), i));
            }
        }
        Distribution::TruncatedNormal(mean, stddev) => {
            for (i, value) in (0..).zip(values) {
                *value = R::from_f64(mean + stddev * truncated_normal(&stream, i));
            }
        }
        Distribution::Orthogonal(gain) => {
            let columns = shape.last().copied().unwrap_or(1);
            orthogonal::fill(gain, columns, |i| normal(&stream(0), i), values);
        }
    }
}

fn uniform<R: Real>(low: f64, high: f64, stream: Stream, values: &mut [R]) {
    let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
    for (block, four) in values.chunks_mut(4).enumerate() {
        for (value, draw) in four.iter_mut().zip(stream.block(block as u64)) {
            let unit = f64::from(draw) / 4_294_967_296.0;
            *value = R::from_f64(middle + (2.0 * unit - 1.0) * half);
        }
    }
}

/// `gain` where the last two dimensions' indices are the same, at the centre of the others.
fn identity<R: Real>(gain: f64, shape: &[usize], values: &mut [R]) {
    values.fill(R::ZERO);
    let [field @ .., inputs, outputs] = shape else { unreachable!("checked with the layer") };
    let centre = field.iter().fold(0, |index, &side| index * side + (side - 1) / 2);
    for i in 0..*inputs.min(outputs) {
        values[(centre * inputs + i) * outputs + i] = R::from_f64(gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(distribution: Distribution, shape: &[usize]) -> Vec<f64> {
        let mut values = vec![f64::NAN; shape.iter().product()];
        fill(distribution, shape, |attempt| Stream::new(7, INITIALIZE, attempt), &mut values);
        values
    }

    fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn moments_are_the_distributions() {
        let shape = [100, 1000];
        let cut = 0.879_625_661_034_239_8;
        for (distribution, mean, deviation) in [
            (Distribution::Uniform(-1.0, 3.0), 1.0, 4.0 / 12f64.sqrt()),
            (Distribution::Normal(2.0, 0.5), 2.0, 0.5),
            (Distribution::TruncatedNormal(-1.0, 0.5), -1.0, 0.5 * cut),
        ] {
            let (m, d) = mean_and_deviation(&drawn(distribution, &shape));
            assert!((m - mean).abs() < 0.01 && (d - deviation).abs() < 0.01, "{distribution:?}");
        }
    }

    #[test]
    fn truncated_numbers_lie_within_two_deviations() {
        let values = drawn(Distribution::TruncatedNormal(1.0, 0.5), &[300, 300]);
        assert!(values.iter().all(|x| (x - 1.0).abs() <= 1.0));
        assert!(values.iter().any(|x| (x - 1.0).abs() > 0.95));
    }

    #[test]
    fn orthogonal_matrices_are_orthogonal() {
        for (shape, gain) in [(&[3, 3, 2, 7][..], 1.0), (&[4, 9], 2.0), (&[5, 5], 1.0)] {
            let values = drawn(Distribution::Orthogonal(gain), shape);
            let columns = *shape.last().unwrap();
            let rows = values.len() / columns;
            let at = |r: usize, c: usize| values[r * columns + c];
            let few = rows.min(columns);
            for a in 0..few {
                for b in 0..few {
                    let product: f64 = match rows >= columns {
                        true => (0..rows).map(|r| at(r, a) * at(r, b)).sum(),
                        false => (0..columns).map(|c| at(a, c) * at(b, c)).sum(),
                    };
                    let expected = if a == b { gain * gain } else { 0.0 };
                    assert!((product - expected).abs() < 1e-12, "{shape:?} {a} {b}: {product}");
                }
            }
        }
    }

    #[test]
    fn the_identity_of_a_filter_sits_in_its_centre() {
        let values = drawn(Distribution::Identity(3.0), &[3, 3, 2, 2]);
        let set: Vec<_> = (0..values.len()).filter(|&i| values[i] != 0.0).collect();
        assert_eq!(set, [4 * 4, 4 * 4 + 3]);
        assert_eq!(values[16], 3.0);
    }
}
