//! Graphs: written as calls or as text, in any order; and what no graph can be.

use lenslet_model::layers::{Conv2D, Dense, Flatten};
use lenslet_model::{
    Activation, Graph, Input, Sequential, Source, add, concatenate, from_toml, multiply,
};

/// A layer of a text: name, type and settings, inputs.
fn text(layers: &[(&str, &str, &str)]) -> String {
    let mut text = "input = [6, 6, 2]\n".to_owned();
    for (name, layer, inputs) in layers {
        text.push_str(&format!("[[layers]]\nname = \"{name}\"\n{layer}\n"));
        if !inputs.is_empty() {
            text.push_str(&format!("inputs = {inputs}\n"));
        }
    }
    text
}

const CONV: &str = "type = \"Conv2D\"\nfilters = 2\nkernel_size = 1";
const ADD: &str = "type = \"Add\"";

#[test]
fn calls_and_text_describe_the_same() {
    let input = Input::new((6, 6, 2));
    let a = input.apply_named("a", Conv2D::new(2, 1));
    let b = a.apply_named("b", Activation::Relu);
    let called = Graph::new(&input, &add([a, b, input.clone()])).unwrap();
    let written = text(&[
        ("a", CONV, "\"input_layer\""),
        ("b", "type = \"Activation\"\nactivation = \"relu\"", ""),
        ("add", ADD, "[\"a\", \"b\", \"input_layer\"]"),
    ]);
    let written = from_toml(&written).unwrap();
    assert_eq!(called.build().unwrap().nodes(), written.build().unwrap().nodes());
}

#[test]
fn layers_run_after_their_inputs_in_whatever_order_they_are_written() {
    let graph = from_toml(&format!(
        "output = \"sum\"\n{}",
        text(&[
            ("sum", ADD, "[\"y\", \"x\"]"),
            ("y", CONV, "[\"x\"]"),
            ("x", CONV, "[\"input_layer\"]")
        ])
    ));
    let network = graph.unwrap().build().unwrap();
    let names: Vec<_> = network.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["x", "y", "sum"]);
    assert_eq!(network.nodes()[2].sources, [Source::Node(1), Source::Node(0)]);
    assert_eq!(network.parameters()[0].name, "x/kernel");
}

#[test]
fn a_chain_is_a_graph_without_inputs() {
    let chain = Graph::from(Sequential::new((6, 6, 2)).add(Flatten::new()).add(Dense::new(3)));
    assert!(chain.is_sequential());
    let sources: Vec<_> =
        chain.build().unwrap().nodes().iter().map(|node| node.sources.clone()).collect();
    assert_eq!(sources, [[Source::Input], [Source::Node(0)]]);
}

#[test]
fn what_leads_nowhere_is_left_out_of_a_called_graph() {
    let input = Input::new((6, 6, 2));
    let x = input.apply(Conv2D::new(2, 1));
    let _idle = x.apply(Conv2D::new(5, 1));
    let graph = Graph::new(&input, &multiply([x.clone(), x])).unwrap();
    let names: Vec<_> = graph.layers.iter().map(|layer| layer.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["conv2d", "multiply"]);
}

#[test]
fn texts_that_are_no_graph() {
    let cases = [
        (
            text(&[("a", CONV, ""), ("b", CONV, "[\"aa\"]")]),
            ["layer 2 `b` (Conv2D)", "takes `aa`", "did you mean `a`?"],
        ),
        (
            text(&[("a", CONV, ""), ("b", CONV, "[\"zzz\"]")]),
            ["`b`", "`zzz`, which is no layer", "`input_layer` for the network's input"],
        ),
        (
            text(&[("a", CONV, "[\"b\"]"), ("b", CONV, "[\"a\"]")]),
            ["`a`, `b`", "cycle", "no layer may take its own result"],
        ),
        (text(&[("a", CONV, "[\"a\"]")]), ["`a`", "cycle", "break it"]),
        (
            text(&[("a", CONV, ""), ("b", CONV, ""), ("c", CONV, "[\"a\"]")]),
            ["layer 2 `b` (Conv2D)", "does not reach the output `c`", "leave it out"],
        ),
        (
            format!("output = \"d\"\n{}", text(&[("a", CONV, ""), ("b", CONV, "")])),
            ["output", "names `d`, which is no layer", "name a layer"],
        ),
        (
            text(&[("a", CONV, ""), ("a", CONV, "")]),
            ["two layers are called `a`", "another name", ""],
        ),
        (
            text(&[("input_layer", CONV, "")]),
            ["`input_layer` is the name of the network's input", "another name", ""],
        ),
        (
            text(&[("a", CONV, ""), ("b", CONV, "[\"a\", \"input_layer\"]")]),
            ["layer 2 `b` (Conv2D)", "has 2 inputs, but takes one", "Concatenate"],
        ),
        (
            text(&[("a", CONV, ""), ("b", ADD, "")]),
            ["layer 2 `b` (Add)", "has one input", "inputs = [\"a\", \"b\"]"],
        ),
        (
            text(&[
                ("a", &CONV.replace("filters = 2", "filters = 3"), ""),
                ("b", ADD, "[\"a\", \"input_layer\"]"),
            ]),
            ["`b` (Add)", "(None, 6, 6, 3) and (None, 6, 6, 2)", "1x1 filters"],
        ),
        (
            text(&[
                ("a", "type = \"MaxPool2D\"", ""),
                ("b", "type = \"Concatenate\"", "[\"a\", \"input_layer\"]"),
            ]),
            [
                "`b` (Concatenate)",
                "(None, 3, 3, 2) and (None, 6, 6, 2)",
                "all dimensions but the last",
            ],
        ),
    ];
    for (text, words) in cases {
        let error = from_toml(&text).unwrap().build().unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{word:?} is missing in: {error}");
        }
    }
}

#[test]
fn inputs_that_are_no_names() {
    let error = from_toml(&text(&[("a", CONV, "[1]")])).unwrap_err().to_string();
    assert!(error.contains("the name of a layer, or a list of names"), "{error}");
    let error = from_toml(&text(&[("a", &CONV.replace("type", "input = []\ntype"), "")]));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("unknown field `input`"), "{error}");
}

#[test]
fn calls_that_are_no_graph() {
    let (one, two) = (Input::new((6, 6, 2)), Input::new((6, 6, 2)));
    let (a, b) = (one.apply(Conv2D::new(2, 1)), two.apply(Conv2D::new(2, 1)));
    let cases = [
        (Graph::new(&one, &b), "was made from another input"),
        (Graph::new(&a, &b), "is the result of a layer"),
        (Graph::new(&one, &concatenate([a.clone(), b])), "different inputs"),
        (Graph::new(&one, &a.apply_named("", Flatten::new())), "cannot be a name"),
    ];
    for (graph, words) in cases {
        let error = graph.unwrap_err().to_string();
        assert!(error.contains(words), "{words:?} is missing in: {error}");
    }
    let nothing = Graph::new(&one, &one).unwrap().build().unwrap_err().to_string();
    assert!(nothing.contains("no layers"), "{nothing}");
}
