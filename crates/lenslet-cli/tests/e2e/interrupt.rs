#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::{Sandbox, assert_complete};

/// Starts a training without end and sends it `signal` after its first epoch.
fn interrupted(signal: &str) -> (Sandbox, i32, String) {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .command("train --config tiny.toml --epochs 1000000 --out run")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("Epoch 1/") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended too early");
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    (sandbox, child.wait().unwrap().code().unwrap_or(-1), rest)
}

#[test]
fn ctrl_c_saves_what_was_learnt() {
    let (sandbox, code, out) = interrupted("-INT");
    assert_eq!(code, 130, "{out}");
    assert!(out.contains("Stopped in epoch ") && out.contains("test accuracy"), "{out}");
    assert_complete(&sandbox.path("run"));
    sandbox.ok("evaluate run");
}

#[test]
fn so_does_a_request_to_terminate() {
    let (sandbox, code, out) = interrupted("-TERM");
    assert_eq!(code, 130, "{out}");
    assert_complete(&sandbox.path("run"));
}
