use std::fs;

use image::RgbImage;

use crate::support::{Sandbox, assert_complete};

#[test]
fn a_folder_of_classes_is_split_and_learnt() {
    let sandbox = Sandbox::new();
    sandbox.colours("photos", 20);
    let out =
        sandbox.ok("train photos --image-size 8x8 --epochs 20 --validation-split 0.25 --out run");
    assert!(out.contains("photos: 30 images to learn from and 10 images to test on"), "{out}");
    assert!(out.contains("8x8 pixels RGB, 2 classes"), "{out}");
    assert_complete(&sandbox.path("run"));
    let guess = sandbox.ok("predict run photos/red/000.png --top 1");
    assert!(guess.contains(": red "), "{guess}");
}

#[test]
fn a_folder_with_a_test_part_keeps_it() {
    let sandbox = Sandbox::new();
    sandbox.colours("photos/train", 6);
    sandbox.colours("photos/val", 2);
    let out = sandbox.ok("data show photos --out grid.svg");
    assert!(
        out.contains("12 images to learn from and 4 images to test on, 32x32 pixels RGB"),
        "{out}"
    );
    assert!(fs::read_to_string(sandbox.path("grid.svg")).unwrap().starts_with("<svg"));
}

#[test]
fn a_model_file_gives_the_size() {
    let sandbox = Sandbox::new();
    sandbox.colours("photos", 6);
    let model = crate::support::MODEL.replace("[32, 32, 3]", "[12, 16, 1]").replace("= 10", "= 2");
    sandbox.write("grey.toml", model);
    let out = sandbox.ok("train photos --model grey.toml --epochs 1");
    assert!(out.contains("12x16 pixels grey"), "{out}");
}

#[test]
fn broken_images_are_listed_and_skipped_but_not_when_strict() {
    let sandbox = Sandbox::new();
    sandbox.colours("photos", 6);
    sandbox.write("photos/red/torn.jpg", torn_jpeg());
    let ended = sandbox.run("train photos --epochs 1 --image-size 8x8");
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("skipped ") && ended.err.contains("red/torn.jpg"), "{}", ended.err);
    assert!(ended.out.contains("(1 broken image skipped)"), "{}", ended.out);
    let words = "train photos --epochs 1 --strict";
    sandbox.refuses(words, 1, &["red/torn.jpg", "ends too early"]);
}

fn torn_jpeg() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(40, 40).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    let mut bytes = bytes.into_inner();
    bytes.truncate(bytes.len() / 2);
    bytes
}

#[test]
fn folders_that_cannot_be_learnt_are_refused_before_training() {
    let sandbox = Sandbox::new();
    sandbox.colours("empty", 3);
    sandbox.write("empty/green/notes.txt", "no image");
    sandbox.refuses("train empty", 1, &["`green`", "no image"]);
    sandbox.colours("single", 3);
    fs::remove_dir_all(sandbox.path("single/blue")).unwrap();
    sandbox.refuses("train single", 1, &["single", "two"]);
    sandbox.write("nothing/readme.txt", "");
    sandbox.refuses("train nothing", 1, &["nothing"]);
    assert!(!sandbox.path("runs").exists(), "nothing was trained");
}
