//! Keras's files that are no network of Lenslet's, or hostile: each is refused, and what it is about
//! is named.

use std::io::{Cursor, Write};

use lenslet_formats::keras::{import_keras, keras_weights};
use lenslet_model::layers::{Dense, Dropout};
use lenslet_model::{Network, Sequential};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::keras::{chain, golden, zip_entry};

/// An archive of these files.
fn zipped(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The three files of a model that Keras has written.
struct Parts {
    metadata: Vec<u8>,
    config: Value,
    weights: Vec<u8>,
}

fn parts(name: &str) -> Parts {
    let file = golden(name);
    let entry = |name| zip_entry(&file, name);
    let config = serde_json::from_slice(&entry("config.json")).unwrap();
    Parts { metadata: entry("metadata.json"), config, weights: entry("model.weights.h5") }
}

impl Parts {
    fn file(&self, method: CompressionMethod, more: &[(&str, &[u8])]) -> Vec<u8> {
        let config = self.config.to_string();
        let own: [(&str, &[u8]); 3] = [
            ("metadata.json", &self.metadata),
            ("config.json", config.as_bytes()),
            ("model.weights.h5", &self.weights),
        ];
        zipped(&[&own[..], more].concat(), method)
    }
}

fn refusal(file: &[u8]) -> String {
    let message = import_keras(file).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("; "), "no way out: {message}");
    message
}

#[test]
fn layers_and_settings_without_a_counterpart_are_named() {
    type Change = fn(&mut Value);
    // Layer 0 is the input, then Conv2D, BatchNormalization, MaxPooling2D, Dropout, Flatten, Dense.
    let cases: [(Change, &str); 27] = [
        (
            |l| l[1]["class_name"] = json!("Lambda"),
            "layer `conv2d` (Lambda): \"Lambda\" holds code",
        ),
        (|l| l[1]["class_name"] = json!("Conv2DTranspose"), "no such layer (it has Conv2D)"),
        (
            |l| l[1]["class_name"] = json!("Sequential"),
            "layer `conv2d` (Sequential): Lenslet has no",
        ),
        (|l| l[1]["module"] = json!("my.layers"), "of the module \"my.layers\" is none of Keras's"),
        (|l| l[1]["registered_name"] = json!("my>Conv2D"), "\"my>Conv2D\" is a class of its own"),
        (|l| l[1]["code"] = json!("import os"), "the key \"code\" of \"Conv2D\" is not known"),
        (|l| l[1]["config"]["shape"] = json!(3), "unknown field `shape`"),
        (
            |l| l[1]["config"]["data_format"] = json!("channels_first"),
            "data_format = \"channels_fir",
        ),
        (|l| l[1]["config"]["padding"] = json!("causal"), "unknown variant `causal`"),
        (|l| l[1]["config"]["activation"] = json!("glu"), "unknown activation `glu`"),
        (
            |l| {
                l[1]["config"]["activation"] =
                    json!({ "module": "builtins", "class_name": "function", "config": "mine" });
            },
            "its activation: \"function\" of the module \"builtins\" is none of Keras's own",
        ),
        (
            |l| l[1]["config"]["kernel_constraint"] = json!({ "class_name": "MaxNorm" }),
            "kernel_constraint = {\"class_name\":\"MaxNorm\"} has no counterpart",
        ),
        (
            |l| l[1]["config"]["kernel_regularizer"]["class_name"] = json!("Orthogonal"),
            "its kernel_regularizer, ",
        ),
        (
            |l| l[1]["config"]["kernel_initializer"]["class_name"] = json!("STFT"),
            "its kernel_initializer, ",
        ),
        (|l| l[1]["config"]["dtype"]["config"]["name"] = json!("float64"), "are float64, not"),
        (|l| l[1]["config"]["filters"] = json!(-4), "layer `conv2d` (Conv2D): invalid value"),
        (
            |l| l[1]["config"]["filters"] = json!(5),
            "layers/conv2d/vars/0 (conv2d/kernel) has the shape",
        ),
        (|l| l[1]["config"]["use_bias"] = json!(false), "has a variable layers/conv2d/vars/1, but"),
        (|l| l[2]["config"]["scale"] = json!(false), "layers/batch_normalization/vars/3, but"),
        (|l| l[2]["config"]["renorm"] = json!(true), "renorm = true has no counterpart"),
        (|l| l[4]["config"]["noise_shape"] = json!([1]), "noise_shape = [1] has no counterpart"),
        (|l| l[4]["config"]["rate"] = json!(1.5), "rate = 1.5 is out of range"),
        (|l| l[6]["config"]["units"] = json!(1u64 << 40), "is out of range"),
        (|l| l[0]["config"]["batch_shape"][1] = json!(null), "has an axis of no certain size"),
        (|l| l[0]["config"]["dtype"] = json!("float16"), "an input of \"float16\""),
        (|l| l[0]["config"]["sparse"] = json!(true), "sparse = true is not known"),
        (
            |l| {
                l.as_array_mut().unwrap().remove(6);
            },
            "it has a variable layers/dense/vars/0, which the model has not",
        ),
    ];
    for (change, part) in cases {
        let mut parts = parts("chain.keras");
        change(&mut parts.config["config"]["layers"]);
        let message = refusal(&parts.file(CompressionMethod::Stored, &[]));
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn graphs_without_a_counterpart_are_named() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 10] = [
        (|m| m["class_name"] = json!("Own"), "\"Functional\" is a class of its own"),
        (
            |m| {
                m["class_name"] = json!("Own");
                m["registered_name"] = json!(null);
            },
            "the model is of the class \"Own\"",
        ),
        (
            |m| m["config"]["callbacks"] = json!([]),
            "the key \"callbacks\" of the model is not known",
        ),
        (
            |m| {
                let nodes = m["config"]["layers"][1]["inbound_nodes"].as_array_mut().unwrap();
                nodes.push(nodes[0].clone());
            },
            "is used 2 times, not once",
        ),
        (
            |m| m["config"]["layers"][1]["inbound_nodes"][0]["kwargs"]["training"] = json!(true),
            "it is called with training = true",
        ),
        (
            |m| m["config"]["layers"][1]["inbound_nodes"][0]["args"] = json!([3]),
            "it is called with",
        ),
        (|m| m["config"]["output_layers"] = json!([["a", 0, 0], ["b", 0, 0]]), "is not one layer"),
        (
            |m| m["config"]["input_layers"][0] = json!("first"),
            "names another layer than the model's",
        ),
        (
            |m| {
                let history = m["config"]["layers"][1]["inbound_nodes"][0]["args"][0].clone();
                let mut history = history;
                history["config"]["keras_history"][0] = json!("nowhere");
                m["config"]["layers"][1]["inbound_nodes"][0]["args"][0] = history;
            },
            "takes `nowhere`, which is no layer",
        ),
        (
            |m| {
                let input = m["config"]["layers"][0].clone();
                m["config"]["layers"].as_array_mut().unwrap().push(input);
            },
            "layer `pictures` (InputLayer): a second input",
        ),
    ];
    for (change, part) in cases {
        let mut parts = parts("graph.keras");
        change(&mut parts.config);
        let message = refusal(&parts.file(CompressionMethod::Stored, &[]));
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn hostile_archives_are_refused() {
    let own = || parts("chain.keras");
    let file = own().file(CompressionMethod::Stored, &[]);
    let with = |name: &str| own().file(CompressionMethod::Stored, &[(name, b"")]);
    let metadata = |text: &str| {
        Parts { metadata: text.as_bytes().to_vec(), ..own() }.file(CompressionMethod::Stored, &[])
    };
    // Zeros that a few kilobytes unpack to.
    let bomb = Parts { weights: vec![0; 4 << 20], ..own() }.file(CompressionMethod::Deflated, &[]);
    for (file, part) in [
        (b"not a zip".to_vec(), "it is no whole zip archive"),
        (file[..file.len() - 30].to_vec(), "it is no whole zip archive"),
        (with("../../etc/passwd"), "it has a file \"../../etc/passwd\" inside"),
        (with("/config.json"), "it has a file \"/config.json\" inside"),
        (with("C:\\config.json"), "it has a file \"C:\\\\config.json\" inside"),
        (with("assets/vocabulary.txt"), "it has a file \"assets/vocabulary.txt\" inside"),
        (twice(), "two files in it have one name"),
        (zipped(&[("config.json", b"{}")], CompressionMethod::Stored), "metadata.json in it"),
        (metadata(r#"{"keras_version": "2.15.0"}"#), "it is of Keras 2.15.0"),
        (metadata(r#"{"keras_version": "3.0.0", "run": "rm"}"#), "unknown field `run`"),
        (metadata("[[[[["), "metadata.json in it cannot be read"),
        (bomb, "it is longer than"),
    ] {
        let message = refusal(&file);
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// An archive with two files of one name, which the writer would refuse to make.
fn twice() -> Vec<u8> {
    let mut file = parts("chain.keras").file(CompressionMethod::Stored, &[("config.jsom", b"{}")]);
    let name = b"config.jsom";
    for at in 0..file.len() - name.len() {
        if file[at..].starts_with(name) {
            file[at + name.len() - 1] = b'n';
        }
    }
    file
}

#[test]
fn a_compressed_archive_is_taken() {
    let parts = parts("chain.keras");
    let expected = import_keras(&golden("chain.keras")).unwrap();
    assert_eq!(import_keras(&parts.file(CompressionMethod::Deflated, &[])).unwrap(), expected);
}

fn dense() -> Network {
    Sequential::new(3).add(Dense::new(2)).build().unwrap()
}

#[test]
fn numbers_of_other_widths_and_newer_forms_of_hdf5_are_read() {
    for name in ["plain.earliest", "plain.latest", "half.latest", "double.latest", "compact.latest"]
    {
        let parameters = keras_weights(&golden(&format!("hdf5/{name}.h5")), &dense());
        assert_eq!(parameters.unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5, -1.0], "{name}");
    }
}

#[test]
fn what_hdf5_can_do_besides_is_refused() {
    for (name, part) in [
        ("big_endian.latest", "layers/dense/vars/0 is of numbers of another form than IEEE's"),
        ("unsigned.latest", "layers/dense/vars/0 is of whole numbers without a sign"),
        ("booleans.latest", "layers/dense/vars/0 is of an enumeration"),
        ("strings.latest", "layers/dense/vars/0 is of lists of any length"),
        ("chunks.earliest", "data in chunks"),
        ("chunks.latest", "data in chunks"),
        ("gzip.latest", "a filter, as for compressed data"),
        ("external_data.latest", "external data: numbers in other files"),
        ("virtual.latest", "virtual data: a view of other files"),
        ("soft_link.earliest", "a soft link, \"0\""),
        ("soft_link.latest", "a soft link, \"0\""),
        ("external_link.earliest", "an external link, \"0\", to another file"),
        ("external_link.latest", "an external link, \"0\", to another file"),
        ("many.earliest", "it has a variable layers/dense/vars/10, but the layer"),
        ("many.latest", "a group with its links in a fractal heap"),
        ("loop.earliest", "its parts overlap: together they are longer than the file"),
        ("loop.latest", "its parts overlap: together they are longer than the file"),
    ] {
        let message = keras_weights(&golden(&format!("hdf5/{name}.h5")), &dense()).unwrap_err();
        let message = message.to_string();
        assert!(message.contains(part) && message.contains("; "), "{name}: {message}");
    }
}

#[test]
fn weights_of_another_network_are_named() {
    let weights = golden("chain.weights.h5");
    let smaller = Sequential::new((8, 8, 3)).add(Dense::new(3)).build().unwrap();
    let frozen = Sequential::new((8, 8, 3)).add(Dropout::new(0.1)).build().unwrap();
    let mut missing = chain();
    missing.layers.insert(6, missing.layers[5].clone());
    for (network, part) in [
        (smaller, "it has a variable layers/batch_normalization/vars/0, which the model has not"),
        (frozen, "it has a variable layers/batch_normalization/vars/0, which the model has not"),
        (missing.build().unwrap(), "it has no variable layers/dense_1/vars/0 (dense_1/kernel)"),
    ] {
        let message = keras_weights(&weights, &network).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("; "), "{part}: {message}");
    }
}
