//! A node with its settings, and who understands which operator.

use std::collections::HashSet;

use super::super::Tensor;
use super::super::proto::{AttributeProto, AttributeType, NodeProto};
use super::grown::Grown;
use super::value::Value;
use super::{activation, affine, arithmetic, dense, fold, is_onnx, norm, reduce, shape, window};
use crate::FormatError;

/// Gives a node's outputs, for its inputs.
pub(super) fn apply(mut node: Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    if let Some(constant) = fold::fold(&mut node, grown)? {
        grown.fix(node.output()?, constant);
        return node.finish();
    }
    match node.op() {
        "Conv" => window::convolution(&mut node, grown),
        "MaxPool" | "AveragePool" => window::pooling(&mut node, grown),
        "GlobalAveragePool" | "GlobalMaxPool" => reduce::global(&mut node, grown),
        "ReduceMean" | "ReduceMax" => reduce::reduce(&mut node, grown),
        "Gemm" => dense::gemm(&mut node, grown),
        "MatMul" => dense::mat_mul(&mut node, grown),
        "Add" | "Sub" | "Mul" | "Div" | "Sum" => arithmetic::apply(&mut node, grown),
        "BatchNormalization" => norm::batch(&mut node, grown),
        "LayerNormalization" => norm::layer(&mut node, grown),
        "InstanceNormalization" => norm::instance(&mut node, grown),
        "GroupNormalization" => norm::group(&mut node, grown),
        "PRelu" => affine::p_re_lu(&mut node, grown),
        "Concat" => shape::concat(&mut node, grown),
        "Flatten" => shape::flatten(&mut node, grown),
        "Reshape" => shape::reshape(&mut node, grown),
        "Squeeze" => shape::squeeze(&mut node, grown),
        "Transpose" => shape::transpose(&mut node, grown),
        "Pad" => shape::pad(&mut node, grown),
        "Slice" => shape::slice(&mut node, grown),
        "Identity" | "Dropout" | "Cast" => activation::identity(&mut node, grown),
        _ => activation::apply(&mut node, grown),
    }?;
    let sound = |value: &Value| super::value::is_sample(&value.dims);
    if !grown.value(node.first_output()?).is_none_or(sound) {
        return Err(node.error("its result is too large", "give a smaller model"));
    }
    node.finish()
}

/// A constant's shape and its numbers.
pub(super) type Numbers = (Vec<usize>, Vec<f32>);

/// A node whose settings are taken one by one; what is left in the end is refused.
pub(super) struct Operator<'a> {
    node: &'a NodeProto,
    taken: HashSet<&'static str>,
    /// The version of ONNX's operators.
    pub(super) opset: i64,
}

impl<'a> Operator<'a> {
    pub(super) fn new(node: &'a NodeProto, opset: i64) -> Result<Self, FormatError> {
        let operator = Self { node, taken: HashSet::new(), opset };
        if !is_onnx(&node.domain) {
            let what = format!("the operator is of another domain, {:?}", node.domain);
            return Err(operator.error(what, "export it with ONNX's own operators"));
        }
        Ok(operator)
    }

    pub(super) fn op(&self) -> &'a str {
        &self.node.op_type
    }

    pub(super) fn name(&self) -> &'a str {
        &self.node.name
    }

    /// An error that names the node.
    pub(super) fn error(
        &self,
        what: impl std::fmt::Display,
        remedy: impl Into<String>,
    ) -> FormatError {
        let first = self.node.output.first().map_or("", String::as_str);
        let name = if self.node.name.is_empty() { first } else { &self.node.name };
        FormatError::unsupported(format!("node {name:?} ({}): {what}", self.op()), remedy)
    }

    /// There is no layer for what it does.
    pub(super) fn no_layer(&self, what: impl std::fmt::Display) -> FormatError {
        self.error(what, "Lenslet has no layer for it: change the network, or export it otherwise")
    }

    /// The inputs' names; those left out are empty.
    pub(super) fn inputs(&self) -> &'a [String] {
        &self.node.input
    }

    /// The name of input `index`, if it is there.
    pub(super) fn input_name(&self, index: usize) -> Option<&'a str> {
        self.node.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Input `index`, which is computed.
    pub(super) fn value(&self, index: usize, grown: &Grown) -> Result<Value, FormatError> {
        let name = self.input_name(index).ok_or_else(|| self.missing(index))?;
        let value = grown.value(name).ok_or_else(|| match grown.constant(name) {
            Some(_) => self.no_layer(format!("its input {name:?} is a constant")),
            None => self.error(format!("no node before it gives {name:?}"), "export it again"),
        })?;
        if value.bytes && self.op() != "Cast" {
            let what = "its input is of type uint8";
            return Err(self.error(what, "cast it to float first"));
        }
        Ok(value.clone())
    }

    /// Input `index`, which is an ordinary value: not in the middle of a layer.
    pub(super) fn whole(&self, index: usize, grown: &Grown) -> Result<Value, FormatError> {
        let value = self.value(index, grown)?;
        if value.part != super::value::Part::Whole {
            return Err(self.no_layer(format!("it takes a part of a layer ({:?})", value.part)));
        }
        Ok(value)
    }

    /// Input `index`, which is a constant, if it is there.
    pub(super) fn constant<'g>(
        &self,
        index: usize,
        grown: &'g Grown,
    ) -> Result<Option<&'g Tensor>, FormatError> {
        let Some(name) = self.input_name(index) else { return Ok(None) };
        match grown.constant(name) {
            Some(tensor) => Ok(Some(tensor)),
            None => Err(self.no_layer(format!("its input {name:?} is no constant"))),
        }
    }

    /// Input `index`, which is a constant of numbers.
    pub(super) fn floats(
        &self,
        index: usize,
        grown: &Grown,
    ) -> Result<Option<Numbers>, FormatError> {
        let Some(tensor) = self.constant(index, grown)? else { return Ok(None) };
        match &tensor.data {
            super::super::TensorData::Float(x) => Ok(Some((tensor.dims.clone(), x.clone()))),
            _ => Err(self.error(
                format!("the constant {:?} is not of type float", tensor.name),
                "export the model in float32",
            )),
        }
    }

    /// Input `index`, which is a list of whole numbers, or the attribute of that name in older
    /// opsets.
    pub(super) fn whole_numbers(
        &mut self,
        index: usize,
        name: &'static str,
        grown: &Grown,
    ) -> Result<Option<Vec<i64>>, FormatError> {
        if let Some(numbers) = self.ints(name)? {
            return Ok(Some(numbers));
        }
        let Some(tensor) = self.constant(index, grown)? else { return Ok(None) };
        match &tensor.data {
            super::super::TensorData::Int64(x) => Ok(Some(x.clone())),
            super::super::TensorData::Int32(x) => {
                Ok(Some(x.iter().map(|&x| i64::from(x)).collect()))
            }
            _ => {
                Err(self
                    .error(format!("{name} is no list of whole numbers"), "export the model again"))
            }
        }
    }

    pub(super) fn missing(&self, index: usize) -> FormatError {
        self.error(format!("input {index} is missing"), "export it again")
    }

    /// The name of the one output; others must be left out.
    pub(super) fn output(&self) -> Result<&'a str, FormatError> {
        match &self.node.output[..] {
            [output, others @ ..] if others.iter().all(String::is_empty) => Ok(output),
            all => Err(self.no_layer(format!("it has {} outputs, not one", all.len()))),
        }
    }

    /// The name of the first output, whatever the others are.
    pub(super) fn first_output(&self) -> Result<&'a str, FormatError> {
        let first = self.node.output.first();
        first.map(String::as_str).ok_or_else(|| self.error("it has no output", "export it again"))
    }

    fn attribute(
        &mut self,
        name: &'static str,
        kind: AttributeType,
    ) -> Result<Option<&'a AttributeProto>, FormatError> {
        self.taken.insert(name);
        let node = self.node;
        let Some(attribute) = node.attribute.iter().find(|a| a.name == name) else {
            return Ok(None);
        };
        if attribute.r#type == kind as i32 {
            return Ok(Some(attribute));
        }
        Err(self.error(format!("its attribute {name} is of another type"), "export it again"))
    }

    pub(super) fn int(&mut self, name: &'static str, otherwise: i64) -> Result<i64, FormatError> {
        let attribute = self.attribute(name, AttributeType::Int)?;
        Ok(attribute.map_or(otherwise, |a| a.i.unwrap_or(0)))
    }

    pub(super) fn float(&mut self, name: &'static str, otherwise: f32) -> Result<f32, FormatError> {
        let attribute = self.attribute(name, AttributeType::Float)?;
        Ok(attribute.map_or(otherwise, |a| a.f.unwrap_or(0.0)))
    }

    pub(super) fn ints(&mut self, name: &'static str) -> Result<Option<Vec<i64>>, FormatError> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|a| a.ints.clone()))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, FormatError> {
        let attribute = self.attribute(name, AttributeType::String)?;
        let bytes = attribute.map(|a| a.s.clone().unwrap_or_default());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(super) fn tensor(&mut self, name: &'static str) -> Result<Option<Tensor>, FormatError> {
        let attribute = self.attribute(name, AttributeType::Tensor)?;
        let tensor = attribute.and_then(|a| a.t.as_ref());
        tensor.map(Tensor::new).transpose()
    }

    /// An attribute that changes nothing here.
    pub(super) fn ignore(&mut self, name: &'static str) {
        self.taken.insert(name);
    }

    /// An attribute that must be this, as it is where it is left out.
    pub(super) fn only(&mut self, name: &'static str, value: i64) -> Result<(), FormatError> {
        match self.int(name, value)? {
            came if came == value => Ok(()),
            came => Err(self.no_layer(format!("{name} = {came}"))),
        }
    }

    /// Refuses attributes that nobody has asked for.
    pub(super) fn finish(self) -> Result<(), FormatError> {
        let unknown = self.node.attribute.iter().find(|a| !self.taken.contains(a.name.as_str()));
        match unknown {
            None => Ok(()),
            Some(attribute) => {
                Err(self.no_layer(format!("it has an attribute {:?}", attribute.name)))
            }
        }
    }
}
