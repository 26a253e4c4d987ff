//! Trains image classifiers, fast, on an ordinary CPU.
//!
//! ```
//! use lenslet::prelude::*;
//!
//! // Ten classes of 32x32 pictures, made in the process.
//! let small = Synthetic { train: 400, test: 100, ..Synthetic::default() };
//! let Split { train, test, .. } = small.generate()?;
//!
//! let mut model = Sequential::new((32, 32, 3))
//!     .add(Conv2D::new(8, 3).padding(Padding::Same).activation(Activation::Relu))
//!     .add(MaxPool2D::new(2))
//!     .add(Dropout::new(0.25))
//!     .add(Flatten::new())
//!     .add(Dense::new(10).activation(Activation::Softmax))
//!     .compile(
//!         Adam::default(),
//!         SparseCategoricalCrossentropy::default(),
//!         &[Metric::Accuracy],
//!     )?;
//!
//! let history = model.fit(&train, Fit::new().epochs(2).batch_size(20).validation(&test))?;
//! assert!(history.loss()[1] < history.loss()[0]);
//!
//! let classes = model.predict_classes(&test)?;
//! assert_eq!(classes.len(), test.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The names are Keras's. [`prelude`] has what most programs need; the crates underneath, each
//! re-exported here as a module, have the rest:
//!
//! | module | what is there |
//! |---|---|
//! | [`model`] | layers, shapes, optimisers, losses: plain descriptions |
//! | [`data`] | data sets: synthetic, CIFAR-10, image folders |
//! | [`train`] | compile, fit, evaluate, predict; history, confusion matrix, verdict |
//! | [`report`] | pictures: curves, confusion matrix, sample grids, image filters |
//! | [`store`] | files: run folders, weights, histories |
//! | [`formats`] | other programs' files: ONNX, PyTorch's names in safetensors |
//! | [`engine`] | what runs a model, for those who drive the steps themselves |
//! | [`kernels`] | the arithmetic |
#![forbid(unsafe_code)]

pub use lenslet_data as data;
pub use lenslet_engine as engine;
pub use lenslet_formats as formats;
pub use lenslet_kernels as kernels;
pub use lenslet_model as model;
pub use lenslet_report as report;
pub use lenslet_store as store;
pub use lenslet_train as train;

/// What most programs need: `use lenslet::prelude::*;`.
pub mod prelude {
    pub use lenslet_data::synthetic::{Scenes, Synthetic};
    pub use lenslet_data::{Dataset, Labels, MultiHot, Split};
    pub use lenslet_engine::{Options, Shortcut, Shortcuts};
    pub use lenslet_model::layers::{
        ActivationLayer, Add, AveragePool2D, BatchNormalization, Concatenate, Conv2D, Cropping2D,
        Dense, DepthwiseConv2D, Dropout, ELU, Flatten, GaussianNoise, GlobalAveragePooling2D,
        GlobalMaxPooling2D, GroupNormalization, LayerNormalization, LeakyReLU, MaxPool2D, Maxout,
        Multiply, Normalization, PReLU, ReLU, Rescaling, Reshape, SeparableConv2D, Softmax,
        SpatialDropout2D, SumPool2D, ZeroPadding2D,
    };
    pub use lenslet_model::{
        Activation, Adagrad, Adam, AdamW, BinaryCrossentropy, CategoricalCrossentropy, Configure,
        Graph, Initializer, Input, Lamb, Lion, Loss, Metric, Muon, Nadam, Optimizer, Padding,
        RMSprop, Regularizer, SGD, Schedule, Sequential, SparseCategoricalCrossentropy, Tensor,
        add, concatenate, concatenate_along, multiply,
    };
    pub use lenslet_train::{
        Compile, EarlyStopping, Epoch, Evaluation, Fit, Flow, History, LabelEvaluation, Model,
        ModelCheckpoint, Observer, Observers, Quantity, ReduceLROnPlateau, SaveWhen, verdict,
    };
}
