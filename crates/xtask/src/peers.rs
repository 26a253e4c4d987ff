//! Other programs, in Python environments outside the project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where environments are kept: `lenslet-peers/NAME` in the user's folder of caches.
pub(crate) fn folder(name: &str) -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let caches = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")));
    let caches = caches.ok_or("no HOME to keep other programs in; give --venv DIR")?;
    Ok(caches.join("lenslet-peers").join(name))
}

/// The Python of an environment that has these requirements; makes it where there is none.
pub(crate) fn python(venv: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let python = venv.join("bin/python");
    if !python.is_file() {
        println!("Making {} (once; some minutes)", venv.display());
        run("python3", [OsStr::new("-m"), OsStr::new("venv"), venv.as_os_str()])?;
        let words = ["-m", "pip", "install", "--quiet", "-r"].map(OsStr::new);
        run(&python, words.into_iter().chain([requirements.as_os_str()]))?;
    }
    Ok(python)
}

/// Runs a program to its end, which must be a good one.
pub(crate) fn run(
    program: impl AsRef<OsStr>,
    words: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), String> {
    let program = program.as_ref();
    let ended = Command::new(program).args(words).status();
    let name = Path::new(program).display();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("cannot run {name}: {error}; install it")),
    }
}
