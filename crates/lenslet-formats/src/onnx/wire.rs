//! A look at a file's bytes before anything is made of them: that they are Protocol Buffers of
//! ONNX's messages, with no field that is unknown or refused.
//!
//! A field is a varint `number << 3 | wire type`, then a varint, eight bytes, a length and as many
//! bytes, or four bytes ([encoding](https://protobuf.dev/programming-guides/encoding/)).

use crate::FormatError;

/// The most messages and texts in a file: each takes memory beyond its bytes.
const MOST_PARTS: usize = 1 << 18;

/// What a field holds.
enum Kind {
    Varint,
    /// Numbers of four bytes, one or many.
    Fixed32,
    /// Numbers of eight bytes, one or many.
    Fixed64,
    /// Varints, one or many.
    Varints,
    /// Bytes that need no other look.
    Bytes,
    Text,
    Message(&'static Message),
    /// The number 0, as if it were left out; anything else is not taken, for this reason.
    Zero(&'static str),
    /// Nothing that is taken here, for this reason.
    Refused(&'static str),
}

use Kind::{Bytes, Fixed32, Fixed64, Refused, Text, Varint, Varints, Zero};

/// A message's name, and the number, name and kind of its fields.
pub(super) struct Message {
    name: &'static str,
    fields: &'static [(u64, &'static str, Kind)],
}

const NO_EXTERNAL: &str = "the numbers are in another file; save the model with its weights inside";
const NO_TRAINING: &str = "a training is no part of a model here; export the model for inference";
const NO_FUNCTION: &str = "functions are not taken; export the model with its functions inlined";
const NO_SPARSE: &str = "sparse tensors are not taken; save them as ordinary ones";
const NO_GRAPH: &str = "graphs within graphs (If, Loop, Scan) are not taken; export a plain graph";
const NO_QUANTA: &str = "quantised models are not taken; export the model in floating point";
const NO_TYPE: &str = "only tensors are taken; export a model whose values are all tensors";
const NO_REFERENCE: &str = "it belongs to a function; export the model with its functions inlined";
const NO_PART: &str = "it is a part of a tensor; save whole ones";
const NO_DEVICES: &str = "models spread over devices are not taken; export it for one device";

pub(super) static MODEL: Message = Message {
    name: "ModelProto",
    fields: &[
        (1, "ir_version", Varint),
        (2, "producer_name", Text),
        (3, "producer_version", Text),
        (4, "domain", Text),
        (5, "model_version", Varint),
        (6, "doc_string", Text),
        (7, "graph", Kind::Message(&GRAPH)),
        (8, "opset_import", Kind::Message(&OPERATOR_SET)),
        (14, "metadata_props", Kind::Message(&ENTRY)),
        (20, "training_info", Refused(NO_TRAINING)),
        (25, "functions", Refused(NO_FUNCTION)),
        (26, "configuration", Refused(NO_DEVICES)),
    ],
};

static OPERATOR_SET: Message =
    Message { name: "OperatorSetIdProto", fields: &[(1, "domain", Text), (2, "version", Varint)] };

static ENTRY: Message =
    Message { name: "StringStringEntryProto", fields: &[(1, "key", Text), (2, "value", Text)] };

static GRAPH: Message = Message {
    name: "GraphProto",
    fields: &[
        (1, "node", Kind::Message(&NODE)),
        (2, "name", Text),
        (5, "initializer", Kind::Message(&TENSOR)),
        (10, "doc_string", Text),
        (11, "input", Kind::Message(&VALUE_INFO)),
        (12, "output", Kind::Message(&VALUE_INFO)),
        (13, "value_info", Kind::Message(&VALUE_INFO)),
        (14, "quantization_annotation", Refused(NO_QUANTA)),
        (15, "sparse_initializer", Refused(NO_SPARSE)),
        (16, "metadata_props", Kind::Message(&ENTRY)),
    ],
};

static NODE: Message = Message {
    name: "NodeProto",
    fields: &[
        (1, "input", Text),
        (2, "output", Text),
        (3, "name", Text),
        (4, "op_type", Text),
        (5, "attribute", Kind::Message(&ATTRIBUTE)),
        (6, "doc_string", Text),
        (7, "domain", Text),
        (8, "overload", Text),
        (9, "metadata_props", Kind::Message(&ENTRY)),
        (10, "device_configurations", Refused(NO_DEVICES)),
    ],
};

static ATTRIBUTE: Message = Message {
    name: "AttributeProto",
    fields: &[
        (1, "name", Text),
        (2, "f", Fixed32),
        (3, "i", Varint),
        (4, "s", Bytes),
        (5, "t", Kind::Message(&TENSOR)),
        (6, "g", Refused(NO_GRAPH)),
        (7, "floats", Fixed32),
        (8, "ints", Varints),
        (9, "strings", Text),
        (10, "tensors", Refused(NO_TYPE)),
        (11, "graphs", Refused(NO_GRAPH)),
        (13, "doc_string", Text),
        (14, "tp", Refused(NO_TYPE)),
        (15, "type_protos", Refused(NO_TYPE)),
        (20, "type", Varint),
        (21, "ref_attr_name", Refused(NO_REFERENCE)),
        (22, "sparse_tensor", Refused(NO_SPARSE)),
        (23, "sparse_tensors", Refused(NO_SPARSE)),
    ],
};

pub(super) static TENSOR: Message = Message {
    name: "TensorProto",
    fields: &[
        (1, "dims", Varints),
        (2, "data_type", Varint),
        (3, "segment", Refused(NO_PART)),
        (4, "float_data", Fixed32),
        (5, "int32_data", Varints),
        (6, "string_data", Refused("texts are not taken; a network computes with numbers")),
        (7, "int64_data", Varints),
        (8, "name", Text),
        (9, "raw_data", Bytes),
        (10, "double_data", Fixed64),
        (11, "uint64_data", Varints),
        (12, "doc_string", Text),
        (13, "external_data", Refused(NO_EXTERNAL)),
        (14, "data_location", Zero(NO_EXTERNAL)),
        (16, "metadata_props", Kind::Message(&ENTRY)),
    ],
};

static VALUE_INFO: Message = Message {
    name: "ValueInfoProto",
    fields: &[
        (1, "name", Text),
        (2, "type", Kind::Message(&TYPE)),
        (3, "doc_string", Text),
        (4, "metadata_props", Kind::Message(&ENTRY)),
    ],
};

static TYPE: Message = Message {
    name: "TypeProto",
    fields: &[
        (1, "tensor_type", Kind::Message(&TENSOR_TYPE)),
        (4, "sequence_type", Refused(NO_TYPE)),
        (5, "map_type", Refused(NO_TYPE)),
        (6, "denotation", Text),
        (7, "opaque_type", Refused(NO_TYPE)),
        (8, "sparse_tensor_type", Refused(NO_SPARSE)),
        (9, "optional_type", Refused(NO_TYPE)),
    ],
};

static TENSOR_TYPE: Message = Message {
    name: "TypeProto.Tensor",
    fields: &[(1, "elem_type", Varint), (2, "shape", Kind::Message(&SHAPE))],
};

static SHAPE: Message =
    Message { name: "TensorShapeProto", fields: &[(1, "dim", Kind::Message(&DIMENSION))] };

static DIMENSION: Message = Message {
    name: "TensorShapeProto.Dimension",
    fields: &[(1, "dim_value", Varint), (2, "dim_param", Text), (3, "denotation", Text)],
};

/// Refuses bytes that are not this message.
pub(super) fn check(bytes: &[u8], message: &'static Message) -> Result<(), FormatError> {
    check_message(&mut Cursor { bytes }, message, &mut 0)
}

fn check_message(
    cursor: &mut Cursor<'_>,
    message: &'static Message,
    parts: &mut usize,
) -> Result<(), FormatError> {
    while !cursor.bytes.is_empty() {
        let key = cursor.varint()?;
        let (number, wire) = (key >> 3, key & 7);
        let field = message.fields.iter().find(|(known, ..)| *known == number);
        let Some((_, name, kind)) = field else {
            return Err(FormatError::damaged(
                format!("its {} has a field {number}, which ONNX does not know", message.name),
                "is it an ONNX file? If so, export it with an older IR version",
            ));
        };
        match (kind, wire) {
            (Refused(why), _) => return Err(refused(message, name, why)),
            (Zero(why), 0) => {
                if cursor.varint()? != 0 {
                    return Err(refused(message, name, why));
                }
            }
            (Varint | Varints, 0) => _ = cursor.varint()?,
            (Fixed64, 1) => _ = cursor.take(8)?,
            (Fixed32, 5) => _ = cursor.take(4)?,
            (Varints | Fixed32 | Fixed64 | Bytes, 2) => _ = cursor.block()?,
            (Text | Kind::Message(_), 2) => {
                *parts += 1;
                if *parts > MOST_PARTS {
                    let what = format!("it has more than {MOST_PARTS} messages and texts");
                    return Err(FormatError::unsupported(what, "give a smaller model"));
                }
                let block = cursor.block()?;
                if let Kind::Message(inner) = kind {
                    check_message(&mut Cursor { bytes: block }, inner, parts)?;
                }
            }
            _ => {
                let what = format!("{name} of its {} is written as another type", message.name);
                return Err(damaged(what));
            }
        }
    }
    Ok(())
}

/// What is yet to be looked at.
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(cut_short)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A length and as many bytes.
    fn block(&mut self) -> Result<&'a [u8], FormatError> {
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| cut_short())?)
    }

    fn varint(&mut self) -> Result<u64, FormatError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take(1)? else { unreachable!("one byte was asked for") };
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("it holds a number of more than 64 bits"))
    }
}

/// A field that is known, and why it is not taken.
fn refused(message: &Message, field: &str, why: &str) -> FormatError {
    let (what, remedy) = why.split_once("; ").expect("a reason and a way out");
    FormatError::unsupported(format!("it has {field} in its {}: {what}", message.name), remedy)
}

fn cut_short() -> FormatError {
    damaged("it is cut short, or no ONNX file")
}

pub(super) fn damaged(what: impl Into<String>) -> FormatError {
    FormatError::damaged(what, "get or export it again")
}
