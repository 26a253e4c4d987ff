//! Descriptions of networks, as TOML and as JSON: what is read builds or says why not, and is
//! written as it was read.
#![no_main]

use lenslet_model::{from_json, from_toml, to_json, to_toml};
use lenslet_store::{RunConfig, SavedModel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // A description that does not build may hold what is not equal to itself: NaN.
    if let Ok(model) = from_toml(text)
        && let Ok(network) = model.build()
    {
        assert_eq!(from_toml(&to_toml(&model)), Ok(model));
        let _ = network.summary(80);
    }
    if let Ok(model) = from_json(text)
        && model.build().is_ok()
    {
        assert_eq!(from_json(&to_json(&model)), Ok(model));
    }
    let _ = SavedModel::from_json(text);
    let _ = RunConfig::from_toml(text);
});
