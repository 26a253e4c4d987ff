//! Every layer's gradient against finite differences, in `f64`, over 25 random shapes: through the
//! engine itself, with the reference kernels.

mod common;

use common::differences::check_gradients;
use common::{Dice, LAYERS, Maker, PICTURE_LAYERS, around, around_vector};
use lenslet_model::Sequential;

const SHAPES: usize = 25;

fn check_many(
    name: &str,
    make: Maker,
    build: fn(Maker, &mut Dice, usize) -> Option<Sequential>,
    test: u32,
) {
    let mut checked = 0;
    for case in 0..400 {
        let d = &mut Dice::new(test, case);
        let classes = d.between(2, 5);
        if let Some(model) = build(make, d, classes) {
            check_gradients(&model.into(), d, classes);
            checked += 1;
        }
        if checked == SHAPES {
            return;
        }
    }
    panic!("{name}: only {checked} random shapes fit");
}

#[test]
fn of_every_layer_on_pictures() {
    for (i, (name, make)) in LAYERS.into_iter().enumerate() {
        check_many(name, make, around, 100 + i as u32);
    }
}

#[test]
fn of_every_layer_on_vectors() {
    for (i, (name, make)) in LAYERS.into_iter().enumerate() {
        if !PICTURE_LAYERS.contains(&name) {
            check_many(name, make, around_vector, 200 + i as u32);
        }
    }
}
