//! Models that go to other programs and come back.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::peers;

/// Compare exported models with onnxruntime, Keras and PyTorch, and theirs with what is imported of
/// them.
///
/// Ten networks are trained a little and exported; the other programs' probabilities must equal
/// Lenslet's to 1e-5 on 256 images. Then Keras and PyTorch train the same networks a little, and
/// Lenslet imports them. Needs Python, and the network once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Python environment, made where there is none [default: lenslet-peers/round-trips in the
    /// user's folder of caches]
    #[arg(long, value_name = "DIR")]
    venv: Option<PathBuf>,

    /// The program [default: built, optimised]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Where runs and files are left [default: target/round-trips]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,

    /// Only these networks
    network: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scripts = here.join("round_trips");
    let venv = args.venv.clone().map_or_else(|| peers::folder("round-trips"), Ok)?;
    let python = peers::python(&venv, &scripts.join("requirements.txt"))?;
    let program = match &args.program {
        Some(program) => program.clone(),
        None => build(here)?,
    };
    let work = args.work.clone().unwrap_or_else(|| here.join("../../target/round-trips"));
    let first = [scripts.join("round_trips.py"), program, work].map(OsString::from);
    peers::run(python, first.into_iter().chain(args.network.iter().map(OsString::from)))
}

/// The program as users have it.
fn build(here: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    peers::run(cargo, ["build", "--release", "-p", "lenslet-cli"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| here.join("../../target"), PathBuf::from);
    Ok(target.join("release/lenslet"))
}
