//! Networks that are no chains: gradients, the oracle's numbers, the same bits for any number of
//! threads, and normalisations multiplied into convolutions.

mod common;

use common::differences::check_gradients;
use common::{Dice, cross_entropy, isa};
use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{Isa, Kernels, Reference};
use lenslet_model::layers::{
    AveragePool2D, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout, Flatten,
    GaussianNoise, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPool2D, Reshape, ZeroPadding2D,
};
use lenslet_model::{
    Activation, Graph, Input, Padding, SGD, Sequential, Tensor, add, concatenate,
    concatenate_along, multiply, zoo_model,
};

const CLASSES: usize = 4;
type Branches = fn(&Tensor, &mut Dice) -> Tensor;

fn conv(x: &Tensor, filters: usize) -> Tensor {
    x.apply(Conv2D::new(filters, 3).padding(Padding::Same))
}

fn conv_norm(x: &Tensor, filters: usize) -> Tensor {
    conv(x, filters).apply(BatchNormalization::new())
}

/// What can lie between the first convolution and the classes.
const BRANCHES: [(&str, Branches); 14] = [
    ("a shortcut", |x, _| add([conv(x, 3).apply(Activation::Relu), x.clone()])),
    ("a residual block", |x, _| {
        let y = conv_norm(&conv_norm(x, 3).apply(Activation::Relu), 3);
        add([y, x.clone()]).apply(Activation::Relu)
    }),
    ("the same value twice", |x, _| add([x.clone(), x.clone(), conv(x, 3)])),
    ("a product", |x, _| multiply([x.apply(Activation::Sigmoid), x.clone(), conv(x, 3)])),
    ("a gate for each channel", |x, _| {
        let gate = x.apply(GlobalAveragePooling2D::new().keepdims(true));
        let gate = gate.apply(Conv2D::new(3, 1).activation(Activation::Sigmoid));
        multiply([conv(x, 3), gate])
    }),
    ("a small value first, and without its axes", |x, _| {
        let means = x.apply(GlobalAveragePooling2D::new()).apply(Activation::Tanh);
        add([means.clone(), multiply([means, x.clone()]), x.clone()])
    }),
    ("one number a pixel, and one a row", |x, _| {
        let pixels = x.apply(Conv2D::new(1, 1).activation(Activation::Sigmoid));
        let input = x.apply(Conv2D::new(2, 1));
        let width = |t: &Tensor| t.apply(GlobalMaxPooling2D::new().keepdims(true));
        let both = multiply([pixels.clone(), input.clone(), width(&input)]);
        add([width(&pixels), both, pixels])
    }),
    ("two small values that make a large one", |x, d| {
        let row = x.apply(Reshape::new([1, -1, 1])).apply(Conv2D::new(d.between(1, 3), 1));
        let column = x.apply(Reshape::new([-1, 1, 1])).apply(Conv2D::new(1, 1));
        let rows = row.apply(MaxPool2D::new((1, 2)).padding(Padding::Same));
        let columns = column.apply(AveragePool2D::new((2, 1)).padding(Padding::Same));
        multiply([rows, columns])
    }),
    ("branches below and beside each other", |x, _| {
        let below = concatenate_along(1, [conv(x, 3), x.clone()]);
        concatenate_along(2, [below.apply(Activation::Tanh), below])
    }),
    ("branches of different width", |x, d| {
        let (a, b) = (conv(x, d.between(1, 4)), x.apply(Conv2D::new(d.between(1, 4), 1)));
        concatenate([a, x.clone(), b]).apply(Activation::Tanh)
    }),
    ("a value that is changed on one way only", |x, d| {
        let y = x.apply(Activation::Relu).apply(Dropout::new(0.4));
        let z = y.apply(MaxPool2D::new(2).padding(Padding::Same));
        let w = y.apply(AveragePool2D::new(2).padding(Padding::Same)).apply(Activation::Mish);
        concatenate([z.apply(Activation::Sigmoid), w, conv(&z, d.between(1, 3))])
    }),
    ("a pool whose input is read elsewhere", |x, _| {
        let y = x.apply(Conv2D::new(3, 3).padding(Padding::Same).activation(Activation::Relu));
        let pooled = y.apply(MaxPool2D::new(1));
        add([pooled.apply(Activation::Tanh), y])
    }),
    ("zeros in front of a convolution, and beside it", |x, _| {
        let padded = x.apply(ZeroPadding2D::new(((1, 0), (2, 1))));
        let a = padded.apply(Conv2D::new(2, 2));
        let b = x.apply(ZeroPadding2D::new(1)).apply(Conv2D::new(2, 3).strides(2));
        let means = |x: &Tensor| x.apply(GlobalAveragePooling2D::new());
        concatenate([means(&a), means(&b), means(&padded)])
    }),
    ("dense layers side by side", |x, d| {
        let y = x.apply(Flatten::new());
        let (a, b) = (y.apply(Dense::new(3)), y.apply(Dense::new(d.between(1, 3))));
        concatenate([add([a.apply(Activation::Relu), a]), b, y])
    }),
];

fn network(branches: Branches, d: &mut Dice) -> Graph {
    let input = Input::new((d.between(2, 7), d.between(2, 7), d.between(1, 3)));
    let x = input.apply(Conv2D::new(3, 1).activation(Activation::Tanh));
    let output = branches(&x, d)
        .apply(Flatten::new())
        .apply(Dense::new(CLASSES).activation(Activation::Softmax));
    Graph::new(&input, &output).unwrap()
}

fn with_kernels<K: Kernels>(kernels: K, model: &Graph, threads: usize) -> Cpu<K> {
    let options = Options { threads, seed: 3, ..Options::default() };
    let (network, sgd) = (model.build().unwrap(), SGD::new(0.01).momentum(0.9));
    Cpu::with_kernels(kernels, network, cross_entropy().into(), sgd.into(), options).unwrap()
}

fn fast(model: &Graph, threads: usize, isa: Isa) -> Cpu {
    with_kernels(lenslet_kernels::Fast::new(isa), model, threads)
}

fn batch(model: &Graph, samples: usize, seed: u64) -> (Vec<u8>, Vec<u32>) {
    let d = &mut Dice::new(900, seed);
    (d.bytes(samples * model.input.elements()), d.labels(samples, CLASSES))
}

fn difference(a: &[f32], b: &[f64]) -> f64 {
    let largest = b.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn gradients_are_differences() {
    for (i, (_, branches)) in BRANCHES.into_iter().enumerate() {
        for case in 0..25 {
            let d = &mut Dice::new(910 + i as u32, case);
            let model = network(branches, d);
            check_gradients(&model, d, CLASSES);
        }
    }
}

#[test]
fn numbers_are_the_oracles() {
    for isa in Isa::available() {
        for (i, (name, branches)) in BRANCHES.into_iter().enumerate() {
            for case in 0..10 {
                let d = &mut Dice::new(930 + i as u32, case);
                let model = network(branches, d);
                let (pixels, labels) = batch(&model, d.between(1, 5), case);
                let mut a = fast(&model, 2, isa);
                let mut b = with_kernels(Reference::<f64>::new(), &model, 1);
                a.gradients_of(&pixels, &labels).unwrap();
                b.gradients_of(&pixels, &labels).unwrap();
                let off = difference(a.gradients(), b.gradients());
                assert!(off < 1e-4, "{isa} {name} {case}: gradient off by {off}");
                // After a step, the moving statistics count.
                a.train_step(&pixels, &labels).unwrap();
                b.train_step(&pixels, &labels).unwrap();
                let (mut p, mut q) = (Vec::new(), Vec::new());
                a.predict(&pixels, labels.len(), &mut p).unwrap();
                b.predict(&pixels, labels.len(), &mut q).unwrap();
                let q: Vec<f64> = q.into_iter().map(f64::from).collect();
                let off = difference(&p, &q);
                assert!(off < 1e-4, "{isa} {name} {case}: outputs off by {off}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for name in ["resnet20", "mobilenet_v2"] {
        let model = zoo_model(name, (8, 8, 3), CLASSES).unwrap();
        let train = |threads: usize| {
            let mut engine = fast(&model, threads, isa());
            for (step, samples) in [5, 5, 3].into_iter().enumerate() {
                let (pixels, labels) = batch(&model, samples, step as u64);
                engine.train_step(&pixels, &labels).unwrap();
            }
            let (pixels, _) = batch(&model, 5, 9);
            let mut outputs = Vec::new();
            engine.predict(&pixels, 5, &mut outputs).unwrap();
            let all = engine.parameters().iter().chain(&outputs);
            all.map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let one = train(1);
        for threads in [2, 3, 8] {
            assert!(train(threads) == one, "{name}, {threads} threads");
        }
    }
}

/// Every network that has a name learns a batch by heart.
#[test]
fn the_zoo_learns() {
    for name in ["lenet5", "resnet20", "wide_resnet_16_4", "mobilenet_v2"] {
        let side = if name == "lenet5" { 28 } else { 8 };
        let model = zoo_model(name, (side, side, 3), CLASSES).unwrap();
        let mut engine = fast(&model, 2, isa());
        let (pixels, labels) = batch(&model, 8, 1);
        let mut losses = (0..20).map(|_| engine.train_step(&pixels, &labels).unwrap().mean_loss());
        let (first, last) = (losses.next().unwrap(), losses.last().unwrap());
        assert!(last < 0.7 * first, "{name}: {first} then {last}");
    }
}

/// A frozen normalisation is an affine function: the same network with that multiplied into the
/// filters by hand gives the same outputs.
#[test]
fn normalisation_is_part_of_the_convolution_at_prediction() {
    let with = |norm: bool, depthwise: bool| {
        let input = Input::new((5, 4, 3));
        let conv = match depthwise {
            true => input.apply(DepthwiseConv2D::new(2)),
            false => input.apply(Conv2D::new(3, 2)),
        };
        let x = if norm { conv.apply(BatchNormalization::new().epsilon(0.5)) } else { conv };
        let output = x.apply(Flatten::new()).apply(Dense::new(CLASSES));
        Graph::new(&input, &output).unwrap()
    };
    for depthwise in [false, true] {
        let (model, plain) = (with(true, depthwise), with(false, depthwise));
        let mut normed = fast(&model, 1, isa());
        for (i, p) in normed.parameters_mut().iter_mut().enumerate() {
            *p = 0.3 + ((i * 7919) % 101) as f32 / 101.0;
        }
        let network = model.build().unwrap();
        let of = |name: &str| {
            let range = network.parameters().iter().find(|p| p.name.ends_with(name));
            normed.parameters()[range.unwrap().range.clone()].to_vec()
        };
        let [gamma, beta, mean, variance] =
            ["/gamma", "/beta", "/moving_mean", "/moving_variance"].map(of);
        let mut by_hand = fast(&plain, 1, isa());
        let names = ["/kernel", "/bias"].map(|name| {
            let own = network.parameters().iter().find(|p| p.name.ends_with(name)).unwrap();
            own.range.clone()
        });
        let scale: Vec<f32> = (0..3).map(|c| gamma[c] / (variance[c] + 0.5).sqrt()).collect();
        let from = normed.parameters().to_vec();
        let to = by_hand.parameters_mut();
        for i in names[0].clone() {
            to[i] = from[i] * scale[i % 3];
        }
        for (c, i) in names[1].clone().enumerate() {
            to[i] = (from[i] - mean[c]) * scale[c] + beta[c];
        }
        // Behind the normalisation's parameters comes the dense layer.
        let dense = names[1].end;
        let rest = to.len() - dense;
        to[dense..].copy_from_slice(&from[dense + 6..dense + 6 + rest]);
        let (pixels, _) = batch(&model, 6, 5);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        normed.predict(&pixels, 6, &mut a).unwrap();
        by_hand.predict(&pixels, 6, &mut b).unwrap();
        let b: Vec<f64> = b.into_iter().map(f64::from).collect();
        assert!(difference(&a, &b) < 1e-5, "{a:?} {b:?}");
    }
}

/// Ioffe and Szegedy 2015, algorithm 1: the outputs of a batch have mean beta and deviation gamma.
#[test]
fn moving_statistics_follow_the_batches() {
    let model: Graph = Sequential::new((1, 1, 2))
        .add(BatchNormalization::new().momentum(0.75))
        .add(Flatten::new())
        .add(Dense::new(2))
        .into();
    let mut engine = fast(&model, 1, isa());
    engine.train_step(&[0, 255, 255, 255, 0, 255, 255, 255], &[0, 1, 0, 1]).unwrap();
    let statistics = &engine.parameters()[model.build().unwrap().trainable_count()..];
    // Means 0.5 and 1, variances 0.25 and 0, a quarter of each beside the old 0 and 1.
    let expected = [0.125, 0.25, 0.8125, 0.75];
    let off = statistics.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6, "{statistics:?}");
}

/// Its channels are the pixels' channels there, and not those of the convolution in front.
#[test]
fn normalisation_behind_a_flatten_is_no_part_of_the_convolution() {
    let predict = |norm: bool| {
        let mut model = Sequential::new((3, 3, 2)).add(Conv2D::new(2, 2)).add(Flatten::new());
        if norm {
            model = model.add(BatchNormalization::new().epsilon(1e-9));
        }
        let model: Graph = model.add(Dense::new(CLASSES)).into();
        let mut engine = fast(&model, 1, isa());
        for parameter in model.build().unwrap().parameters() {
            let values = &mut engine.parameters_mut()[parameter.range.clone()];
            match parameter.name.rsplit('/').next().unwrap() {
                "kernel" => (1..).zip(values).for_each(|(i, x)| *x = (i as f32).sin()),
                "gamma" | "moving_variance" => values.fill(1.0),
                _ => values.fill(0.0),
            }
        }
        let mut outputs = Vec::new();
        engine.predict(&(0..18).map(|i| i * 9).collect::<Vec<u8>>(), 1, &mut outputs).unwrap();
        outputs
    };
    for (with, without) in predict(true).into_iter().zip(predict(false)) {
        assert!((with - without).abs() < 1e-6, "{with} {without}");
    }
}

/// Noise of training: none at prediction, other numbers in each step, of the deviation asked for.
#[test]
fn noise_is_normal() {
    let model: Graph = Sequential::new((40, 40, 3))
        .add(GaussianNoise::new(0.5))
        .add(BatchNormalization::new().momentum(0.0))
        .add(Flatten::new())
        .add(Dense::new(2))
        .into();
    let mut engine = fast(&model, 2, isa());
    let pixels = vec![0; 2 * model.input.elements()];
    let statistics = |engine: &mut Cpu| {
        engine.train_step(&pixels, &[0, 1]).unwrap();
        engine.parameters()[model.build().unwrap().trainable_count()..].to_vec()
    };
    let (first, second) = (statistics(&mut engine), statistics(&mut engine));
    assert_ne!(first, second);
    for c in 0..3 {
        assert!(first[c].abs() < 0.05 && (first[3 + c] - 0.25).abs() < 0.03, "{first:?}");
    }
}
