//! Networks with made-up weights, and what they predict.

use lenslet_engine::Options;
use lenslet_model::layers::{
    AveragePool2D, BatchNormalization, Conv2D, Cropping2D, Dense, DepthwiseConv2D, Dropout, ELU,
    Flatten, GaussianNoise, GlobalMaxPooling2D, GroupNormalization, LayerNormalization, LeakyReLU,
    MaxPool2D, Maxout, Normalization, PReLU, ReLU, Rescaling, Reshape, SeparableConv2D, Softmax,
    SpatialDropout2D, SumPool2D, ZeroPadding2D,
};
use lenslet_model::{
    Activation, Adam, Graph, Initializer, Input, Layer, Padding, Regularizer, Sequential,
    SparseCategoricalCrossentropy, Tensor, concatenate, multiply, zoo_model,
};
use lenslet_store::{SavedModel, TrainedModel};
use lenslet_train::{Model, TrainError};

/// Numbers between -1 and 1 that look like nothing.
pub(crate) fn noise(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(next).collect()
}

/// The model with weights of moderate size; moving variances are above 0.
pub(crate) fn filled(graph: impl Into<Graph>) -> TrainedModel {
    let graph = graph.into();
    let network = graph.build().unwrap();
    let mut parameters = noise(network.parameter_count());
    for parameter in network.parameters() {
        let values = &mut parameters[parameter.range.clone()];
        if parameter.name.ends_with("count") {
            values.fill(7.0);
        } else if parameter.name.ends_with("variance") {
            values.iter_mut().for_each(|x| *x += 1.5);
        } else if parameter.name.ends_with("kernel") {
            let outputs = parameter.shape.last().copied().unwrap_or(1);
            let inputs = (values.len() / outputs) as f32;
            values.iter_mut().for_each(|x| *x *= (3.0 / inputs).sqrt());
        }
    }
    let classes = (0..network.output().last()).map(|i| format!("class {i}")).collect();
    TrainedModel { saved: SavedModel::new(graph, classes), network, parameters }
}

/// What the model says of some pictures.
pub(crate) fn predictions(model: &TrainedModel) -> Vec<f32> {
    let size = model.network.input().elements() * 3;
    let pixels: Vec<u8> = noise(size).iter().map(|x| (x * 127.0 + 128.0) as u8).collect();
    predictions_of(model, &pixels)
}

/// What it says of these.
pub(crate) fn predictions_of(model: &TrainedModel, pixels: &[u8]) -> Vec<f32> {
    let mut ready = Model::trained(
        model.network.clone(),
        model.saved.classes.clone(),
        Adam::default(),
        SparseCategoricalCrossentropy::default(),
        Options { threads: 1, ..Options::default() },
        |to| {
            to.copy_from_slice(&model.parameters);
            Ok::<_, TrainError>(())
        },
    )
    .unwrap();
    ready.predict_pixels(pixels, pixels.len() / model.network.input().elements()).unwrap()
}

/// How far two lists of numbers are apart.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Networks of the zoo and of every layer.
pub(crate) fn networks() -> Vec<Graph> {
    [of_the_zoo(), vec![pictures(true), vectors(true), activations(true)]].concat()
}

/// Networks of the zoo and of every layer that Keras has.
pub(crate) fn keras_networks() -> Vec<Graph> {
    [of_the_zoo(), vec![pictures(false), vectors(false), activations(false), noisy()]].concat()
}

fn of_the_zoo() -> Vec<Graph> {
    let named = |name, input: [usize; 3]| zoo_model(name, input, 10).unwrap();
    vec![
        named("cnn", [32, 32, 3]),
        named("lenet5", [28, 28, 1]),
        named("vgg11", [32, 32, 3]),
        named("resnet20", [32, 32, 3]),
        named("resnet18", [64, 64, 3]),
        named("wide_resnet_16_4", [32, 32, 3]),
        named("mobilenet_v2", [32, 32, 3]),
    ]
}

/// Layers of pictures, with odd sizes and borders; with `own`, those that Keras does not have, too.
fn pictures(own: bool) -> Graph {
    let input = Input::new((13, 11, 3));
    let x = input
        .apply(Normalization::with([0.4, 0.5, 0.6], [0.04, 0.09, 0.01]))
        .apply(Rescaling::new(2.0).offset(-1.0))
        .apply(Conv2D::new(8, (3, 2)).padding(Padding::Same).strides(2).use_bias(false))
        .apply(BatchNormalization::new().scale(false))
        .apply(Activation::Relu)
        .apply(ZeroPadding2D::new(((1, 0), (0, 2))))
        .apply(DepthwiseConv2D::new(3).depth_multiplier(2usize).padding(Padding::Same))
        .apply(PReLU::new().shared_axes([1, 2]));
    let y = x
        .apply(SeparableConv2D::new(16, 3).padding(Padding::Same).dilation_rate(2))
        .apply(GroupNormalization::new(4));
    let z = x.apply(LayerNormalization::new()).apply(PReLU::new());
    let sum = lenslet_model::add([x.clone(), y.clone(), z]);
    let both = concatenate([multiply([sum, y]), x.apply(GroupNormalization::new(-1).scale(false))]);
    let mut pooled = vec![
        both.apply(MaxPool2D::new(3).strides(2).padding(Padding::Same)),
        both.apply(AveragePool2D::new(2).strides(2).padding(Padding::Same)),
    ];
    if own {
        pooled.push(both.apply(SumPool2D::new((2, 3)).strides(2).padding(Padding::Same)));
    }
    let x = concatenate(pooled).apply(Cropping2D::new(((1, 0), (0, 1))));
    let x = x.apply(Dense::new(12).activation(Activation::Tanh));
    let [most, mean] = [
        x.apply(GlobalMaxPooling2D::new()),
        x.apply(lenslet_model::layers::GlobalAveragePooling2D::new()),
    ];
    finish(&input, lenslet_model::add([most, mean]))
}

/// What comes behind a `Flatten`; with `own`, a layer that Keras does not have, too.
fn vectors(own: bool) -> Graph {
    let pieces: Layer = if own { Maxout::new(7, 3).into() } else { Dense::new(7).into() };
    Sequential::new((4, 5, 3))
        .add(Conv2D::new(6, 2).groups(1usize))
        .add(Flatten::new())
        .add(BatchNormalization::new().center(false))
        .add(LayerNormalization::new().epsilon(0.01))
        .add(PReLU::new())
        .add(Dropout::new(0.3))
        .add(pieces)
        .add(Dense::new(9).use_bias(false))
        .add(GroupNormalization::new(3))
        .add(Dense::new(10).activation(Activation::Softmax))
        .into()
}

/// Every activation, one after the other and side by side; with `own`, one that Keras does not have
/// by name, too.
fn activations(own: bool) -> Graph {
    let input = Input::new((6, 6, 2));
    let x = input.apply(Conv2D::new(4, 3).activation(Activation::Silu));
    let all = [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu6,
        Activation::LEAKY_RELU,
        Activation::ELU,
        Activation::Selu,
        Activation::GELU,
        Activation::Gelu { approximate: true },
        Activation::Silu,
        Activation::HardSwish,
        Activation::HardSigmoid,
        Activation::Softplus,
        Activation::Softsign,
        Activation::Mish,
        Activation::Exponential,
        Activation::Softmax,
    ];
    let all = all.into_iter().filter(|it| own || *it != Activation::Gelu { approximate: true });
    let branches: Vec<Tensor> = all.map(|activation| x.apply(activation)).collect();
    let y = concatenate(branches).apply(LeakyReLU::new(0.1)).apply(ELU::new(0.5));
    finish(&input, y.apply(Flatten::new()))
}

/// Settings that other programs leave out: of training, of axes, of numbers that are learnt from data.
fn noisy() -> Graph {
    let l2 = Regularizer::l1_l2(1e-3, 1e-4);
    Sequential::new((6, 5, 2))
        .name("noisy")
        .add(Normalization::new())
        .add(Normalization::with(vec![0.5; 10], vec![0.25; 10]).axis([-2, -1]))
        .add(Normalization::with([0.1], [2.0]))
        .add(GaussianNoise::new(0.1))
        .add(Conv2D::new(4, 3).activation(Activation::LeakyRelu { negative_slope: 0.1 }))
        .add(SpatialDropout2D::new(0.2))
        .add(Activation::Elu { alpha: 0.5 })
        .add(LayerNormalization::new().axis([1, 2, 3]))
        .add(Softmax::new().axis([2, 3]))
        .add(Reshape::new([2, -1]))
        .add(Flatten::new())
        .add(
            Dense::new(8)
                .kernel_regularizer(l2)
                .kernel_initializer(Initializer::TruncatedNormal { mean: 0.0, stddev: 0.1 })
                .bias_initializer(Initializer::Constant { value: 0.5 }),
        )
        .add(ReLU::new())
        .add(Dense::new(3).activity_regularizer(l2))
        .add(Softmax::new())
        .into()
}

fn finish(input: &Tensor, x: Tensor) -> Graph {
    let output = x.apply(Dense::new(10).activation(Activation::Softmax));
    Graph::new(input, &output).unwrap()
}

/// A sum of two values, one of them made a vector otherwise: no such thing in PyTorch.
pub(crate) fn mixed_orders() -> Graph {
    let input = Input::new((3, 3, 2));
    let flat = input.apply(Flatten::new());
    let other = flat.apply(Dense::new(18));
    let sum = flat.apply(Dropout::new(0.1));
    let output = lenslet_model::add([sum, other]);
    finish(&input, output)
}
