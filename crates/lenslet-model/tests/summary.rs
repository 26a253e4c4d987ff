//! The table of the tutorial's model, to the letter, and in narrow terminals.

use lenslet_model::cnn;

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
