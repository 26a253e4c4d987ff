//! The messages of ONNX files that are needed here, as Protocol Buffers: names and numbers of
//! `onnx.proto`, IR version 14.
//!
//! Fields that are absent hold zeros, empty texts and empty lists.

use prost::{Message, Oneof};

/// A model: a graph, and the versions of what it is written in.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// The version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The program that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Its version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// For people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// What is computed.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// The sets of operators in use.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Anything else, by name.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A set of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// Empty: ONNX's own operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A text with a name.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct StringStringEntryProto {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Nodes in an order in which each comes after its inputs.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// The operators.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// The graph's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants, by name: usually the weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// For people.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// What comes in. Old files list the initializers here, too.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What goes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Types and shapes of what is in between.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// An operator at work.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the values that it takes; empty for one that is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values that it gives.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator: `Conv`.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// The set of operators that it is from; empty for ONNX's own.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A setting of a node: one of the values, as `type` says.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A number.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// A whole number.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// A text in UTF-8.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// Numbers.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts in UTF-8.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// Which of the values is meant.
    #[prost(enumeration = "AttributeType", tag = "20")]
    pub r#type: i32,
}

/// Which of an attribute's values is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum AttributeType {
    /// Not said.
    Undefined = 0,
    /// `f`.
    Float = 1,
    /// `i`.
    Int = 2,
    /// `s`.
    String = 3,
    /// `t`.
    Tensor = 4,
    /// `floats`.
    Floats = 6,
    /// `ints`.
    Ints = 7,
    /// `strings`.
    Strings = 8,
}

/// Numbers with a shape, in `raw_data` (little-endian) or in the list of their type.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// The shape; empty for a single number.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// The type of the numbers: a [`DataType`].
    #[prost(enumeration = "DataType", tag = "2")]
    pub data_type: i32,
    /// Of `Float`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Of `Int32`, `Int16`, `Int8`, `Uint16`, `Uint8` and `Bool`.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Of `Int64`.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Of every type but texts.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// Of `Double`.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Of `Uint32` and `Uint64`.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
}

/// The types of numbers in tensors that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum DataType {
    /// Not said.
    Undefined = 0,
    /// 32 bits, IEEE 754.
    Float = 1,
    /// 8 bits.
    Uint8 = 2,
    /// 8 bits with a sign.
    Int8 = 3,
    /// 16 bits.
    Uint16 = 4,
    /// 16 bits with a sign.
    Int16 = 5,
    /// 32 bits with a sign.
    Int32 = 6,
    /// 64 bits with a sign.
    Int64 = 7,
    /// True or false, a byte each.
    Bool = 9,
    /// 64 bits, IEEE 754.
    Double = 11,
    /// 32 bits.
    Uint32 = 12,
    /// 64 bits.
    Uint64 = 13,
}

/// A value's name and type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

/// A type: here always a tensor's.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Of a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// A tensor's type: `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// The type of the numbers.
    #[prost(enumeration = "DataType", tag = "1")]
    pub elem_type: i32,
    /// The shape, where it is known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// The dimensions.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One dimension of a shape: `TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct DimensionProto {
    /// Its size, where something is said about it.
    #[prost(oneof = "Dimension", tags = "1, 2")]
    pub value: Option<Dimension>,
}

/// The size of a dimension.
#[derive(Clone, PartialEq, Eq, Hash, Oneof)]
pub enum Dimension {
    /// This many.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// As many as come, called by this name.
    #[prost(string, tag = "2")]
    Param(String),
}
