use std::fs;
use std::path::Path;

use image::RgbImage;
use serde_json::Value;

use crate::support::{Sandbox, assert_complete, finished_run};

#[test]
fn evaluate_tells_what_training_told() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    let out = sandbox.ok(&format!("evaluate {run}"));
    for part in ["test loss", "(100 images)", "precision", "mushroom", "macro avg", "Most confused"]
    {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
    let report = fs::read_to_string(Path::new(run).join("classification_report.txt")).unwrap();
    assert!(out.contains(&report), "{out}\n{report}");
}

#[test]
fn evaluate_speaks_json_and_draws_mistakes() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    let out = sandbox.ok(&format!("evaluate {run} --json --part train --mistakes wrong.png"));
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["images"], 200);
    assert_eq!(value["confusion_matrix"].as_array().unwrap().len(), 10);
    assert!(value["classes"][9]["recall"].is_f64());
    assert!(image::open(sandbox.path("wrong.png")).unwrap().width() > 100);
}

#[test]
fn evaluate_takes_other_images() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.colours("photos", 5);
    let words = format!("evaluate {run} photos");
    sandbox.refuses(&words, 1, &["photos", "class"]);
    let out = sandbox.ok(&format!("evaluate {run} synthetic --data-seed 5"));
    assert!(out.contains("(2,000 images)"), "{out}");
}

#[test]
fn predict_names_classes_and_probabilities() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    RgbImage::new(50, 40).save(sandbox.path("black.png")).unwrap();
    let out = sandbox.ok(&format!("predict {run} black.png"));
    assert!(out.starts_with("black.png: "), "{out}");
    assert_eq!(out.matches(" %").count(), 3, "{out}");
    let out = sandbox.ok(&format!("predict {run} black.png --top 1"));
    assert_eq!(out.matches(" %").count(), 1, "{out}");
}

#[test]
fn predict_takes_folders_and_speaks_json() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.colours("photos", 2);
    sandbox.write("photos/notes.txt", "not an image");
    let all: Value =
        serde_json::from_str(&sandbox.ok(&format!("predict {run} photos --json"))).unwrap();
    let all = all.as_array().unwrap();
    let paths: Vec<_> = all.iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["blue/000.png", "blue/001.png", "red/000.png", "red/001.png"]
            .map(|p| format!("photos/{p}"))
    );
    for one in all {
        let list = one["probabilities"].as_array().unwrap();
        let sum: f64 = list.iter().map(|p| p["probability"].as_f64().unwrap()).sum();
        assert_eq!(list.len(), 10);
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert_eq!(one["class"], list[0]["class"]);
    }
}

#[test]
fn predict_goes_on_after_a_broken_image() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.colours("photos", 1);
    sandbox.write("photos/blue/broken.jpg", [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]);
    let ended = sandbox.run(&format!("predict {run} photos missing.png"));
    assert_eq!(ended.code, 1);
    assert_eq!(ended.out.lines().count(), 2, "{}", ended.out);
    for part in ["photos/blue/broken.jpg", "missing.png", "JPEG, PNG"] {
        assert!(ended.err.contains(part), "no {part:?} in {}", ended.err);
    }
}

#[test]
fn summary_is_keras_table() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    let table = sandbox.ok("summary");
    for part in ["(None, 32, 32, 32)", "896", "9,248", "1,048,704", "1,290", "1,060,138 (4.04 MB)"]
    {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(sandbox.ok("summary cnn --input 28x28x1 --classes 5").contains("(None, 5)"));
    assert!(sandbox.ok(&format!("summary {run}")).contains("Model: \"tiny\""));
    sandbox.refuses(&format!("summary {run} --classes 5"), 2, &["--classes", "leave"]);
}

#[test]
fn summary_writes_a_model_file_to_start_from() {
    let sandbox = Sandbox::new();
    sandbox.write("net.toml", sandbox.ok("summary cnn --classes 7 --toml"));
    assert_eq!(sandbox.ok("summary net.toml"), sandbox.ok("summary cnn --classes 7"));
}

#[test]
fn plot_draws_the_pictures_again() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.write("run/x", "");
    for entry in fs::read_dir(run).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        fs::copy(&path, sandbox.path("run").join(path.file_name().unwrap())).unwrap();
    }
    let pictures = ["samples", "accuracy", "loss", "confusion_matrix"];
    let pictures = pictures.iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]);
    for name in pictures.clone() {
        fs::remove_file(sandbox.path("run").join(name)).unwrap();
    }
    sandbox.ok("plot run");
    assert_complete(&sandbox.path("run"));
    for name in pictures {
        let [old, new] = [Path::new(run).join(&name), sandbox.path("run").join(&name)];
        assert!(fs::read(old).unwrap() == fs::read(new).unwrap(), "{name} differs");
    }
}

#[test]
fn filter_draws_what_a_convolution_does() {
    let sandbox = Sandbox::new();
    RgbImage::from_fn(40, 30, |x, _| image::Rgb([(x / 20 * 200) as u8; 3]))
        .save(sandbox.path("step.png"))
        .unwrap();
    assert_eq!(sandbox.ok("filter step.png"), "sobel: step-sobel.png\n");
    sandbox.ok("filter step.png --kind gaussian-blur:1.5 --out blurred.svg");
    let own = ["filter", "step.png", "--kernel", "-1 0; 0 1", "--out", "own.png"];
    assert!(crate::support::command(&sandbox.path(""), &own).output().unwrap().status.success());
    for name in ["step-sobel.png", "own.png"] {
        assert!(image::open(sandbox.path(name)).unwrap().width() > 100, "{name}");
    }
    assert!(fs::read_to_string(sandbox.path("blurred.svg")).unwrap().starts_with("<svg"));
    sandbox.refuses("filter step.png --kind sobbel", 2, &["sobbel", "sobel-x"]);
    sandbox.refuses("filter step.png --out step.gif", 2, &["step.gif", ".png"]);
    sandbox.refuses("filter missing.png", 1, &["missing.png"]);
}
