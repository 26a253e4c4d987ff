//! Arrays through a network.
//!
//! Lenslet's networks take pictures of bytes. So sample `i` of a batch is a picture of zeros with
//! one white pixel at `i`, and a dense layer, whose kernel has the samples as its rows, makes of it
//! exactly the numbers that the test wants.

use lenslet_engine::{Cpu, Engine, Options};
use lenslet_model::layers::{Dense, Flatten, Reshape};
use lenslet_model::{Graph, Input, Loss, MeanSquaredError, Network, Optimizer, SGD, Tensor};

use crate::case::Array;

/// Numbers of a layer: its name, that of the parameter, and what it holds.
pub(crate) type Weight = (&'static str, &'static str, Vec<f32>);

/// A network, and what stands in for its samples.
pub(crate) struct Run {
    pub(crate) engine: Cpu,
    pub(crate) pixels: Vec<u8>,
    samples: usize,
    output: Vec<usize>,
}

impl Run {
    /// The network that `build` makes of values for these inputs, whose first axes are the batch.
    pub(crate) fn new(
        inputs: &[&Array],
        weights: &[Weight],
        build: impl FnOnce(&[Tensor]) -> Tensor,
    ) -> Result<Self, String> {
        Self::with(
            inputs,
            weights,
            MeanSquaredError::default().into(),
            SGD::new(1e-30).into(),
            build,
        )
    }

    /// The same with a loss and an optimiser.
    pub(crate) fn with(
        inputs: &[&Array],
        weights: &[Weight],
        loss: Loss,
        optimizer: Optimizer,
        build: impl FnOnce(&[Tensor]) -> Tensor,
    ) -> Result<Self, String> {
        let samples = inputs[0].dims[0];
        let start = Input::new((1, 1, samples));
        let flat = start.apply(Flatten::new());
        let values: Vec<Tensor> = (inputs.iter().enumerate())
            .map(|(index, input)| value(&flat, index, &input.dims[1..]))
            .collect();
        let graph = Graph::new(&start, &build(&values)).map_err(|e| e.to_string())?;
        let network = graph.build().map_err(|e| e.to_string())?;
        let output = network.output().dims().to_vec();
        let options = Options { threads: 1, ..Options::default() };
        let mut engine =
            Cpu::new(network.clone(), loss, optimizer, options).map_err(|e| e.to_string())?;
        for (index, input) in inputs.iter().enumerate() {
            set(&mut engine, &network, &feed(index), "kernel", &input.data)?;
        }
        for (layer, parameter, numbers) in weights {
            set(&mut engine, &network, layer, parameter, numbers)?;
        }
        let mut pixels = vec![0; samples * samples];
        pixels.iter_mut().step_by(samples + 1).for_each(|white| *white = 255);
        Ok(Self { engine, pixels, samples, output })
    }

    /// What the network gives at prediction.
    pub(crate) fn outputs(&mut self) -> Result<Array, String> {
        let mut outputs = Vec::new();
        let predicted = self.engine.predict(&self.pixels, self.samples, &mut outputs);
        predicted.map_err(|e| e.to_string())?;
        let dims: Vec<usize> = std::iter::once(self.samples).chain(self.output.clone()).collect();
        Ok(Array::of(dims, outputs))
    }

    /// A parameter's numbers.
    pub(crate) fn weight(&self, layer: &str, parameter: &str) -> Vec<f32> {
        let name = format!("{layer}/{parameter}");
        let found = self.engine.network().parameters().iter().find(|p| p.name == name);
        let range = found.expect("a layer of this run").range.clone();
        self.engine.parameters()[range].to_vec()
    }
}

/// What [`Run::outputs`] gives of a network.
pub(crate) fn outputs(
    inputs: &[&Array],
    weights: &[Weight],
    build: impl FnOnce(&[Tensor]) -> Tensor,
) -> Result<Array, String> {
    Run::new(inputs, weights, build)?.outputs()
}

/// The name of the layer that makes an input.
fn feed(index: usize) -> String {
    format!("feed{index}")
}

fn value(flat: &Tensor, index: usize, dims: &[usize]) -> Tensor {
    let all = flat.apply_named(feed(index), Dense::new(dims.iter().product()).use_bias(false));
    if dims.len() == 1 {
        return all;
    }
    all.apply(Reshape::new(dims.iter().map(|&dim| dim as i64).collect::<Vec<_>>()))
}

fn set(
    engine: &mut Cpu,
    network: &Network,
    layer: &str,
    parameter: &str,
    numbers: &[f32],
) -> Result<(), String> {
    let name = format!("{layer}/{parameter}");
    let found = network.parameters().iter().find(|p| p.name == name);
    let range = found.ok_or_else(|| format!("there is no {name}"))?.range.clone();
    if range.len() != numbers.len() {
        return Err(format!("{name} has {} numbers, not {}", range.len(), numbers.len()));
    }
    engine.parameters_mut()[range].copy_from_slice(numbers);
    Ok(())
}
