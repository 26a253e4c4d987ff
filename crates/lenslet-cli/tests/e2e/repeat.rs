use std::fs;

use crate::support::{Sandbox, weights};

#[test]
fn the_same_seed_gives_the_same_bits() {
    let sandbox = Sandbox::new();
    for run in ["a", "b"] {
        sandbox.ok(&format!("train --config tiny.toml --quiet --out {run}"));
    }
    sandbox.ok("train --config tiny.toml --quiet --seed 8 --out other");
    assert_eq!(weights(&sandbox.path("a")), weights(&sandbox.path("b")));
    assert_ne!(weights(&sandbox.path("a")), weights(&sandbox.path("other")));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let sandbox = Sandbox::new();
    for threads in [1, 2, 3] {
        sandbox.ok(&format!(
            "train --limit 150 --epochs 1 --batch-size 25 --quiet --threads {threads} --out {threads}"
        ));
    }
    let one = weights(&sandbox.path("1"));
    assert_eq!(one, weights(&sandbox.path("2")));
    assert_eq!(one, weights(&sandbox.path("3")));
}

#[test]
fn a_runs_config_repeats_it() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet --out first --limit 120 --seed 3 --batch-size 7");
    sandbox.ok("train --config first/config.toml --quiet --out second");
    assert_eq!(weights(&sandbox.path("first")), weights(&sandbox.path("second")));
    let config = |run: &str| fs::read(sandbox.path(run).join("config.toml")).unwrap();
    assert_eq!(config("first"), config("second"));
}

#[test]
fn a_run_without_shortcuts_is_another_and_its_config_says_so() {
    let sandbox = Sandbox::new();
    let words = "train --limit 60 --epochs 1 --batch-size 20 --quiet";
    sandbox.ok(&format!("{words} --out fast"));
    let fast = weights(&sandbox.path("fast"));
    for (flags, without) in [
        ("--exact", "[\"winograd\", \"fusion\", \"skipping\"]"),
        ("--without winograd", "[\"winograd\"]"),
        ("--without skipping,winograd", "[\"winograd\", \"skipping\"]"),
    ] {
        let run = flags.trim_start_matches('-').replace([' ', ','], "_");
        sandbox.ok(&format!("{words} {flags} --out {run}"));
        let config = fs::read_to_string(sandbox.path(&run).join("config.toml")).unwrap();
        assert!(config.contains(&format!("\nwithout = {without}\n")), "{config}");
        sandbox.ok(&format!("train --config {run}/config.toml --quiet --out {run}_again"));
        let own = weights(&sandbox.path(&run));
        assert_ne!(own, fast, "{flags}");
        assert_eq!(own, weights(&sandbox.path(&format!("{run}_again"))), "{flags}");
    }
}

#[test]
fn a_run_is_evaluated_and_predicts_without_shortcuts_too() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --limit 60 --epochs 1 --batch-size 20 --quiet --out run");
    let losses = ["", "--without winograd", "--exact"].map(|flags| {
        let out = sandbox.ok(&format!("evaluate run --json {flags}"));
        let numbers: serde_json::Value = serde_json::from_str(&out).unwrap();
        numbers["loss"].as_f64().unwrap()
    });
    assert!(losses[1..].iter().all(|loss| loss != &losses[0]), "{losses:?}");
    assert!(losses.iter().all(|loss| (loss / losses[0] - 1.0).abs() < 1e-5), "{losses:?}");
    sandbox.colours("photos", 1);
    sandbox.ok("predict run photos --exact");
}

#[test]
fn the_config_of_a_folder_repeats_it_from_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.colours("photos", 12);
    sandbox.write("elsewhere/x", "");
    sandbox.ok("train photos --image-size 8x8 --epochs 2 --quiet --out first");
    let mut command = sandbox.command("train --config ../first/config.toml --quiet --out second");
    let status = command.current_dir(sandbox.path("elsewhere")).status().unwrap();
    assert!(status.success());
    let second = sandbox.path("elsewhere/second");
    assert_eq!(weights(&sandbox.path("first")), weights(&second));
}
