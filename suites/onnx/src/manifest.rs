//! `manifest.txt`: what is known of every test.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pass,
    /// All outputs that a layer has; which it has not.
    Part(String),
    /// Why the layers cannot.
    Skip(String),
    /// The layers can, and give something else.
    Fail(String),
}

impl Outcome {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Part(_) => "part",
            Self::Skip(_) => "skip",
            Self::Fail(_) => "fail",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Part(why) | Self::Skip(why) | Self::Fail(why) => {
                write!(f, "{}: {why}", self.word())
            }
        }
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("manifest.txt")
}

/// A name, a space and an outcome on each line.
pub(crate) fn read() -> Result<BTreeMap<String, Outcome>, String> {
    let at = path();
    let text = fs::read_to_string(&at).map_err(|e| format!("{}: {e}", at.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let wrong = || format!("{}: no outcome in {line:?}", at.display());
            let (name, outcome) = line.split_once(' ').ok_or_else(wrong)?;
            let (word, why) = outcome.split_once(": ").unwrap_or((outcome, ""));
            let outcome = match word {
                "pass" => Outcome::Pass,
                "part" => Outcome::Part(why.to_owned()),
                "skip" => Outcome::Skip(why.to_owned()),
                _ => return Err(wrong()),
            };
            Ok((name.to_owned(), outcome))
        })
        .collect()
}

/// # Errors
/// Where a test fails: that is to be understood, and not written down.
pub(crate) fn write(all: &BTreeMap<String, Outcome>) -> Result<(), String> {
    let failed: Vec<String> = (all.iter())
        .filter(|(_, outcome)| outcome.word() == "fail")
        .map(|(name, outcome)| format!("{name} {outcome}"))
        .collect();
    if !failed.is_empty() {
        return Err(format!("{} tests fail:\n{}", failed.len(), failed.join("\n")));
    }
    let mut text = String::from(
        "# Every test of onnx==1.21.0 that is about an operator for which Lenslet has a layer, a loss or an optimiser.\n\
         # pass; part: the outputs that a layer has; skip, and why. Written by `onnx-suite FOLDER --write`.\n",
    );
    for (name, outcome) in all {
        text.push_str(&format!("{name} {outcome}\n"));
    }
    fs::write(path(), text).map_err(|e| format!("{}: {e}", path().display()))
}
