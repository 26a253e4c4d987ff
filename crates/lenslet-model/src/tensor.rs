//! Keras's functional style: a graph written as calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::layers::{Add, Axes, Concatenate, Multiply};
use crate::names::automatic_names;
use crate::{Graph, INPUT, Layer, ModelError, NamedLayer, Problem, Shape};

/// The input of a network: where a graph begins.
///
/// ```
/// use lenslet_model::layers::{Conv2D, Dense, GlobalAveragePooling2D};
/// use lenslet_model::{Activation, Graph, Input, Padding, add};
/// let input = Input::new((32, 32, 3));
/// let x = input.apply(Conv2D::new(16, 3).padding(Padding::Same));
/// let y = x.apply(Conv2D::new(16, 3).padding(Padding::Same)).apply(Activation::Relu);
/// let z = add([x, y]).apply(GlobalAveragePooling2D::new());
/// let output = z.apply(Dense::new(10).activation(Activation::Softmax));
/// let network = Graph::new(&input, &output)?.build()?;
/// assert_eq!(network.parameter_count(), 448 + 2_320 + 170);
/// # Ok::<(), lenslet_model::ModelError>(())
/// ```
#[derive(Debug)]
pub struct Input;

impl Input {
    /// An input for samples of this shape, usually `(height, width, channels)`.
    #[allow(clippy::new_ret_no_self, reason = "Keras's name")]
    pub fn new(shape: impl Into<Shape>) -> Tensor {
        let calls = Calls { input: shape.into(), all: Vec::new() };
        Tensor { calls: Arc::new(Mutex::new(calls)), value: None }
    }
}

/// What a layer will give: something to apply more layers to.
#[derive(Clone, Debug)]
pub struct Tensor {
    calls: Arc<Mutex<Calls>>,
    /// Which call gives it; `None`: it is the input.
    value: Option<usize>,
}

/// Everything that was applied to an input, in order.
#[derive(Debug)]
struct Calls {
    input: Shape,
    all: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    name: Option<String>,
    layer: Layer,
    /// Calls whose results it takes, `None` for the input.
    inputs: Vec<Option<usize>>,
    /// One of the tensors grew from another input.
    foreign: bool,
}

impl Tensor {
    /// The result of a layer.
    pub fn apply(&self, layer: impl Into<Layer>) -> Self {
        call(None, layer.into(), std::slice::from_ref(self))
    }

    /// The result of a layer with a name of its own.
    pub fn apply_named(&self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        call(Some(name.into()), layer.into(), std::slice::from_ref(self))
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sum of tensors; axes of length 1 are repeated.
///
/// # Panics
/// Where there are none.
pub fn add(tensors: impl IntoIterator<Item = Tensor>) -> Tensor {
    join(Add::new(), tensors)
}

/// The product, number by number, of tensors; axes of length 1 are repeated.
///
/// # Panics
/// Where there are none.
pub fn multiply(tensors: impl IntoIterator<Item = Tensor>) -> Tensor {
    join(Multiply::new(), tensors)
}

/// Tensors behind one another along the last axis.
///
/// # Panics
/// Where there are none.
pub fn concatenate(tensors: impl IntoIterator<Item = Tensor>) -> Tensor {
    join(Concatenate::new(), tensors)
}

/// Tensors behind one another along another axis: 1 is the first, that of a picture's rows.
///
/// # Panics
/// Where there are none.
pub fn concatenate_along(
    axis: impl Into<Axes>,
    tensors: impl IntoIterator<Item = Tensor>,
) -> Tensor {
    join(Concatenate::new().axis(axis), tensors)
}

fn join(layer: impl Into<Layer>, tensors: impl IntoIterator<Item = Tensor>) -> Tensor {
    let tensors: Vec<_> = tensors.into_iter().collect();
    call(None, layer.into(), &tensors)
}

fn call(name: Option<String>, layer: Layer, inputs: &[Tensor]) -> Tensor {
    let first = inputs.first().expect("at least one tensor is joined");
    let foreign = inputs.iter().any(|input| !Arc::ptr_eq(&input.calls, &first.calls));
    let inputs = inputs.iter().map(|input| input.value).collect();
    let mut calls = first.calls();
    calls.all.push(Call { name, layer, inputs, foreign });
    let value = Some(calls.all.len() - 1);
    drop(calls);
    Tensor { calls: first.calls.clone(), value }
}

impl Graph {
    /// The graph from `input` to `output`. What was applied on other ways is left out.
    ///
    /// # Errors
    /// Where `output` did not grow from `input`, or a name is no name.
    pub fn new(input: &Tensor, output: &Tensor) -> Result<Self, ModelError> {
        let apart = |what: &str| {
            let remedy = "begin all of a model with one Input::new(..)";
            ModelError::Input(Problem::new(what, remedy))
        };
        if input.value.is_some() {
            return Err(apart("the model's input is the result of a layer"));
        }
        if !Arc::ptr_eq(&input.calls, &output.calls) {
            return Err(apart("the model's output was made from another input"));
        }
        let calls = input.calls();
        let used = used(&calls.all, output.value);
        if used.iter().any(|&call| calls.all[call].foreign) {
            return Err(apart("the model joins what was made from different inputs"));
        }
        let given = used.iter().map(|&call| {
            let Call { name, layer, .. } = &calls.all[call];
            (name.as_deref(), layer.stem())
        });
        let names = automatic_names(given)?;
        let name_of = |call: &Option<usize>| match call {
            Some(call) => names[used.binary_search(call).expect("in use")].clone(),
            None => INPUT.to_owned(),
        };
        let layers = used.iter().map(|&index| {
            let call = &calls.all[index];
            NamedLayer {
                name: Some(name_of(&Some(index))),
                inputs: call.inputs.iter().map(name_of).collect(),
                layer: call.layer.clone(),
            }
        });
        Ok(Self {
            name: "functional".to_owned(),
            input: calls.input.clone(),
            output: output.value.map(|call| name_of(&Some(call))),
            layers: layers.collect(),
        })
    }
}

/// The calls on the way to an output, in order.
fn used(calls: &[Call], output: Option<usize>) -> Vec<usize> {
    let mut needed = vec![false; calls.len()];
    let mut next = Vec::from_iter(output);
    while let Some(call) = next.pop() {
        if !std::mem::replace(&mut needed[call], true) {
            next.extend(calls[call].inputs.iter().flatten());
        }
    }
    (0..calls.len()).filter(|&call| needed[call]).collect()
}
