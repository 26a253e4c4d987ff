//! Every layer and loss against Keras: outputs and gradients.
//! `golden/keras/make.py` made the values and says by which formula the inputs come.

use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{
    Activation as Function, Conv2dKernel, Fast, Formula, Isa, Kernels, Real, Reference, Rows,
    RowsMut, Target, Team,
};
use lenslet_model::{Activation, Layer, Sequential, Shape};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct Drawn {
    shape: Vec<usize>,
    stream: u64,
    #[serde(default = "one")]
    scale: f32,
}

fn one() -> f32 {
    1.0
}

#[derive(Deserialize)]
struct LayerCase {
    name: String,
    layer: String,
    config: Map<String, Value>,
    input: Drawn,
    weights: Vec<Drawn>,
    r_stream: u64,
    output: Tensor,
    input_gradient: Tensor,
    weight_gradients: Vec<Tensor>,
}

#[derive(Deserialize)]
struct LossCase {
    name: String,
    kind: String,
    input: Tensor,
    labels: Vec<usize>,
    loss: f64,
    gradient: Tensor,
}

#[derive(Deserialize)]
struct Cases<T> {
    cases: Vec<T>,
}

/// The formula that both sides draw from.
fn draw<R: Real>(stream: u64, count: usize, scale: f32) -> Vec<R> {
    let one = |i| {
        let mut z = stream.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(i as u64 + 1);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let unit = (z >> 40) as f32 / (1 << 24) as f32;
        R::from_f64(f64::from((2.0 * unit - 1.0) * scale))
    };
    (0..count).map(one).collect()
}

/// What a layer gives: output, gradient of its input, gradients of its weights.
struct Result<R> {
    y: Vec<R>,
    dx: Vec<R>,
    dw: Vec<Vec<R>>,
}

/// Runs a layer forward, and back from `r(len)`, with the kernels that the engine takes for it.
fn run<K: Kernels>(
    k: &K,
    layer: &Layer,
    input: &Shape,
    output: &Shape,
    x: &[K::Real],
    weights: &[Vec<K::Real>],
    r: &[K::Real],
) -> Result<K::Real> {
    let zero = |n: usize| vec![K::Real::ZERO; n];
    let batch = r.len() / output.elements();
    let (mut y, mut dx) = (zero(r.len()), zero(x.len()));
    let mut dw: Vec<_> = weights.iter().map(|w| zero(w.len())).collect();
    let (wide_in, wide_out) = (input.elements(), output.elements());
    let images = |i: usize| (i * wide_in..(i + 1) * wide_in, i * wide_out..(i + 1) * wide_out);
    let mut dy = r.to_vec();
    let none = Vec::new();
    match layer {
        Layer::Conv2D(conv) => {
            let kernel = k.conv2d(conv.geometry(input).unwrap());
            let (mut packed, mut scratch) = (zero(kernel.packed_len()), zero(kernel.scratch_len()));
            kernel.pack(&Team::new(1), &weights[0], &mut packed, true);
            let bias = weights.get(1).unwrap_or(&none);
            for i in 0..batch {
                let (from, to) = images(i);
                kernel.forward(&x[from], &packed, bias, &mut y[to], &mut scratch);
            }
            activate(k, conv.activation, output.last(), &mut y, &mut dy);
            let (kernels, biases) = dw.split_at_mut(1);
            let db = biases.first_mut().map_or(&mut [][..], |b| b);
            for i in 0..batch {
                let (from, to) = images(i);
                let dy = &dy[to];
                kernel.grad_weights(&x[from.clone()], dy, &mut kernels[0], db, &mut scratch);
                kernel.grad_input(dy, &packed, &mut dx[from], &mut scratch);
            }
        }
        Layer::Dense(dense) => {
            let (team, rows) = (Team::new(1), x.len() / input.last());
            let (m, n) = (input.last(), output.last());
            let bias = weights.get(1).unwrap_or(&none);
            let as_x = || Rows::new(x, rows, m, 0..m);
            let to = RowsMut::new(&mut y, rows, n, 0..n);
            k.dense_forward(&team, as_x(), &weights[0], bias, true, to);
            activate(k, dense.activation, n, &mut y, &mut dy);
            let as_dy = || Rows::new(&dy, rows, n, 0..n);
            let (kernels, biases) = dw.split_at_mut(1);
            let db = biases.first_mut().map_or(&mut [][..], |b| b);
            k.dense_grad_weights(&team, as_x(), as_dy(), &mut kernels[0]);
            k.dense_grad_bias(as_dy(), db);
            k.dense_grad_input(&team, as_dy(), &weights[0], RowsMut::new(&mut dx, rows, m, 0..m));
        }
        Layer::MaxPool2D(pool) => {
            let shape = pool.geometry(input).unwrap();
            let mut argmax = vec![0; wide_out];
            for i in 0..batch {
                let (from, to) = images(i);
                k.max_pool_forward(&shape, &x[from.clone()], &mut y[to.clone()], &mut argmax);
                k.max_pool_backward(&dy[to], &argmax, &mut dx[from]);
            }
        }
        Layer::AveragePool2D(pool) => {
            let shape = pool.geometry(input).unwrap();
            for i in 0..batch {
                let (from, to) = images(i);
                k.average_pool_forward(&shape, &x[from.clone()], &mut y[to.clone()]);
                k.average_pool_backward(&shape, &dy[to], &mut dx[from]);
            }
        }
        Layer::Flatten(_) => {
            y.copy_from_slice(x);
            dx.copy_from_slice(&dy);
        }
        other => {
            let activation = match other {
                Layer::Activation(l) => l.activation,
                Layer::ReLU(l) => l.activation(),
                Layer::LeakyReLU(l) => l.activation(),
                Layer::ELU(l) => l.activation(),
                Layer::Softmax(_) => Activation::Softmax,
                _ => panic!("no golden values for {}", other.kind()),
            };
            y.copy_from_slice(x);
            activate(k, activation, output.last(), &mut y, &mut dy);
            dx.copy_from_slice(&dy);
        }
    }
    Result { y, dx, dw }
}

/// `y = f(y)`, and `dy` back through it.
fn activate<K: Kernels>(k: &K, f: Activation, last: usize, y: &mut [K::Real], dy: &mut [K::Real]) {
    let function = match f {
        Activation::Linear => return,
        Activation::Softmax => {
            k.softmax(last, y);
            return k.softmax_backward(last, y, dy);
        }
        Activation::Sigmoid => Function::Sigmoid,
        Activation::Tanh => Function::Tanh,
        Activation::Relu => Function::Relu,
        Activation::LeakyRelu { negative_slope } => Function::LeakyRelu { negative_slope },
        Activation::Elu { alpha } => Function::Elu { alpha },
        other => panic!("no golden values for {other}"),
    };
    k.activate(function, y);
    k.activate_backward(function, y, dy);
}

/// Within 1e-5 (outputs) or 1e-4 (gradients) of the largest number.
fn assert_near<R: Real>(what: &str, got: &[R], golden: &Tensor, tolerance: f64) {
    assert_eq!(got.len(), golden.values.len(), "{what}");
    let largest = golden.values.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (got, &expected)) in got.iter().zip(&golden.values).enumerate() {
        let off = (got.to_f64() - expected).abs();
        assert!(off <= tolerance * largest, "{what}[{i}]: {got}, Keras has {expected}");
    }
}

fn check_layers<K: Kernels>(k: &K) {
    let text = include_str!("../../../golden/keras/layers.json");
    let cases: Cases<LayerCase> = serde_json::from_str(text).unwrap();
    assert!(cases.cases.len() > 70);
    for case in cases.cases {
        let mut description = case.config.clone();
        description.insert("type".into(), case.layer.clone().into());
        let layer: Layer = serde_json::from_value(description.into()).unwrap();
        let input = Shape::new(&case.input.shape[1..]);
        let model = Sequential::new(input.clone()).add(layer.clone());
        let network = model.build().unwrap();
        assert_eq!(network.output().dims(), &case.output.shape[1..], "{}", case.name);
        let shapes: Vec<_> = network.parameters().iter().map(|p| &p.shape).collect();
        assert_eq!(shapes, case.weights.iter().map(|w| &w.shape).collect::<Vec<_>>());
        let fill = |d: &Drawn| draw::<K::Real>(d.stream, d.shape.iter().product(), d.scale);
        let weights: Vec<_> = case.weights.iter().map(fill).collect();
        let r = draw(case.r_stream, case.output.values.len(), 1.0);
        let got = run(k, &layer, &input, network.output(), &fill(&case.input), &weights, &r);
        let what = |part: &str| format!("{} {:?} {part}", case.name, case.config);
        assert_near(&what("output"), &got.y, &case.output, 1e-5);
        assert_near(&what("input gradient"), &got.dx, &case.input_gradient, 1e-4);
        for (got, golden) in got.dw.iter().zip(&case.weight_gradients) {
            assert_near(&what("weight gradient"), got, golden, 1e-4);
        }
    }
}

fn check_losses<K: Kernels>(k: &K) {
    let text = include_str!("../../../golden/keras/losses.json");
    let cases: Cases<LossCase> = serde_json::from_str(text).unwrap();
    assert!(cases.cases.len() >= 11);
    for case in cases.cases {
        let classes = case.input.shape[1];
        let scale = K::Real::from_f64(1.0 / case.labels.len() as f64);
        let (mut loss, mut gradient) = (0.0, Vec::new());
        for (row, &label) in case.input.values.chunks(classes).zip(&case.labels) {
            let mut z: Vec<_> = row.iter().map(|&z| K::Real::from_f64(z)).collect();
            let mut dz = vec![K::Real::ZERO; classes];
            let from_logits = case.kind != "probabilities";
            let formula = Formula::SparseCategorical;
            let function = lenslet_kernels::Loss { formula, from_logits, label_smoothing: 0.0 };
            loss += k.loss(function, &mut z, Target::Class(label)).to_f64();
            k.loss_backward(function, &z, Target::Class(label), scale, &mut dz);
            gradient.extend(dz);
        }
        loss /= case.labels.len() as f64;
        assert!((loss - case.loss).abs() < 1e-5 * case.loss.max(1.0), "{}: {loss}", case.name);
        assert_near(&case.name, &gradient, &case.gradient, 1e-6);
    }
}

fn check<K: Kernels>(k: &K) {
    check_layers(k);
    check_losses(k);
}

#[test]
fn the_oracle_is_keras() {
    check(&Reference::<f64>::new());
}

#[test]
fn the_fast_kernels_are_keras() {
    for isa in Isa::available() {
        check(&Fast::new(isa));
    }
}

/// The loss of a model is taken from the logits behind its softmax, as in Keras: no clipping.
#[test]
fn a_last_softmax_is_part_of_the_loss() {
    let model = Sequential::new((1, 1, 1))
        .add(lenslet_model::layers::Flatten::new())
        .add(lenslet_model::layers::Dense::new(3).activation(Activation::Softmax));
    let mut engine = Cpu::new(
        model.build().unwrap(),
        lenslet_model::Loss::default(),
        lenslet_model::Adam::default().into(),
        Options::default(),
    )
    .unwrap();
    engine.parameters_mut().copy_from_slice(&[-200.0, 0.0, 200.0, 0.0, 0.0, 0.0]);
    let tally = engine.evaluate(&[255], &[0]).unwrap();
    assert_eq!((tally.loss, tally.correct), (400.0, 0.0));
}
