#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::support::{Sandbox, assert_complete};

/// A training that has ended its first epoch, and what it says on both streams.
fn started(sandbox: &Sandbox, words: &str) -> (Child, Box<dyn BufRead>, Box<dyn BufRead>) {
    let mut command = sandbox.command(words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let err = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut out, "Epoch 1/");
    (child, Box::new(out), Box::new(err))
}

fn wait_for(stream: &mut dyn BufRead, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "it never said {words:?}");
    }
}

fn ended(child: &mut Child, out: &mut dyn Read, err: &mut dyn Read) -> (i32, String, String) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (mut said, mut complained) = (String::new(), String::new());
    out.read_to_string(&mut said).unwrap();
    err.read_to_string(&mut complained).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), said, complained)
}

const WORDS: &str = "train --config tiny.toml --epochs 1000000 --out run --csv-log run/log.csv \
                     --checkpoint last";

#[test]
fn where_nothing_can_be_written_training_goes_on_and_what_is_not_saved_is_named() {
    let sandbox = Sandbox::new();
    let (mut child, mut out, mut err) = started(&sandbox, WORDS);
    let run = sandbox.path("run");
    // It may be making something in there at this moment.
    while fs::write(&run, "").is_err() {
        let _ = fs::remove_dir_all(&run);
    }
    wait_for(&mut err, "no checkpoint is written, but training goes on");
    wait_for(&mut out, "Epoch ");
    wait_for(&mut out, "Epoch ");
    let (code, said, complained) = ended(&mut child, &mut out, &mut err);
    assert_eq!(code, 1, "{complained}");
    assert!(said.contains("test accuracy"), "{said}");
    assert!(complained.matches("no checkpoint").count() == 0, "once a minute: {complained}");
    let (_, listed) = complained.split_once("error: this is not saved:").expect(&complained);
    for what in ["the settings", "the model", "the history", "the evaluation", "the checkpoint"] {
        assert!(listed.contains(&format!("\n  {what}: cannot ")), "{what}: {listed}");
    }
    for flag in ["--csv-log", "--checkpoint last"] {
        assert!(listed.contains(&format!("\n  {flag}: ")), "{flag}: {listed}");
    }
}

#[test]
fn a_folder_that_is_gone_is_made_again() {
    let sandbox = Sandbox::new();
    let (mut child, mut out, mut err) = started(&sandbox, WORDS.split(" --csv").next().unwrap());
    while fs::remove_dir_all(sandbox.path("run")).is_err() {}
    wait_for(&mut out, "Epoch ");
    let (code, _, complained) = ended(&mut child, &mut out, &mut err);
    assert_eq!(code, 130, "{complained}");
    assert_complete(&sandbox.path("run"));
}

#[test]
fn where_numbers_stop_being_numbers_training_stops_or_goes_back() {
    let sandbox = Sandbox::new();
    let flags = "train --config tiny.toml --quiet --optimizer sgd --learning-rate 1e38";
    sandbox.refuses(
        &format!("{flags} --out stop"),
        1,
        &["diverged in epoch 1, step 2: the loss became NaN"],
    );
    assert!(!sandbox.path("stop/result.json").exists());
    let ended = sandbox.run(&format!("{flags} --out back --on-nan rollback"));
    assert_eq!(ended.code, 1, "{}", ended.err);
    for part in ["half the learning rate (1 of 3)", "(3 of 3)", "error: training has diverged"] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    assert!(!ended.err.contains("(4 of 3)"), "{}", ended.err);
    sandbox.refuses("train --on-nan ignore", 2, &["--on-nan", "stop or rollback"]);
}
