//! `golden/`: what other programs compute, written anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers;

/// Compute the golden values anew, with the other programs in their pinned versions.
///
/// Each has an environment of its own below target/goldens. Says which files are not as in the last
/// commit: none, where nothing changed. Needs Python, and the network once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of golden/: keras, sklearn, torch [default: all]
    name: Vec<String>,
}

/// A folder of `golden/`, and its scripts in an order that works.
struct Golden {
    name: &'static str,
    scripts: &'static [&'static str],
}

const ALL: [Golden; 3] = [
    Golden { name: "keras", scripts: &["make.py", "networks.py", "summary.py", "exchange.py"] },
    Golden { name: "sklearn", scripts: &["make.py"] },
    Golden {
        name: "torch",
        scripts: &["networks.py", "optimizers.py", "schedules.py", "losses.py"],
    },
];

pub(crate) fn run(Args { name: names }: &Args) -> Result<(), String> {
    if let Some(name) = names.iter().find(|name| ALL.iter().all(|golden| golden.name != **name)) {
        let known = ALL.map(|golden| golden.name).join(", ");
        return Err(format!("there is no golden/{name}; there are {known}"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for golden in ALL.iter().filter(|g| names.is_empty() || names.iter().any(|n| n == g.name)) {
        make(&root, golden)?;
    }
    compare(&root)
}

fn make(root: &Path, golden: &Golden) -> Result<(), String> {
    let folder = root.join("golden").join(golden.name);
    let python = python(root, golden.name, &folder.join("requirements.txt"))?;
    for script in golden.scripts {
        println!("golden/{}/{script}", golden.name);
        // One thread: sums have one order, and the files the same bytes, on any number of cores.
        let words = ["OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1", "PYTHONDONTWRITEBYTECODE=1"];
        let program = [python.as_os_str(), folder.join(script).as_os_str()].map(ToOwned::to_owned);
        peers::run("env", words.map(Into::into).into_iter().chain(program))?;
    }
    Ok(())
}

/// The Python of an environment that was made from these very requirements.
fn python(root: &Path, name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let environment = root.join("target/goldens").join(name);
    let at = |path: &Path, error| format!("{}: {error}", path.display());
    let wanted = fs::read_to_string(requirements).map_err(|e| at(requirements, e))?;
    let made = environment.join("made-from.txt");
    if !fs::read_to_string(&made).is_ok_and(|made| made == wanted) && environment.exists() {
        fs::remove_dir_all(&environment).map_err(|e| at(&environment, e))?;
    }
    let python = peers::python(&environment, requirements)?;
    // Written last: an environment without it was broken off.
    fs::write(&made, wanted).map_err(|e| at(&made, e))?;
    Ok(python)
}

/// What git says of the folder, where this is a checkout.
fn compare(root: &Path) -> Result<(), String> {
    if !root.join(".git").exists() {
        return Ok(());
    }
    let mut git = Command::new("git");
    let status = git.args(["status", "--porcelain", "--", "golden"]).current_dir(root).output();
    let said = status.map_err(|error| format!("git: {error}"))?;
    let said = String::from_utf8_lossy(&said.stdout);
    match said.trim_end() {
        "" => println!("every file is as it was"),
        said => println!("not as in the last commit:\n{said}"),
    }
    Ok(())
}
