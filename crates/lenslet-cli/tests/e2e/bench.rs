use std::collections::HashSet;
use std::fs;

use serde_json::Value;

use crate::support::{MODEL, Sandbox};

/// A few steps on a small network, whatever the time.
const QUICK: &str = "bench --model small.toml --seconds 0 --threads 2 --batch 4";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", MODEL);
    sandbox
}

#[test]
fn a_benchmark_tells_of_the_machine_and_of_every_layer() {
    let sandbox = sandbox();
    let out = sandbox.ok(&format!("{QUICK} --isa portable"));
    for start in [
        "CPU             ",
        "instructions    portable\n",
        "threads         2\n",
        "peak            ",
        "memory          ",
        "\"small\", 4 images per step, after 3 steps to warm up:\n",
        "layer                  phase        ms/step      %  GFLOP/s     made  of peak\n",
        "average_pooling2d      forward     ",
        "dense                  forward     ",
        "dense                  back+update ",
        "waiting and rest ",
        "training        ",
        "prediction      ",
    ] {
        assert!(
            out.contains(&format!("\n{start}")) || out.starts_with(start),
            "no {start:?} in {out}"
        );
    }
    assert!(out.contains("median of 3)") && out.contains(" images/s (batches of 256, "), "{out}");
    let most = out.lines().map(|line| line.chars().count()).max();
    assert!(most <= Some(80), "{out}");
}

#[test]
fn a_benchmark_says_what_it_was_made_without() {
    let out = sandbox().ok(&format!("{QUICK} --without fusion,skipping"));
    assert!(out.contains("4 images per step, without fusion and skipping, after "), "{out}");
    assert!(!out.contains("back+update"), "{out}");
}

#[test]
fn a_benchmarks_numbers_are_written_as_json() {
    let sandbox = sandbox();
    let out = sandbox.ok(&format!("{QUICK} --exact --json numbers.json"));
    assert!(
        out.contains(", exactly, after ") && out.ends_with("\nNumbers: numbers.json\n"),
        "{out}"
    );
    let text = fs::read_to_string(sandbox.path("numbers.json")).unwrap();
    let numbers: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(numbers["model"], "small");
    assert_eq!(numbers["without"], serde_json::json!(["winograd", "fusion", "skipping"]));
    assert_eq!((&numbers["threads"], &numbers["warm_up_steps"]), (&2.into(), &3.into()));
    for part in ["peak_gflops_core", "peak_gflops", "memory_gb_per_second"] {
        assert!(numbers[part].as_f64().unwrap() > 0.0, "{part} in {text}");
    }
    assert_eq!(numbers["training"]["batch_size"], 4);
    assert!(numbers["training"]["images_per_second"].as_f64().unwrap() > 0.0);
    assert!(numbers["prediction"]["images_per_second"].as_f64().unwrap() > 0.0);

    let layers = numbers["layers"].as_array().unwrap();
    let names: HashSet<_> = layers.iter().map(|layer| layer["name"].as_str().unwrap()).collect();
    let others = ["input", "loss", "parameters", "waiting and rest"];
    assert_eq!(names, HashSet::from_iter(["average_pooling2d", "dense"].into_iter().chain(others)));
    let forward = |l: &&Value| l["name"] == "dense" && l["phase"] == "forward";
    let dense = layers.iter().find(forward).unwrap();
    assert_eq!(dense["multiply_adds"], (4 * 8 * 8 * 3 * 10) as f64);
}
