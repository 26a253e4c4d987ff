//! Weights: Lenslet's own files, and PyTorch's for a small network.
#![no_main]

use std::sync::LazyLock;

use lenslet_formats::torch::TorchFile;
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten};
use lenslet_model::{Network, Sequential};
use lenslet_store::{SavedModel, decode_weights, encode_weights};
use libfuzzer_sys::fuzz_target;

static SMALL: LazyLock<Network> = LazyLock::new(|| {
    let model = Sequential::new((4, 4, 1)).add(Conv2D::new(2, 3)).add(BatchNormalization::new());
    model.add(Flatten::new()).add(Dense::new(2)).build().unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = decode_weights(bytes) {
        encode_weights(&model.saved, &model.parameters).unwrap();
    }
    let Ok(file) = TorchFile::parse(bytes) else { return };
    let _ = file.classes();
    let _ = file.parameters(&SMALL);
    let Some(Ok(saved)) = file.description().map(SavedModel::from_json) else { return };
    let _ = saved.check().map(|network| file.parameters(&network));
});
