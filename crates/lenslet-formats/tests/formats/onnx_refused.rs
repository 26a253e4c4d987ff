//! ONNX graphs that are no network of Lenslet's: each is refused, and what it is about is named.

use crate::networks::filled;
use lenslet_formats::onnx::proto::{
    AttributeProto, AttributeType, Dimension, GraphProto, ModelProto, NodeProto, ValueInfoProto,
};
use lenslet_formats::onnx::{OnnxOptions, encode_onnx, import_model};
use lenslet_model::layers::{Conv2D, Dense, Flatten, MaxPool2D};
use lenslet_model::{Activation, Padding, Sequential};
use prost::Message;

/// A small network's file: Conv, Relu, MaxPool, Transpose, Flatten, Gemm, Softmax.
fn file() -> ModelProto {
    let model = Sequential::new((9, 9, 2))
        .add(Conv2D::new(4, 3).padding(Padding::Same).strides(2).activation(Activation::Relu))
        .add(MaxPool2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(3).activation(Activation::Softmax));
    let bytes = encode_onnx(&filled(model), OnnxOptions::default()).unwrap();
    ModelProto::decode(&bytes[..]).unwrap()
}

fn node<'a>(graph: &'a mut GraphProto, op: &str) -> &'a mut NodeProto {
    graph.node.iter_mut().find(|node| node.op_type == op).unwrap()
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        i: Some(value),
        r#type: AttributeType::Int as i32,
        ..Default::default()
    }
}

/// Sets whole numbers of a node.
fn set(graph: &mut GraphProto, op: &str, name: &str, values: &[i64]) {
    let node = node(graph, op);
    node.attribute.retain(|attribute| attribute.name != name);
    node.attribute.push(AttributeProto {
        name: name.into(),
        ints: values.to_vec(),
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    });
}

fn size(info: &mut ValueInfoProto, axis: usize) -> &mut Option<Dimension> {
    let tensor = info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
    &mut tensor.shape.as_mut().unwrap().dim[axis].value
}

#[test]
fn the_file_itself_is_taken() {
    assert_eq!(import_model(&file()).unwrap().network.output().dims(), [3]);
}

#[test]
fn what_has_no_counterpart_is_named() {
    type Change = fn(&mut GraphProto);
    let cases: [(Change, &str); 27] = [
        (|g| node(g, "Relu").op_type = "Celu".into(), "node \"conv2d/Relu\" (Celu): the operator"),
        (|g| node(g, "Relu").domain = "com.microsoft".into(), "another domain, \"com.microsoft\""),
        (|g| node(g, "Relu").attribute.push(int("slope", 1)), "an attribute \"slope\""),
        (|g| node(g, "Relu").input[0] = "nothing".into(), "no node before it gives \"nothing\""),
        (|g| node(g, "Relu").input.clear(), "input 0 is missing"),
        (|g| node(g, "Relu").output.push("more".into()), "it has 2 outputs"),
        (|g| set(g, "Conv", "dilations", &[0, 1]), "dilations = [0, 1]"),
        (|g| set(g, "Conv", "strides", &[2, 2, 2]), "strides = [2, 2, 2]"),
        (|g| set(g, "Conv", "pads", &[-1, 0, 0, 0]), "pads = [-1, 0, 0, 0]"),
        (|g| set(g, "Conv", "kernel_shape", &[5, 5]), "its filters have the shape [4, 2, 3, 3]"),
        (|g| set(g, "Conv", "group", &[1]), "attribute group is of another type"),
        (|g| g.initializer[0].dims = vec![8, 1, 3, 3], "filters of 1 channels do not fit 2"),
        (|g| g.initializer[1].dims = vec![5], "\"conv2d/bias\" has the shape [5], but 4 numbers"),
        (|g| g.initializer[0].data_type = 6, "\"conv2d/kernel\" is not of type float"),
        (|g| set(g, "MaxPool", "dilations", &[2, 2]), "dilations = [2, 2]"),
        (
            |g| {
                set(g, "MaxPool", "kernel_shape", &[4, 4]);
                set(g, "MaxPool", "strides", &[3, 3]);
                node(g, "MaxPool").attribute.push(int("ceil_mode", 1));
            },
            "ceil_mode = 1",
        ),
        (|g| node(g, "MaxPool").attribute.clear(), "it has no kernel_shape"),
        (|g| set(g, "MaxPool", "kernel_shape", &[9, 9]), "window is larger than the picture"),
        (|g| set(g, "Transpose", "perm", &[1, 0, 2, 3]), "moves the batch"),
        (|g| set(g, "Transpose", "perm", &[0, 2, 2, 1]), "no order of its axes"),
        (|g| node(g, "Flatten").attribute[0].i = Some(2), "axis = 2"),
        (|g| node(g, "Gemm").attribute.push(int("transA", 1)), "transA = 1"),
        (|g| node(g, "Softmax").attribute[0].i = Some(0), "not over the channels"),
        (|g| *size(&mut g.input[0], 2) = None, "an axis of no certain or of too large a size"),
        (|g| *size(&mut g.input[0], 2) = Some(Dimension::Value(1 << 40)), "of too large a size"),
        (|g| g.output.push(ValueInfoProto::default()), "2 outputs"),
        (|g| g.output[0].name = "lost".into(), "no node gives the output \"lost\""),
    ];
    for (change, part) in cases {
        let mut file = file();
        change(file.graph.as_mut().unwrap());
        let message = import_model(&file).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("; "), "{part}: {message}");
    }
}

#[test]
fn files_without_a_graph_or_of_other_versions_are_refused() {
    let mut bare = file();
    bare.graph = None;
    let mut old = file();
    old.opset_import[0].version = 6;
    let mut classes = file();
    classes.metadata_props[0].value = "cat, dog".into();
    for (file, part) in [
        (bare, "it has no graph"),
        (old, "its operators are of version 6; export it with an opset from 7"),
        (classes, "its metadata `classes` are no list of names"),
    ] {
        let message = import_model(&file).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Memory that a hostile file could ask for is bounded by its bytes: sizes come from tensors that
/// are there, and shapes that nothing backs are refused.
#[test]
fn a_shape_alone_allocates_nothing() {
    let mut file = file();
    let graph = file.graph.as_mut().unwrap();
    for axis in 1..4 {
        *size(&mut graph.input[0], axis) = Some(Dimension::Value(1 << 24));
    }
    assert!(import_model(&file).is_err());
}
