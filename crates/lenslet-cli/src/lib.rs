//! The program `lenslet`: arguments in, calls to the library, words and progress out.
#![forbid(unsafe_code)]

mod callbacks;
mod commands;
mod console;
mod data;
mod failure;
mod findings;
mod interrupt;
mod loss;
mod machine;
mod model_choice;
mod number;
mod optimizer;
mod picture_file;
mod progress;
mod results;
mod resume;
mod run_folder;
mod schedule;
mod trained;
mod unsaved;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    bench, data as data_command, evaluate, export, filter, import, info, lr_find, models, plot,
    predict, summary, train,
};

/// Train image classifiers on an ordinary CPU, look at what they learnt, and use them.
///
/// `lenslet train` alone trains a small convolutional network on built-in pictures and leaves a
/// folder with the model, its history and its pictures. All other commands go on from there.
#[derive(Debug, Parser)]
#[command(name = "lenslet", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Args>),
    Evaluate(evaluate::Args),
    Predict(predict::Args),
    Export(export::Args),
    Import(import::Args),
    Summary(summary::Args),
    Models(models::Args),
    Data(data_command::Args),
    Plot(plot::Args),
    Filter(filter::Args),
    Bench(bench::Args),
    LrFind(Box<lr_find::Args>),
    Info(info::Args),
}

/// Does what the program's arguments say.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(*args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Export(args) => export::run(args),
        Command::Import(args) => import::run(args),
        Command::Summary(args) => summary::run(args),
        Command::Models(args) => models::run(args),
        Command::Data(args) => data_command::run(args),
        Command::Plot(args) => plot::run(args),
        Command::Filter(args) => filter::run(args),
        Command::Bench(args) => bench::run(args),
        Command::LrFind(args) => lr_find::run(*args),
        Command::Info(args) => info::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Reads arguments, the program's name first, and does nothing.
///
/// # Errors
/// What the program would say: why they make no sense, or the help that they ask for.
pub fn check(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    Cli::try_parse_from(arguments).map(drop).map_err(|error| error.to_string())
}
