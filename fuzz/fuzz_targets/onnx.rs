//! ONNX files: what is imported is a network whose parameters are all there, and can be exported.
#![no_main]

use lenslet_formats::onnx::{OnnxOptions, encode_onnx, import_onnx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(imported) = import_onnx(bytes) else { return };
    assert_eq!(imported.parameters.len(), imported.network.parameter_count());
    let Ok(imported) = imported.with_unit_pixels().and_then(|it| it.with_softmax()) else { return };
    let Ok(model) = imported.into_trained(None) else { return };
    let _ = encode_onnx(&model, OnnxOptions::default());
});
