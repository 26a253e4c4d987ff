//! ONNX files and tensors: what is read, and what is refused.

use lenslet_formats::onnx::proto::{
    AttributeProto, DataType, Dimension, DimensionProto, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};
use lenslet_formats::onnx::{Tensor, TensorData, decode_model, decode_tensor};
use prost::Message;

fn value(name: &str) -> ValueInfoProto {
    let dims = [Dimension::Param("N".into()), Dimension::Value(2)];
    let dim = dims.map(|value| DimensionProto { value: Some(value) }).into();
    let shape = Some(TensorShapeProto { dim });
    let tensor_type = Some(TensorTypeProto { elem_type: DataType::Float as i32, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn weights() -> TensorProto {
    TensorProto {
        dims: vec![2],
        data_type: DataType::Float as i32,
        name: "w".into(),
        raw_data: Some([1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect()),
        ..TensorProto::default()
    }
}

fn model() -> ModelProto {
    let alpha = AttributeProto { name: "alpha".into(), f: Some(0.1), ..Default::default() };
    let node = NodeProto {
        input: vec!["x".into(), "w".into()],
        output: vec!["y".into()],
        op_type: "Mul".into(),
        attribute: vec![alpha],
        ..Default::default()
    };
    let graph = GraphProto {
        node: vec![node],
        name: "g".into(),
        initializer: vec![weights()],
        input: vec![value("x")],
        output: vec![value("y")],
        ..Default::default()
    };
    let entry = StringStringEntryProto { key: "classes".into(), value: "[]".into() };
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
        metadata_props: vec![entry],
        ..Default::default()
    }
}

#[test]
fn a_model_is_read_as_it_was_written() {
    assert_eq!(decode_model(&model().encode_to_vec()).unwrap(), model());
}

#[test]
fn a_tensor_has_its_numbers_raw_or_in_the_list_of_its_type() {
    let of = |data_type: DataType, fill: fn(&mut TensorProto)| {
        let mut proto =
            TensorProto { dims: vec![2], data_type: data_type as i32, ..Default::default() };
        fill(&mut proto);
        Tensor::new(&decode_tensor(&proto.encode_to_vec()).unwrap()).unwrap().data
    };
    use DataType as D;
    let cases = [
        (of(D::Float, |t| t.float_data = vec![1.5, -2.0]), TensorData::Float(vec![1.5, -2.0])),
        (of(D::Double, |t| t.double_data = vec![1e300, 0.0]), TensorData::Double(vec![1e300, 0.0])),
        (of(D::Int8, |t| t.int32_data = vec![-128, 127]), TensorData::Int8(vec![-128, 127])),
        (of(D::Uint8, |t| t.int32_data = vec![0, 255]), TensorData::Uint8(vec![0, 255])),
        (of(D::Int16, |t| t.int32_data = vec![-9, 9]), TensorData::Int16(vec![-9, 9])),
        (of(D::Uint16, |t| t.int32_data = vec![0, 65535]), TensorData::Uint16(vec![0, 65535])),
        (of(D::Int32, |t| t.int32_data = vec![-1, 1]), TensorData::Int32(vec![-1, 1])),
        (of(D::Uint32, |t| t.uint64_data = vec![0, 1 << 31]), TensorData::Uint32(vec![0, 1 << 31])),
        (of(D::Int64, |t| t.int64_data = vec![-1, 1 << 40]), TensorData::Int64(vec![-1, 1 << 40])),
        (of(D::Uint64, |t| t.uint64_data = vec![0, 1 << 63]), TensorData::Uint64(vec![0, 1 << 63])),
        (of(D::Bool, |t| t.int32_data = vec![0, 1]), TensorData::Bool(vec![false, true])),
        (of(D::Bool, |t| t.raw_data = Some(vec![0, 1])), TensorData::Bool(vec![false, true])),
        (
            of(D::Int16, |t| t.raw_data = Some(vec![1, 0, 0xff, 0xff])),
            TensorData::Int16(vec![1, -1]),
        ),
        (
            of(D::Int64, |t| t.raw_data = Some([[1; 8], [0xff; 8]].concat())),
            TensorData::Int64(vec![0x0101_0101_0101_0101, -1]),
        ),
    ];
    for (read, expected) in cases {
        assert_eq!(read, expected);
    }
}

/// A field of `length` bytes, as the wire has it.
fn block(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(number < 16 && bytes.len() < 128);
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

#[test]
fn models_that_are_none_or_hold_what_is_not_taken_are_refused() {
    let tensor = |bytes: &[u8]| block(7, &block(5, bytes));
    let attribute = |bytes: &[u8]| block(7, &block(1, &block(5, bytes)));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"\x89PNG\r\n\x1a\n".to_vec(), "ModelProto has a field 1281, which ONNX"),
        (vec![0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f], "cut short"),
        ([vec![0x3a], vec![0xff; 11]].concat(), "more than 64 bits"),
        (block(13, b"x"), "ModelProto has a field 13, which ONNX does not know"),
        (vec![0x08], "cut short"),
        (vec![0x0a, 1, 1], "ir_version of its ModelProto is written as another type"),
        (vec![20 << 3 & 0x7f | 0x82, 1, 0], "training_info in its ModelProto"),
        (vec![0xca, 1, 0], "functions in its ModelProto"),
        (block(7, &block(15, b"")), "sparse_initializer in its GraphProto"),
        (attribute(&block(6, b"")), "g in its AttributeProto: graphs within graphs"),
        (tensor(&block(13, b"")), "external_data in its TensorProto"),
        (tensor(&[14 << 3, 1]), "data_location in its TensorProto"),
        (tensor(&block(6, b"text")), "string_data in its TensorProto"),
        (block(2, b"\xff\xff"), "it is damaged"),
    ];
    for (bytes, part) in cases {
        let message = decode_model(&bytes).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("; "), "{part}: {message}");
    }
    // As if it were left out.
    assert!(decode_model(&tensor(&[14 << 3, 0])).is_ok());
}

#[test]
fn tensors_whose_numbers_do_not_fit_are_refused() {
    type Change = fn(&mut TensorProto);
    let cases: [(Change, &str); 8] = [
        (|t| t.dims = vec![3], "\"w\" has the shape [3], but 2 numbers"),
        (|t| t.dims = vec![-2], "has the shape [-2]"),
        (|t| t.dims = vec![i64::MAX, i64::MAX], "but 2 numbers"),
        (|t| t.raw_data = Some(vec![0; 7]), "has 7 bytes"),
        (|t| t.data_type = 10, "is of the type float16"),
        (|t| t.data_type = 99, "is of the type number 99"),
        (|t| (t.raw_data, t.data_type) = (None, 1), "but 0 numbers"),
        (
            |t| (t.raw_data, t.data_type, t.int32_data) = (None, 3, vec![128, 0]),
            "out of its type's range",
        ),
    ];
    for (change, part) in cases {
        let mut proto = weights();
        change(&mut proto);
        let message = Tensor::new(&proto).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn names_in_messages_hold_no_control_characters() {
    let proto = TensorProto { name: "\u{1b}[2J".into(), ..weights() };
    let message = Tensor::new(&TensorProto { dims: vec![9], ..proto }).unwrap_err().to_string();
    assert!(message.contains("\\u{1b}[2J"), "{message}");
    assert!(!message.contains('\u{1b}'));
}

#[test]
fn a_file_of_countless_parts_is_refused() {
    let bytes: Vec<u8> = [0x42, 0].repeat((1 << 18) + 1);
    let message = decode_model(&bytes).unwrap_err().to_string();
    assert!(message.contains("more than 262144 messages"), "{message}");
}

#[test]
fn a_file_cut_short_or_changed_never_panics() {
    let bytes = model().encode_to_vec();
    for length in 0..bytes.len() {
        let _ = decode_model(&bytes[..length]);
    }
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(model) = decode_model(&bytes) {
            let graph = model.graph.unwrap_or_default();
            let _ = graph.initializer.iter().map(Tensor::new).count();
        }
    }
}
