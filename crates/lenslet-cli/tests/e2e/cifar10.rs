use std::fs;

use crate::support::{Sandbox, assert_complete, cifar10_archive, serve};

#[test]
fn a_mirrors_archive_is_fetched_once_and_learnt() {
    let sandbox = Sandbox::new();
    let url = serve(cifar10_archive(20, None));
    let out = sandbox.ok(&format!("data get cifar10 --data {url} --unchecked"));
    assert!(out.contains("100 images to learn from and 20 images to test on"), "{out}");
    let words = format!("train cifar10 --data {url} --unchecked --epochs 1 --out run");
    let ended = sandbox.run(&words);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!ended.err.contains("downloading"), "it is in the cache: {}", ended.err);
    assert!(ended.out.contains("airplane, automobile, bird"), "{}", ended.out);
    assert_complete(&sandbox.path("run"));
    sandbox.ok("evaluate run");
}

#[test]
fn an_archive_and_a_folder_are_read_where_they_are() {
    let sandbox = Sandbox::new();
    sandbox.write("small.tar.gz", cifar10_archive(10, None));
    let out = sandbox.ok("data show cifar10 --data small.tar.gz");
    assert!(out.contains("50 images to learn from and 10 images to test on"), "{out}");
    assert!(sandbox.path("cifar10-samples.png").is_file());
    sandbox.refuses("train small.tar.gz", 2, &["small.tar.gz", "cifar10 --data small.tar.gz"]);
}

#[test]
fn another_archive_than_the_official_one_is_refused() {
    let sandbox = Sandbox::new();
    let url = serve(cifar10_archive(5, None));
    let words = format!("data get cifar10 --data {url}");
    sandbox.refuses(&words, 1, &["size", "170052171", "get it again"]);
    let kept = fs::read_dir(sandbox.path("cache")).unwrap();
    assert!(kept.flatten().all(|file| !file.file_name().to_string_lossy().ends_with(".gz")));
    sandbox.write("cache/cifar-10-binary.tar.gz", cifar10_archive(5, None));
    sandbox.refuses("train cifar10", 1, &["cifar-10-binary.tar.gz", "size", "delete it"]);
}

#[test]
fn no_network_is_one_error_with_ways_out() {
    let sandbox = Sandbox::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let words = format!("train cifar10 --data {url}");
    let file = sandbox.path("cache/cifar-10-binary.tar.gz").display().to_string();
    sandbox.refuses(&words, 1, &[&url, &file, "--data", "`synthetic` needs no download"]);
}

#[test]
fn a_truncated_archive_is_refused() {
    let sandbox = Sandbox::new();
    let mut archive = cifar10_archive(10, None);
    archive.truncate(archive.len() / 2);
    sandbox.write("half.tar.gz", archive);
    let words = "train cifar10 --data half.tar.gz";
    sandbox.refuses(words, 1, &["half.tar.gz", "ends too early", "get it again"]);
}

#[test]
fn a_label_out_of_range_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("odd.tar.gz", cifar10_archive(10, Some(200)));
    let words = "train cifar10 --data odd.tar.gz";
    sandbox.refuses(words, 1, &["odd.tar.gz", "label 200", "0 to 9"]);
    assert!(!sandbox.path("runs").exists());
}
