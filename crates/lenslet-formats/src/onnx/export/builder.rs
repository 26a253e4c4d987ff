//! A graph that grows node by node.

use std::collections::HashMap;

use lenslet_model::{Node, Parameter};
use lenslet_store::TrainedModel;

use super::super::attribute;
use super::super::proto::{
    AttributeProto, DataType, Dimension, DimensionProto, GraphProto, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The name of the batch dimension.
const BATCH: &str = "N";

/// A value of the graph.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) name: String,
    /// The shape of one sample in Lenslet's order: channels last.
    pub(super) dims: Vec<usize>,
    /// Whether the graph has the last axis first.
    pub(super) channels_first: bool,
}

impl Value {
    pub(super) fn channels(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// The axis of the channels in the graph, where the batch is axis 0.
    pub(super) fn channel_axis(&self) -> usize {
        if self.channels_first { 1 } else { self.dims.len() }
    }

    /// The shape in the graph, without the batch.
    fn graph_dims(&self) -> Vec<usize> {
        let mut dims = self.dims.clone();
        if self.channels_first {
            dims.rotate_right(1);
        }
        dims
    }

    /// Whether its numbers lie in memory as Lenslet's do.
    fn lies_as_ours(&self) -> bool {
        let pixels: usize = self.dims[..self.dims.len() - 1].iter().product();
        !self.channels_first || pixels == 1 || self.channels() == 1
    }
}

pub(super) struct Builder<'a> {
    model: &'a TrainedModel,
    graph: GraphProto,
    /// The layer at work.
    layer: String,
    /// How often a name was taken.
    taken: HashMap<String, usize>,
    /// What transposed values are called, by the name of the value.
    transposed: HashMap<String, Value>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(model: &'a TrainedModel) -> Self {
        let graph = GraphProto { name: model.network.name().to_owned(), ..GraphProto::default() };
        let (taken, transposed) = (HashMap::new(), HashMap::new());
        Self { model, graph, layer: String::new(), taken, transposed }
    }

    /// From here on nodes belong to this layer.
    pub(super) fn begin(&mut self, layer: &str) {
        layer.clone_into(&mut self.layer);
    }

    /// A name within the layer that nothing has yet: `conv2d/Conv`.
    fn name(&mut self, stem: &str) -> String {
        let name = format!("{}/{stem}", self.layer);
        let count = self.taken.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{count}") }
    }

    pub(super) fn input(&mut self, value: &Value, kind: DataType) {
        self.graph.input.push(info(value, kind));
    }

    /// A node of one output; `output` is named here.
    pub(super) fn node(
        &mut self,
        op: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
        output: Value,
    ) -> Value {
        let name = self.name(op);
        let value = Value { name: name.clone(), ..output };
        self.graph.value_info.push(info(&value, DataType::Float));
        self.graph.node.push(NodeProto {
            input,
            output: vec![name.clone()],
            name,
            op_type: op.to_owned(),
            attribute,
            domain: String::new(),
        });
        value
    }

    /// A node that changes numbers, not their shape, and may take constants besides.
    pub(super) fn like(
        &mut self,
        op: &str,
        x: &Value,
        others: &[String],
        attribute: Vec<AttributeProto>,
    ) -> Value {
        let input = [std::slice::from_ref(&x.name), others].concat();
        self.node(op, input, attribute, x.clone())
    }

    pub(super) fn cast_to_float(&mut self, x: &Value) -> Value {
        self.like("Cast", x, &[], vec![attribute::int("to", DataType::Float as i64)])
    }

    /// The value with the channels first.
    pub(super) fn channels_first(&mut self, x: &Value) -> Value {
        if x.channels_first || x.dims.len() < 2 { x.clone() } else { self.transpose(x) }
    }

    /// The value with the channels last.
    pub(super) fn channels_last(&mut self, x: &Value) -> Value {
        if x.channels_first { self.transpose(x) } else { x.clone() }
    }

    fn transpose(&mut self, x: &Value) -> Value {
        if let Some(known) = self.transposed.get(&x.name) {
            return known.clone();
        }
        let mut order: Vec<i64> = (1..).take(x.dims.len()).collect();
        if x.channels_first {
            order.rotate_left(1);
        } else {
            order.rotate_right(1);
        }
        order.insert(0, 0);
        let output = Value { channels_first: !x.channels_first, ..x.clone() };
        let perm = attribute::ints("perm", order);
        let transposed = self.node("Transpose", vec![x.name.clone()], vec![perm], output);
        self.transposed.insert(x.name.clone(), transposed.clone());
        self.transposed.insert(transposed.name.clone(), x.clone());
        transposed
    }

    /// The same numbers, in Lenslet's order, as samples of another shape.
    pub(super) fn reshape(&mut self, x: &Value, dims: &[usize]) -> Value {
        if x.dims == dims {
            return x.clone();
        }
        let x = if x.lies_as_ours() { x.clone() } else { self.channels_last(x) };
        let output = Value { name: String::new(), dims: dims.to_vec(), channels_first: false };
        if let [_] = dims {
            return self.node("Flatten", vec![x.name], vec![attribute::int("axis", 1)], output);
        }
        self.reshape_as_it_lies(&x, output)
    }

    /// The numbers as the graph has them, read as the shape of `output`.
    pub(super) fn reshape_as_it_lies(&mut self, x: &Value, output: Value) -> Value {
        // 0: as many samples as come.
        let shape = [vec![0], as_i64(&output.graph_dims())].concat();
        let shape = self.whole_numbers("shape", shape);
        self.node("Reshape", vec![x.name.clone(), shape], Vec::new(), output)
    }

    /// A layer's parameter as Lenslet has it.
    pub(super) fn parameter(&self, node: &Node, name: &str) -> Option<(&'a Parameter, &'a [f32])> {
        let model = self.model;
        let mut all = model.network.parameters_of(node);
        let is = |p: &&Parameter| p.name.rsplit('/').next() == Some(name);
        all.find(is).map(|p| (p, &model.parameters[p.range.clone()]))
    }

    /// A constant of the layer at work; returns its name.
    pub(super) fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.initializer(name, dims, DataType::Float, raw)
    }

    /// A single number.
    pub(super) fn scalar(&mut self, name: &str, value: f64) -> String {
        self.constant(name, &[], &[value as f32])
    }

    /// A list of whole numbers.
    pub(super) fn whole_numbers(&mut self, name: &str, values: Vec<i64>) -> String {
        let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.initializer(name, &[values.len()], DataType::Int64, raw)
    }

    fn initializer(&mut self, name: &str, dims: &[usize], kind: DataType, raw: Vec<u8>) -> String {
        let name = self.name(name);
        self.graph.initializer.push(TensorProto {
            dims: as_i64(dims),
            data_type: kind as i32,
            name: name.clone(),
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        name
    }

    /// The graph that gives `output`, under this name.
    pub(super) fn finish(mut self, output: &Value, name: &str) -> GraphProto {
        let renamed = |n: &mut String| {
            if *n == output.name {
                name.clone_into(n);
            }
        };
        if self.graph.node.iter().all(|node| !node.output.contains(&output.name)) {
            // It is the input itself: nothing is computed.
            self.begin(name);
            let same = self.like("Identity", output, &[], Vec::new());
            return self.finish(&same, name);
        }
        self.graph.value_info.retain(|info| info.name != output.name);
        for node in &mut self.graph.node {
            node.input.iter_mut().chain(&mut node.output).for_each(renamed);
        }
        let named = Value { name: name.to_owned(), ..output.clone() };
        self.graph.output.push(info(&named, DataType::Float));
        self.graph
    }
}

pub(super) fn as_i64(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|&d| i64::try_from(d).expect("a shape was checked")).collect()
}

/// A value's name, type and shape, the batch dimension free.
fn info(value: &Value, kind: DataType) -> ValueInfoProto {
    let sizes = as_i64(&value.graph_dims()).into_iter().map(Dimension::Value);
    let all = std::iter::once(Dimension::Param(BATCH.to_owned())).chain(sizes);
    let dim = all.map(|size| DimensionProto { value: Some(size) }).collect();
    let shape = Some(TensorShapeProto { dim });
    let tensor_type = Some(TensorTypeProto { elem_type: kind as i32, shape });
    ValueInfoProto { name: value.name.clone(), r#type: Some(TypeProto { tensor_type }) }
}
