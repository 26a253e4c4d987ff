//! `lenslet data`.

use std::path::PathBuf;

use lenslet_data::{Dataset, Split};
use lenslet_store::run_name;

use crate::console::{say, tell, thousands};
use crate::data::{self, Cifar10Args, DataArgs, Wanted};
use crate::failure::Failure;
use crate::{picture_file, run_folder};

/// Look at a data set, or fetch one.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(ShowArgs),
    Get(GetArgs),
}

/// Draw samples of a data set; print its shape, classes and the statistics of its pixels
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// synthetic, scenes, cifar10, or the path of a folder of images
    dataset: String,

    /// Where to draw the samples: FILE.png or FILE.svg [default: DATASET-samples.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    data: DataArgs,
}

/// Download a data set and say where it is
#[derive(Debug, clap::Args)]
struct GetArgs {
    /// cifar10: 170 MB, once
    #[arg(value_parser = ["cifar10"])]
    dataset: String,

    #[command(flatten)]
    cifar10: Cifar10Args,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Show(args) => show(args),
        Command::Get(args) => get(&args),
    }
}

fn show(args: ShowArgs) -> Result<(), Failure> {
    args.out.as_deref().map(picture_file::check).transpose()?;
    let config = args.data.config(Some(&args.dataset), Wanted::default())?;
    let name = run_name(&data::title(&config), "samples.png");
    let out = args.out.unwrap_or_else(|| name.into());
    let (split, _) = data::load(config, &args.data.cifar10, false)?;
    tell(&data::describe(&split))?;
    say(counts(&split))?;
    say("Pixels, as the network sees them (0 to 1):")?;
    statistics("training", &split.train)?;
    statistics("test", &split.test)?;
    picture_file::write(&out, &run_folder::samples(&split.train))?;
    say(format_args!("\nSamples: {}", out.display()))
}

/// A table of the images per class.
fn counts(split: &Split) -> String {
    let classes = split.train.classes();
    let width = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max(5);
    let kind = if split.train.labels().sparse().is_some() { "class" } else { "label" };
    let mut table = format!("\n{kind:width$}  training      test\n");
    let counts = split.train.class_counts().into_iter().zip(split.test.class_counts());
    for (class, (train, test)) in classes.iter().zip(counts) {
        table += &format!("{class:width$}  {:>8}  {:>8}\n", thousands(train), thousands(test));
    }
    table
}

fn statistics(part: &str, data: &Dataset) -> Result<(), Failure> {
    let statistics = data.statistics();
    say(format_args!("  {part}: {:.3} to {:.3}", statistics.min, statistics.max))?;
    let names: &[&str] = match data.image_shape()[2] {
        1 => &["grey"],
        3 => &["red", "green", "blue"],
        _ => &[],
    };
    for (channel, (mean, std)) in statistics.mean.iter().zip(&statistics.std).enumerate() {
        let name = names.get(channel).map_or_else(|| channel.to_string(), |&name| name.to_owned());
        say(format_args!("    {name:5}  mean {mean:.3}  standard deviation {std:.3}"))?;
    }
    Ok(())
}

fn get(args: &GetArgs) -> Result<(), Failure> {
    debug_assert_eq!(args.dataset, "cifar10", "clap takes no other name");
    let found = args.cifar10.get(args.cifar10.data.as_deref(), false)?;
    let split = lenslet_data::cifar10::read(&found)?;
    tell(&data::describe(&split))?;
    say(format_args!("It is at {}", found.display()))
}
