//! `config.toml`.

use std::fs;

use lenslet_engine::Shortcut;
use lenslet_model::{Adam, Loss, SGD, cnn};
use lenslet_store::{DataConfig, RunConfig, TrainingConfig};
use lenslet_train::{EarlyStopping, OnNan, ReduceLROnPlateau};

fn config() -> RunConfig {
    RunConfig {
        version: "0.1.0".to_owned(),
        isa: "avx2".to_owned(),
        without: vec![Shortcut::Winograd, Shortcut::Skipping],
        limit: None,
        data: DataConfig::Synthetic { seed: 42, train: 10_000, test: 2_000 },
        training: TrainingConfig {
            epochs: 10,
            batch_size: 10,
            seed: 42,
            shuffle: true,
            on_nan: OnNan::Stop,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            metrics: Vec::new(),
            optimizer: Adam::default().into(),
            loss: Loss::default(),
        },
        model: cnn((32, 32, 3), 10).into(),
    }
}

#[test]
fn every_setting_is_read_back() {
    let folder = DataConfig::Folder {
        path: "C:\\pictures \"of\" cats\n[data]\u{1b}".to_owned(),
        size: [48, 64],
        channels: 3,
        seed: u64::MAX,
        validation_fraction: 0.1 + 0.2,
        strict: true,
    };
    let data = [
        config().data,
        DataConfig::Cifar10 { path: None },
        DataConfig::Scenes { seed: 3, train: 20, test: 10 },
        DataConfig::Cifar10 { path: Some("https://mirror.example/cifar".to_owned()) },
        folder,
        DataConfig::Imported {},
    ];
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("config.toml");
    for data in data {
        let mut written = RunConfig { data, limit: Some(1_000), ..config() };
        written.training.seed = u64::MAX;
        written.training.optimizer = SGD::new(1e-3 / 3.0).momentum(0.9).nesterov().into();
        let stopping = EarlyStopping::new(3);
        written.training.early_stopping = Some(stopping);
        written.training.reduce_lr_on_plateau = Some(ReduceLROnPlateau::default());
        written.write(&path).unwrap();
        assert_eq!(RunConfig::read(&path).unwrap(), written, "{}", written.to_toml());
    }
}

#[test]
fn the_text_is_made_to_be_read() {
    let text = config().to_toml();
    let head = "version = \"0.1.0\"\nisa = \"avx2\"\nwithout = [\"winograd\", \"skipping\"]\n\n\
                [data]\nkind = \"synthetic\"\n";
    assert!(text.starts_with(head), "{text}");
    assert!(text.contains("\n[training.optimizer]\nname = \"adam\"\n"), "{text}");
    assert!(text.contains("\n[[model.layers]]\ntype = \"Conv2D\"\nfilters = 32\n"), "{text}");
}

#[test]
fn bad_configurations_are_refused_with_the_reason() {
    let good = config().to_toml();
    let cases = [
        ("isa = \"avx2\"\n", "", "missing field `isa`"),
        ("\"winograd\"", "\"vinograd\"", "did you mean `winograd`?"),
        ("isa =", "exact = true\nisa =", "in place of `exact = true` write `without = "),
        ("batch_size", "batchsize", "did you mean `batch_size`?"),
        ("\"synthetic\"", "\"sinthetic\"", "did you mean `synthetic`?"),
        ("train = 10000", "trian = 10000", "did you mean `train`?"),
        ("beta_1", "beta1", "did you mean `beta_1`?"),
        ("learning_rate = 0.001", "learning_rate = nan", "learning_rate = NaN is out of range"),
        ("batch_size = 10", "batch_size = 0", "batch_size: 0 is too few"),
        ("epochs = 10", "epochs = -1", "-1"),
        ("units = 128", "units = 0", "units = 0 is out of range"),
        ("[data]", "[data", "line 5"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    for (from, to, part) in cases {
        assert!(good.contains(from), "{from}");
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let message = RunConfig::read(&path).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
        assert!(message.starts_with(&path.display().to_string()), "{message}");
    }
    fs::write(&path, b"version = \"\xff\"").unwrap();
    let message = RunConfig::read(&path).unwrap_err().to_string();
    assert!(message.contains("no text in UTF-8 (from byte 11)"), "{message}");
}
