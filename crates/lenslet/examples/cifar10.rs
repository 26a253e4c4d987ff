//! The CIFAR-10 tutorial: look at the data, build a CNN, train it, see where it is weak.
//!
//!     cargo run --release -p lenslet --example cifar10                    # built-in pictures
//!     cargo run --release -p lenslet --example cifar10 -- PATH            # CIFAR-10's archive
//!
//! It leaves its pictures in the folder `tutorial`.

use std::error::Error;
use std::fs;

use lenslet::data::cifar10;
use lenslet::prelude::*;
use lenslet::report;

fn main() -> Result<(), Box<dyn Error>> {
    fs::create_dir_all("tutorial")?;

    // Load the data, and look at it.
    let Split { train, test, .. } = match std::env::args().nth(1) {
        Some(path) => cifar10::read(path.as_ref())?,
        None => Synthetic::default().generate()?,
    };
    println!("{} + {} pictures of {:?}", train.len(), test.len(), train.image_shape());
    println!("classes: {}", train.classes().join(", "));
    let words: Vec<_> = (0..50).map(|i| train.words(i)).collect();
    let samples: Vec<_> = (words.iter().enumerate())
        .map(|(i, label)| report::Sample { pixels: train.image(i), label })
        .collect();
    let grid = report::sample_grid(&samples, train.image_shape(), "Training pictures");
    fs::write("tutorial/samples.png", grid.png()?)?;

    // Build and compile the model.
    let mut model = Sequential::new(train.image_shape())
        .add(Conv2D::new(32, (3, 3)).padding(Padding::Same).activation(Activation::Relu))
        .add(Conv2D::new(32, (3, 3)).padding(Padding::Same).activation(Activation::Relu))
        .add(MaxPool2D::new((2, 2)))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax))
        .compile(Adam::default(), SparseCategoricalCrossentropy::default(), &[Metric::Accuracy])?;
    println!("{}", model.summary());

    // Train it.
    let fit = Fit::new().epochs(10).batch_size(10).validation(&test);
    let history = model.fit_observed(&train, fit, &mut |epoch: &Epoch| {
        println!("Epoch {:2} - {:.1}s - {epoch}", epoch.epoch, epoch.seconds);
        Flow::Continue
    })?;

    // Plot accuracy and loss.
    let accuracy = report::accuracy_curves(&history.accuracy(), &history.val_accuracy());
    fs::write("tutorial/accuracy.png", accuracy.png()?)?;
    let loss = report::loss_curves(&history.loss(), &history.val_loss(), None);
    fs::write("tutorial/loss.png", loss.png()?)?;

    // Evaluate, predict classes, draw the confusion matrix.
    let evaluation = model.evaluate(&test)?;
    println!("test loss {:.4}, accuracy {:.4}", evaluation.loss, evaluation.accuracy);
    let classes = model.predict_classes(&test)?;
    let truths: Vec<_> = (0..10).flat_map(|i| test.labels().of(i)).collect();
    println!("first predictions {:?}, truth {truths:?}", &classes[..10]);
    let confusion = &evaluation.confusion;
    let matrix = report::confusion_matrix(confusion.classes(), confusion.counts());
    fs::write("tutorial/confusion_matrix.png", matrix.png()?)?;

    // Conclude.
    println!("{}", verdict(&history));
    for (class, recall) in confusion.weakest(3) {
        println!("weak: {} ({:.0} % recognised)", confusion.classes()[class], 100.0 * recall);
    }
    Ok(())
}
