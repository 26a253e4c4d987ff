//! The shape that a layer infers is that of what the engine computes, for random settings of every
//! layer on random inputs: forward and on the way back, where a length that does not fit panics.

mod common;

use common::{Dice, LAYERS, isa};
use lenslet_engine::{Cpu, Engine, Options, Targets};
use lenslet_model::layers::{Conv2D, Flatten, Reshape};
use lenslet_model::{
    Graph, Input, Layer, MeanSquaredError, SGD, Shape, Tensor, add, concatenate_along, multiply,
};
use proptest::prelude::*;

/// What the engine gives for `samples` pictures has the shape that was inferred, and it trains.
fn check(model: &Graph, samples: usize, d: &mut Dice) -> Result<(), TestCaseError> {
    let network = model.build().expect("built before");
    let (inferred, input) = (network.output().clone(), network.input().elements());
    let options = Options { threads: 1, isa: Some(isa()), ..Options::default() };
    let loss = MeanSquaredError::default().into();
    let mut engine = Cpu::new(network, loss, SGD::new(0.01).into(), options).unwrap();
    let (pixels, mut outputs) = (d.bytes(samples * input), Vec::new());
    engine.predict(&pixels, samples, &mut outputs).unwrap();
    prop_assert_eq!(outputs.len(), samples * inferred.elements(), "{:?}", inferred);
    // Not a number of the output was left unwritten: memory is fresh, and all weights finite.
    prop_assert!(outputs.iter().all(|y| y.is_finite()), "{:?}", outputs);
    engine.train_on(&pixels, Targets::Rows { samples, numbers: &outputs }).unwrap();
    Ok(())
}

/// A layer of this kind on an input of this shape, behind something to learn; `None` where it does
/// not fit.
fn around(layer: Layer, input: &Shape) -> Option<Graph> {
    let start = Input::new((input.elements(), 1, 1));
    let learnt = start.apply(Conv2D::new(1, 1)).apply(Reshape::new(signed(input)));
    let model = Graph::new(&start, &learnt.apply(layer)).unwrap();
    model.build().is_ok().then_some(model)
}

fn signed(shape: &Shape) -> Vec<i64> {
    shape.dims().iter().map(|&dim| dim as i64).collect()
}

/// A shape of one to four axes.
fn any_shape() -> impl Strategy<Value = Shape> {
    let vector = (1..20usize).prop_map(|n| Shape::new([n]));
    let picture = (1..10usize, 1..10usize, 1..9usize).prop_map(Shape::from);
    let other = prop_oneof![
        (1..6usize, 1..6usize).prop_map(|(a, b)| Shape::new([a, b])),
        (1..4usize, 1..4usize, 1..4usize, 1..5usize)
            .prop_map(|(a, b, c, d)| Shape::new([a, b, c, d])),
    ];
    prop_oneof![6 => picture, 2 => vector, 1 => other]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        // Many settings do not fit many shapes.
        max_global_rejects: 50_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn of_a_layer(kind in 0..LAYERS.len(), seed in 0..1u64 << 32, input in any_shape(), samples in 1..4usize) {
        let d = &mut Dice::new(700, seed);
        let model = around((LAYERS[kind].1)(d), &input);
        prop_assume!(model.is_some());
        check(&model.unwrap(), samples, d)?;
    }

    /// One shape, and others that have length 1 along some of its axes, or lack the first of them.
    #[test]
    fn of_a_sum_or_product(
        shape in any_shape(),
        others in prop::collection::vec((any::<u8>(), 0..3usize), 1..4),
        product: bool,
    ) {
        let start = Input::new((1, 1, 2));
        let tensor = |dims: &[usize]| value(&start, &Shape::new(dims));
        let mut tensors = vec![tensor(shape.dims())];
        for (ones, missing) in others {
            let dims = shape.dims().iter().enumerate();
            let dims: Vec<_> = dims.map(|(i, &d)| if ones >> i & 1 == 1 { 1 } else { d }).collect();
            tensors.push(tensor(&dims[missing.min(dims.len() - 1)..]));
        }
        let join = |all| if product { multiply(all) } else { add(all) };
        let model = joined(&start, join, tensors);
        prop_assert_eq!(model.build().unwrap().output().clone(), shape);
        check(&model, 2, &mut Dice::new(701, 0))?;
    }

    #[test]
    fn of_values_behind_one_another(
        shape in any_shape(),
        axis in 0..4usize,
        lengths in prop::collection::vec(1..5usize, 1..4),
    ) {
        let axis = axis % shape.dims().len();
        let start = Input::new((1, 1, 2));
        let with = |length: usize| {
            let mut dims = shape.dims().to_vec();
            dims[axis] = length;
            value(&start, &Shape::new(dims))
        };
        let mut tensors = vec![with(shape.dims()[axis])];
        tensors.extend(lengths.iter().map(|&length| with(length)));
        let join = |all| concatenate_along(axis as i64 + 1, all);
        let model = joined(&start, join, tensors);
        let mut dims = shape.dims().to_vec();
        dims[axis] += lengths.iter().sum::<usize>();
        prop_assert_eq!(model.build().unwrap().output().clone(), Shape::new(dims));
        check(&model, 2, &mut Dice::new(702, 0))?;
    }
}

/// Something learnt of this shape.
fn value(input: &Tensor, shape: &Shape) -> Tensor {
    let all = input.apply(Conv2D::new(shape.elements(), 1)).apply(Flatten::new());
    all.apply(Reshape::new(signed(shape)))
}

/// The values joined by this function.
fn joined(start: &Tensor, join: impl Fn(Vec<Tensor>) -> Tensor, tensors: Vec<Tensor>) -> Graph {
    Graph::new(start, &join(tensors)).unwrap()
}
