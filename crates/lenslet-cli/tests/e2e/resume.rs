use std::fs;
use std::path::Path;

use crate::support::{Sandbox, assert_complete, weights};

/// Everything that has a state.
const FLAGS: &str = "--epochs 6 --ema 0.9 --accumulate 3 --schedule cosine --warmup 1 \
                     --early-stopping 50 --restore-best --reduce-lr 1 --reduce-lr-factor 0.5";

/// A history but for the seconds.
fn history(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("history.csv")).unwrap();
    let row = |line: &str| {
        let mut cells: Vec<_> = line.split(',').collect();
        cells.remove(5);
        cells.join(",")
    };
    text.lines().map(row).collect()
}

/// The names of a run's checkpoints, oldest first.
fn checkpoints(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("resume")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".safetensors")).collect();
    names.sort();
    names
}

fn assert_same(sandbox: &Sandbox, first: &str, second: &str) {
    let [first, second] = [first, second].map(|run| sandbox.path(run));
    assert!(weights(&first) == weights(&second), "the weights differ");
    assert_eq!(history(&first), history(&second));
    for file in ["config.toml", "confusion_matrix.csv", "result.json"] {
        let [first, second] = [&first, &second].map(|run| fs::read_to_string(run.join(file)));
        assert_eq!(first.unwrap(), second.unwrap(), "{file}");
    }
    assert_complete(&second);
}

/// Leaves a run as a power cut would have done that came after the checkpoint before the last.
fn cut_power(run: &Path) {
    let newest = checkpoints(run).pop().unwrap();
    fs::remove_file(run.join("resume").join(newest)).unwrap();
    for file in ["weights.safetensors", "model.json", "history.csv", "result.json"] {
        fs::remove_file(run.join(file)).unwrap();
    }
    fs::write(run.join("resume/.1-2.tmp"), "half").unwrap();
}

/// Trains, `words` say how, until what is left of checkpoints suits: which ones are written is up to
/// the disk, for where one comes before the last is written, the newer one takes its place.
fn train_until(sandbox: &Sandbox, words: &str, run: &str, suits: impl Fn(&[String]) -> bool) {
    for _ in 0..50 {
        sandbox.ok(&format!("{words} --out {run}"));
        if suits(&checkpoints(&sandbox.path(run))) {
            return;
        }
        fs::remove_dir_all(sandbox.path(run)).unwrap();
    }
    panic!("the checkpoints never suit");
}

#[test]
fn a_run_that_was_cut_off_ends_as_one_that_was_not() {
    let sandbox = Sandbox::new();
    let words = format!("train --config tiny.toml --quiet {FLAGS}");
    sandbox.ok(&format!("{words} --out a"));
    train_until(&sandbox, &words, "b", |names| names.len() > 1);
    let run = sandbox.path("b");
    // None is from within an epoch: that took less than five minutes.
    assert!(checkpoints(&run).iter().all(|name| name.ends_with("-step-0.safetensors")));
    cut_power(&run);
    let out = sandbox.ok("train --resume b --threads 3");
    assert!(out.contains("It goes on in epoch ") && out.contains(", after step 0."), "{out}");
    assert!(!out.contains("Epoch 1/6") && out.contains("Epoch 6/6"), "{out}");
    assert!(!run.join("resume/.1-2.tmp").exists());
    assert_same(&sandbox, "a", "b");
}

#[test]
fn it_goes_on_in_the_middle_of_an_epoch() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("train --config tiny.toml --quiet {FLAGS} --out a"));
    let words = format!("train --config tiny.toml --quiet {FLAGS} --checkpoint-minutes 0");
    let within = |name: &String| !name.ends_with("-step-0.safetensors");
    train_until(&sandbox, &words, "b", |names| names.iter().rev().nth(1).is_some_and(within));
    cut_power(&sandbox.path("b"));
    sandbox.ok("train --resume b --threads 1 --quiet");
    assert_same(&sandbox, "a", "b");
}

#[test]
fn a_run_without_a_checkpoint_begins_again() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet --out a");
    let config = fs::read(sandbox.path("a/config.toml")).unwrap();
    sandbox.write("b/config.toml", config);
    assert!(sandbox.ok("train --resume b").contains("from the beginning"));
    assert_same(&sandbox, "a", "b");
}

#[test]
fn a_finished_run_says_so_and_may_have_more_epochs() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet --out a --epochs 5");
    sandbox.ok("train --config tiny.toml --quiet --out b --epochs 3");
    let before = weights(&sandbox.path("b"));
    let out = sandbox.ok("train --resume b");
    assert!(out.contains("b is finished") && out.contains("3 epochs"), "{out}");
    assert!(before == weights(&sandbox.path("b")));
    sandbox.ok("train --resume b --epochs 5 --quiet");
    assert_same(&sandbox, "a", "b");
    let flags = "--epochs 9 --early-stopping 1 --min-delta 1000";
    sandbox.ok(&format!("train --config tiny.toml --quiet --out c {flags}"));
    let out = sandbox.ok("train --resume c --epochs 20");
    assert!(out.contains("c is finished") && out.contains("early stopping"), "{out}");
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_it() {
    let sandbox = Sandbox::new();
    let words = "train --config tiny.toml --quiet --epochs 6";
    sandbox.ok(&format!("{words} --out a"));
    train_until(&sandbox, words, "b", |names| names.len() > 1);
    let run = sandbox.path("b");
    let newest = run.join("resume").join(checkpoints(&run).pop().unwrap());
    let mut bytes = fs::read(&newest).unwrap();
    bytes[3000] ^= 4;
    fs::write(&newest, bytes).unwrap();
    fs::remove_file(run.join("result.json")).unwrap();
    let ended = sandbox.run("train --resume b");
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in ["damaged", "checksum", "the checkpoint before it is taken"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
    assert!(ended.out.contains("It goes on in epoch "), "{}", ended.out);
    assert_same(&sandbox, "a", "b");
}

#[test]
fn other_settings_are_refused_and_named() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet --out run");
    let config = fs::read(sandbox.path("run/config.toml")).unwrap();
    for (flags, parts) in [
        ("--batch-size 10", ["training.batch_size = 20", "10 was asked for"]),
        ("--seed 8", ["training.seed = 7", "8 was asked for"]),
        ("--learning-rate 0.01", ["training.optimizer.learning_rate = 0.001", "0.01"]),
        ("--ema 0.9", ["training.optimizer.", "was asked for"]),
        ("--early-stopping 3", ["training.early_stopping = none", "was asked for"]),
        ("--limit 50", ["limit = none", "50 was asked for"]),
        ("--data-seed 9", ["data.seed = 1", "9 was asked for"]),
        ("--model cnn", ["model.", "was asked for"]),
        ("--exact", ["without = none", "\"winograd\", \"fusion\""]),
        ("--epochs 1", ["2 epochs", "only be more"]),
        ("--out other", ["--out", "--resume"]),
        ("--checkpoint-minutes -1", ["--checkpoint-minutes", "at least 0"]),
    ] {
        sandbox.refuses(&format!("train --resume run {flags}"), 2, &parts);
    }
    assert_eq!(config, fs::read(sandbox.path("run/config.toml")).unwrap());
    sandbox.refuses("train --resume none", 1, &["none is not a run", "no such folder"]);
    let text = String::from_utf8(config).unwrap().replace("seed = 7", "seed = 6");
    sandbox.write("run/config.toml", text);
    fs::remove_file(sandbox.path("run/result.json")).unwrap();
    sandbox.refuses("train --resume run", 1, &["other settings", "put config.toml back"]);
}
