//! Downloads from a server on the loopback interface.

mod support;

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::thread;

use lenslet_data::cifar10::{ARCHIVE, Cifar10, Source, download};
use support::{Manner, Server, archive, batches, expected};
use tempfile::TempDir;

struct Case {
    file: Vec<u8>,
    server: Server,
    folder: TempDir,
}

impl Case {
    fn new(manner: Manner) -> Self {
        let file = archive(&batches());
        let server = Server::start(file.clone(), manner);
        Self { file, server, folder: TempDir::new().unwrap() }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("cache").join(ARCHIVE)
    }

    fn part(&self) -> PathBuf {
        self.target().with_file_name(format!("{ARCHIVE}.part"))
    }

    /// Leaves `bytes` as an earlier, interrupted download would.
    fn leave(&self, bytes: &[u8]) {
        fs::create_dir_all(self.folder.path().join("cache")).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    fn cifar10(&self) -> Cifar10 {
        Cifar10 {
            source: Source::Mirror(self.server.url.clone()),
            cache: self.folder.path().join("cache"),
            expected: Some(expected(&self.file)),
        }
    }

    fn get(&self) -> Result<(), String> {
        let path = self.cifar10().get(&|_, _| ()).map_err(|error| error.to_string())?;
        assert_eq!(path, self.target());
        assert_eq!(fs::read(&path).unwrap(), self.file);
        assert!(!self.part().exists());
        Ok(())
    }
}

#[test]
fn a_download_is_kept_and_used_again() {
    let case = Case::new(Manner::Ranges);
    case.get().unwrap();
    case.get().unwrap();
    assert_eq!(case.server.requests(), 1);
    let split = case.cifar10().load(&|_, _| ()).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (10, 2));
}

#[test]
fn progress_rises_to_the_size() {
    let case = Case::new(Manner::Ranges);
    let seen = RefCell::new(Vec::new());
    case.cifar10().get(&|done, total| seen.borrow_mut().push((done, total))).unwrap();
    let size = case.file.len() as u64;
    assert_eq!(seen.borrow().first(), Some(&(0, size)));
    assert_eq!(seen.borrow().last(), Some(&(size, size)));
    assert!(seen.borrow().is_sorted());
}

#[test]
fn an_interrupted_download_goes_on() {
    let case = Case::new(Manner::Ranges);
    case.leave(&case.file[..100]);
    case.get().unwrap();
    assert_eq!(case.server.ranges(), ["bytes=100-"]);
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let case = Case::new(Manner::NoRanges);
    case.leave(&case.file[..100]);
    case.get().unwrap();
}

#[test]
fn a_range_that_the_server_refuses_starts_over() {
    let case = Case::new(Manner::NotSatisfiable);
    case.leave(&case.file[..100]);
    case.get().unwrap();
}

#[test]
fn a_complete_part_needs_no_request() {
    let case = Case::new(Manner::Missing);
    case.leave(&case.file);
    case.get().unwrap();
    assert_eq!(case.server.requests(), 0);
}

#[test]
fn a_part_of_another_file_starts_over() {
    for length in [100, 1_000_000] {
        let case = Case::new(Manner::Ranges);
        case.leave(&vec![7; length]);
        case.get().unwrap();
    }
}

#[test]
fn a_connection_that_keeps_breaking_is_taken_up_again() {
    let size = archive(&batches()).len();
    let case = Case::new(Manner::Breaks(size / 5 + 1));
    case.get().unwrap();
    assert_eq!(case.server.requests(), 5);
}

#[test]
fn a_server_that_never_delivers_is_given_up() {
    let case = Case::new(Manner::Silent);
    case.leave(&case.file[..100]);
    let message = case.get().unwrap_err();
    assert!(message.contains("100 of"), "{message}");
    assert_eq!(fs::read(case.part()).unwrap(), case.file[..100]);
    assert!(!case.target().exists());
}

#[test]
fn a_wrong_file_is_named_by_both_digests_and_thrown_away() {
    let case = Case::new(Manner::Ranges);
    let mut other = case.file.clone();
    other[200] ^= 1;
    let wanted = expected(&other);
    let error = Cifar10 { expected: Some(wanted), ..case.cifar10() }.get(&|_, _| ()).unwrap_err();
    let message = error.to_string();
    for digest in [wanted.md5, expected(&case.file).md5] {
        assert!(message.contains(&digest.to_string()), "{message}");
    }
    assert!(!case.part().exists() && !case.target().exists());
}

#[test]
fn more_than_is_expected_is_refused() {
    let case = Case::new(Manner::Ranges);
    let wanted = expected(&case.file[..50]);
    let error = Cifar10 { expected: Some(wanted), ..case.cifar10() }.get(&|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("more than 50 bytes"), "{error}");
    assert!(!case.target().exists());
}

#[test]
fn no_server_is_one_error_that_says_what_else_can_be_done() {
    let case = Case::new(Manner::Missing);
    // A port that was just given back: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}/x");
    for (url, reason) in [(case.server.url.clone(), "404"), (nobody, "refused")] {
        let cifar10 = Cifar10 { source: Source::Mirror(url.clone()), ..case.cifar10() };
        let message = cifar10.get(&|_, _| ()).unwrap_err().to_string();
        let target = case.target().display().to_string();
        for part in [&url, reason, &target, "--data", "synthetic"] {
            assert!(message.to_lowercase().contains(&part.to_lowercase()), "{part}: {message}");
        }
    }
}

#[test]
fn a_wrong_copy_in_the_cache_is_named_and_left_alone() {
    let case = Case::new(Manner::Ranges);
    case.leave(&[]);
    fs::write(case.target(), b"something else").unwrap();
    let message = case.get().unwrap_err();
    assert!(message.contains("14 bytes"), "{message}");
    assert_eq!(fs::read(case.target()).unwrap(), b"something else");
}

#[test]
fn without_an_expectation_anything_is_taken() {
    let case = Case::new(Manner::Ranges);
    let cifar10 = Cifar10 { expected: None, ..case.cifar10() };
    assert_eq!(cifar10.load(&|_, _| ()).unwrap().train.len(), 10);
}

#[test]
fn two_at_once_download_once() {
    let case = Case::new(Manner::Ranges);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let wanted = expected(&case.file);
                download(&case.server.url, Some(&wanted), &case.target(), &|_, _| ()).unwrap();
            });
        }
    });
    assert_eq!(case.server.requests(), 1);
    assert_eq!(fs::read(case.target()).unwrap(), case.file);
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let case = Case::new(Manner::Ranges);
    fs::write(case.folder.path().join("cache"), b"a file where the folder should be").unwrap();
    let message = case.get().unwrap_err();
    assert!(message.contains("cannot make") && message.contains("cache"), "{message}");
}
