//! Event files, read back record by record.

use std::fs;
use std::path::Path;

use lenslet_engine::{Cpu, Options};
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{Loss, Metric, SGD, Sequential};
use lenslet_report::{EventFile, Setting, TensorBoard};
use lenslet_train::{ConfusionMatrix, Epoch, MetricValues, Observer, Plan};

/// The events in the only file of a folder; panics where a frame or a checksum is wrong.
fn events(folder: &Path) -> Vec<Vec<u8>> {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("events.out.tfevents."));
    let bytes = fs::read(file).unwrap();
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    let masked = |bytes: &[u8]| {
        crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
    };
    while !rest.is_empty() {
        let (length, tail) = rest.split_at(8);
        let (check, tail) = tail.split_at(4);
        assert_eq!(check, masked(length));
        let (data, tail) = tail.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let (check, tail) = tail.split_at(4);
        assert_eq!(check, masked(data));
        found.push(data.to_vec());
        rest = tail;
    }
    found
}

fn holds(event: &[u8], part: &[u8]) -> bool {
    event.windows(part.len()).any(|window| window == part)
}

#[test]
fn scalars_pictures_and_settings_are_framed() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = EventFile::create(folder.path()).unwrap();
    file.scalar("loss", 3, 0.5).unwrap();
    file.image("matrix", 0, [2, 1], b"png".to_vec()).unwrap();
    file.hparams("run", [("optimizer", Setting::Text("adam".into()))]).unwrap();
    file.flush().unwrap();
    let events = events(folder.path());
    assert_eq!(events.len(), 4);
    assert!(holds(&events[0], b"brain.Event:2"));
    // Field 2 of the event is the step; fields 1 and 2 of the value, tag and number.
    assert!(holds(&events[1], &[0x10, 3]) && holds(&events[1], b"\x0a\x04loss\x15\0\0\0\x3f"));
    assert!(holds(&events[2], b"\x0a\x06matrix\x22\x0b\x08\x01\x10\x02\x18\x03\x22\x03png"));
    for part in [&b"_hparams_/session_start_info"[..], b"hparams", b"optimizer", b"adam"] {
        assert!(holds(&events[3], part), "{part:?}");
    }
}

#[test]
fn files_of_one_second_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let _first = EventFile::create(folder.path()).unwrap();
    let _second = EventFile::create(folder.path()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_training_is_written_epoch_by_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let layers = Sequential::new((1, 1, 1)).add(Flatten::new()).add(Dense::new(2));
    let (network, options) = (layers.build().unwrap(), Options::default());
    let mut engine = Cpu::new(network, Loss::default(), SGD::new(0.1).into(), options).unwrap();
    let mut board = TensorBoard::create(folder.path()).unwrap();
    let metrics = &[Metric::Accuracy, Metric::CohenKappa];
    board.begin(&Plan { epochs: 1, steps: 1, validation: true, metrics }).unwrap();
    let epoch = Epoch {
        epoch: 1,
        loss: 0.5,
        accuracy: Some(0.25),
        val_loss: Some(0.75),
        val_accuracy: Some(0.5),
        metrics: MetricValues::from_iter([(Metric::F1Macro, 0.25)]),
        val_metrics: MetricValues::from_iter([(Metric::CohenKappa, 0.125)]),
        learning_rate: 0.1,
        seconds: 1.0,
    };
    board.steer(&epoch, &mut engine).unwrap();
    let mut matrix = ConfusionMatrix::new(vec!["cat".into(), "dog".into()]);
    matrix.count(0, 1);
    board.confusion(&matrix).unwrap();
    let tags = |part: &str| -> Vec<bool> {
        let tags = [
            "epoch_loss",
            "epoch_accuracy",
            "epoch_learning_rate",
            "epoch_f1_macro",
            "epoch_cohen_kappa",
            "confusion_matrix",
        ];
        let events = events(&folder.path().join(part));
        tags.map(|tag| events.iter().any(|event| holds(event, tag.as_bytes()))).to_vec()
    };
    assert_eq!(tags("train"), [true, true, true, true, false, false]);
    assert_eq!(tags("validation"), [true, true, false, false, true, true]);
}
