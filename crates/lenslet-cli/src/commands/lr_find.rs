//! `lenslet lr-find`.

use std::path::PathBuf;

use lenslet_engine::Options;
use lenslet_model::Optimizer;
use lenslet_report::learning_rate_sweep;
use lenslet_train::{Compile, LearningRateSweep, SweptRates};

use crate::console::{say, tell};
use crate::data::{self, DataArgs, Wanted};
use crate::failure::Failure;
use crate::loss::LossArgs;
use crate::machine::{self, ThreadArgs};
use crate::model_choice::ModelChoice;
use crate::number::{at_least_one, natural, real};
use crate::optimizer::OptimizerArgs;
use crate::picture_file;

/// That of `lenslet train`: a rate is good for a batch size.
const BATCH_SIZE: usize = 10;

/// Look for a learning rate: try growing ones, a step at each, and see where the loss falls.
///
/// Draws the loss over the learning rates and suggests one for a training with the same model,
/// optimizer and batch size: in the middle of the lower half of the valley that the loss goes through.
/// Where no fall stands out from the losses' noise, it suggests nothing: more steps give each rate
/// more time, larger batches less noise. Nothing is kept of what is learnt on the way.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// synthetic, scenes, cifar10, or the path of a folder of images [default: synthetic]
    dataset: Option<String>,

    /// The network: a name of `lenslet models`, or a file that describes one [default: cnn]
    #[arg(long, value_name = "NAME|FILE.toml")]
    model: Option<String>,

    /// Images per step [default: 10]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    batch_size: Option<usize>,

    /// The first rate [default: 1e-5]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = real)]
    from: Option<f64>,

    /// The last rate [default: 1]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = real)]
    to: Option<f64>,

    /// How many rates are tried [default: 4000]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    steps: Option<usize>,

    /// The picture
    #[arg(long, value_name = "FILE.png", default_value = "lr-find.png")]
    picture: PathBuf,

    /// What the initial weights and the order of the images grow from [default: 42]
    #[arg(long, value_name = "N", value_parser = natural, allow_negative_numbers = true)]
    seed: Option<u64>,

    #[command(flatten)]
    optimizer: OptimizerArgs,

    #[command(flatten)]
    loss: LossArgs,

    #[command(flatten)]
    threads: ThreadArgs,

    #[command(flatten)]
    data: DataArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    picture_file::check(&args.picture)?;
    let optimizer = args.optimizer.optimizer(None)?;
    let mut loss = args.loss.loss(None)?;
    let choice = ModelChoice::new(args.model.as_deref().unwrap_or("cnn"))?;
    let sweep = args.sweep();
    let wanted = Wanted { shape: choice.image_shape(), last: None };
    let config = args.data.config(args.dataset.as_deref(), wanted)?;
    let (split, _) = data::load(config, &args.data.cifar10, false)?;
    args.loss.fit_to(&mut loss, &split.train)?;
    let isa = Some(machine::isa()?);
    let (threads, seed) = (args.threads.count(), sweep.seed);
    let options = Options { threads, isa, seed, ..Options::default() };
    let mut model =
        choice.fitted_to(&split.train)?.compile_with(optimizer.clone(), loss, &[], options)?;
    let LearningRateSweep { start, end, steps, batch_size, .. } = sweep;
    tell(&format!(
        "Trying {steps} learning rates from {start:.1e} to {end:.1e}, each on {batch_size} images ..."
    ))?;
    let found = model.sweep_learning_rates(&split.train, sweep)?;
    let picture = learning_rate_sweep(&found.rates, &found.losses, found.suggestion);
    picture_file::write(&args.picture, &picture)?;
    tell_found(&found, &optimizer, sweep)?;
    say(format_args!("Picture: {}", args.picture.display()))
}

impl Args {
    fn sweep(&self) -> LearningRateSweep {
        let LearningRateSweep { start, end, steps, seed, .. } = Default::default();
        LearningRateSweep {
            start: self.from.unwrap_or(start),
            end: self.to.unwrap_or(end),
            steps: self.steps.unwrap_or(steps),
            batch_size: self.batch_size.unwrap_or(BATCH_SIZE),
            seed: self.seed.unwrap_or(seed),
        }
    }
}

fn tell_found(
    found: &SweptRates,
    optimizer: &Optimizer,
    sweep: LearningRateSweep,
) -> Result<(), Failure> {
    if let (Some(last), true) = (found.rates.last(), found.diverged) {
        tell(&format!("From a learning rate of {last:.1e} on the loss grows without end."))?;
    }
    let LearningRateSweep { start, end, steps, .. } = sweep;
    let Some(rate) = found.suggested() else {
        return tell(&format!(
            "No rate is suggested: between {start:.1e} and {end:.1e} no fall of the loss stands out from \
             its noise. Give each rate more time with --steps {}, or try other rates with --from \
             and --to.",
            steps * 4
        ));
    };
    if found.falls_to_the_end {
        tell(&format!("The loss falls up to the last rate; --to {:.1e} tries more.", end * 10.0))?;
    }
    let name = optimizer.name();
    tell(&format!(
        "Suggested for {name}: --learning-rate {rate:.1e}, in the middle of the lower half of the fall."
    ))
}
