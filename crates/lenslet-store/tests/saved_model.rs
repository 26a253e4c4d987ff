//! The canonical JSON of a model.

use lenslet_model::cnn;
use lenslet_store::{Preprocessing, SavedModel};

fn saved() -> SavedModel {
    SavedModel::new(cnn((32, 32, 3), 10), (0..10).map(|i| format!("class {i}")).collect())
}

#[test]
fn reading_and_writing_again_gives_the_same_text() {
    let text = saved().to_json();
    assert_eq!(SavedModel::from_json(&text).unwrap().to_json(), text);
}

#[test]
fn scales_are_read_back_to_the_last_bit() {
    for i in 1..2000 {
        let preprocessing = Preprocessing { scale: f64::from(i).sqrt() / 255.0 };
        let saved = SavedModel { preprocessing, ..saved() };
        assert_eq!(SavedModel::from_json(&saved.to_json()).unwrap(), saved);
    }
}

#[test]
fn text_that_is_no_model_is_refused() {
    let good = saved().to_json();
    let long = good.clone() + &" ".repeat(4 << 20);
    let cases = [
        (String::new(), "EOF while parsing"),
        (good.replacen("Conv2D", "\\u001b[2J", 1), "unknown variant `\\u{1b}[2J`"),
        (good.replacen("\"Conv2D\"", &"[".repeat(100_000), 1), "recursion limit"),
        (good[..good.len() - 1].to_owned(), "EOF while parsing"),
        (good.replacen("Conv2D", "Conv2d", 1), "did you mean `Conv2D`?"),
        (good.replace("preprocessing", "pre_processing"), "did you mean `preprocessing`?"),
        (good.replacen("\"units\": 128", "\"units\": 99999999", 1), "units = 99999999"),
        (good.replacen("32,", "4294967296,", 1), "input shape"),
        (long, "more than 4194304 bytes"),
    ];
    for (text, part) in cases {
        let message = SavedModel::from_json(&text).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    }
}
