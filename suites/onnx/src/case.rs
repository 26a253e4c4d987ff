//! One test of the suite: a model of one node, its inputs, and what it should give.

use std::fs;
use std::path::Path;

use lenslet_formats::onnx::proto::NodeProto;
use lenslet_formats::onnx::{Tensor, TensorData, decode_model, decode_tensor};

/// Numbers of a shape.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) dims: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// A test whose model is a single node on numbers.
pub(crate) struct Case {
    pub(crate) node: NodeProto,
    /// What it is told, in the node's order; `None` where an input is left out.
    pub(crate) inputs: Vec<Option<Array>>,
    /// What it should give.
    pub(crate) outputs: Vec<Array>,
    /// The version of the operators.
    pub(crate) opset: i64,
}

/// Why a folder is no such test.
pub(crate) enum Other {
    /// Several nodes, with their operators.
    Nodes(Vec<String>),
    /// Its operator, and a type or a message that is not read.
    Unread(String, String),
}

impl Case {
    /// Reads a test's folder, of which the first data set counts.
    pub(crate) fn read(folder: &Path) -> Result<Self, Other> {
        let file = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|e| Other::Unread(String::new(), format!("{name}: {e}")))
        };
        let unread = |what: String| Other::Unread(String::new(), what);
        let model = decode_model(&file("model.onnx")?).map_err(|e| unread(e.to_string()))?;
        let opset = model.opset_import.iter().map(|set| set.version).max().unwrap_or(0);
        let graph = model.graph.ok_or_else(|| unread("no graph".to_owned()))?;
        let [node] = &graph.node[..] else {
            return Err(Other::Nodes(graph.node.into_iter().map(|n| n.op_type).collect()));
        };
        let tensor = |kind: &str, index: usize| {
            let name = format!("test_data_set_0/{kind}_{index}.pb");
            let unread = |what: String| Other::Unread(node.op_type.clone(), what);
            let proto = decode_tensor(&file(&name)?).map_err(|e| unread(e.to_string()))?;
            let tensor = Tensor::new(&proto).map_err(|e| unread(e.to_string()))?;
            Array::new(tensor).map_err(unread)
        };
        let mut next = 0..;
        let inputs = node.input.iter().map(|name| match name.is_empty() {
            true => Ok(None),
            false => tensor("input", next.next().unwrap_or(0)).map(Some),
        });
        let inputs = inputs.collect::<Result<_, _>>()?;
        let outputs = graph.output.iter().enumerate().map(|(i, _)| tensor("output", i));
        Ok(Self { inputs, outputs: outputs.collect::<Result<_, _>>()?, node: node.clone(), opset })
    }

    fn attribute(&self, name: &str) -> Option<&lenslet_formats::onnx::proto::AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(crate) fn float(&self, name: &str, default: f64) -> f64 {
        // As many decimals as the float has: 0.1, not 0.10000000149.
        let exact = |f: f32| f.to_string().parse().unwrap_or(f64::from(f));
        self.attribute(name).and_then(|a| a.f).map_or(default, exact)
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|a| a.i).unwrap_or(default)
    }

    pub(crate) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| &a.ints[..])
    }

    pub(crate) fn text(&self, name: &str, default: &str) -> String {
        let text = self.attribute(name).and_then(|a| a.s.as_ref());
        text.map_or(default.to_owned(), |s| String::from_utf8_lossy(s).into_owned())
    }

    /// An input that is there.
    pub(crate) fn input(&self, index: usize) -> Option<&Array> {
        self.inputs.get(index).and_then(Option::as_ref)
    }
}

impl Array {
    fn new(Tensor { dims, data, .. }: Tensor) -> Result<Self, String> {
        let data = match data {
            TensorData::Float(x) => x,
            // Shapes, labels, counts.
            TensorData::Int64(x) => x.into_iter().map(|x| x as f32).collect(),
            TensorData::Int32(x) => x.into_iter().map(|x| x as f32).collect(),
            TensorData::Bool(x) => x.into_iter().map(|x| f32::from(u8::from(x))).collect(),
            TensorData::Double(_) => return Err("numbers of 64 bits".to_owned()),
            _ => return Err("whole numbers of a narrow type".to_owned()),
        };
        Ok(Self { dims, data })
    }

    pub(crate) fn of(dims: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        let dims = dims.into();
        assert_eq!(dims.iter().product::<usize>(), data.len());
        Self { dims, data }
    }

    /// The same numbers in another shape.
    pub(crate) fn reshaped(self, dims: impl Into<Vec<usize>>) -> Self {
        Self::of(dims, self.data)
    }

    /// As one sample of a batch.
    pub(crate) fn as_sample(&self) -> Self {
        let dims: Vec<usize> = std::iter::once(1).chain(self.dims.iter().copied()).collect();
        self.clone().reshaped(if dims.len() == 1 { vec![1, 1] } else { dims })
    }

    /// Axis `i` of the result is axis `order[i]` of this.
    pub(crate) fn transposed(&self, order: &[usize]) -> Self {
        let strides = |dims: &[usize]| {
            let mut strides = vec![1; dims.len()];
            for i in (1..dims.len()).rev() {
                strides[i - 1] = strides[i] * dims[i];
            }
            strides
        };
        let dims: Vec<usize> = order.iter().map(|&axis| self.dims[axis]).collect();
        let (own, new) = (strides(&self.dims), strides(&dims));
        let from = |at: usize| -> usize {
            let axes = new.iter().zip(&dims).zip(order);
            axes.map(|((stride, dim), &axis)| at / stride % dim * own[axis]).sum()
        };
        let data = (0..self.data.len()).map(|at| self.data[from(at)]).collect();
        Self { dims, data }
    }

    /// `(N, C, ...)` with the channels last, where ours lie.
    pub(crate) fn channels_last(&self) -> Self {
        let rank = self.dims.len();
        let order: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
        self.transposed(&order)
    }

    /// And back.
    pub(crate) fn channels_first(&self) -> Self {
        let rank = self.dims.len();
        let order: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        self.transposed(&order)
    }
}
