//! Folders with a folder of images for each class.

use std::fs;
use std::path::Path;

use lenslet_data::folder::Folder;

use crate::tree::{Tree, greys};

#[test]
fn train_and_test_folders_are_read_in_the_order_of_names() {
    for test in ["test", "val", "validation", "valid", "Test"] {
        let name = format!("{test}/dog/1.png");
        let tree = Tree::new().images(&[
            ("train/dog/b.png", 4),
            ("train/dog/a.bmp", 3),
            ("train/Cat/10.png", 1),
            ("train/Cat/deep/er/9.gif", 2),
            ("train/.hidden/x.png", 9),
            ("train/dog/.x.png", 9),
            (&name, 5),
        ]);
        let split = tree.file("train/dog/notes.txt", b"woof").load().unwrap();
        assert_eq!(split.train.classes(), ["Cat", "dog"]);
        assert_eq!((greys(&split.train), greys(&split.test)), (vec![1, 2, 3, 4], vec![5]));
        assert_eq!(split.train.labels(), &vec![0, 0, 1, 1].into());
        assert_eq!(split.test.labels(), &vec![1].into());
        assert!(split.skipped.is_empty());
    }
}

#[test]
fn test_goes_before_val() {
    let files =
        [("train/a/1.png", 1), ("train/b/1.png", 2), ("val/a/1.png", 3), ("test/a/1.png", 4)];
    assert_eq!(greys(&Tree::new().images(&files).load().unwrap().test), [4]);
}

#[test]
fn folders_of_classes_are_split() {
    let names: Vec<String> =
        (0..10).flat_map(|i| [format!("a/{i}.png"), format!("b/{i}.png")]).collect();
    let files: Vec<(&str, u8)> = names.iter().map(String::as_str).zip(0..).collect();
    let below: Vec<String> = names.iter().map(|name| format!("train/{name}")).collect();
    let below: Vec<(&str, u8)> = below.iter().map(String::as_str).zip(0..).collect();
    let [one, other] = [&files, &below].map(|files| Tree::new().images(files).load().unwrap());
    assert_eq!(one.test.class_counts(), [2, 2]);
    assert_eq!(one.train.class_counts(), [8, 8]);
    assert_eq!((greys(&one.train), greys(&one.test)), (greys(&other.train), greys(&other.test)));
    let mut all = [greys(&one.train), greys(&one.test)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..20).collect::<Vec<u8>>());
}

#[test]
fn broken_images_are_skipped_listed_and_left_alone_or_an_error_when_strict() {
    let tree = Tree::new()
        .images(&[
            ("train/a/1.png", 1),
            ("train/a/3.png", 3),
            ("train/b/2.png", 2),
            ("test/a/1.png", 4),
        ])
        .file("train/a/2.jpg", b"\xFF\xD8\xFF\xE0 not much of a JPEG")
        .file("train/b/1.png", b"")
        .file("train/b/3.tiff", b"II*\0")
        .file("test/b/1.webp", b"RIFF");
    let split = tree.load().unwrap();
    assert_eq!((greys(&split.train), greys(&split.test)), (vec![1, 3, 2], vec![4]));
    let skipped: Vec<&Path> =
        split.skipped.iter().map(|s| s.path.strip_prefix(tree.0.path()).unwrap()).collect();
    let expected = ["test/b/1.webp", "train/a/2.jpg", "train/b/1.png", "train/b/3.tiff"];
    assert_eq!(skipped, expected.map(Path::new));
    assert!(split.skipped[2].reason.contains("empty"), "{:?}", split.skipped);
    assert_eq!(fs::read(tree.path("train/b/1.png")).unwrap(), b"");
    let strict = Folder { strict: true, ..Folder::default() }.load(tree.0.path());
    let message = strict.unwrap_err().to_string();
    assert!(message.starts_with("4 of the images") && message.contains("1.webp"), "{message}");
}

#[test]
fn other_layouts_are_refused_with_the_reason() {
    let one = || Tree::new().images(&[("train/a/1.png", 1), ("train/b/1.png", 1)]);
    let empty = |name: &str| {
        let tree = one();
        fs::create_dir_all(tree.path(name)).unwrap();
        tree.trouble()
    };
    for (message, expected) in [
        (Tree::new().trouble(), "has no classes; make a folder of images for each class"),
        (Tree::new().images(&[("1.png", 1)]).trouble(), "has no classes"),
        (Tree::new().images(&[("a/1.png", 1)]).trouble(), "only one class, `a`"),
        (Tree::new().images(&[("test/a/1.png", 1)]).trouble(), "has test/ but no train/"),
        (one().images(&[("test/c/1.png", 1)]).trouble(), "no class `c`"),
        (one().file("train/c/1.png", b"broken").trouble(), "class `c` has no image"),
        (empty("train/c"), "class `c` has no image"),
        (empty("test"), "has no image"),
    ] {
        assert!(message.contains(expected), "{message}");
    }
    let missing = Folder::default().load(Path::new("no/such/folder")).unwrap_err().to_string();
    assert!(missing.contains("no/such/folder"), "{missing}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let tree = Tree::new().images(&[("a/1.png", 1), ("b/1.png", 1)]);
    let base = Folder::default();
    for (folder, expected) in [
        (Folder { channels: 2, ..base }, "1 or 3 channels"),
        (Folder { size: [0, 1], ..base }, "1 or 3 channels"),
        (Folder { test_fraction: 1.0, ..base }, "between 0 and 1"),
        (Folder { test_fraction: f64::NAN, ..base }, "between 0 and 1"),
        (Folder { limit: 6143, ..base }, "take 6144 bytes"),
    ] {
        let message = folder.load(tree.0.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_is_noticed() {
    let tree = Tree::new().images(&[("a/1.png", 1), ("a/2.png", 2), ("b/1.png", 1)]);
    std::os::unix::fs::symlink(tree.0.path().join("a"), tree.path("a/again")).unwrap();
    let split = tree.load().unwrap();
    assert_eq!(split.train.len() + split.test.len(), 3);
    assert!(split.skipped[0].reason.contains("loop"), "{:?}", split.skipped);
}
