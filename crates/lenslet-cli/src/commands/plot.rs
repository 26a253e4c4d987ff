//! `lenslet plot`.

use std::path::PathBuf;

use lenslet_store::{Run, RunFile, read_confusion};

use crate::console::{note, say};
use crate::data::{self, DataArgs, Wanted};
use crate::failure::Failure;
use crate::run_folder;

/// Draw a run's pictures again, from the numbers that it holds.
///
/// The samples are drawn again where the run's data are still there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's folder, as `lenslet train` left it
    run: PathBuf,

    #[command(flatten)]
    data: DataArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let run = Run::open(&args.run)?;
    let config = run.load_config()?;
    run_folder::write_curves(&run, &run.load_history()?)?;
    run_folder::write_confusion(&run, &read_confusion(&run.path(RunFile::ConfusionCsv))?)?;
    say(format_args!("Drawn: accuracy, loss and confusion_matrix in {}", args.run.display()))?;
    let wanted = Wanted { shape: None, last: Some(&config.data) };
    let data = args.data.config(None, wanted)?;
    match data::load(data, &args.data.cifar10, false) {
        Ok((mut split, _)) => {
            data::limit(&mut split, config.limit, config.training.seed);
            run_folder::write_samples(&run, &split.train)?;
            say("Drawn: samples")
        }
        Err(failure) => {
            note(format_args!("{} stays as it is:", "samples.png"));
            Err(failure)
        }
    }
}
