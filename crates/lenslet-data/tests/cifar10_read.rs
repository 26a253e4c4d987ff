//! Archives and folders of records.

mod support;

use std::fs;

use lenslet_data::Split;
use lenslet_data::cifar10::{ARCHIVE, Cifar10, Source, read};
use support::{archive, batches, record};
use tempfile::TempDir;

fn read_bytes(bytes: &[u8]) -> Result<Split, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("some.tar.gz");
    fs::write(&path, bytes).unwrap();
    read(&path).map_err(|error| error.to_string())
}

/// What is said of the archive of [`batches`] after a change.
fn trouble(change: impl Fn(&mut Vec<(String, Vec<u8>)>)) -> String {
    let mut files = batches();
    change(&mut files);
    read_bytes(&archive(&files)).unwrap_err()
}

fn check(split: &Split) {
    assert_eq!(split.train.labels(), &(0..10).collect::<Vec<_>>().into());
    assert_eq!(split.test.labels(), &vec![0, 1].into());
    assert_eq!(split.train.image_shape(), [32, 32, 3]);
    assert_eq!(split.train.image(7)[..6], [7, 8, 9, 7, 8, 9]);
    assert_eq!(split.test.image(1)[3069..], [11, 12, 13]);
    assert_eq!(split.train.classes()[..2], ["airplane", "automobile"]);
}

#[test]
fn planes_become_pixels_in_the_order_of_the_batches() {
    check(&read_bytes(&archive(&batches())).unwrap());
    for order in [[5, 4, 3, 2, 1, 0], [0, 2, 3, 5, 4, 1]] {
        let files = order.map(|file| batches()[file].clone());
        check(&read_bytes(&archive(&files)).unwrap());
    }
}

#[test]
fn a_batch_may_be_long() {
    let mut files = batches();
    files[1].1 = (0..200).flat_map(|i| record(i % 10, i)).collect();
    let split = read_bytes(&archive(&files)).unwrap();
    assert_eq!(split.train.len(), 208);
    for i in [0, 63, 64, 65, 127, 128, 199] {
        assert_eq!(split.train.labels().of(2 + i), [i % 10]);
        assert_eq!(split.train.image(2 + i)[0], i as u8);
    }
}

#[test]
fn a_folder_its_parent_and_a_folder_with_the_archive_are_the_same() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).unwrap();
    for (name, bytes) in batches() {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let other = TempDir::new().unwrap();
    fs::write(other.path().join(ARCHIVE), archive(&batches())).unwrap();
    for path in [inner.as_path(), folder.path(), other.path()] {
        let cifar10 = Cifar10 { source: Source::Path(path.into()), ..Cifar10::new("unused") };
        check(&cifar10.load(&|_, _| ()).unwrap());
    }
}

#[test]
fn other_files_and_paths_in_the_archive_do_no_harm() {
    let mut files = batches();
    files.push(("../escape.txt".into(), b"gotcha".to_vec()));
    files.push(("/etc/readme.html".into(), vec![0; 5000]));
    files.push(("x/batches.meta.txt".into(), b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec()));
    let split = read_bytes(&archive(&files)).unwrap();
    assert_eq!(split.train.classes()[9], "j");
    assert_eq!(split.train.len(), 10);
}

#[test]
fn what_is_wrong_inside_is_named() {
    let long = |files: &mut Vec<(String, Vec<u8>)>| files[1].1 = vec![0; 30_730_001];
    for (message, expected) in [
        (trouble(|files| files[2].1.extend(record(10, 0))), "data_batch_3.bin, record 2: label 10"),
        (
            trouble(|files| {
                files[1].1 = (0..200).flat_map(|i| record(i / 180 * 10, 0)).collect();
            }),
            "data_batch_2.bin, record 180: label 10",
        ),
        (trouble(|files| files[5].1.truncate(6145)), "test_batch.bin has 6145 bytes"),
        (trouble(|files| files[0].1.clear()), "data_batch_1.bin has 0 bytes"),
        (
            trouble(|files| {
                files.remove(4);
            }),
            "has no data_batch_5.bin;",
        ),
        (trouble(|files| files.push(files[3].clone())), "has data_batch_4.bin twice"),
        (
            trouble(|files| files.push(("batches.meta.txt".into(), b"a\nb\n".to_vec()))),
            "2 class names",
        ),
        (trouble(long), "larger than the 30730000 bytes"),
    ] {
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn an_archive_that_ends_early_says_so_wherever_it_ends() {
    let whole = archive(&batches());
    for length in [0, 5, 20, whole.len() / 2, whole.len() - 20, whole.len() - 1] {
        let message = read_bytes(&whole[..length]).unwrap_err();
        assert!(message.contains("ends too early"), "{length} of {}: {message}", whole.len());
    }
}

#[test]
fn damage_is_noticed() {
    let mut damaged = archive(&batches());
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    assert!(read_bytes(&damaged).unwrap_err().contains("not a readable"));
    assert!(read_bytes(b"<html>Not found</html>").unwrap_err().contains("not a readable"));
}
