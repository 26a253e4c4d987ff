//! `lenslet summary`.

use std::path::Path;
use std::str::FromStr;

use lenslet_model::{Shape, to_toml};
use lenslet_store::Run;

use crate::console::{print, width};
use crate::failure::Failure;
use crate::model_choice::ModelChoice;
use crate::number::at_least_one;

/// Print the table of a network's layers: their output shapes and numbers of parameters.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A name that `lenslet models` lists, a file that describes a network, or a run's folder
    #[arg(value_name = "MODEL|RUN", default_value = "cnn")]
    model: String,

    /// Height, width and channels of the images, for a name [default: 32x32x3]
    #[arg(long, value_name = "HxWxC")]
    input: Option<Input>,

    /// Number of classes, for a name [default: 10]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    classes: Option<usize>,

    /// Print the network as a file for `lenslet train --model` instead: a start for one's own
    #[arg(long)]
    toml: bool,
}

/// `32x32x3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input(pub(crate) [usize; 3]);

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides: Option<Vec<usize>> = text.split(['x', 'X']).map(|n| n.parse().ok()).collect();
        let sides = sides.and_then(|sides| sides.try_into().ok());
        sides.map(Self).ok_or_else(|| "give height, width and channels, as in 32x32x3".to_owned())
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let choice = if Path::new(&args.model).is_dir() {
        ModelChoice::Described(Run::open(Path::new(&args.model))?.load_model()?.saved.model)
    } else {
        ModelChoice::new(&args.model)?
    };
    if !matches!(choice, ModelChoice::Named(_)) && (args.input.is_some() || args.classes.is_some())
    {
        return Err(Failure::usage(format!(
            "{} says itself what it takes and gives; leave --input and --classes out",
            args.model
        )));
    }
    let input = Shape::from(args.input.map_or([32, 32, 3], |input| input.0));
    let model = choice.sized(input, args.classes.unwrap_or(10))?;
    let network = model.build()?;
    if args.toml { print(to_toml(&model)) } else { print(network.summary(width())) }
}
