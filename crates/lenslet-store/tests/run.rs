//! Run folders and the files in them.

use std::fs;
use std::path::Path;

use lenslet_model::{Adam, Loss, cnn};
use lenslet_store::{
    DataConfig, Format, HistoryRow, Run, RunConfig, RunFile, SavedModel, StoreError,
    TrainingConfig, run_name, write,
};
use lenslet_train::{MetricValues, OnNan};

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_write_replaces_the_whole_file_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    write(&path, b"a long first text").unwrap();
    write(&path, b"short").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"short");
    assert_eq!(entries(folder.path()), ["notes"]);
}

#[test]
fn a_reader_never_sees_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let texts = [vec![b'a'; 100_000], vec![b'b'; 300_000]];
    write(&path, &texts[0]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..100 {
                write(&path, &texts[i % 2]).unwrap();
            }
        });
        while !writer.is_finished() {
            assert!(texts.contains(&fs::read(&path).unwrap()));
        }
    });
}

#[cfg(unix)]
#[test]
fn others_may_read_what_is_written_as_the_umask_lets_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("ours"), b"").unwrap();
    fs::write(folder.path().join("plain"), b"").unwrap();
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("ours"), mode("plain"));
}

#[test]
fn a_write_that_fails_names_the_path_and_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(&root.join("file"), b"old").unwrap();
    fs::create_dir(root.join("folder")).unwrap();
    let cases = [
        ("file/below", "check the path"),
        ("nowhere/file", "check that the path is right and its folder exists"),
        ("folder", "it is a folder: name a file"),
    ];
    for (name, part) in cases {
        let path = root.join(name);
        let message = write(&path, b"new").unwrap_err().to_string();
        let start = format!("cannot write {}: ", path.display());
        assert!(message.starts_with(&start) && message.contains(part), "{message}");
        assert!(!message.contains("at path"), "a temporary file is named: {message}");
    }
    assert_eq!(fs::read(root.join("file")).unwrap(), b"old");
    assert_eq!(entries(root), ["file", "folder"]);
}

/// A folder of `/proc` takes nothing, even from the administrator as whom tests often run.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_told_before_training() {
    let message = Run::create(Path::new("/proc/self"), "run").unwrap_err().to_string();
    assert!(message.starts_with("cannot make the folder /proc/self/run: "), "{message}");
    let message = Run::create_at(Path::new("/proc/self/task/run")).unwrap_err().to_string();
    assert!(message.contains("/proc/self/task/run"), "{message}");
}

#[test]
fn runs_never_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("deep/runs");
    let names: Vec<_> = (0..3)
        .map(|_| Run::create(&runs, "synthetic-cnn").unwrap())
        .map(|run| run.folder().file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["synthetic-cnn", "synthetic-cnn-2", "synthetic-cnn-3"]);
    assert!(names.iter().all(|name| entries(&runs.join(name)).is_empty()));
}

#[test]
fn a_folder_of_the_users_own_must_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let run = Run::create_at(&path).unwrap();
    assert_eq!(Run::create_at(&path).unwrap(), run);
    run.write(RunFile::Samples(Format::Svg), b"<svg/>").unwrap();
    let error = Run::create_at(&path).unwrap_err();
    assert!(matches!(error, StoreError::Occupied { .. }));
    assert!(error.to_string().contains("is not empty; a run never overwrites"), "{error}");
    let file = run.path(RunFile::Samples(Format::Svg));
    let message = Run::create_at(&file).unwrap_err().to_string();
    assert!(message.starts_with("cannot use the folder"), "{message}");
    assert_eq!(fs::read(file).unwrap(), b"<svg/>");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(201);
    for name in ["", ".", "..", "../x", "/x", "a/b", "a/", "./a", "a\\b", "a\nb", "a\0b", &long] {
        let error = Run::create(folder.path(), name).unwrap_err();
        assert!(matches!(error, StoreError::Name { .. }), "{name:?}: {error}");
    }
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn run_names_are_plain_whatever_they_are_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let long = "猫".repeat(300);
    let hostile =
        ["", "..", "/", "../../etc/passwd", "a\0b\u{1b}[2J", ".hidden", &long, "CON: \\x"];
    for data in hostile {
        for model in ["cnn", data] {
            let name = run_name(data, model);
            let run = Run::create(folder.path(), &name).unwrap();
            assert_eq!(run.folder().parent(), Some(folder.path()), "{name}");
        }
    }
    assert_eq!(run_name("..", "/"), "run");
    assert_eq!(run_name("cifar10", "cnn"), "cifar10-cnn");
}

fn config() -> RunConfig {
    RunConfig {
        version: "0.1.0".to_owned(),
        isa: "portable".to_owned(),
        without: Vec::new(),
        limit: None,
        data: DataConfig::Synthetic { seed: 1, train: 20, test: 10 },
        training: TrainingConfig {
            epochs: 1,
            batch_size: 10,
            seed: 1,
            shuffle: true,
            on_nan: OnNan::Stop,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            metrics: Vec::new(),
            optimizer: Adam::default().into(),
            loss: Loss::default(),
        },
        model: cnn((8, 8, 3), 2).into(),
    }
}

#[test]
fn a_run_is_opened_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(folder.path(), "run").unwrap();
    let saved = SavedModel::new(cnn((8, 8, 3), 2), vec!["cat".into(), "dog".into()]);
    let parameters = vec![0.5; saved.check().unwrap().parameter_count()];
    let history = [HistoryRow {
        epoch: 1,
        loss: 0.7,
        accuracy: 0.5,
        val_loss: None,
        val_accuracy: None,
        seconds: 0.1,
        learning_rate: Some(0.001),
        metrics: MetricValues::default(),
        val_metrics: MetricValues::default(),
    }];
    run.write_config(&config()).unwrap();
    run.write_history(&history).unwrap();
    run.write_model(&saved, &parameters).unwrap();

    let run = Run::open(run.folder()).unwrap();
    let trained = run.load_model().unwrap();
    assert_eq!((trained.saved, trained.parameters), (saved.clone(), parameters));
    assert_eq!(run.load_config().unwrap(), config());
    assert_eq!(run.load_history().unwrap(), history);
    let json = fs::read_to_string(run.path(RunFile::Model)).unwrap();
    assert_eq!(SavedModel::from_json(&json).unwrap(), saved);
}

#[test]
fn a_folder_that_is_no_run_is_refused_with_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(folder.path(), "run").unwrap();
    run.write_config(&config()).unwrap();
    let file = run.path(RunFile::Config);
    let nowhere = folder.path().join("nowhere");
    let cases = [
        (run.folder(), "it has no model.json, no weights.safetensors"),
        (&file, "it is a file, not a folder"),
        (&nowhere, "there is no such folder"),
    ];
    for (path, part) in cases {
        let message = Run::open(path).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{} is not a run: {part}", path.display())));
        assert!(message.contains("`lenslet train`"), "{message}");
    }
}
