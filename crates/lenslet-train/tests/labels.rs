//! Training on pictures with any number of labels.

use lenslet_data::synthetic::{Scenes, Synthetic};
use lenslet_data::{Dataset, Split};
use lenslet_model::layers::{AveragePool2D, Dense, Flatten};
use lenslet_model::{
    Activation, Adam, BinaryCrossentropy, Loss, MeanSquaredError, Metric, Sequential,
    SparseCategoricalCrossentropy,
};
use lenslet_train::{Checkpoint, Compile, Fit, Keeper, Model, Moment, TrainError};

fn scenes() -> Split {
    Scenes { train: 300, test: 90, ..Scenes::default() }.generate().unwrap()
}

fn model(activation: Activation, loss: impl Into<Loss>, metrics: &[Metric]) -> Model {
    Sequential::new((32, 32, 3))
        .add(AveragePool2D::new(4))
        .add(Flatten::new())
        .add(Dense::new(10).activation(activation))
        .compile(Adam::new(0.01), loss, metrics)
        .unwrap()
}

fn binary() -> BinaryCrossentropy {
    BinaryCrossentropy::default()
}

#[test]
fn what_a_fit_tells_is_what_the_evaluation_finds() {
    let Split { train, test, .. } = scenes();
    let metrics = [Metric::Accuracy, Metric::Precision, Metric::F1Macro, Metric::RocAuc];
    let mut model = model(Activation::Sigmoid, binary(), &metrics);
    let fit = Fit::new().epochs(20).validation(&test);
    let history = model.fit(&train, fit).unwrap();
    assert!(history.loss()[19] < 0.49, "no better than the labels' shares: {:?}", history.loss());
    let found = model.evaluate_labels(&test).unwrap();
    assert_eq!(found.loss, history.val_loss()[19]);
    assert_eq!(found.accuracy, history.val_accuracy()[19]);
    for (metric, value) in found.report.entries() {
        if metrics.contains(&metric) {
            assert_eq!(history.val_metric(metric).last().copied(), value, "{metric}");
        }
    }
    let said = model.predict_labels(&test).unwrap();
    let truth = test.labels().multi_hot().unwrap();
    let right = said.rows().iter().zip(truth.rows()).filter(|(said, truth)| said == truth);
    assert!((right.count() as f64 / 900.0 - found.accuracy).abs() < 1e-12);
    let wrong = (0..90).filter(|&i| !said.of(i).eq(truth.of(i))).count();
    assert_eq!(found.mistakes.len(), wrong);
    let surest = &found.mistakes[0];
    assert_eq!(surest.said, said.of(surest.index).collect::<Vec<_>>());
    assert_ne!(said.of(surest.index).any(|c| c == surest.worst), surest.output <= 0.5);
}

#[test]
fn logits_say_what_their_probabilities_say() {
    let Split { train, test, .. } = scenes();
    let logits = BinaryCrossentropy { from_logits: true, ..binary() };
    let evaluate = |activation, loss: BinaryCrossentropy| {
        let mut model = model(activation, loss, &[]);
        model.fit(&train, Fit::new()).unwrap();
        (model.evaluate_labels(&test).unwrap(), model.predict_labels(&test).unwrap())
    };
    let (found, said) = evaluate(Activation::Linear, logits);
    let (expected, said_too) = evaluate(Activation::Sigmoid, binary());
    assert_eq!(found.report, expected.report);
    assert_eq!((found.accuracy, said), (expected.accuracy, said_too));
}

#[derive(Default)]
struct AfterStep(usize, usize, Option<Checkpoint>);

impl Keeper for AfterStep {
    fn due(&mut self, _moment: Moment) -> bool {
        self.1 += 1;
        self.0 == self.1
    }

    fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.2 = Some(checkpoint);
        Ok(())
    }
}

#[test]
fn a_break_in_the_middle_of_an_epoch_changes_no_bit() {
    let train = scenes().train;
    let fit = Fit::new().epochs(3);
    let compiled = || model(Activation::Sigmoid, binary(), &[Metric::Accuracy]);
    let (mut whole, mut broken) = (compiled(), compiled());
    let mut keeper = AfterStep(15, 0, None);
    whole.fit_kept(&train, fit, None, &mut keeper, &mut ()).unwrap();
    let from = keeper.2.expect("ten steps are an epoch");
    assert_eq!(from.position.step, 4, "an epoch ends with a moment of its own");
    broken.fit_kept(&train, fit, Some(from), &mut (), &mut ()).unwrap();
    assert_eq!(whole.weights(), broken.weights());
}

#[test]
fn what_is_for_one_class_each_is_refused() {
    let Split { train, test, .. } = scenes();
    let one_each = Synthetic { train: 40, ..Synthetic::default() }.generate().unwrap().train;
    let sigmoid = Activation::Sigmoid;
    let accuracy = &[Metric::Accuracy][..];
    let weighted = Loss::from(binary()).class_weights([1.0; 10]);
    let sparse = SparseCategoricalCrossentropy::default();
    type Do = fn(&mut Model, &Dataset) -> Option<TrainError>;
    let fit: Do = |model, data| model.fit(data, Fit::new()).err();
    let evaluate: Do = |model, data| model.evaluate(data).err();
    let evaluate_labels: Do = |model, data| model.evaluate_labels(data).err();
    let cases: [(Model, Do, &Dataset, &str, &str); 8] = [
        (model(sigmoid, sparse, accuracy), fit, &train, "the loss sparse_", "binary_crossentropy"),
        (model(sigmoid, weighted, accuracy), fit, &train, "class weights", "leave them out"),
        (
            model(sigmoid, binary(), &[Metric::CohenKappa]),
            fit,
            &train,
            "metric cohen_kappa",
            "leave",
        ),
        (model(Activation::Softmax, binary(), &[]), fit, &train, "`dense` (Dense)", "sigmoid"),
        (model(Activation::Linear, binary(), &[]), fit, &train, "no probabilities", "sigmoid"),
        (model(Activation::Relu, MeanSquaredError::default(), &[]), fit, &train, "relu", "sigmoid"),
        (model(sigmoid, binary(), &[]), evaluate, &test, "any number", "`evaluate_labels`"),
        (model(sigmoid, binary(), &[]), evaluate_labels, &one_each, "one class", "call `evaluate`"),
    ];
    for (mut model, act, data, what, remedy) in cases {
        let before = model.weights();
        let message = act(&mut model, data).expect("it is refused").to_string();
        assert!(message.contains(what) && message.contains(remedy), "{what}: {message}");
        assert_eq!(model.weights(), before, "nothing was trained");
    }
}
