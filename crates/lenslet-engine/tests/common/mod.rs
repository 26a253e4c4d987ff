//! What the engine's tests share: the instruction set, random networks and pictures.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

pub mod differences;

use lenslet_kernels::{Isa, Stream};
use lenslet_model::layers::{
    ActivationLayer, AveragePool2D, Axes, BatchNormalization, Conv2D, Cropping2D, Dense,
    DepthwiseConv2D, Dropout, ELU, Flatten, GaussianNoise, GlobalAveragePooling2D,
    GlobalMaxPooling2D, GroupNormalization, LayerNormalization, LeakyReLU, MaxPool2D, Maxout,
    Normalization, PReLU, ReLU, Rescaling, Reshape, SeparableConv2D, Softmax, SpatialDropout2D,
    SumPool2D, ZeroPadding2D,
};
use lenslet_model::{
    Activation, Initializer, Layer, Padding, Regularizer, Sequential, SparseCategoricalCrossentropy,
};

/// The instruction set of the tests that run on one: that of `LENSLET_ISA`, else the best.
pub fn isa() -> Isa {
    match std::env::var("LENSLET_ISA") {
        Ok(name) if !name.is_empty() => {
            name.parse().unwrap_or_else(|error| panic!("LENSLET_ISA: {error}"))
        }
        _ => Isa::detect(),
    }
}

/// Random choices for one test case.
pub struct Dice {
    stream: Stream,
    draws: u64,
}

impl Dice {
    pub fn new(test: u32, case: u64) -> Self {
        Self { stream: Stream::new(2026, test, case), draws: 0 }
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.draws += 1;
        self.stream.below(self.draws, n as u64) as usize
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn padding(&mut self) -> Padding {
        if self.below(2) == 0 { Padding::Valid } else { Padding::Same }
    }

    pub fn activation(&mut self) -> Activation {
        const ALL: [Activation; 18] = [
            Activation::Linear,
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Relu,
            Activation::LEAKY_RELU,
            Activation::ELU,
            Activation::Softmax,
            Activation::Relu6,
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
        ];
        ALL[self.below(ALL.len())]
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }

    pub fn labels(&mut self, n: usize, classes: usize) -> Vec<u32> {
        (0..n).map(|_| self.below(classes) as u32).collect()
    }
}

/// Makes one kind of layer with random settings.
pub type Maker = fn(&mut Dice) -> Layer;

/// Every kind of layer.
pub const LAYERS: [(&str, Maker); 32] = [
    ("Conv2D", |d| {
        let layer = Conv2D::new(d.between(1, 5), (d.between(1, 4), d.between(1, 4)))
            .padding(d.padding())
            .use_bias(d.below(3) > 0)
            .activation(d.activation());
        // TensorFlow has no layer with both; the engine does not mind, but one at a time is harder.
        match d.below(3) {
            0 => layer.strides((d.between(1, 3), d.between(1, 3))).into(),
            1 => layer.dilation_rate((d.between(1, 3), d.between(1, 3))).into(),
            _ => layer.strides(d.between(1, 2)).dilation_rate(d.between(1, 2)).into(),
        }
    }),
    ("Conv2D in groups", |d| {
        // The convolution in front has up to 4 channels: not all of them can be parted.
        let groups = d.between(2, 4);
        Conv2D::new(groups * d.between(1, 3), (d.between(1, 3), d.between(1, 3)))
            .groups(groups)
            .padding(d.padding())
            .strides(d.between(1, 2))
            .use_bias(d.below(3) > 0)
            .activation(d.activation())
            .into()
    }),
    ("MaxPool2D", |d| {
        let layer = MaxPool2D::new((d.between(1, 3), d.between(1, 3))).padding(d.padding());
        if d.below(2) == 0 { layer.into() } else { layer.strides((d.between(1, 3), 1)).into() }
    }),
    ("AveragePool2D", |d| {
        let layer = AveragePool2D::new((d.between(1, 3), d.between(1, 3))).padding(d.padding());
        if d.below(2) == 0 { layer.into() } else { layer.strides((1, d.between(1, 3))).into() }
    }),
    ("SumPool2D", |d| {
        let layer = SumPool2D::new((d.between(1, 3), d.between(1, 3))).padding(d.padding());
        if d.below(2) == 0 { layer.into() } else { layer.strides(d.between(1, 3)).into() }
    }),
    ("Flatten", |_| Flatten::new().into()),
    ("Dense", |d| {
        Dense::new(d.between(1, 7)).use_bias(d.below(3) > 0).activation(d.activation()).into()
    }),
    ("Dropout", |d| Dropout::new([0.0, 0.2, 0.5, 0.9][d.below(4)]).into()),
    ("Activation", |d| ActivationLayer::new(d.activation()).into()),
    ("ReLU", |_| ReLU::new().into()),
    ("LeakyReLU", |d| LeakyReLU::new([0.0, 0.1, 0.3][d.below(3)]).into()),
    ("ELU", |d| ELU::new([0.0, 0.5, 1.0][d.below(3)]).into()),
    ("Softmax", |d| {
        let axes = [Axes::from(-1), Axes::from([2, 3]), Axes::from([1, -2, -1])];
        Softmax::new().axis(axes[d.below(3)].clone()).into()
    }),
    ("Maxout", |d| Maxout::new(d.between(1, 5), d.between(1, 4)).use_bias(d.below(3) > 0).into()),
    ("BatchNormalization", |d| {
        let layer = BatchNormalization::new().epsilon([1e-3, 0.1][d.below(2)]);
        layer.center(d.below(3) > 0).scale(d.below(3) > 0).into()
    }),
    ("DepthwiseConv2D", |d| {
        DepthwiseConv2D::new((d.between(1, 4), d.between(1, 4)))
            .padding(d.padding())
            .strides((d.between(1, 3), d.between(1, 2)))
            .depth_multiplier(d.between(1, 3))
            .use_bias(d.below(3) > 0)
            .activation(d.activation())
            .into()
    }),
    ("SeparableConv2D", |d| {
        SeparableConv2D::new(d.between(1, 4), d.between(1, 3))
            .padding(d.padding())
            .strides(d.between(1, 2))
            .depth_multiplier(d.between(1, 2))
            .use_bias(d.below(3) > 0)
            .activation(d.activation())
            .into()
    }),
    ("GlobalAveragePooling2D", |d| GlobalAveragePooling2D::new().keepdims(d.below(2) == 0).into()),
    ("GlobalMaxPooling2D", |d| GlobalMaxPooling2D::new().keepdims(d.below(2) == 0).into()),
    ("ZeroPadding2D", |d| {
        let mut side = || (d.below(3), d.below(3));
        ZeroPadding2D::new((side(), side())).into()
    }),
    ("Cropping2D", |d| {
        let mut side = || (d.below(3), d.below(2));
        Cropping2D::new((side(), side())).into()
    }),
    ("Reshape", |_| Reshape::new([1, -1, 1]).into()),
    ("Rescaling", |d| Rescaling::new(1.0 + d.below(3) as f64).offset(-0.5).into()),
    ("Normalization", |_| Normalization::with([0.3], [0.5]).into()),
    ("Normalization by the data", |d| {
        let axes = [Axes::from(-1), Axes::from([]), Axes::from([1, 2, 3])];
        Normalization::new().axis(axes[d.below(3)].clone()).into()
    }),
    ("LayerNormalization", |d| {
        LayerNormalization::new().center(d.below(3) > 0).scale(d.below(3) > 0).into()
    }),
    ("LayerNormalization over several axes", |d| {
        let axes = [Axes::from([2, 3]), Axes::from([1, 2, 3])];
        LayerNormalization::new().axis(axes[d.below(2)].clone()).scale(d.below(3) > 0).into()
    }),
    ("GroupNormalization", |d| {
        let layer = GroupNormalization::new([-1, 1, 2][d.below(3)]);
        layer.center(d.below(3) > 0).scale(d.below(3) > 0).into()
    }),
    ("PReLU", |d| {
        let shared = (1..=3).filter(|_| d.below(2) == 0).collect::<Vec<usize>>();
        PReLU::new()
            .alpha_initializer(Initializer::Constant { value: 0.3 })
            .shared_axes(shared)
            .into()
    }),
    ("SpatialDropout2D", |d| SpatialDropout2D::new([0.0, 0.3, 0.6][d.below(3)]).into()),
    ("GaussianNoise", |d| GaussianNoise::new([0.0, 0.1, 0.5][d.below(3)]).into()),
    ("penalties", |d| {
        let penalty = |d: &mut Dice| Regularizer::l1_l2(0.01 * d.below(3) as f64, 0.1);
        Dense::new(d.between(1, 5))
            .activation(d.activation())
            .kernel_regularizer(penalty(d))
            .bias_regularizer(penalty(d))
            .activity_regularizer(penalty(d))
            .into()
    }),
];

/// Those that take pictures alone.
pub const PICTURE_LAYERS: [&str; 14] = [
    "SpatialDropout2D",
    "Conv2D",
    "Conv2D in groups",
    "PReLU",
    "LayerNormalization over several axes",
    "MaxPool2D",
    "AveragePool2D",
    "SumPool2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "ZeroPadding2D",
    "Cropping2D",
];

/// A network around a layer: with a convolution before it, so that its input's gradient is seen
/// in that one's filters, and behind it what makes class outputs of whatever it gives. `None`
/// where the layer does not fit the picture.
pub fn around(make: Maker, d: &mut Dice, classes: usize) -> Option<Sequential> {
    let input = (d.between(1, 9), d.between(1, 9), d.between(1, 4));
    let before = Conv2D::new(d.between(1, 4), 1).activation(Activation::Tanh);
    let mut model = Sequential::new(input);
    // Behind a flattening, layers see a vector instead of a picture.
    model = model.add(before).add(make(d));
    if d.below(3) == 0 {
        model = model.add(Dropout::new(0.3));
    }
    model = model.add(Flatten::new()).add(Dense::new(classes));
    // Now and then the loss takes probabilities that are no softmax, or logits.
    model = model.add(if d.below(4) == 0 { Activation::Sigmoid } else { Activation::Softmax });
    model.build().is_ok().then_some(model)
}

/// A layer on a vector.
pub fn around_vector(make: Maker, d: &mut Dice, classes: usize) -> Option<Sequential> {
    let model = Sequential::new((1, 1, d.between(1, 9)))
        .add(Flatten::new())
        .add(Dense::new(d.between(1, 6)).activation(Activation::Tanh))
        .add(make(d))
        .add(Dense::new(classes).activation(Activation::Softmax));
    model.build().is_ok().then_some(model)
}

/// The loss, from logits where the network has no softmax at its end.
pub fn cross_entropy() -> SparseCategoricalCrossentropy {
    SparseCategoricalCrossentropy::default()
}
