//! What a benchmark trains on.

use lenslet_data::Dataset;
use lenslet_data::synthetic::Synthetic;
use lenslet_model::Network;

use crate::TrainError;

/// Pictures to train on, and the most bytes for them.
const PICTURES: usize = 2048;
const MOST_BYTES: usize = 64 << 20;

/// How many pictures to take for steps of `batch_size`: enough that no step looks like another.
pub(super) fn count(network: &Network, batch_size: usize) -> usize {
    (MOST_BYTES / network.input().elements()).clamp(1, PICTURES).max(batch_size)
}

/// Built-in pictures in the shape of the network's input, with as many classes as it has outputs.
pub(super) fn pictures(network: &Network, count: usize, seed: u64) -> Result<Dataset, TrainError> {
    let size = network.input().elements();
    let drawn = Synthetic { seed, train: count, test: 0 }.generate()?.train;
    let shape = match *network.input().dims() {
        [height, width, channels] => [height, width, channels],
        _ => [1, 1, size],
    };
    let pixels = (0..count).flat_map(|i| scaled(&drawn, i, shape)).collect();
    let classes = network.output().elements();
    let labels = (0..count).map(|i| drawn.labels().of(i)[0] % classes).map(|class| class as u32);
    let names = (0..classes).map(|class| class.to_string()).collect();
    Ok(Dataset::new("pictures", names, shape, pixels, labels.collect::<Vec<_>>())?)
}

/// A picture in another shape: the nearest pixels, and its colours again and again.
fn scaled(
    data: &Dataset,
    index: usize,
    [height, width, channels]: [usize; 3],
) -> impl Iterator<Item = u8> + '_ {
    let ([rows, columns, colours], picture) = (data.image_shape(), data.image(index));
    (0..height * width * channels).map(move |i| {
        let (pixel, channel) = (i / channels, i % channels);
        let (row, column) = (pixel / width * rows / height, pixel % width * columns / width);
        picture[(row * columns + column) * colours + channel % colours]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenslet_model::Sequential;
    use lenslet_model::layers::{Dense, Flatten};

    #[test]
    fn pictures_fit_any_network() {
        fn flat(input: impl Into<lenslet_model::Shape>) -> Network {
            let model = Sequential::new(input).add(Flatten::new()).add(Dense::new(4));
            model.build().unwrap()
        }
        for network in [flat((32, 32, 3)), flat((20, 40, 1)), flat((7, 5, 4)), flat(50)] {
            let data = pictures(&network, 3, 7).unwrap();
            assert_eq!(data.pixels().len(), data.len() * network.input().elements());
            assert_eq!(data.classes().len(), 4);
        }
        let same = pictures(&flat((32, 32, 3)), 20, 7).unwrap();
        let drawn = Synthetic { seed: 7, train: 20, test: 0 }.generate().unwrap().train;
        assert_eq!(same.pixels(), drawn.pixels());
        let twice = pictures(&flat((64, 64, 3)), 20, 7).unwrap();
        let corner = |data: &Dataset, at: usize| data.image(5)[at * 3..][..3].to_vec();
        // Row 2, column 7 of twice the size is row 1, column 3.
        assert_eq!(corner(&twice, 2 * 64 + 7), corner(&drawn, 32 + 3));
    }

    #[test]
    fn there_are_as_many_as_fit_the_memory_but_a_batch_at_least() {
        for (side, batch_size, expected) in
            [(32, 10, 2048), (32, 3000, 3000), (1024, 2, 21), (1024, 50, 50)]
        {
            let model = Sequential::new((side, side, 3)).add(Flatten::new()).add(Dense::new(2));
            assert_eq!(count(&model.build().unwrap(), batch_size), expected);
        }
    }
}
