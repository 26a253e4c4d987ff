//! The messages of TensorBoard's files that are needed here, as Protocol Buffers: the fields and
//! numbers of `event.proto`, `summary.proto`, `tensor.proto` and the hparams plug-in's.

use std::collections::BTreeMap;

use prost::{Message, Oneof};

use super::Setting;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    pub(super) what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(message, optional, tag = "9")]
    metadata: Option<Metadata>,
    #[prost(oneof = "Content", tags = "2, 4, 8")]
    content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Content {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "8")]
    Tensor(TensorProto),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// 3: RGB.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) encoded: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin: Option<Plugin>,
}

#[derive(Clone, PartialEq, Message)]
struct Plugin {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "vec", tag = "2")]
    content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    /// 1: float.
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShape>,
    #[prost(float, repeated, tag = "5")]
    values: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    dims: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
struct Dim {
    #[prost(int64, tag = "1")]
    size: i64,
}

/// What the hparams plug-in keeps in a summary's metadata.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HParamsData {
    #[prost(int32, tag = "1")]
    version: i32,
    #[prost(message, optional, tag = "3")]
    start: Option<SessionStart>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) settings: BTreeMap<String, AnyValue>,
    #[prost(string, tag = "4")]
    pub(super) group: String,
    #[prost(double, tag = "5")]
    pub(super) start_seconds: f64,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(oneof = "Any", tags = "2, 3, 4")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Any {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Switch(bool),
}

impl Summary {
    fn of(tag: &str, metadata: Option<Metadata>, content: Content) -> Self {
        Self { values: vec![Value { tag: tag.to_owned(), metadata, content: Some(content) }] }
    }

    pub(super) fn scalar(tag: &str, value: f32) -> Self {
        Self::of(tag, None, Content::Scalar(value))
    }

    pub(super) fn image(tag: &str, image: Image) -> Self {
        Self::of(tag, None, Content::Image(image))
    }

    pub(super) fn hparams(data: &HParamsData, nothing: TensorProto) -> Self {
        let plugin = Plugin { name: "hparams".to_owned(), content: data.encode_to_vec() };
        let metadata = Metadata { plugin: Some(plugin) };
        Self::of("_hparams_/session_start_info", Some(metadata), Content::Tensor(nothing))
    }
}

impl TensorProto {
    /// The tensor of one zero that stands where a summary is its metadata alone.
    pub(super) fn zero() -> Self {
        let shape = TensorShape { dims: vec![Dim { size: 1 }] };
        Self { kind: 1, shape: Some(shape), values: vec![0.0] }
    }
}

impl HParamsData {
    pub(super) fn start(start: SessionStart) -> Self {
        Self { version: 0, start: Some(start) }
    }
}

impl From<Setting> for AnyValue {
    fn from(setting: Setting) -> Self {
        let value = match setting {
            Setting::Number(number) => Any::Number(number),
            Setting::Text(text) => Any::Text(text),
            Setting::Switch(switch) => Any::Switch(switch),
        };
        Self { value: Some(value) }
    }
}
