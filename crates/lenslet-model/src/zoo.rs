//! Models by name.

mod blocks;
mod lenet;
mod mobilenet;
mod resnet;
mod vgg;
mod wide_resnet;

use crate::layers::{Conv2D, Dense, Dropout, Flatten, MaxPool2D};
use crate::{Activation, Graph, ModelError, Padding, Sequential, Shape, nearest};

/// A model that has a name.
#[derive(Clone, Copy, Debug)]
pub struct ZooModel {
    /// The name: `resnet20`.
    pub name: &'static str,
    /// What it is, and where it comes from.
    pub about: &'static str,
    /// The samples that its authors had in mind.
    pub input: [usize; 3],
    /// Their number of classes.
    pub classes: usize,
    make: fn(Shape, usize) -> Graph,
}

impl ZooModel {
    /// The model for samples of the shape `input` and this many classes.
    pub fn model(&self, input: impl Into<Shape>, classes: usize) -> Graph {
        (self.make)(input.into(), classes).name(self.name)
    }
}

const CIFAR: [usize; 3] = [32, 32, 3];

const ZOO: [ZooModel; 9] = [
    ZooModel {
        name: "cnn",
        about: "two convolutions, two dense layers: the tutorial's",
        input: CIFAR,
        classes: 10,
        make: |input, classes| cnn(input, classes).into(),
    },
    ZooModel {
        name: "lenet5",
        about: "LeCun et al. 1998, with all feature maps connected",
        input: [32, 32, 1],
        classes: 10,
        make: lenet::lenet5,
    },
    ZooModel {
        name: "vgg11",
        about: "Simonyan and Zisserman 2015, for small pictures, with batch normalisation",
        input: CIFAR,
        classes: 10,
        make: vgg::vgg11,
    },
    ZooModel {
        name: "vgg16",
        about: "Simonyan and Zisserman 2015, for small pictures, with batch normalisation",
        input: CIFAR,
        classes: 10,
        make: vgg::vgg16,
    },
    ZooModel {
        name: "resnet20",
        about: "He et al. 2016, section 4.2, with shortcuts without parameters",
        input: CIFAR,
        classes: 10,
        make: |input, classes| resnet::cifar(input, classes, 3),
    },
    ZooModel {
        name: "resnet56",
        about: "He et al. 2016, section 4.2, with shortcuts without parameters",
        input: CIFAR,
        classes: 10,
        make: |input, classes| resnet::cifar(input, classes, 9),
    },
    ZooModel {
        name: "resnet18",
        about: "He et al. 2016, section 4.1, for large pictures",
        input: [224, 224, 3],
        classes: 1000,
        make: resnet::resnet18,
    },
    ZooModel {
        name: "wide_resnet_16_4",
        about: "Zagoruyko and Komodakis 2016: 16 layers, four times as wide",
        input: CIFAR,
        classes: 10,
        make: wide_resnet::wide_resnet_16_4,
    },
    ZooModel {
        name: "mobilenet_v2",
        about: "Sandler et al. 2018, for small pictures: the first two strides are 1",
        input: CIFAR,
        classes: 10,
        make: mobilenet::mobilenet_v2,
    },
];

const NAMES: [&str; ZOO.len()] = {
    let mut names = [""; ZOO.len()];
    let mut i = 0;
    while i < ZOO.len() {
        names[i] = ZOO[i].name;
        i += 1;
    }
    names
};

/// All models that have a name.
pub fn zoo() -> &'static [ZooModel] {
    &ZOO
}

/// The names that [`zoo_model`] knows.
pub fn zoo_names() -> &'static [&'static str] {
    &NAMES
}

/// A model by name, for samples of the shape `input` and this many classes.
///
/// # Errors
/// Where there is no such model; the message has the nearest name.
pub fn zoo_model(name: &str, input: impl Into<Shape>, classes: usize) -> Result<Graph, ModelError> {
    match ZOO.iter().find(|model| model.name == name) {
        Some(model) => Ok(model.model(input, classes)),
        None => Err(ModelError::UnknownModel {
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
    Sequential::new(input)
        .add(conv())
        .add(conv())
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Activation::Relu))
        .add(Dense::new(classes).activation(Activation::Softmax))
        .name("cnn")
}
