//! The fuzzer's corpora: files that other programs wrote are taken, and damaged ones never panic.

use std::fs;
use std::path::Path;

use lenslet_formats::keras::{import_keras, keras_weights};
use lenslet_formats::onnx::import_onnx;
use lenslet_formats::torch::TorchFile;
use lenslet_model::Network;
use lenslet_model::Sequential;
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten};

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

fn small() -> Network {
    let model = Sequential::new((4, 4, 1)).add(Conv2D::new(2, 3)).add(BatchNormalization::new());
    model.add(Flatten::new()).add(Dense::new(2)).build().unwrap()
}

/// Every shorter beginning, and every changed bit.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    cut.chain((0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    }))
}

#[test]
fn graphs_of_the_python_package_are_taken() {
    for (name, bytes) in corpus("onnx") {
        let imported = import_onnx(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let trained = imported.with_unit_pixels().and_then(|it| it.with_softmax()).unwrap();
        assert_eq!(trained.into_trained(None).unwrap().saved.classes.len(), 3, "{name}");
    }
}

#[test]
fn a_damaged_graph_is_refused_or_is_a_network() {
    for (_, bytes) in corpus("onnx") {
        for bytes in damaged(&bytes) {
            if let Ok(imported) = import_onnx(&bytes) {
                assert_eq!(imported.parameters.len(), imported.network.parameter_count());
            }
        }
    }
}

#[test]
fn models_and_weights_that_keras_wrote_are_taken() {
    let network = small();
    let mut same = Vec::new();
    for (name, bytes) in corpus("keras") {
        if name.ends_with(".keras") {
            same.push(import_keras(&bytes).unwrap().parameters);
        } else if name.ends_with(".weights.h5") {
            same.push(keras_weights(&bytes, &network).unwrap());
        } else {
            // A description, a 0, and the weights.
            let end = bytes.iter().position(|&byte| byte == 0).unwrap();
            assert!(bytes[end + 1..].starts_with(b"\x89HDF"), "{name}");
        }
    }
    assert_eq!(same.len(), 2);
    assert_eq!(same[0], same[1]);
}

#[test]
fn weights_that_the_python_package_wrote_are_taken() {
    let (_, bytes) = corpus("safetensors")
        .into_iter()
        .find(|(name, _)| name.ends_with("/torch.safetensors"))
        .unwrap();
    let parameters = TorchFile::parse(&bytes).unwrap().parameters(&small()).unwrap();
    assert!(parameters.iter().all(|x| *x != 0.0));
}

#[test]
fn damaged_weights_are_refused_or_are_weights() {
    let network = small();
    for (_, bytes) in corpus("safetensors") {
        for bytes in damaged(&bytes) {
            let Ok(file) = TorchFile::parse(&bytes) else { continue };
            if let Ok(parameters) = file.parameters(&network) {
                assert_eq!(parameters.len(), network.parameter_count());
            }
        }
    }
}
