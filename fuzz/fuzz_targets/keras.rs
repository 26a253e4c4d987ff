//! Keras's files: archives, weights alone, and descriptions with weights in a sound archive. What is
//! imported is a network whose parameters are all there, and comes back as it goes out.
#![no_main]

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use lenslet_formats::Imported;
use lenslet_formats::keras::{KerasOptions, encode_keras, import_keras, keras_weights};
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten};
use lenslet_model::{Network, Sequential};
use libfuzzer_sys::fuzz_target;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

static SMALL: LazyLock<Network> = LazyLock::new(|| {
    let model = Sequential::new((4, 4, 1)).add(Conv2D::new(2, 3)).add(BatchNormalization::new());
    model.add(Flatten::new()).add(Dense::new(2)).build().unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(parameters) = keras_weights(bytes, &SMALL) {
        assert_eq!(parameters.len(), SMALL.parameter_count());
    }
    if let Ok(imported) = import_keras(bytes) {
        check(imported);
    }
    // A description ends at the first 0.
    if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
        if let Ok(imported) = import_keras(&archive(&bytes[..end], &bytes[end + 1..])) {
            check(imported);
        }
    }
});

fn archive(config: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let metadata = br#"{"keras_version": "3.0.0"}"#;
    for (name, bytes) in
        [("metadata.json", &metadata[..]), ("config.json", config), ("model.weights.h5", weights)]
    {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn check(imported: Imported) {
    assert_eq!(imported.parameters.len(), imported.network.parameter_count());
    let Ok(imported) = imported.with_unit_pixels().and_then(|it| it.with_softmax()) else { return };
    let Ok(model) = imported.into_trained(None) else { return };
    let file = encode_keras(&model, KerasOptions::default()).unwrap();
    let again = import_keras(&file).unwrap();
    assert_eq!(again.network.nodes().len(), model.network.nodes().len());
    let bits = |parameters: &[f32]| parameters.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&again.parameters), bits(&model.parameters));
}
