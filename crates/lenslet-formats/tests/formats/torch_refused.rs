//! PyTorch's weights that are not those of the network: each is refused, and the tensor is named.

use lenslet_formats::torch::{TorchFile, encode_torch};
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten};
use lenslet_model::{Graph, Sequential, zoo_model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::networks::filled;

type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

/// The network's own file with other tensors.
fn rebuilt(graph: Graph, change: impl FnOnce(&mut Tensors)) -> Vec<u8> {
    let bytes = encode_torch(&filled(graph)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let own = |(name, t): (&str, TensorView<'_>)| {
        (name.to_owned(), t.dtype(), t.shape().to_vec(), t.data().to_vec())
    };
    let mut tensors: Tensors = file.iter().map(own).collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn small() -> Graph {
    Sequential::new((5, 5, 3))
        .add(Conv2D::new(4, 3))
        .add(BatchNormalization::new().scale(false))
        .add(Flatten::new())
        .add(Dense::new(2))
        .into()
}

fn find<'a>(tensors: &'a mut Tensors, name: &str) -> &'a mut (String, Dtype, Vec<usize>, Vec<u8>) {
    tensors.iter_mut().find(|tensor| tensor.0 == name).unwrap()
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    type Change = fn(&mut Tensors);
    let cases: [(Change, &str); 6] = [
        (|t| t.retain(|t| t.0 != "dense.bias"), "it has no tensor \"dense.bias\""),
        (
            |t| find(t, "dense.bias").0 = "dense.bais".into(),
            "a tensor \"dense.bais\", which the model has not (it has \"dense.bias\")",
        ),
        (
            |t| find(t, "dense.weight").2 = vec![36, 2],
            "\"dense.weight\" has the shape [36, 2], not [2, 36]",
        ),
        (|t| find(t, "dense.bias").1 = Dtype::I32, "\"dense.bias\" is of type I32, not F32"),
        (
            |t| find(t, "batch_normalization.weight").3 = vec![0; 16],
            "not all of \"batch_normalization.weight\" is 1",
        ),
        (
            |t| t.push(("\u{1b}[2J".into(), Dtype::U8, vec![0], vec![])),
            "a tensor \"\\u{1b}[2J\", which the model has not",
        ),
    ];
    let network = small().build().unwrap();
    for (change, part) in cases {
        let bytes = rebuilt(small(), change);
        let message = TorchFile::parse(&bytes).unwrap().parameters(&network).unwrap_err();
        let message = message.to_string();
        assert!(message.contains(part) && message.contains("; "), "{part}: {message}");
    }
}

#[test]
fn files_without_a_counter_of_batches_are_taken() {
    let bytes = rebuilt(small(), |t| t.retain(|t| !t.0.ends_with("num_batches_tracked")));
    let network = small().build().unwrap();
    let parameters = TorchFile::parse(&bytes).unwrap().parameters(&network).unwrap();
    assert_eq!(parameters, filled(small()).parameters);
}

/// Forms of ResNet-18 for small pictures have a first convolution of 3x3.
#[test]
fn another_stem_is_refused() {
    let resnet18 = zoo_model("resnet18", [32, 32, 3], 10).unwrap();
    let network = resnet18.build().unwrap();
    let bytes = rebuilt(resnet18, |t| {
        let stem = find(t, "conv1.weight");
        (stem.2, stem.3) = (vec![64, 3, 3, 3], vec![0; 64 * 3 * 9 * 4]);
    });
    let message = TorchFile::parse(&bytes).unwrap().parameters(&network).unwrap_err().to_string();
    let expected = "the tensor \"conv1.weight\" has the shape [64, 3, 3, 3], not [64, 3, 7, 7]; ";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn bytes_that_are_no_safetensors_are_refused() {
    let good = rebuilt(small(), |_| {});
    let long = [&(5u64 << 20).to_le_bytes()[..], &good[8..]].concat();
    let cases = [
        (b"PK\x03\x04 a zip".to_vec(), "longer than 4194304 bytes"),
        (long, "longer than 4194304 bytes"),
        (vec![], "no safetensors file"),
        (good[..good.len() - 1].to_vec(), "no whole safetensors file"),
        (good[..20].to_vec(), "no whole safetensors file"),
    ];
    for (bytes, part) in cases {
        let message = TorchFile::parse(&bytes).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    }
}
