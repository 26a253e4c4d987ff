//! ONNX's backend node tests, as far as they are about what Lenslet has: each node is built of its
//! layers, losses and optimisers, run by its engine, and compared at the suite's own tolerances.
//!
//! `onnx-suite FOLDER` takes the folder `onnx/backend/test/data/node` of the Python package `onnx`
//! and fails where the outcome is not what `manifest.txt` says; `--write` writes that instead.
#![forbid(unsafe_code)]

mod case;
mod compare;
mod manifest;
mod ops;
mod run;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use case::{Case, Other};
use manifest::Outcome;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder] => check(Path::new(folder)),
        [folder, "--write"] => outcomes(Path::new(folder)).and_then(|all| manifest::write(&all)),
        _ => {
            eprintln!("usage: onnx-suite FOLDER [--write]");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn check(folder: &Path) -> Result<(), String> {
    let (now, before) = (outcomes(folder)?, manifest::read()?);
    let count = |wanted: &str| now.values().filter(|outcome| outcome.word() == wanted).count();
    let (pass, part, skip) = (count("pass"), count("part"), count("skip"));
    println!("{pass} pass, {part} pass as far as the layer has these outputs, {skip} are skipped");
    let names = now.keys().chain(before.keys()).collect::<std::collections::BTreeSet<_>>();
    let changed = names.into_iter().filter(|&name| now.get(name) != before.get(name));
    let lines: Vec<String> = changed
        .map(|name| {
            let say = |outcome: Option<&Outcome>| match outcome {
                Some(outcome) => outcome.to_string(),
                None => "is not there".to_owned(),
            };
            format!("{name}\n  manifest: {}\n  now: {}", say(before.get(name)), say(now.get(name)))
        })
        .collect();
    match lines.is_empty() {
        true => Ok(()),
        false => Err(format!("not as in manifest.txt:\n{}", lines.join("\n"))),
    }
}

/// Tests whose model does not give what they say it gives.
const WRONG: [(&str, &str); 1] = [(
    "test_adam_multiple",
    "its outputs are those of an epsilon of 0.01, which its model does not have",
)];

/// The outcome of every test of an operator that [`ops::operator`] knows.
fn outcomes(folder: &Path) -> Result<BTreeMap<String, Outcome>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("test_"))
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(format!("{}: there are no tests", folder.display()));
    }
    let mut all = BTreeMap::new();
    for name in names {
        if let Some(outcome) = outcome(folder, &name, &all) {
            all.insert(name, outcome);
        }
    }
    Ok(all)
}

/// `None` where the test is about something else.
fn outcome(folder: &Path, name: &str, before: &BTreeMap<String, Outcome>) -> Option<Outcome> {
    let case = match Case::read(&folder.join(name)) {
        Ok(case) => case,
        Err(Other::Unread(operator, what)) => {
            return ops::operator(&operator).map(|_| Outcome::Skip(what));
        }
        Err(Other::Nodes(operators)) => {
            // The same as another test, which comes first.
            let (same, _) = name.split_once("_expanded")?;
            let words = "the same operator spelled out in several: ";
            let listed = || format!("{words}{}", operators.join(" "));
            return before.contains_key(same).then(|| Outcome::Skip(listed()));
        }
    };
    let operator = ops::operator(&case.node.op_type)?;
    if let Some((_, why)) = WRONG.iter().find(|(wrong, _)| *wrong == name) {
        return Some(Outcome::Skip((*why).to_owned()));
    }
    Some(match operator(&case) {
        Err(reason) => Outcome::Skip(reason),
        Ok(outputs) => compare::outcome(&case, &outputs),
    })
}
