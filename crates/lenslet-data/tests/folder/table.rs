//! Folders of images with a table of labels.

use lenslet_data::Dataset;

use crate::tree::{Tree, greys};

/// Four images of one plain grey each.
fn photos() -> Tree {
    Tree::new().images(&[("a.png", 1), ("b.png", 2), ("deep/c.png", 3), ("d.png", 4)])
}

/// Two images to learn from and one to test on, with their tables.
fn parts(train: &str, test: &str) -> Tree {
    Tree::new()
        .images(&[("train/a.png", 1), ("train/b.png", 2), ("val/c.png", 3)])
        .file("train/labels.csv", train.as_bytes())
        .file("val/labels.csv", test.as_bytes())
}

fn words(set: &Dataset) -> Vec<String> {
    (0..set.len()).map(|index| set.words(index)).collect()
}

#[test]
fn lists_and_columns_say_the_same() {
    let lists = "file,labels\na.png,dog|cat\n\"b.png\", dog \ndeep/c.png,\nd.png,cat|cat|\n";
    let columns =
        "\u{feff}Image,cat,dog\r\na.png,1,1\r\nb.png,0,1\r\ndeep/c.png,0,0\r\nd.png,1,0\r\n";
    for table in [lists, columns] {
        let split = photos().file("labels.csv", table.as_bytes()).load().unwrap();
        assert_eq!(split.train.classes(), ["cat", "dog"]);
        let mut all = [words(&split.train), words(&split.test)].concat();
        all.sort_unstable();
        assert_eq!(all, ["cat", "cat, dog", "dog", "none of them"]);
        let mut greys = [greys(&split.train), greys(&split.test)].concat();
        greys.sort_unstable();
        assert_eq!(greys, [1, 2, 3, 4]);
    }
}

#[test]
fn columns_keep_their_order_and_a_test_part_may_have_another() {
    let tree = parts("file,dog,cat\nb.png,0,1\na.png,1,1\n", "file,cat,dog\nc.png,1,0\n");
    let split = tree.load().unwrap();
    assert_eq!(split.train.classes(), ["dog", "cat"]);
    assert_eq!(words(&split.train), ["cat", "dog, cat"]);
    assert_eq!(greys(&split.train), [2, 1]);
    assert_eq!(words(&split.test), ["cat"]);
    let split = tree.file("val/labels.csv", b"file,labels\nc.png,dog\n").load().unwrap();
    assert_eq!(words(&split.test), ["dog"]);
}

#[test]
fn one_label_is_enough() {
    let split = photos().file("labels.csv", b"file,cat\na.png,1\nb.png,0\nd.png,1\n").load();
    assert_eq!(split.unwrap().train.classes(), ["cat"]);
}

#[test]
fn broken_images_are_left_out_with_their_labels() {
    let table = b"file,labels\ne.png,cat\na.png,dog\nb.png,dog|cat\nd.png,cat\n";
    let split = photos().file("e.png", b"no picture").file("labels.csv", table).load().unwrap();
    assert_eq!(split.skipped.len(), 1);
    assert_eq!(split.train.len() + split.test.len(), 3);
    let counts = split.train.class_counts().into_iter().zip(split.test.class_counts());
    assert_eq!(counts.map(|(a, b)| a + b).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn what_is_no_table_is_refused_with_the_line_and_what_to_write() {
    let cases: [(&str, &[&str]); 17] = [
        ("", &["the first column is \"\", not `file`", "file,labels"]),
        ("file,labels\n", &["names no image"]),
        ("id,breed\na.png,poodle\n", &["line 1", "\"id\", not `file`", "needs no labels.csv"]),
        ("file,breed\na.png,poodle\n", &["line 2", "breed = \"poodle\" is neither 0 nor 1"]),
        ("file;labels\na.png;cat\n", &["line 1", "parted by `;`"]),
        ("file\na.png\n", &["line 1", "there is no label"]),
        ("file,cat,cat\na.png,1,0\n", &["line 1", "two columns are called \"cat\""]),
        ("file,cat,\na.png,1,0\n", &["line 1", "column 3 has no name"]),
        ("file,labels\na.png,cat\nb.png,cat,dog\n", &["line 3", "3 columns, the first line 2"]),
        (
            "file,labels\na.png,cat\nx.png,cat\n",
            &["line 3", "no file \"x.png\"", "correct the name"],
        ),
        ("file,labels\na.png,cat\n\na.png,dog\n", &["line 4", "a.png stands in line 2, too"]),
        ("file,labels\na.png,cat\n./a.png,dog\n", &["line 3", "stands in line 2, too"]),
        ("file,labels\n../a.png,cat\n", &["line 2", "leads out of the folder"]),
        ("file,labels\ndeep/../a.png,cat\n", &["line 2", "leads out of the folder"]),
        ("file,labels\n/etc/a.png,cat\n", &["line 2", "leads out of the folder"]),
        ("file,labels\n,cat\n", &["line 2", "names no file"]),
        ("file,labels\na.png,\nb.png,|\n", &["gives no image a label"]),
    ];
    for (table, parts) in cases {
        let message = photos().file("labels.csv", table.as_bytes()).trouble();
        for part in [&["labels.csv"], parts].concat() {
            assert!(message.contains(part), "{table:?}: no {part:?} in {message}");
        }
    }
}

#[test]
fn a_table_in_another_encoding_is_refused() {
    let message = photos().file("labels.csv", b"file,labels\na.png,caf\xe9\n").trouble();
    assert!(message.contains("line 2") && message.contains("UTF-8"), "{message}");
}

#[test]
fn a_test_part_has_the_labels_of_the_training_part() {
    let lists = "file,labels\na.png,cat|dog\n";
    for (test, part) in [
        ("file,labels\nc.png,cow\n", "line 2: the training part has no label `cow`"),
        ("file,cat\nc.png,1\n", "line 1: has no column dog"),
    ] {
        let message = parts(lists, test).trouble();
        assert!(message.contains(part), "{message}");
    }
}
