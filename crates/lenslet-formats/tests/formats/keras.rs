//! Keras's files: what goes out and comes back, and what Keras itself has written.

use std::fs;
use std::path::Path;

use lenslet_formats::keras::{KerasOptions, encode_keras, import_keras, keras_weights};
use lenslet_formats::{FormatError, Imported};
use lenslet_model::layers::{
    BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPool2D, Maxout, SumPool2D,
};
use lenslet_model::{Activation, Graph, Layer, Sequential};
use lenslet_store::TrainedModel;
use serde_json::Value;

use crate::networks::{distance, filled, keras_networks, predictions, predictions_of};

/// A file that `golden/keras/exchange.py` has written with Keras.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/keras");
    fs::read(folder.join(name)).unwrap()
}

/// The network of `chain.keras`.
pub(crate) fn chain() -> Graph {
    Sequential::new((8, 8, 3))
        .add(Conv2D::new(4, 3).activation(Activation::Relu))
        .add(BatchNormalization::new())
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.25))
        .add(Flatten::new())
        .add(Dense::new(3).activation(Activation::Softmax))
        .into()
}

fn back(file: &[u8]) -> Result<TrainedModel, FormatError> {
    import_keras(file)?.with_unit_pixels()?.into_trained(None)
}

#[test]
fn what_goes_out_comes_back_to_the_same_bits() {
    for graph in keras_networks() {
        let model = filled(graph);
        let name = model.network.name();
        let file = encode_keras(&model, KerasOptions::default()).unwrap();
        let came = back(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(came.saved.classes, model.saved.classes, "{name}");
        assert_eq!(predictions(&came), predictions(&model), "{name}");
        // The layers and their settings are all there: they make the same file.
        assert_eq!(encode_keras(&came, KerasOptions::default()).unwrap(), file, "{name}");
        let kinds = |model: &TrainedModel| {
            let nodes = model.network.nodes().iter();
            let mut all: Vec<_> =
                nodes.map(|node| (node.name.clone(), node.layer.clone())).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        assert_eq!(kinds(&came), kinds(&model), "{name}");
    }
}

#[test]
fn pixels_as_bytes_come_back_as_pixels() {
    for graph in keras_networks() {
        let model = filled(graph);
        let file = encode_keras(&model, KerasOptions { bytes: true }).unwrap();
        let imported = import_keras(&file).unwrap();
        assert!(imported.bytes);
        let came = imported.with_unit_pixels().unwrap().into_trained(None).unwrap();
        assert_eq!(came.network.nodes().len(), model.network.nodes().len());
        assert_eq!(predictions(&came), predictions(&model), "{}", model.network.name());
    }
}

#[test]
fn what_keras_does_not_have_is_named() {
    let with = |layer: Layer| {
        let model = Sequential::new((4, 4, 1)).add(Conv2D::new(2, 1)).add(layer);
        filled(model.add(Flatten::new()).add(Dense::new(2)))
    };
    for (layer, part) in [
        (SumPool2D::new(2).into(), "layer `sum_pooling2d` (SumPooling2D): Keras has no such layer"),
        (Maxout::new(2, 2).into(), "layer `maxout` (Maxout): Keras has no such layer"),
        (Activation::Gelu { approximate: true }.into(), "layer `activation` (Activation): Keras"),
    ] {
        let message = encode_keras(&with(layer), KerasOptions::default()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("; "), "{message}");
    }
}

/// Compares with what Keras says of the images that golden/keras/exchange.py describes.
fn assert_predicts(imported: Imported, name: &str) {
    let model = imported.into_trained(None).unwrap();
    let golden: Value = serde_json::from_slice(&golden("exchange.json")).unwrap();
    let rows = golden[name].as_array().unwrap();
    let expected = rows.iter().flat_map(|row| row.as_array().unwrap());
    let expected: Vec<f32> = expected.map(|x| x.as_f64().unwrap() as f32).collect();
    let pixels = (0..rows.len() * model.network.input().elements()).map(|i| 37 * i + 11 * (i / 7));
    let pixels: Vec<u8> = pixels.map(|byte| (byte % 256) as u8).collect();
    let came = predictions_of(&model, &pixels);
    assert!(distance(&came, &expected) < 1e-6, "{came:?} {expected:?}");
}

#[test]
fn models_that_keras_has_trained_predict_the_same() {
    for name in ["chain", "graph"] {
        let imported = import_keras(&golden(&format!("{name}.keras"))).unwrap();
        assert_eq!(imported.network.name(), name);
        assert_predicts(imported, name);
    }
}

#[test]
fn weights_that_keras_has_trained_predict_the_same() {
    let network = chain().build().unwrap();
    let parameters = keras_weights(&golden("chain.weights.h5"), &network).unwrap();
    let imported = Imported { network, parameters, classes: None, bytes: false };
    assert_predicts(imported, "chain");
}

/// Keras lists the layers of a graph by their distance from the output, whatever the order is in
/// which they were made.
#[test]
fn weights_of_a_graph_are_those_of_its_model() {
    let imported = import_keras(&golden("graph.keras")).unwrap();
    let file = encode_keras(&imported.clone().into_trained(None).unwrap(), KerasOptions::default());
    assert_eq!(import_keras(&file.unwrap()).unwrap().parameters, imported.parameters);
    let mut shuffled = imported.network.description().clone();
    shuffled.layers.reverse();
    let network = shuffled.build().unwrap();
    let archive = zip_entry(&golden("graph.keras"), "model.weights.h5");
    let parameters = keras_weights(&archive, &network).unwrap();
    assert_predicts(Imported { network, parameters, classes: None, bytes: false }, "graph");
}

/// One file of an archive.
pub(crate) fn zip_entry(archive: &[u8], name: &str) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
    bytes
}
