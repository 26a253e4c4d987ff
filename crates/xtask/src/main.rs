//! Tasks for the people who work on Lenslet, run as `cargo run -p xtask -- TASK`: those that need
//! other programs, which neither building nor testing does.
#![forbid(unsafe_code)]

mod goldens;
mod peers;
mod round_trips;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks for the people who work on Lenslet.
#[derive(Debug, Parser)]
#[command(name = "xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Goldens(goldens::Args),
    RoundTrips(round_trips::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Goldens(args) => goldens::run(&args),
        Task::RoundTrips(args) => round_trips::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
