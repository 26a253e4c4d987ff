//! Models for and from other programs.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::support::{Sandbox, finished_run, weights};

/// What a run says of `photo.png`, class by class.
fn probabilities(sandbox: &Sandbox, run: &str) -> Vec<(String, f64)> {
    let out = sandbox.ok(&format!("predict {run} photo.png --json"));
    let all: Value = serde_json::from_str(&out).unwrap();
    let list = all[0]["probabilities"].as_array().unwrap();
    let pair = |one: &Value| {
        (one["class"].as_str().unwrap().to_owned(), one["probability"].as_f64().unwrap())
    };
    let mut pairs: Vec<_> = list.iter().map(pair).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}

fn photo(sandbox: &Sandbox) {
    let colour = |x, y| Rgb([(x * 9) as u8, (y * 5) as u8, (x * y) as u8]);
    RgbImage::from_fn(32, 32, colour).save(sandbox.path("photo.png")).unwrap();
}

#[test]
fn what_was_exported_and_imported_predicts_the_same() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    photo(&sandbox);
    let before = probabilities(&sandbox, run);
    for (index, flags) in [
        "onnx --out model.onnx",
        "onnx --layout nhwc --out model.onnx",
        "onnx --bytes --out model.onnx",
        "onnx --bytes --layout nhwc --out model.onnx",
        "keras --out model.keras",
        "keras --bytes --out model.keras",
        "safetensors --out model.safetensors",
        "torch-safetensors --out model.safetensors",
    ]
    .into_iter()
    .enumerate()
    {
        let out = sandbox.ok(&format!("export {run} --format {flags}"));
        let file = out.trim().strip_prefix("Written: ").unwrap();
        let out = sandbox.ok(&format!("import {file} --out again-{index}"));
        assert!(out.contains("input (None, 32, 32, 3)"), "{out}");
        let after = probabilities(&sandbox, &format!("again-{index}"));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.0, after.0, "{flags}");
            assert!((before.1 - after.1).abs() < 1e-5, "{flags}: {before:?} {after:?}");
        }
    }
}

#[test]
fn safetensors_are_the_runs_own_weights() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.ok(&format!("export {run} --format safetensors --out copy.safetensors"));
    assert_eq!(fs::read(sandbox.path("copy.safetensors")).unwrap(), weights(Path::new(run)));
}

#[test]
fn an_imported_model_is_tried_on_images_that_are_named() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.ok(&format!("export {run} --format onnx --out model.onnx"));
    let out = sandbox.ok("import model.onnx");
    assert!(out.contains("runs/imported-tiny"), "{out}");
    let out = sandbox.ok("evaluate runs/imported-tiny synthetic --data-seed 1");
    assert!(out.contains("accuracy"), "{out}");
    sandbox.refuses("evaluate runs/imported-tiny", 2, &["imported", "name a data set"]);
}

#[test]
fn classes_and_preprocessing_can_be_said() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    photo(&sandbox);
    sandbox.ok(&format!("export {run} --format onnx --out model.onnx"));
    sandbox.write("names.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    sandbox.ok(
        "import model.onnx --classes names.txt --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 --out named",
    );
    let all = probabilities(&sandbox, "named");
    assert_eq!((all.len(), all[0].0.as_str()), (10, "a"));
    assert!(sandbox.ok("summary named").contains("Normalization"));
    sandbox.refuses("import model.onnx --classes a,b", 1, &["model.onnx", "2 classes"]);
    sandbox.refuses("import model.onnx --mean 1,2,3,4 --std 1,1,1,1", 1, &["4 numbers"]);
    sandbox.refuses("import model.onnx --mean 0 --std 0", 1, &["std: 0 is out of range"]);
}

/// Keras's networks often begin with Rescaling(1/255), and take pixels from 0 to 255 as numbers.
#[test]
fn what_keras_has_trained_is_imported() {
    let sandbox = Sandbox::new();
    photo(&sandbox);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/keras");
    for name in ["chain.keras", "chain.weights.h5"] {
        fs::copy(golden.join(name), sandbox.path(name)).unwrap();
    }
    sandbox.ok("import chain.keras --classes a,b,c --out archive");
    sandbox.write("chain.toml", chain_toml());
    sandbox.ok("import chain.weights.h5 --model chain.toml --classes a,b,c --out weights");
    assert_eq!(probabilities(&sandbox, "archive"), probabilities(&sandbox, "weights"));
    // A model that says that it takes numbers, but divides them by 255.
    sandbox.write("divides.toml", chain_toml().replacen("[[layers]]", DIVIDES, 1));
    let out = sandbox.ok("import chain.weights.h5 --model divides.toml --out divides --bytes");
    assert!(out.contains("input (None, 8, 8, 3)"), "{out}");
    assert!(!sandbox.ok("summary divides").contains("rescaling"));
    sandbox.refuses("import chain.weights.h5", 2, &["chain.weights.h5 does not say", "--model"]);
    sandbox.refuses("import chain.keras --model cnn", 2, &["leave --model out"]);
    sandbox.refuses(
        "import chain.weights.h5 --model lenet5",
        1,
        &["chain.weights.h5: it has a variable layers/batch_normalization/vars/0"],
    );
}

const DIVIDES: &str = "[[layers]]\ntype = \"Rescaling\"\nscale = 0.00392156862745098\n[[layers]]";

/// The network of `golden/keras/chain.keras`.
fn chain_toml() -> String {
    let layers = [
        "type = \"Conv2D\"\nfilters = 4\nkernel_size = 3\nactivation = \"relu\"",
        "type = \"BatchNormalization\"",
        "type = \"MaxPool2D\"",
        "type = \"Flatten\"",
        "type = \"Dense\"\nunits = 3\nactivation = \"softmax\"",
    ];
    let layers = layers.map(|layer| format!("[[layers]]\n{layer}\n")).concat();
    format!("input = [8, 8, 3]\n{layers}")
}

#[test]
fn what_cannot_be_exchanged_is_refused() {
    let (sandbox, run) = (Sandbox::new(), finished_run());
    sandbox.ok(&format!("export {run} --format torch-safetensors --out torch.safetensors"));
    sandbox.write("broken.onnx", "not a model");
    sandbox.write("broken.keras", "not a model");
    sandbox.write("broken.safetensors", "not a model");
    sandbox.write("model.pt", "not a model");
    let flags = |words: &str| format!("export {run} {words}");
    for (words, code, parts) in [
        (flags("--format tflite"), 2, &["tflite", "onnx"][..]),
        (flags("--format safetensors --bytes"), 2, &["--format onnx and keras"]),
        (flags("--format keras --layout nhwc"), 2, &["--format onnx"]),
        ("export nowhere --format onnx".to_owned(), 1, &["nowhere", "no such folder"]),
        ("import missing.onnx".to_owned(), 1, &["missing.onnx"]),
        (
            "import model.pt".to_owned(),
            2,
            &["model.pt", ".onnx, .keras, .weights.h5 or .safetensors"],
        ),
        ("import broken.onnx".to_owned(), 1, &["broken.onnx: "]),
        ("import broken.keras".to_owned(), 1, &["broken.keras: it is no whole zip archive"]),
        ("import broken.safetensors".to_owned(), 1, &["no safetensors file"]),
        ("import broken.onnx --model cnn".to_owned(), 2, &["leave --model out"]),
        (
            "import torch.safetensors --model resnet18 --classes a,b".to_owned(),
            1,
            &["a tensor \"dense.bias\", which the model has not"],
        ),
        ("import torch.safetensors --mean 1".to_owned(), 2, &["--std"]),
    ] {
        sandbox.refuses(&words, code, parts);
    }
}
