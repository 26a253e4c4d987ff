//! `lenslet models`.

use lenslet_model::{ModelError, ZooModel, zoo};

use crate::console::{say, thousands};
use crate::failure::Failure;

/// List the networks that have a name, with their parameters and the arithmetic of one picture.
///
/// Parameters are those that training changes. An MFLOP is a million floating-point operations in
/// convolutions and dense layers, a multiplication and an addition counted as two.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it: `lenslet summary resnet20`, `lenslet train --model resnet20`.")]
pub(crate) struct Args {}

pub(crate) fn run(Args {}: Args) -> Result<(), Failure> {
    let header = ["name", "picture", "classes", "parameters", "MFLOP"];
    say(row(header.map(str::to_owned), "what it is"))?;
    for model in zoo() {
        say(row(columns(model)?, model.about))?;
    }
    Ok(())
}

fn columns(model: &ZooModel) -> Result<[String; 5], ModelError> {
    let network = model.model(model.input, model.classes).build()?;
    let [height, width, channels] = model.input;
    Ok([
        model.name.to_owned(),
        format!("{height}x{width}x{channels}"),
        model.classes.to_string(),
        thousands(network.trainable_count()),
        format!("{:.1}", 2.0 * network.multiply_adds() as f64 / 1e6),
    ])
}

fn row([name, picture, classes, parameters, flops]: [String; 5], about: &str) -> String {
    format!("{name:<17} {picture:<9} {classes:>7} {parameters:>11} {flops:>8}  {about}")
}
