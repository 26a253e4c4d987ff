//! What goes out and comes back predicts the same.

use crate::networks::{distance, filled, mixed_orders, networks, predictions};
use lenslet_formats::onnx::{Layout, OnnxOptions, encode_onnx, import_onnx};
use lenslet_formats::torch::{TorchFile, encode_torch};
use lenslet_model::zoo_model;
use safetensors::SafeTensors;

#[test]
fn through_onnx() {
    for graph in networks() {
        let model = filled(graph);
        let before = predictions(&model);
        for layout in [Layout::Nchw, Layout::Nhwc] {
            for bytes in [false, true] {
                let file = encode_onnx(&model, OnnxOptions { layout, bytes }).unwrap();
                let imported = import_onnx(&file).unwrap();
                assert_eq!(
                    (imported.bytes, imported.classes.as_ref()),
                    (bytes, Some(&model.saved.classes))
                );
                let back = imported.with_unit_pixels().unwrap().into_trained(None).unwrap();
                let apart = distance(&predictions(&back), &before);
                let name = model.network.name();
                assert!(apart < 1e-5, "{name} {layout:?} {bytes}: {apart}");
            }
        }
    }
}

#[test]
fn a_model_comes_back_from_onnx_with_its_layers() {
    let model = filled(lenslet_model::cnn((32, 32, 3), 10));
    let file = encode_onnx(&model, OnnxOptions::default()).unwrap();
    let back = import_onnx(&file).unwrap();
    let names: Vec<_> = back.network.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["conv2d", "conv2d_1", "max_pooling2d", "flatten", "dense", "dense_1"]);
    assert_eq!(back.parameters, model.parameters);
}

#[test]
fn through_pytorchs_names_and_layouts() {
    for graph in networks() {
        let model = filled(graph);
        let file = encode_torch(&model).unwrap();
        let file = TorchFile::parse(&file).unwrap();
        assert_eq!(file.parameters(&model.network).unwrap(), model.parameters);
        assert_eq!(file.description(), Some(model.saved.to_json().as_str()));
    }
}

/// The names and numbers of tensors of torchvision 0.29's state_dicts.
#[test]
fn networks_of_torchvision_have_its_names() {
    let cases: [(&str, usize, &[&str]); 2] = [
        ("resnet18", 122, &["conv1.weight", "layer2.0.downsample.1.running_var", "fc.bias"]),
        (
            "mobilenet_v2",
            314,
            &["features.1.conv.2.weight", "features.17.conv.3.num_batches_tracked"],
        ),
    ];
    for (name, count, some) in cases {
        let model = filled(zoo_model(name, [32, 32, 3], 10).unwrap());
        let file = encode_torch(&model).unwrap();
        let names = SafeTensors::deserialize(&file).unwrap();
        let names = names.names();
        assert_eq!(names.len(), count, "{name}");
        assert!(some.iter().all(|one| names.contains(one)), "{names:?}");
        assert_eq!(TorchFile::parse(&file).unwrap().classes(), Some(10));
    }
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    for graph in networks() {
        let model = filled(graph);
        let onnx = || encode_onnx(&model, OnnxOptions::default()).unwrap();
        assert_eq!(onnx(), onnx());
        assert_eq!(encode_torch(&model).unwrap(), encode_torch(&model).unwrap());
    }
}

#[test]
fn a_model_that_pytorch_would_read_otherwise_is_refused() {
    let message = encode_torch(&filled(mixed_orders())).unwrap_err().to_string();
    assert!(message.contains("`add` (Add) comes behind a Flatten"), "{message}");
}
