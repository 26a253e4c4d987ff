#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::{Sandbox, assert_complete, weights};

/// Starts `words`, a training, and sends it `signal` so many times when it says that an epoch is
/// over: the exit code, and what it said after that.
fn interrupted(sandbox: &Sandbox, words: &str, signal: &str, times: usize) -> (i32, String) {
    let mut command = sandbox.command(words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("Epoch ") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended too early");
    }
    let id = child.id().to_string();
    for _ in 0..times {
        // It may be gone after the first.
        let _ = Command::new("kill").args([signal, &id]).status().unwrap();
    }
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), rest)
}

const ENDLESS: &str = "train --config tiny.toml --epochs 1000000 --out run";

#[test]
fn ctrl_c_saves_what_was_learnt() {
    let sandbox = Sandbox::new();
    let (code, out) = interrupted(&sandbox, ENDLESS, "-INT", 1);
    assert_eq!(code, 130, "{out}");
    assert!(out.contains("Stopped in epoch ") && out.contains("test accuracy"), "{out}");
    assert!(out.contains("To go on: lenslet train --resume run"), "{out}");
    assert_complete(&sandbox.path("run"));
    assert!(!sandbox.path("run/result.json").exists(), "it is not finished");
    sandbox.ok("evaluate run");
}

#[test]
fn so_does_a_request_to_terminate() {
    let sandbox = Sandbox::new();
    let (code, out) = interrupted(&sandbox, ENDLESS, "-TERM", 1);
    assert_eq!(code, 143, "{out}");
    assert_complete(&sandbox.path("run"));
}

#[test]
fn a_second_one_leaves_at_once_and_the_run_can_go_on() {
    let sandbox = Sandbox::new();
    let (code, out) = interrupted(&sandbox, ENDLESS, "-INT", 20);
    assert_eq!(code, 130, "{out}");
    let (code, out) = interrupted(&sandbox, "train --resume run", "-INT", 1);
    assert_eq!(code, 130, "{out}");
    assert_complete(&sandbox.path("run"));
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_bits() {
    let sandbox = Sandbox::new();
    let words = "train --config tiny.toml --epochs 400 --ema 0.99 --accumulate 7";
    sandbox.ok(&format!("{words} --out whole --quiet"));
    let parts = [
        (format!("{words} --out parts"), "-INT", 130),
        ("train --resume parts --threads 1".to_owned(), "-TERM", 143),
        ("train --resume parts --threads 3".to_owned(), "-INT", 130),
    ];
    for (words, signal, expected) in &parts {
        let (code, out) = interrupted(&sandbox, words, signal, 1);
        assert_eq!(code, *expected, "{out}");
    }
    sandbox.ok("train --resume parts --quiet");
    assert!(weights(&sandbox.path("whole")) == weights(&sandbox.path("parts")));
}

#[test]
fn a_run_is_one_programs_at_a_time() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(ENDLESS);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    sandbox.refuses("train --resume run", 1, &["run is in use", "wait for its end"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
