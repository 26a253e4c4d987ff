//! Burn with its Flex backend.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};
use contest::{Arguments, Batch, Pictures, Work, flush_denormals, measure};

const VERSION: &str = "0.22.1 (flex)";

#[derive(Module, Debug)]
struct Tutorial {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    dropout: Dropout,
    dense1: Linear,
    dense2: Linear,
}

impl Tutorial {
    fn new(device: &Device) -> Self {
        let conv = |channels| {
            Conv2dConfig::new(channels, [3, 3]).with_padding(PaddingConfig2d::Same).init(device)
        };
        Self {
            conv1: conv([3, 32]),
            conv2: conv([32, 32]),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dropout: DropoutConfig::new(0.5).init(),
            dense1: LinearConfig::new(8192, 128).init(device),
            dense2: LinearConfig::new(128, 10).init(device),
        }
    }

    /// Logits; dropout is off where the device does not differentiate.
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu(self.conv1.forward(x));
        let x = self.pool.forward(relu(self.conv2.forward(x)));
        let x = self.dropout.forward(x).flatten::<2>(1, 3);
        self.dense2.forward(relu(self.dense1.forward(x)))
    }
}

fn main() {
    flush_denormals();
    let args = Arguments::read();
    let results = match args.work {
        Work::Vgg | Work::Named(_) => {
            eprintln!("error: only the tutorial's network here");
            std::process::exit(2);
        }
        Work::Predict => {
            let device = Device::flex();
            let network = Tutorial::new(&device).valid();
            let batches = batches(&args, &device);
            measure(&args, |_| {
                for (x, _) in &batches {
                    softmax(network.forward(x.clone()), 1).into_data();
                }
                None
            })
        }
        Work::Step => {
            let device = Device::flex().autodiff();
            let batches = batches(&args, &device);
            let mut training = Training::new(&device);
            measure(&args, |index| {
                let (x, labels) = &batches[index % batches.len()];
                Some(training.step(x.clone(), labels.clone()))
            })
        }
    };
    results.report(&args, VERSION);
}

struct Training {
    /// Taken and given back by each step: Burn's optimiser consumes it.
    network: Option<Tutorial>,
    loss: CrossEntropyLoss,
    optimizer: ModuleOptimizer,
}

impl Training {
    fn new(device: &Device) -> Self {
        Self {
            network: Some(Tutorial::new(device)),
            loss: CrossEntropyLossConfig::new().init(device),
            optimizer: AdamConfig::new().with_epsilon(1e-7).init(),
        }
    }

    fn step(&mut self, x: Tensor<4>, labels: Tensor<1, Int>) -> f64 {
        let network = self.network.take().expect("every step gives it back");
        let loss = self.loss.forward(network.forward(x), labels);
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimizer.step(1e-3, network, gradients));
        loss.into_scalar::<f32>().into()
    }
}

fn batches(args: &Arguments, device: &Device) -> Vec<(Tensor<4>, Tensor<1, Int>)> {
    let tensors = |batch: Batch<f32>| {
        let count = batch.labels.len();
        let labels: Vec<i32> = batch.labels.iter().map(|&label| label as i32).collect();
        let x = Tensor::from_data(TensorData::new(batch.pixels, [count, 3, 32, 32]), device);
        (x, Tensor::from_data(TensorData::new(labels, [count]), device))
    };
    Pictures::read(args).numbers(args).into_iter().map(tensors).collect()
}
