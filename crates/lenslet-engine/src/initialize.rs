//! Draws the initial weights that a network describes.

use lenslet_kernels::{Real, Stream};
use lenslet_model::{Initializer, Network};

/// Random numbers for initial weights: the purpose of the first parameter's stream.
const INITIALIZE: u32 = 0x1_0000;

/// Fills `parameters`: number `i` of parameter `p` depends on the seed, `p` and `i` alone.
pub(crate) fn initialize<R: Real>(network: &Network, seed: u64, parameters: &mut [R]) {
    for (index, parameter) in network.parameters().iter().enumerate() {
        let values = &mut parameters[parameter.range.clone()];
        match parameter.initializer {
            Initializer::Zeros => values.fill(R::ZERO),
            Initializer::GlorotUniform => {
                let limit = parameter.initializer.limit(&parameter.shape);
                let stream = Stream::new(seed, INITIALIZE + index as u32, 0);
                for (block, four) in values.chunks_mut(4).enumerate() {
                    for (value, draw) in four.iter_mut().zip(stream.block(block as u64)) {
                        let unit = f64::from(draw) / 4_294_967_296.0;
                        *value = R::from_f64((2.0 * unit - 1.0) * limit);
                    }
                }
            }
        }
    }
}
