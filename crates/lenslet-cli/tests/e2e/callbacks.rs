use std::fs;

use crate::support::Sandbox;

#[test]
fn early_stopping_ends_a_training_and_is_repeated() {
    let sandbox = Sandbox::new();
    // Nothing is better by a thousand.
    let flags = "--epochs 9 --early-stopping 2 --min-delta 1000 --restore-best";
    let out = sandbox.ok(&format!("train --config tiny.toml --out run {flags}"));
    assert!(out.contains("Stopped in epoch 3"), "{out}");
    assert!(out.contains("The weights of the best epoch, 1, are those that stayed."), "{out}");
    let history = fs::read_to_string(sandbox.path("run/history.csv")).unwrap();
    assert_eq!(history.lines().count(), 1 + 3);
    sandbox.ok("train --config run/config.toml --quiet --out again");
    for file in ["weights.safetensors", "confusion_matrix.csv"] {
        let [first, second] =
            ["run", "again"].map(|run| fs::read(sandbox.path(&format!("{run}/{file}"))).unwrap());
        assert!(first == second, "{file}");
    }
}

#[test]
fn learning_rates_fall_and_everything_is_recorded() {
    let sandbox = Sandbox::new();
    let flags = "--epochs 4 --reduce-lr 1 --reduce-lr-factor 0.5 --min-delta 1000 \
                 --checkpoint best --checkpoint last --checkpoint 2 --csv-log log.csv \
                 --tensorboard board";
    sandbox.ok(&format!("train --config tiny.toml --quiet --out run {flags}"));
    let log = fs::read_to_string(sandbox.path("log.csv")).unwrap();
    assert_eq!(log, fs::read_to_string(sandbox.path("run/history.csv")).unwrap());
    let rates: Vec<f64> =
        log.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(rates, [0.001, 0.001, 0.0005, 0.00025]);
    for name in ["best", "last", "epoch-0002", "epoch-0004"] {
        let path = sandbox.path(&format!("run/checkpoints/{name}.safetensors"));
        assert!(path.is_file(), "{}", path.display());
    }
    let last = fs::read(sandbox.path("run/checkpoints/last.safetensors")).unwrap();
    assert!(last == fs::read(sandbox.path("run/weights.safetensors")).unwrap());
    for part in ["train", "validation"] {
        let files = fs::read_dir(sandbox.path(&format!("board/{part}"))).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert!(names[0].to_str().unwrap().starts_with("events.out.tfevents"), "{names:?}");
    }
}

#[test]
fn metrics_are_told_after_every_epoch_and_can_be_monitored() {
    let sandbox = Sandbox::new();
    // Nothing is better by a thousand.
    let flags =
        "--metrics f1_macro,roc_auc --early-stopping 2 --monitor val_f1_macro --min-delta 1000";
    let out =
        sandbox.ok(&format!("train --config tiny.toml --verbose 2 --epochs 9 --out run {flags}"));
    assert!(out.contains("Stopped in epoch 3"), "{out}");
    for name in ["f1_macro", "val_f1_macro"] {
        assert_eq!(out.matches(&format!(" - {name}: ")).count(), 3, "{name}: {out}");
    }
    let history = fs::read_to_string(sandbox.path("run/history.csv")).unwrap();
    assert!(
        history.lines().next().unwrap().ends_with(",f1_macro,val_f1_macro,roc_auc,val_roc_auc"),
        "{history}"
    );
    assert!(sandbox.ok("plot run").contains("accuracy"));
    let columns = |run: &str| -> Vec<String> {
        let history = fs::read_to_string(sandbox.path(&format!("{run}/history.csv"))).unwrap();
        history.lines().map(|line| line.rsplit(',').next().unwrap().to_owned()).collect()
    };
    sandbox.ok("train --config run/config.toml --quiet --out again");
    assert_eq!(columns("run"), columns("again"), "config.toml repeats them");
}

#[test]
fn a_learning_rate_is_looked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", crate::support::MODEL);
    let flags = "--model small.toml --steps 400 --batch-size 50 --picture sweep.svg";
    let out = sandbox.ok(&format!("lr-find {flags}"));
    assert!(out.contains("Suggested for adam: --learning-rate "), "{out}");
    let picture = fs::read_to_string(sandbox.path("sweep.svg")).unwrap();
    assert!(picture.contains("Learning rate") && picture.contains("Suggested: "));
    assert_eq!(sandbox.ok(&format!("lr-find {flags}")), out, "the same once more");
    let out = sandbox.ok(&format!("lr-find {flags} --from 1e-9 --to 1e-7"));
    assert!(out.contains("No rate is suggested: between 1.0e-9 and 1.0e-7"), "{out}");
    assert!(!fs::read_to_string(sandbox.path("sweep.svg")).unwrap().contains("Suggested"));
}

#[test]
fn callbacks_that_make_no_sense_are_usage_errors() {
    let sandbox = Sandbox::new();
    let cases: [(&str, &[&str]); 12] = [
        ("train --restore-best", &["--restore-best does nothing", "--early-stopping"]),
        ("train --reduce-lr-factor 0.5", &["--reduce-lr-factor", "without --reduce-lr"]),
        ("train --monitor loss", &["--monitor", "without --early-stopping"]),
        ("train --early-stopping 2 --monitor val_los", &["`val_los`", "did you mean `val_loss`?"]),
        ("train --metrics f1_makro", &["`f1_makro` is no metric", "did you mean `f1_macro`?"]),
        (
            "train --early-stopping 2 --monitor val_f1_macro",
            &["monitors val_f1_macro", "f1_macro is no metric of the model", "val_loss"],
        ),
        ("train --early-stopping 2 --min-delta -1", &["min_delta = -1", "at least 0"]),
        ("train --reduce-lr 2 --reduce-lr-factor 1", &["factor = 1", "between 0 and 1"]),
        ("train --checkpoint 0", &["--checkpoint", "at least 1"]),
        ("train --checkpoint first", &["--checkpoint", "best, last"]),
        ("lr-find --picture sweep.gif", &["sweep.gif", ".png nor .svg"]),
        ("lr-find --steps 0", &["--steps", "at least 1"]),
    ];
    for (options, parts) in cases {
        sandbox.refuses(options, 2, parts);
    }
    sandbox.refuses("lr-find --from 1 --to 0.1", 1, &["from 1 to 0.1", "the smaller first"]);
    sandbox.refuses("lr-find --steps 5", 1, &["steps = 5 is too small", "at least 40"]);
}
