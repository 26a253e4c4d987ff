//! Models by name.

use crate::layers::{Conv2D, Dense, Dropout, Flatten, MaxPool2D};
use crate::{Activation, ModelError, Padding, Sequential, Shape, nearest};

const NAMES: [&str; 1] = ["cnn"];

/// The names that [`zoo_model`] knows.
pub fn zoo_names() -> &'static [&'static str] {
    &NAMES
}

/// A model by name, for samples of the shape `input` and this many classes.
///
/// # Errors
/// Where there is no such model; the message has the nearest name.
pub fn zoo_model(
    name: &str,
    input: impl Into<Shape>,
    classes: usize,
) -> Result<Sequential, ModelError> {
    match name {
        "cnn" => Ok(cnn(input, classes)),
        _ => Err(ModelError::UnknownModel {
            name: name.to_owned(),
            hint: match nearest(name, NAMES) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known: {}; or give a model file (FILE.toml)", NAMES.join(", ")),
            },
        }),
    }
}

/// The tutorial's network: two convolutions, max-pooling, dropout, two dense layers.
///
/// On 32x32 RGB pictures and ten classes it has 1,060,138 parameters.
pub fn cnn(input: impl Into<Shape>, classes: usize) -> Sequential {
    let conv = || Conv2D::new(32, 3).padding(Padding::Same).activation(Activation::Relu);
    let mut model = Sequential::new(input)
        .add(conv())
        .add(conv())
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Activation::Relu))
        .add(Dense::new(classes).activation(Activation::Softmax));
    model.name = "cnn".to_owned();
    model
}
