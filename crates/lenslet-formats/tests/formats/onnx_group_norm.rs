//! `GroupNormalization` of both kinds: before opset 21 with a scale for each group, then for each channel.

use lenslet_formats::onnx::import_model;
use lenslet_formats::onnx::proto::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionProto, GraphProto, ModelProto,
    NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};

const CHANNELS: i64 = 4;

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let batch = Dimension::Param("N".into());
    let dims = [batch].into_iter().chain(dims.iter().map(|&size| Dimension::Value(size)));
    let dim = dims.map(|value| DimensionProto { value: Some(value) }).collect();
    let shape = Some(TensorShapeProto { dim });
    let tensor_type = Some(TensorTypeProto { elem_type: DataType::Float as i32, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn numbers(name: &str, values: &[f32]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: DataType::Float as i32,
        name: name.into(),
        raw_data: Some(values.iter().flat_map(|x| x.to_le_bytes()).collect()),
        ..Default::default()
    }
}

fn node(op: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        input: input.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        op_type: op.into(),
        attribute,
        ..Default::default()
    }
}

/// A picture, normalised in groups, and the mean of each of its channels.
fn file(opset: i64, groups: i64, scale: &[f32], shift: &[f32]) -> ModelProto {
    let groups = AttributeProto {
        name: "num_groups".into(),
        i: Some(groups),
        r#type: AttributeType::Int as i32,
        ..Default::default()
    };
    let graph = GraphProto {
        node: vec![
            node("GroupNormalization", &["x", "scale", "shift"], "y", vec![groups]),
            node("GlobalAveragePool", &["y"], "mean", vec![]),
            node("Flatten", &["mean"], "z", vec![]),
        ],
        name: "g".into(),
        initializer: vec![numbers("scale", scale), numbers("shift", shift)],
        input: vec![value("x", &[CHANNELS, 3, 2])],
        output: vec![value("z", &[CHANNELS])],
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        graph: Some(graph),
        ..Default::default()
    }
}

#[test]
fn a_groups_scale_is_that_of_its_channels() {
    let each = file(21, 2, &[2.0, 2.0, 3.0, 3.0], &[0.5, 0.5, -1.0, -1.0]);
    let both = file(18, 2, &[2.0, 3.0], &[0.5, -1.0]);
    assert_eq!(import_model(&both).unwrap(), import_model(&each).unwrap());
}

#[test]
fn scales_that_fit_neither_are_refused() {
    for (opset, groups, scale, what) in [
        (18, 2, &[1.0; 4][..], "[4] for 2 groups"),
        (21, 2, &[1.0; 2], "[2] for 4 channels"),
        (18, 3, &[1.0; 3], "groups = 3"),
        (18, 8, &[1.0; 8], "groups = 8"),
        (18, 0, &[], "num_groups = 0"),
    ] {
        let refused = import_model(&file(opset, groups, scale, scale)).unwrap_err().to_string();
        assert!(refused.contains(what), "{what}: {refused}");
    }
}
