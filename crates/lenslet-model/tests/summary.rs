//! The table of the tutorial's model, to the letter, and in narrow terminals.

use lenslet_model::layers::{
    BatchNormalization, Conv2D, Dense, Flatten, GlobalAveragePooling2D, Normalization,
};
use lenslet_model::{Activation, Graph, Input, Padding, Sequential, add, cnn, concatenate};

const TABLE: &str = "\
Model: \"cnn\"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                 │ (None, 32, 32, 32)     │           896 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ conv2d_1 (Conv2D)               │ (None, 32, 32, 32)     │         9,248 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d (MaxPooling2D)    │ (None, 16, 16, 32)     │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 16, 16, 32)     │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ flatten (Flatten)               │ (None, 8192)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 128)            │     1,048,704 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 1,060,138 (4.04 MB)
 Trainable params: 1,060,138 (4.04 MB)
 Non-trainable params: 0 (0.00 B)
";

#[test]
fn the_tutorials_model_is_keras_table() {
    assert_eq!(cnn((32, 32, 3), 10).build().unwrap().summary(80), TABLE);
}

#[test]
fn the_table_fits_the_terminal() {
    let network = cnn((32, 32, 3), 10).build().unwrap();
    for width in [43, 50, 60, 76, 80, 200] {
        let table = network.summary(width);
        let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} columns of {width}:\n{table}");
        for word in ["1,048,704", "8192", "Trainable params: 1,060,138"] {
            assert!(table.contains(word), "{word} is missing at {width}:\n{table}");
        }
    }
}

/// The graph of `golden/keras/summary.py`.
fn little() -> Graph {
    let conv = || Conv2D::new(16, 3).padding(Padding::Same).use_bias(false);
    let input = Input::new((32, 32, 3));
    let x = input.apply(conv()).apply(BatchNormalization::new()).apply(Activation::Relu);
    let y = x.apply(conv()).apply(BatchNormalization::new());
    let x = add([x, y.clone()]);
    let z = x.apply(Conv2D::new(8, 1));
    let x = concatenate([x, z, y]).apply(GlobalAveragePooling2D::new());
    let output = x.apply(Dense::new(10).activation(Activation::Softmax));
    Graph::new(&input, &output).unwrap().name("little")
}

#[test]
fn a_graph_is_keras_table_to_the_letter() {
    let network = little().build().unwrap();
    let tables = network.summary(80) + &network.summary(112);
    assert_eq!(tables, include_str!("../../../golden/keras/graph_summary.txt"));
}

#[test]
fn what_is_not_trained_is_counted_apart() {
    let network = Sequential::new((32, 32, 3))
        .add(Normalization::new())
        .add(Conv2D::new(16, 3))
        .add(BatchNormalization::new())
        .add(Flatten::new())
        .add(Dense::new(10))
        .build()
        .unwrap();
    let table = network.summary(80);
    for line in [
        "│ normalization (Normalization)   │ (None, 32, 32, 3)      │             7 │",
        "│ (BatchNormalization)            │                        │               │",
        " Total params: 144,529",
        " Trainable params: 144,490",
        " Non-trainable params: 39 ",
    ] {
        assert!(table.contains(line), "{line} is missing in\n{table}");
    }
}

/// Keras numbers the branches from the output backwards, not in the order in which they were made.
#[test]
fn branches_come_in_keras_order() {
    let input = Input::new((4, 4, 2));
    let first = input.apply_named("first", Conv2D::new(2, 1));
    let second = input.apply_named("second", Conv2D::new(2, 1));
    let output = add([second, first]).apply(Flatten::new());
    let table = Graph::new(&input, &output).unwrap().build().unwrap().summary(112);
    let at = |name: &str| table.find(&format!("│ {name} (")).unwrap();
    assert!(at("input_layer") < at("second") && at("second") < at("first"), "{table}");
    assert!(table.contains("second[0][0], first[0][0]"), "{table}");
}
