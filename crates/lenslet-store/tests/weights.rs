//! Weights files: round trips, the same bytes, and what is refused.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use lenslet_model::layers::{Conv2D, Dense, Flatten};
use lenslet_model::{Activation, Sequential};
use lenslet_store::{
    SavedModel, WeightsFile, decode_weights, encode_weights, read_parameters, read_weights,
    write_weights,
};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

fn saved() -> SavedModel {
    let model = Sequential::new((5, 5, 3))
        .add(Conv2D::new(4, 3).activation(Activation::Relu))
        .add(Flatten::new())
        .add(Dense::new(2).activation(Activation::Softmax));
    SavedModel::new(model, ["cat", "dog, \"small\" ☂"].map(String::from).to_vec())
}

fn parameters() -> Vec<f32> {
    let count = saved().check().unwrap().parameter_count();
    (0..count).map(|i| (i as f32 * 0.37).sin()).collect()
}

#[test]
fn a_model_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write_weights(&path, &saved(), &parameters()).unwrap();
    let trained = read_weights(&path).unwrap();
    assert_eq!(trained.saved, saved());
    assert_eq!(trained.network, saved().model.build().unwrap());
    assert_eq!(trained.parameters, parameters());
}

#[test]
fn a_file_gives_its_description_first_and_its_parameters_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write_weights(&path, &saved(), &parameters()).unwrap();
    let file = WeightsFile::open(&path).unwrap();
    assert_eq!((&file.saved, &file.network), (&saved(), &saved().check().unwrap()));
    let mut read = vec![0.0; file.network.parameter_count()];
    file.read_parameters(&mut read).unwrap();
    assert_eq!(read, parameters());
    // It was whole when it was opened.
    let file = WeightsFile::open(&path).unwrap();
    let cut = fs::File::options().write(true).open(&path).unwrap();
    cut.set_len(cut.metadata().unwrap().len() - 1).unwrap();
    let message = file.read_parameters(&mut read).unwrap_err().to_string();
    assert!(message.contains("weights.safetensors: it is not whole"), "{message}");
}

#[test]
fn values_keep_their_bits() {
    let mut parameters = parameters();
    let odd = [f32::NAN, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX];
    parameters[..odd.len()].copy_from_slice(&odd);
    let read = decode_weights(&encode_weights(&saved(), &parameters).unwrap()).unwrap().parameters;
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read), bits(&parameters));
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let first = encode_weights(&saved(), &parameters()).unwrap();
    let trained = decode_weights(&first).unwrap();
    assert_eq!(encode_weights(&trained.saved, &trained.parameters).unwrap(), first);
}

#[test]
fn other_programs_find_tensors_named_and_shaped_as_keras_has_them() {
    let bytes = encode_weights(&saved(), &parameters()).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let shapes: BTreeMap<_, _> =
        tensors.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect();
    let expected = [
        ("conv2d/bias", vec![4]),
        ("conv2d/kernel", vec![3, 3, 3, 4]),
        ("dense/bias", vec![2]),
        ("dense/kernel", vec![36, 2]),
    ];
    assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape)).into());
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let expected = HashMap::from([("lenslet".to_owned(), saved().to_json())]);
    assert_eq!(metadata.metadata().as_ref(), Some(&expected));
}

#[test]
fn parameters_of_a_foreign_file_are_read_by_name() {
    let network = saved().check().unwrap();
    let file = rebuilt(|tensors, metadata| {
        tensors.sort_by(|a, b| b.0.cmp(&a.0));
        *metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    });
    assert_eq!(read_parameters(&file, &network).unwrap(), parameters());
}

type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

/// The file with other tensors or metadata.
fn rebuilt(change: impl FnOnce(&mut Tensors, &mut HashMap<String, String>)) -> Vec<u8> {
    let bytes = encode_weights(&saved(), &parameters()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Tensors = file
        .iter()
        .map(|(name, t)| (name.to_owned(), t.dtype(), t.shape().to_vec(), t.data().to_vec()))
        .collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let mut metadata = HashMap::from([("lenslet".to_owned(), saved().to_json())]);
    change(&mut tensors, &mut metadata);
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// The file with other JSON.
fn described(from: &str, to: &str) -> Vec<u8> {
    rebuilt(|_, metadata| {
        let text = metadata.get_mut("lenslet").unwrap();
        assert!(text.contains(from), "{text}");
        *text = text.replacen(from, to, 1);
    })
}

#[test]
fn bad_files_are_refused_with_the_reason() {
    let good = encode_weights(&saved(), &parameters()).unwrap();
    let header = |word: u64| [&word.to_le_bytes()[..], &good[8..]].concat();
    let kernel = |t: &mut Tensors| t.iter().position(|t| t.0 == "dense/kernel").unwrap();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "not whole"),
        (good[..7].to_vec(), "not whole"),
        (good[..100].to_vec(), "not whole"),
        (good[..good.len() - 1].to_vec(), "not whole"),
        ([&good[..], b"x"].concat(), "not whole"),
        (header(u64::MAX), "header is longer than"),
        (header((4 << 20) + 1), "header is longer than"),
        (header(1 << 20), "not whole"),
        (header(10), "no safetensors file, or damaged"),
        (b"PK\x03\x04 a zip file, not this".to_vec(), "header is longer than"),
        (rebuilt(|_, m| m.clear()), "no description of its model"),
        (rebuilt(|_, m| _ = m.insert("code".into(), "x".into())), "has the key \"code\""),
        (rebuilt(|t, _| _ = t.remove(0)), "no tensor \"conv2d/bias\""),
        (rebuilt(|t, _| t[0].0 = "conv2d/bais".into()), "there is \"conv2d/bais\""),
        (
            rebuilt(|t, _| t.push(("\u{1b}[2J".into(), Dtype::U8, vec![0], vec![]))),
            "has a tensor \"\\u{1b}[2J\", which the model has not",
        ),
        (
            rebuilt(|t, _| {
                let i = kernel(t);
                t[i].2 = vec![2, 36];
            }),
            "\"dense/kernel\" has the shape [2, 36], not [36, 2]",
        ),
        (
            rebuilt(|t, _| {
                let i = kernel(t);
                t[i].1 = Dtype::I32;
            }),
            "\"dense/kernel\" is of type I32, not F32",
        ),
        (described("\"units\": 2", "\"units\": 3"), "does not fit 2 classes"),
        (
            described("\"filters\": 4", "\"filters\": 5"),
            "has the shape [3, 3, 3, 4], not [3, 3, 3, 5]",
        ),
        (
            described("\"filters\": 4", "\"filters\": 1048576"),
            "has the shape [3, 3, 3, 4], not [3, 3, 3, 1048576]",
        ),
        (described("\"units\"", "\"unist\""), "did you mean `units`?"),
        (described("\"classes\"", "\"clases\""), "did you mean `classes`?"),
        (described("\"cat\"", "\"\""), "classes: one has no name"),
        (described("\"cat\"", "\"\\u001b[2J\""), "control characters"),
        (described("\"cat\"", "\"dog, \\\"small\\\" ☂\""), "two are called"),
        (described("0.00392156862745098", "-1"), "preprocessing.scale: -1 is out of range"),
        (described("{", "{{"), "cannot be read"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    for (bytes, part) in cases {
        fs::write(&path, bytes).unwrap();
        let message = read_weights(&path).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let good = encode_weights(&saved(), &parameters()).unwrap();
    for length in 0..good.len() {
        assert!(decode_weights(&good[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_changed_bit_never_panics() {
    let good = encode_weights(&saved(), &parameters()).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let _ = decode_weights(&bytes);
    }
}

#[test]
fn a_large_file_that_is_not_there_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let message = read_weights(&path).unwrap_err().to_string();
    assert!(message.contains("it holds more than"), "{message}");
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let refused = |saved: &SavedModel, parameters: &[f32], part: &str| {
        let message = encode_weights(saved, parameters).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    refused(&saved(), &parameters()[1..], "the network has 186");
    let mut bad = saved();
    bad.preprocessing.scale = f64::NAN;
    refused(&bad, &parameters(), "NaN is out of range");
    let mut bad = saved();
    bad.classes.pop();
    refused(&bad, &parameters(), "does not fit 1 classes");
    let mut bad = saved();
    bad.classes[0] = "x".repeat(5 << 20);
    refused(&bad, &parameters(), "header is longer than");
}
