//! candle on the CPU.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, Conv2d, Conv2dConfig, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap,
    conv2d, linear, loss, ops,
};
use contest::{Arguments, Pictures, Work, flush_denormals, measure};

const VERSION: &str = "0.11.1";

struct Tutorial {
    conv1: Conv2d,
    conv2: Conv2d,
    dense1: Linear,
    dense2: Linear,
}

impl Tutorial {
    fn new(vb: VarBuilder) -> Result<Self> {
        let same = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        Ok(Self {
            conv1: conv2d(3, 32, 3, same, vb.pp("conv1"))?,
            conv2: conv2d(32, 32, 3, same, vb.pp("conv2"))?,
            dense1: linear(8192, 128, vb.pp("dense1"))?,
            dense2: linear(128, 10, vb.pp("dense2"))?,
        })
    }

    /// Logits.
    fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let x = self.conv1.forward(x)?.relu()?;
        let x = self.conv2.forward(&x)?.relu()?.max_pool2d(2)?;
        let x = if training { ops::dropout(&x, 0.5)? } else { x };
        let x = self.dense1.forward(&x.flatten_from(1)?)?.relu()?;
        self.dense2.forward(&x)
    }
}

fn main() -> Result<()> {
    flush_denormals();
    let args = Arguments::read();
    let variables = VarMap::new();
    let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let network = Tutorial::new(vb)?;
    let batches = batches(&args)?;
    let results = match args.work {
        Work::Vgg | Work::Named(_) => candle_core::bail!("only the tutorial's network here"),
        Work::Predict => measure(&args, |_| {
            for (x, _) in &batches {
                let logits = network.forward(x, false).expect("prediction");
                ops::softmax(&logits, 1).expect("softmax");
            }
            None
        }),
        Work::Step => {
            // candle has AdamW only; without decay it is Adam.
            let adam =
                ParamsAdamW { lr: 1e-3, eps: 1e-7, weight_decay: 0.0, ..ParamsAdamW::default() };
            let mut optimizer = AdamW::new(variables.all_vars(), adam)?;
            measure(&args, |index| {
                let (x, labels) = &batches[index % batches.len()];
                Some(train(&network, &mut optimizer, x, labels).expect("a step"))
            })
        }
    };
    results.report(&args, VERSION);
    Ok(())
}

fn train(network: &Tutorial, optimizer: &mut AdamW, x: &Tensor, labels: &Tensor) -> Result<f64> {
    let loss = loss::cross_entropy(&network.forward(x, true)?, labels)?;
    optimizer.backward_step(&loss)?;
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

fn batches(args: &Arguments) -> Result<Vec<(Tensor, Tensor)>> {
    let tensors = |batch: contest::Batch<f32>| {
        let count = batch.labels.len();
        let x = Tensor::from_vec(batch.pixels, (count, 3, 32, 32), &Device::Cpu)?;
        Ok((x, Tensor::from_vec(batch.labels, count, &Device::Cpu)?))
    };
    Pictures::read(args).numbers(args).into_iter().map(tensors).collect()
}
