//! What holds for every picture: it parses, it is the size it says, and it is the same twice.

use lenslet_report::filter::{self, Filter};
use lenslet_report::{
    Curve, LabelPrediction, Picture, Prediction, Sample, accuracy_curves, confusion_matrix,
    label_matrix, loss_curves, metric_curves, predictions_grid, sample_grid, wrong_labels_grid,
};

const HOSTILE: &str = "<script>alert(\"1\" & '2')</script>\u{0}\u{1b}\u{202e}";
const HOSTILE_SHOWN: &str = "<script>alert(\"1\" & '2')</script>";

/// The words of the SVG, in order. Checks on the way that it parses and that the PNG is as large
/// as the picture says.
fn words(picture: &Picture) -> Vec<String> {
    let document = roxmltree::Document::parse(picture.svg()).expect("the SVG parses");
    let root = document.root_element();
    assert_eq!(root.attribute("width"), Some(picture.width().to_string().as_str()));
    assert_eq!(root.attribute("height"), Some(picture.height().to_string().as_str()));
    assert!(!picture.svg().contains("NaN") && !picture.svg().contains("inf"));
    let pixels = pixels(&picture.png().unwrap());
    assert_eq!(pixels.len(), picture.width() as usize * picture.height() as usize * 3);
    assert!(pixels.iter().any(|&value| value < 128), "something is drawn");
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

fn pixels(png: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

fn count(picture: &Picture, tag: &str) -> usize {
    let document = roxmltree::Document::parse(picture.svg()).unwrap();
    document.descendants().filter(|node| node.has_tag_name(tag)).count()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("class {i}")).collect()
}

#[test]
fn curves_have_title_axes_and_legend() {
    let words = words(&accuracy_curves(&[0.4, 0.6], &[0.5, 0.55]));
    for word in ["Model accuracy", "Epoch", "Accuracy", "Train", "Validation", "1", "2"] {
        assert!(words.contains(&word.to_owned()), "{word} in {words:?}");
    }
}

#[test]
fn curves_of_any_length_and_value_are_drawn() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let ramp: Vec<_> = (0..200).map(|i| 1.0 / f64::from(i + 1)).collect();
    let cases: [(&[f64], &[f64]); 11] = [
        (&[], &[]),
        (&[0.5], &[]),
        (&[0.5], &[0.4]),
        (&[0.5, 0.6, 0.7], &[0.4]),
        (&ramp, &ramp),
        (&[nan], &[inf]),
        (&[0.1, nan, 0.3, inf, -inf, 0.2], &[nan, 0.5]),
        (&[0.0; 4], &[1.0; 4]),
        (&[f64::MAX, f64::MIN], &[f64::MIN_POSITIVE, 0.0]),
        (&[1e-300, 2e-300], &[5e-324]),
        (&[1.0, 1.0 + f64::EPSILON], &[]),
    ];
    for (train, validation) in cases {
        words(&accuracy_curves(train, validation));
        for best in [None, Some(0), Some(1), Some(usize::MAX)] {
            words(&loss_curves(train, validation, best));
        }
    }
}

#[test]
fn labels_of_any_number_are_drawn() {
    let few = label_matrix(&[HOSTILE.to_owned(), "dog".to_owned()], &[[9, 1, 5, 15], [0, 0, 7, 3]]);
    let words = words(&few);
    for word in
        [HOSTILE_SHOWN, "dog", "9 (0.90)", "1 (0.10)", "5 (0.25)", "0", "7 (0.70)", "missed"]
    {
        assert!(words.contains(&word.to_owned()), "{word} in {words:?}");
    }
    for count in [1, 100, 101, 3000] {
        let picture = label_matrix(&names(count), &vec![[1, 2, 3, u64::MAX]; count]);
        assert!(picture.height() < 3500, "{count} labels");
        assert!(self::words(&picture).contains(&"class 0".to_owned()));
    }
}

#[test]
fn a_missing_value_is_a_gap() {
    let lines = |values: &[f64]| count(&accuracy_curves(values, &[]), "polyline");
    let whole = lines(&[0.1, 0.2, 0.3, 0.4]);
    assert_eq!(lines(&[0.1, 0.2, f64::NAN, 0.3, 0.4]), whole + 3, "a line, a grid line, a tick");
    let words = words(&accuracy_curves(&[0.1, f64::NAN], &[]));
    assert!(words.contains(&"1 epoch has a value that is not finite".to_owned()));
}

#[test]
fn without_validation_data_the_legend_has_one_entry() {
    assert!(!words(&accuracy_curves(&[0.1, 0.2], &[])).contains(&"Validation".to_owned()));
}

#[test]
fn the_best_epoch_is_named_where_there_is_one() {
    let best = |epoch| words(&loss_curves(&[2.0, 1.0], &[1.5, 1.25], epoch)).join("|");
    assert!(best(Some(2)).contains("Lowest validation loss: 1.250 in epoch 2"));
    assert!(!best(Some(3)).contains("Lowest"));
    assert!(!best(None).contains("Lowest"));
}

#[test]
fn any_metric_can_be_drawn() {
    let curves: Vec<_> = (0..9).map(|_| Curve { label: HOSTILE, values: &[1.0, 2.0] }).collect();
    let words = words(&metric_curves("Learning rate", HOSTILE, &curves));
    assert_eq!(words.iter().filter(|word| *word == HOSTILE_SHOWN).count(), 10);
}

#[test]
fn the_matrix_shows_counts_shares_and_names() {
    let classes = ["cat".to_owned(), HOSTILE.to_owned()];
    let picture = confusion_matrix(&classes, &[87, 13, 0, 5]);
    let words = words(&picture);
    for word in ["87", "(0.87)", "13", "(0.13)", "0", "(0.00)", "5", "(1.00)", "cat", HOSTILE_SHOWN]
    {
        assert!(words.contains(&word.to_owned()), "{word} in {words:?}");
    }
    assert!(words.contains(&"predicted label".to_owned()));
    assert!(words.contains(&"true label".to_owned()));
    assert!(!picture.svg().contains("<script"));
}

#[test]
fn text_is_white_above_one_half_only() {
    let picture = confusion_matrix(&names(2), &[51, 49, 50, 50]);
    let document = roxmltree::Document::parse(picture.svg()).unwrap();
    let white = |node: &roxmltree::Node<'_, '_>| {
        node.has_tag_name("text") && node.attribute("fill") == Some("#ffffff")
    };
    let texts: Vec<_> =
        document.descendants().filter(white).filter_map(|node| node.text()).collect();
    assert_eq!(texts, ["51", "(0.51)"]);
}

#[test]
fn a_class_without_samples_has_no_share() {
    let words = words(&confusion_matrix(&names(2), &[0, 0, 1, 3]));
    assert_eq!(words.iter().filter(|word| word.starts_with('(')).count(), 2);
}

#[test]
fn matrices_of_every_size_name_their_classes() {
    for classes in [1, 2, 10, 24, 25, 40, 41, 100, 300] {
        let counts = vec![3; classes * classes];
        let picture = confusion_matrix(&names(classes), &counts);
        let words = words(&picture);
        let named = words.iter().filter(|word| word.starts_with("class ")).count();
        if classes <= 100 {
            assert_eq!(named, 2 * classes);
        }
        let sizes = [picture.width(), picture.height()];
        assert!(sizes.iter().all(|size| (180..2700).contains(size)), "{classes}: {sizes:?}");
    }
}

#[test]
fn huge_counts_are_drawn() {
    words(&confusion_matrix(&names(2), &[u64::MAX; 4]));
}

#[test]
fn names_of_forty_characters_are_whole() {
    let long = ["x".repeat(40), "y".repeat(41), String::new(), "猫 🐈".to_owned()];
    let words = words(&confusion_matrix(&long, &[1; 16]));
    assert!(words.contains(&"x".repeat(40)));
    assert!(words.contains(&("y".repeat(39) + "…")));
    assert!(words.contains(&"(no name)".to_owned()));
    assert!(words.contains(&"猫 🐈".to_owned()));
}

/// Width of every label against the room to its anchor, with the widths of the bundled font.
#[test]
fn no_label_leaves_the_page() {
    let long = vec!["W".repeat(40); 12];
    for picture in [
        confusion_matrix(&long, &[7; 144]),
        accuracy_curves(&[0.5; 7], &[0.6; 7]),
        loss_curves(&[1e-9, 1e9], &[3.0], Some(1)),
    ] {
        let pixels = pixels(&picture.png().unwrap());
        let width = picture.width() as usize * 3;
        let white = |row: &[u8]| row.iter().all(|&value| value == 255);
        assert!(white(&pixels[..4 * width]) && white(&pixels[pixels.len() - 4 * width..]));
        assert!(pixels.chunks(width).all(|row| white(&row[..12]) && white(&row[width - 12..])));
    }
}

#[test]
fn grids_hold_each_image_and_label() {
    for (count_of, shape) in
        [(50, [32, 32, 3]), (1, [28, 28, 1]), (7, [3, 5, 4]), (3, [300, 200, 3]), (0, [8, 8, 3])]
    {
        let pixels = vec![90; shape.iter().product()];
        let samples = vec![Sample { pixels: &pixels, label: HOSTILE }; count_of];
        let picture = sample_grid(&samples, shape, "Samples");
        assert_eq!(count(&picture, "image"), count_of);
        let words = words(&picture).join("");
        assert_eq!(words.matches("</script>").count(), count_of);
        assert!((200..1200).contains(&picture.width()), "{}", picture.width());
    }
}

#[test]
fn small_images_keep_their_pixels() {
    let pixels: Vec<u8> = (0..32 * 32).flat_map(|i| [(i * 7 % 256) as u8, 0, 200]).collect();
    let sample = Sample { pixels: &pixels, label: "x" };
    let picture = sample_grid(&vec![sample; 10], [32, 32, 3], "");
    let drawn = self::pixels(&picture.png().unwrap());
    // The first image starts at (28, 68), three pixels for one.
    for (row, column) in [(0, 0), (3, 4), (31, 31)] {
        for (dy, dx) in [(0, 0), (1, 1), (2, 2)] {
            let at = ((68 + row * 3 + dy) * picture.width() as usize + 28 + column * 3 + dx) * 3;
            let from = (row * 32 + column) * 3;
            assert_eq!(drawn[at..at + 3], pixels[from..from + 3], "{row} {column} {dy} {dx}");
        }
    }
}

#[test]
fn predictions_say_right_and_wrong() {
    let case =
        |predicted, truth| Prediction { pixels: &[0; 12], predicted, probability: 0.93, truth };
    let cases = [case("ship", Some("ship")), case("ship", Some("truck")), case("ship", None)];
    let words = words(&predictions_grid(&cases, [2, 2, 3], "Predictions"));
    assert_eq!(
        words[1..],
        ["✓ ship", "93 %", "✗ ship", "93 %", "is truck", "ship", "93 %"].map(String::from)
    );
}

#[test]
fn wrong_labels_tell_what_is_wrong_by_most() {
    let worst = ("boat", 0.002);
    let case = LabelPrediction { pixels: &[0; 12], predicted: "car", truth: "car, boat", worst };
    let words = words(&wrong_labels_grid(&[case], [2, 2, 3], "Mistakes"));
    assert_eq!(words[1..], ["✗ car", "is: car, boat", "boat: < 1 %"].map(String::from));
}

#[test]
fn filter_pictures_show_the_numbers() {
    let filters = Filter::names().map(|(name, _)| name.to_owned());
    for name in filters.chain(["1".into(), "0.5 -0.25 3; 1 2 3".into(), "box-blur:99".into()]) {
        let filter: Filter = name.parse().unwrap();
        for shape in [[1, 1, 1], [20, 30, 3], [400, 300, 4]] {
            let pixels = vec![130; shape.iter().product()];
            let picture = filter::picture(&filter, &pixels, shape);
            assert_eq!(count(&picture, "image"), 2);
            assert!(words(&picture).contains(&"result".to_owned()), "{name}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let draw = || {
        let picture = confusion_matrix(&names(5), &[4; 25]);
        (picture.svg().to_owned(), picture.png().unwrap())
    };
    assert_eq!(draw(), draw());
}

#[test]
fn an_enlarged_png_has_more_pixels() {
    let picture = accuracy_curves(&[0.5], &[]);
    let pixels = pixels(&picture.png_enlarged(2).unwrap());
    assert_eq!(pixels.len(), 2000 * 1200 * 3);
    let error = picture.png_enlarged(u32::MAX).unwrap_err().to_string();
    assert!(error.contains("too large"), "{error}");
}
