//! Draws every picture with made-up data into the folder that is named.
//!
//! `cargo run -p lenslet-report --example gallery -- FOLDER`

use std::error::Error;
use std::path::{Path, PathBuf};

use lenslet_report::filter::{self, Filter};
use lenslet_report::{
    Picture, Prediction, Sample, accuracy_curves, confusion_matrix, label_matrix, loss_curves,
    predictions_grid, sample_grid,
};

const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder")?);
    std::fs::create_dir_all(&folder)?;
    curves(&folder)?;
    matrices(&folder)?;
    grids(&folder)?;
    filters(&folder)
}

fn save(folder: &Path, name: &str, picture: &Picture) -> Result<(), Box<dyn Error>> {
    std::fs::write(folder.join(name).with_extension("svg"), picture.svg())?;
    std::fs::write(folder.join(name).with_extension("png"), picture.png()?)?;
    println!("{name}: {} x {}", picture.width(), picture.height());
    Ok(())
}

/// Plausible noise: the same for the same number.
fn noise(i: usize) -> f64 {
    let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / f64::from(1 << 24)
}

fn history(epochs: usize) -> [Vec<f64>; 4] {
    let place = |i: usize| (i + 1) as f64 * 10.0 / epochs as f64;
    let wiggle = |i: usize, size: f64| (noise(i) - 0.5) * size;
    let fill = |f: &dyn Fn(usize) -> f64| (0..epochs).map(f).collect::<Vec<_>>();
    [
        fill(&|i| 0.93 - 0.52 * (-place(i) / 3.0).exp() + wiggle(i, 0.006)),
        fill(&|i| 0.73 - 0.30 * (-place(i) / 1.8).exp() + wiggle(i + 900, 0.02)),
        fill(&|i| 0.20 + 1.50 * (-place(i) / 3.0).exp() + wiggle(i + 700, 0.01)),
        fill(&|i| 0.80 + 0.75 * (-place(i) / 1.3).exp() + 0.03 * place(i) + wiggle(i + 300, 0.03)),
    ]
}

fn lowest(values: &[f64]) -> Option<usize> {
    (1..=values.len()).min_by(|a, b| values[a - 1].total_cmp(&values[b - 1]))
}

fn curves(folder: &Path) -> Result<(), Box<dyn Error>> {
    for epochs in [1, 2, 10, 33, 200] {
        let [accuracy, val_accuracy, loss, val_loss] = history(epochs);
        let name = |what: &str| format!("{what}-{epochs}");
        save(folder, &name("accuracy"), &accuracy_curves(&accuracy, &val_accuracy))?;
        save(folder, &name("loss"), &loss_curves(&loss, &val_loss, lowest(&val_loss)))?;
    }
    let [accuracy, _, mut loss, _] = history(10);
    save(folder, "accuracy-train-only", &accuracy_curves(&accuracy, &[]))?;
    loss[3] = f64::NAN;
    loss[7..].fill(f64::INFINITY);
    save(folder, "loss-gaps", &loss_curves(&loss, &[], Some(7)))?;
    let steep: Vec<_> = (0..10).map(|i| 10f64.powi(i)).collect();
    save(folder, "loss-explodes", &loss_curves(&steep, &[2.3; 10], None))?;
    save(folder, "loss-empty", &loss_curves(&[], &[], None))?;
    save(folder, "accuracy-perfect", &accuracy_curves(&[1.0; 5], &[1.0; 5]))
}

fn matrix(classes: usize, per_class: u64) -> Vec<u64> {
    let share = |row: usize, column: usize| {
        let near = 1.0 / (1.0 + row.abs_diff(column) as f64);
        if row == column {
            0.75 + 0.2 * noise(row)
        } else {
            noise(row * classes + column).powi(3) * near / 3.0
        }
    };
    let count = |i: usize| (share(i / classes, i % classes) * per_class as f64) as u64;
    (0..classes * classes).map(count).collect()
}

fn matrices(folder: &Path) -> Result<(), Box<dyn Error>> {
    let cifar = CLASSES.map(String::from);
    save(folder, "confusion-10", &confusion_matrix(&cifar, &matrix(10, 1000)))?;
    let two = ["cat", "dog"].map(String::from);
    save(folder, "confusion-2", &confusion_matrix(&two, &[12_480, 20, 0, 0]))?;
    let long = [
        "North American river otter (juvenile)",
        "<script>alert(\"&\")</script>",
        "crème brûlée",
        "a class name that is longer than forty characters are",
        "猫",
        "Ελληνικά",
        "x\u{0}\u{7}y",
    ];
    let long = long.map(String::from);
    save(folder, "confusion-long-names", &confusion_matrix(&long, &matrix(7, 100_000)))?;
    for count in [20, 30, 47, 100, 1000] {
        let names: Vec<_> = (0..count).map(|i| format!("class number {i}")).collect();
        let name = format!("confusion-{count}");
        save(folder, &name, &confusion_matrix(&names, &matrix(count, 500)))?;
    }
    for labels in [&cifar[..], &long, &(0..60).map(|i| format!("label {i}")).collect::<Vec<_>>()] {
        let counts: Vec<_> = (0..labels.len()).map(label_counts).collect();
        save(folder, &format!("labels-{}", labels.len()), &label_matrix(labels, &counts))?;
    }
    Ok(())
}

/// Of a thousand images.
fn label_counts(label: usize) -> [u64; 4] {
    let has = (noise(label) * 500.0) as u64;
    let said = (has as f64 * noise(label + 40)) as u64;
    let wrongly = ((1000 - has) as f64 * 0.2 * noise(label + 80)) as u64;
    [said, has - said, wrongly, 1000 - has - wrongly]
}

/// A disc on a slope of colour.
fn photo(seed: usize, [height, width, channels]: [usize; 3]) -> Vec<u8> {
    let size = height.min(width) as f64;
    let random = |i: usize| noise(seed * 31 + i);
    let (x, y) = (width as f64 * (0.3 + 0.4 * random(0)), height as f64 * (0.3 + 0.4 * random(1)));
    let radius = size * (0.15 + 0.2 * random(2));
    let mut pixels = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let inside = (row as f64 - y).hypot(column as f64 - x) < radius;
            let slope = (row + column) as f64 / (height + width) as f64;
            for channel in 0..channels {
                let base = if inside { random(3 + channel) } else { random(6 + channel) * slope };
                let grain = (noise(seed + (row * width + column) * 3 + channel) - 0.5) * 0.1;
                pixels.push(((base * 0.9 + 0.05 + grain) * 255.0) as u8);
            }
        }
    }
    pixels
}

fn grids(folder: &Path) -> Result<(), Box<dyn Error>> {
    let cases: [(&str, [usize; 3], usize, &[&str]); 5] = [
        ("samples", [32, 32, 3], 50, &CLASSES),
        ("samples-grey", [28, 28, 1], 20, &["T-shirt/top", "Trouser", "Ankle boot"]),
        ("samples-photos", [300, 400, 3], 12, &["daisy", "golden_retriever_puppy"]),
        ("samples-long", [64, 64, 3], 7, &["North American river otter (juvenile)", "ox"]),
        ("samples-three", [96, 96, 3], 3, &CLASSES),
    ];
    for (name, shape, count, labels) in cases {
        let photos: Vec<_> = (0..count).map(|i| photo(i, shape)).collect();
        let label = |i: usize| labels[i % labels.len()];
        let samples: Vec<_> =
            photos.iter().enumerate().map(|(i, p)| Sample { pixels: p, label: label(i) }).collect();
        save(folder, name, &sample_grid(&samples, shape, "Samples of the training set"))?;
    }
    let shape = [32, 32, 3];
    let photos: Vec<_> = (0..24).map(|i| photo(i + 100, shape)).collect();
    let predictions = photos.iter().enumerate().map(|(i, pixels)| Prediction {
        pixels,
        predicted: CLASSES[i % 10],
        probability: (1.0 - noise(i).powi(4) * 0.8) as f32,
        truth: (i % 11 != 10).then_some(CLASSES[if i % 3 == 0 { i } else { i + 1 } % 10]),
    });
    let predictions: Vec<_> = predictions.collect();
    save(folder, "mistakes", &predictions_grid(&predictions, shape, "Most confident mistakes"))
}

fn filters(folder: &Path) -> Result<(), Box<dyn Error>> {
    for (name, shape) in [
        ("sobel", [240, 320, 3]),
        ("laplacian", [32, 32, 3]),
        ("gaussian-blur:2", [480, 640, 3]),
        ("box-blur:5", [240, 160, 1]),
        ("emboss", [200, 200, 3]),
        ("sharpen", [16, 48, 3]),
        ("-1 -1.125 -1 0.5", [64, 64, 3]),
    ] {
        let filter: Filter = name.parse()?;
        let file = format!("filter-{}", name.split([':', ' ']).next().unwrap_or("x"));
        save(folder, &file, &filter::picture(&filter, &photo(5, shape), shape))?;
    }
    Ok(())
}
