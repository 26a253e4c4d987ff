//! Images with any number of labels.

use std::fs;

use crate::support::{CONFIG, MODEL, Sandbox, assert_complete, weights};

/// A run of seconds on scenes.
fn config() -> String {
    CONFIG
        .replace("kind = \"synthetic\"", "kind = \"scenes\"")
        .replace("sparse_categorical_crossentropy", "binary_crossentropy")
        .replace("\"softmax\"", "\"sigmoid\"")
}

/// A folder of the pictures of [`Sandbox::colours`] with a table: an image is red, blue, or both, and
/// tall from a height of its own on.
fn tagged(sandbox: &Sandbox) {
    sandbox.colours("photos", 12);
    let mut table = "file,labels\n".to_owned();
    for i in 0..12 {
        let tall = if i >= 6 { "|late" } else { "" };
        table += &format!("red/{i:03}.png,red{tall}\nblue/{i:03}.png,blue{tall}\n");
    }
    sandbox.write("photos/labels.csv", table);
}

#[test]
fn a_folder_with_a_table_of_labels_is_learnt_evaluated_and_predicted_with() {
    let sandbox = Sandbox::new();
    tagged(&sandbox);
    let model = MODEL.replace("[32, 32, 3]", "[8, 8, 3]").replace("= 10", "= 3");
    sandbox.write("net.toml", model.replace("softmax", "sigmoid"));
    let words = "train photos --model net.toml --epochs 40 --metrics precision,f1_macro --csv-log log.csv \
                 --tensorboard board --learning-rate 0.01 --out run";
    let out = sandbox.ok(words);
    assert!(out.contains("8x8 pixels RGB, 3 labels, any number for each image"), "{out}");
    assert!(out.contains("Labels: blue, late, red"), "{out}");
    assert!(out.contains("Weakest labels: late"), "{out}");
    let run = sandbox.path("run");
    assert_complete(&run);
    let text = |name: &str| fs::read_to_string(run.join(name)).unwrap();
    assert!(text("config.toml").contains("name = \"binary_crossentropy\""));
    assert!(text("history.csv").lines().next().unwrap().contains(",val_f1_macro,"), "metrics");
    assert!(text("confusion_matrix.csv").starts_with("label,true_positives,"));
    assert!(text("classification_report.txt").contains("exact match"));
    assert!(text("confusion_matrix.svg").contains("images with the label"));

    let drawn = fs::read(run.join("confusion_matrix.png")).unwrap();
    fs::remove_file(run.join("confusion_matrix.png")).unwrap();
    sandbox.ok("plot run");
    assert!(fs::read(run.join("confusion_matrix.png")).unwrap() == drawn, "the same again");

    let out = sandbox.ok("evaluate run --part train --mistakes wrong.png");
    assert!(out.contains("train accuracy 0.") && out.contains("micro avg"), "{out}");
    assert!(sandbox.path("wrong.png").is_file());
    let json: serde_json::Value = serde_json::from_str(&sandbox.ok("evaluate run --json")).unwrap();
    assert_eq!(json["labels"][0]["label"], "blue");
    assert!(json["scores"]["precision"].is_number() && json["labels"][2]["roc_auc"].is_number());

    let out = sandbox.ok("predict run photos/red/000.png");
    assert!(out.contains(": red "), "{out}");
    assert!(!out.contains("blue"), "not above the threshold: {out}");
    let out = sandbox.ok("predict run photos/red/000.png --threshold 1");
    assert!(out.contains(": none of them (the most probable: red "), "{out}");
    let out = sandbox.ok("predict run photos/red/000.png --top 3");
    assert!(out.contains("blue"), "{out}");
    let json = sandbox.ok("predict run photos/red/000.png --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["labels"][0], "red");
    assert_eq!(json[0]["probabilities"].as_array().unwrap().len(), 3);
}

#[test]
fn a_run_on_scenes_is_repeated_and_gone_on_with_to_the_same_bits() {
    let sandbox = Sandbox::new();
    sandbox.write("scenes.toml", config());
    sandbox.ok("train --config scenes.toml --epochs 3 --out whole");
    sandbox.ok("train --config whole/config.toml --out again");
    sandbox.ok("train --config scenes.toml --epochs 1 --out broken");
    sandbox.ok("train --resume broken --epochs 3");
    let [whole, again, broken] =
        ["whole", "again", "broken"].map(|run| weights(&sandbox.path(run)));
    assert!(whole == again && whole == broken);
}

#[test]
fn a_network_with_a_name_ends_with_a_sigmoid() {
    let sandbox = Sandbox::new();
    tagged(&sandbox);
    let out = sandbox.ok("train photos --model lenet5 --epochs 1 --image-size 32x32 --out run");
    assert!(out.contains("3 labels"), "{out}");
    let model = fs::read_to_string(sandbox.path("run/model.json")).unwrap();
    assert!(model.contains("sigmoid") && !model.contains("softmax"), "{model}");
    let found = sandbox.ok("lr-find photos --steps 40 --model lenet5");
    assert!(found.contains("Picture: "), "{found}");
}

#[test]
fn what_is_for_one_class_each_is_refused_before_training() {
    let sandbox = Sandbox::new();
    tagged(&sandbox);
    sandbox.write("softmax.toml", MODEL.replace("= 10", "= 3"));
    let one_each = crate::support::finished_run();
    sandbox.write("bad/labels.csv", "file,labels\nnone.png,cat\n");
    let image = "photos/red/000.png";
    let cases = [
        (
            "train photos --loss sparse_categorical_crossentropy".to_owned(),
            2,
            "--loss sparse_",
            "binary_",
        ),
        ("train photos --class-weights balanced".to_owned(), 2, "--class-weights", "leave it out"),
        ("train photos --metrics cohen_kappa".to_owned(), 2, "--metrics cohen_kappa", "any number"),
        ("train photos --model softmax.toml".to_owned(), 1, "ends with softmax", "\"sigmoid\""),
        ("train bad".to_owned(), 1, "line 2: there is no file \"none.png\"", "correct the name"),
        (format!("predict {one_each} {image} --threshold 0.3"), 2, "--threshold", "leave it out"),
        (format!("predict {one_each} {image} --threshold 3"), 2, "between 0 and 1", "0.5"),
    ];
    for (words, code, what, remedy) in &cases {
        sandbox.refuses(words, *code, &[what, remedy]);
    }
    assert!(!sandbox.path("runs").exists(), "nothing was trained");
}
