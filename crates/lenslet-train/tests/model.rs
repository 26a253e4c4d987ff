//! Compile, fit, evaluate and predict on the built-in pictures.

use lenslet_data::synthetic::Synthetic;
use lenslet_data::{Batches, Dataset, Labels, shuffled_order};
use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::Isa;
use lenslet_model::layers::{AveragePool2D, Dense, Flatten, Normalization, Rescaling};
use lenslet_model::{
    Activation, Adam, Metric, SGD, Sequential, SparseCategoricalCrossentropy, cnn,
};
use lenslet_train::{Compile, Epoch, Fit, Flow, Model, Observer, Progress, TrainError};

const ACCURACY: &[Metric] = &[Metric::Accuracy];

fn data() -> (Dataset, Dataset) {
    let split = Synthetic { train: 200, test: 60, ..Synthetic::default() }.generate().unwrap();
    (split.train, split.test)
}

/// A network that learns in no time.
fn small() -> Sequential {
    Sequential::new((32, 32, 3))
        .add(Flatten::new())
        .add(Dense::new(32).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax))
}

/// On the instruction set of `LENSLET_ISA`, if it names one: the library reads no environment.
fn options() -> Options {
    let name = std::env::var("LENSLET_ISA").ok().filter(|name| !name.is_empty());
    let isa = name.map(|name| name.parse::<Isa>().unwrap_or_else(|error| panic!("{error}")));
    Options { isa, ..Options::default() }
}

fn compiled(model: Sequential, metrics: &[Metric]) -> Model {
    let loss = SparseCategoricalCrossentropy::default();
    model.compile_with(Adam::default(), loss, metrics, options()).unwrap()
}

#[test]
fn training_learns_and_evaluation_agrees_with_prediction() {
    let (train, test) = data();
    let mut model = compiled(small(), ACCURACY);
    let fit = Fit::new().epochs(12).batch_size(20).validation(&test);
    let history = model.fit(&train, fit).unwrap();
    assert_eq!(history.epochs.len(), 12);
    // From no better than chance (2.303) to clearly better.
    assert!(history.loss()[11] < 2.26, "{:?}", history.loss());
    assert!(history.accuracy()[11] > 0.15, "{:?}", history.accuracy());
    let evaluation = model.evaluate(&test).unwrap();
    assert_eq!(history.val_loss()[11], evaluation.loss);
    assert_eq!(history.val_accuracy()[11], evaluation.accuracy);
    let classes = model.predict_classes(&test).unwrap();
    let right = (0..60).filter(|&i| [classes[i]] == test.labels().of(i)[..]).count();
    assert_eq!(right as f64 / 60.0, evaluation.accuracy);
    assert_eq!(evaluation.mistakes.len(), 60 - right);
    assert_eq!(evaluation.confusion.counts().iter().sum::<u64>(), 60);
    let row: f32 = model.predict(&test).unwrap()[..10].iter().sum();
    assert!((row - 1.0).abs() < 1e-5);
    assert_eq!(model.classes(), train.classes());
}

/// Steps that change nothing: then what an epoch tells of its batches is what an evaluation finds.
#[test]
fn every_epoch_tells_the_metrics_of_the_samples_that_it_trained_on() {
    let train = data().0;
    let metrics = [Metric::Accuracy, Metric::F1Macro, Metric::RocAuc, Metric::CohenKappa];
    let logits = SparseCategoricalCrossentropy { from_logits: true, ..Default::default() };
    for (activation, loss) in
        [(Activation::Softmax, Default::default()), (Activation::Linear, logits)]
    {
        let model = Sequential::new((32, 32, 3)).add(Flatten::new());
        let model = model.add(Dense::new(10).activation(activation));
        let mut model = model.compile_with(SGD::new(1e-30), loss, &metrics, options()).unwrap();
        let history = model.fit(&train, Fit::new().epochs(2).validation(&train)).unwrap();
        let (told, found) = (&history.epochs[1], model.evaluate(&train).unwrap().scores);
        for (metric, value) in found.entries() {
            let expected = value.filter(|_| metrics.contains(&metric));
            assert_eq!(told.metrics.get(metric), expected, "{metric}");
        }
        assert_eq!(told.metrics, told.val_metrics);
        let f1 = history.metric(Metric::F1Macro);
        assert_eq!(f1, history.val_metric(Metric::F1Macro));
        assert!(told.to_string().contains(&format!(" - f1_macro: {:.4} - ", f1[1])));
    }
}

#[test]
fn every_epoch_tells_the_metrics_of_the_validation_data() {
    let (train, test) = data();
    let metrics = [Metric::Accuracy, Metric::F1Macro, Metric::RocAuc];
    let mut model = compiled(small(), &metrics);
    let history = model.fit(&train, Fit::new().epochs(2).validation(&test)).unwrap();
    let (scores, last) = (model.evaluate(&test).unwrap().scores, &history.epochs[1]);
    assert_eq!(last.val_metrics.get(Metric::F1Macro), Some(scores.f1_macro));
    assert_eq!(last.val_metrics.get(Metric::RocAuc), scores.roc_auc);
    assert_eq!(last.val_metrics.entries().count(), 2, "none that was not asked for");
    assert_eq!(history.val_metric(Metric::F1Macro).len(), 2);
    let line = last.to_string();
    assert!(
        line.contains(&format!(" - val_f1_macro: {:.4} - val_roc_auc: ", scores.f1_macro)),
        "{line}"
    );
}

#[test]
fn a_trained_model_predicts_as_before_and_learns_on() {
    let (train, test) = data();
    let mut first = compiled(small(), &[]);
    first.fit(&train, Fit::new()).unwrap();
    let trained = |classes: Vec<String>| {
        let network = first.network().clone();
        let (optimizer, loss) = (Adam::default(), SparseCategoricalCrossentropy::default());
        Model::trained(network, classes, optimizer, loss, options(), |parameters| {
            parameters.copy_from_slice(&first.weights());
            Ok::<_, TrainError>(())
        })
    };
    let mut second = trained(train.classes().to_vec()).unwrap();
    assert!(second.weights() == first.weights());
    let message = trained(vec!["cat".to_owned(), "dog".to_owned()]).unwrap_err().to_string();
    assert!(message.contains("does not fit 2 classes"), "{message}");
    assert!(second.predict(&test).unwrap() == first.predict(&test).unwrap());
    second.fit(&train, Fit::new()).unwrap();
    assert!(second.weights() != first.weights());
    assert!(second.state().moments.iter().all(|moment| moment.len() == second.weights().len()));
}

#[test]
fn accuracy_is_told_where_it_was_asked_for() {
    let (train, test) = data();
    let fit = || Fit::new().validation(&test);
    let without = compiled(small(), &[]).fit(&train, fit()).unwrap();
    assert!(without.accuracy().is_empty() && without.val_accuracy().is_empty());
    assert!(!without.epochs[0].to_string().contains("accuracy"));
    let with = compiled(small(), ACCURACY).fit(&train, fit()).unwrap();
    assert_eq!(with.loss(), without.loss());
    let line = with.epochs[0].to_string();
    assert!(line.starts_with("accuracy: 0.") && line.contains(" - val_accuracy: 0."), "{line}");
}

#[test]
fn the_seed_decides_everything_and_threads_nothing() {
    let (train, _) = data();
    let weights = |threads: usize, seed: u64, shuffle: bool| {
        let options = Options { threads, seed, ..options() };
        let loss = SparseCategoricalCrossentropy::default();
        let mut model =
            cnn((32, 32, 3), 10).compile_with(SGD::new(0.01), loss, &[], options).unwrap();
        model.fit(&train, Fit::new().seed(seed).shuffle(shuffle)).unwrap();
        model.state().parameters
    };
    let one = weights(1, 5, true);
    assert!(weights(2, 5, true) == one);
    assert!(weights(2, 6, true) != one);
    assert!(weights(2, 5, false) != one);
}

/// Small batches are prepared between the steps, large ones beside them.
#[test]
fn a_fit_takes_the_engines_steps_in_the_order_of_its_seed() {
    let classes = ["cat", "dog"].map(String::from).to_vec();
    for (side, batch_size) in [(4, 3), (300, 5)] {
        let (count, size) = (4 * batch_size + 1, side * side * 3);
        let labels: Vec<_> = (0..count as u32).map(|i| i % 2).collect();
        let pixels = (0..count * size).map(|i| (i / size * 37 + i % 101) as u8).collect();
        let data = Dataset::new("two", classes.clone(), [side, side, 3], pixels, labels).unwrap();
        let description = Sequential::new((side, side, 3))
            .add(AveragePool2D::new(2))
            .add(Flatten::new())
            .add(Dense::new(2).activation(Activation::Softmax));
        let (optimizer, loss) = (SGD::new(0.01), SparseCategoricalCrossentropy::default());
        let network = description.build().unwrap();
        let mut engine = Cpu::new(network, loss.into(), optimizer.into(), options()).unwrap();
        let (mut pixels, mut labels) = (Vec::new(), Labels::default());
        for epoch in 1..=2 {
            for batch in Batches::new(&shuffled_order(9, epoch, count), batch_size) {
                data.gather(batch, &mut pixels, &mut labels);
                engine.train_step(&pixels, labels.sparse().unwrap()).unwrap();
            }
        }
        let mut model = description.compile_with(optimizer, loss, &[], options()).unwrap();
        model.fit(&data, Fit::new().epochs(2).batch_size(batch_size).seed(9)).unwrap();
        assert!(model.state() == engine.state(), "side {side}");
    }
}

/// Ends a run at a step of an epoch.
struct StopAt(usize, usize);

impl Observer for StopAt {
    fn step(&mut self, progress: &Progress) -> Flow {
        let there = (progress.epoch, progress.step) == (self.0, self.1);
        if there { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn an_observer_ends_a_run_and_what_was_learnt_stays() {
    let (train, test) = data();
    let mut model = compiled(small(), ACCURACY);
    let before = model.state().parameters;
    let fit = Fit::new().epochs(5).validation(&test);
    let history = model.fit_observed(&train, fit, &mut StopAt(2, 3)).unwrap();
    assert!(history.stopped);
    assert_eq!(history.epochs.len(), 2);
    assert_eq!(history.epochs[1].val_loss, None);
    assert!(model.state().parameters != before);
    let history = model
        .fit_observed(&train, fit, &mut |epoch: &Epoch| {
            if epoch.epoch == 3 { Flow::Stop } else { Flow::Continue }
        })
        .unwrap();
    assert_eq!(history.epochs.len(), 3);
    assert!(history.epochs[2].val_loss.is_some());
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_changes() {
    let (train, _) = data();
    let mut model = compiled(small(), ACCURACY);
    let before = model.state();
    let classes = |names: [&str; 2]| names.map(String::from).to_vec();
    let pets = |names, labels| {
        Dataset::new("pets", classes(names), [32, 32, 3], vec![0; 2 * 3072], labels).unwrap()
    };
    let wide = Dataset::new("wide", train.classes().to_vec(), [1, 2, 3], vec![0; 60], {
        (0..10).collect::<Vec<_>>()
    });
    let refusals: [(Result<_, TrainError>, &str); 6] = [
        (model.fit(&pets(["cat", "dog"], vec![0, 1]), Fit::new()), "does not fit 2 classes"),
        (model.fit(&pets(["cat", "dog"], vec![0, 0]), Fit::new()), "only one class, `cat`"),
        (model.fit(&wide.unwrap(), Fit::new()), "the model takes (32, 32, 3)"),
        (model.fit(&train, Fit::new().epochs(0)), "epochs = 0 is out of range"),
        (model.fit(&train, Fit::new().batch_size(0)), "batch_size = 0 is out of range"),
        (model.predict_pixels(&[0; 5], 1).map(|_| Default::default()), "5 bytes"),
    ];
    for (refusal, words) in refusals {
        let message = refusal.unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
    assert!(model.state() == before);
    let message = small()
        .compile(Adam::new(f64::NAN), SparseCategoricalCrossentropy::default(), &[])
        .unwrap_err()
        .to_string();
    assert!(message.contains("learning_rate = NaN"), "{message}");
}

#[test]
fn other_classes_than_the_models_are_refused() {
    let (train, test) = data();
    let mut model = compiled(small(), ACCURACY);
    model.fit(&train, Fit::new()).unwrap();
    let mut names = train.classes().to_vec();
    names[3] = "dragon".into();
    let other =
        Dataset::new("other", names, [32, 32, 3], test.pixels().to_vec(), test.labels().clone());
    let message = model.evaluate(&other.unwrap()).unwrap_err().to_string();
    assert!(message.contains("class 3 is `dragon`"), "{message}");
}

#[test]
fn a_diverging_run_says_so() {
    let (train, _) = data();
    let loss = SparseCategoricalCrossentropy { from_logits: true, ..Default::default() };
    let model = Sequential::new((32, 32, 3)).add(Flatten::new()).add(Dense::new(10));
    let mut model = model.compile_with(SGD::new(1e38), loss, &[], options()).unwrap();
    let message = model.fit(&train, Fit::new().epochs(20)).unwrap_err().to_string();
    assert!(message.contains("diverged") && message.contains("learning rate"), "{message}");
}

/// What the layer `name` has of mean, variance and count.
fn statistics(model: &Model, name: &str) -> [Vec<f32>; 3] {
    let (network, weights) = (model.network(), model.weights());
    let node = network.nodes().iter().find(|node| node.name == name).unwrap();
    let mut own = network.parameters_of(node).map(|p| weights[p.range.clone()].to_vec());
    [(); 3].map(|()| own.next().unwrap())
}

/// `golden/keras/networks.py`: what Keras's layer takes from the same samples.
#[test]
fn normalization_takes_what_keras_takes() {
    #[derive(serde::Deserialize)]
    struct Golden {
        adapted: Vec<Adapted>,
    }
    #[derive(serde::Deserialize)]
    struct Adapted {
        axis: lenslet_model::layers::Axes,
        shape: [usize; 4],
        stream: u64,
        mean: Tensor,
        variance: Tensor,
    }
    #[derive(serde::Deserialize)]
    struct Tensor {
        values: Vec<f32>,
    }
    let bits = |stream: u64, i: u64| {
        let mut z = stream.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(i + 1);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let text = include_str!("../../../golden/keras/networks.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.adapted.len(), 3);
    for case in golden.adapted {
        let [samples, height, width, channels] = case.shape;
        let pixels = (0..case.shape.iter().product::<usize>() as u64)
            .map(|i| (bits(case.stream, i) >> 56) as u8)
            .collect();
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let labels: Vec<_> = (0..samples as u32).map(|i| i % 2).collect();
        let data =
            Dataset::new("random", classes, [height, width, channels], pixels, labels).unwrap();
        // Directly behind the input, where pixels are counted, and behind a layer.
        let model = Sequential::new((height, width, channels))
            .add_named("first", Normalization::new().axis(case.axis.clone()))
            .add_named("back", Rescaling::new(2.0))
            .add_named("second", Normalization::new().axis(case.axis.clone()))
            .add(Flatten::new())
            .add(Dense::new(2).activation(Activation::Softmax));
        let mut model = compiled(model, ACCURACY);
        model.fit(&data, Fit::new()).unwrap();
        let [mean, variance, count] = statistics(&model, "first");
        assert_eq!(count, [samples as f32]);
        for (got, expected) in [(mean, case.mean.values), (variance, case.variance.values)] {
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{:?}: {got}, {expected}", case.axis);
            }
        }
        // Of numbers that have mean 0 and variance 1, times 2.
        let [mean, variance, _] = statistics(&model, "second");
        assert!(mean.iter().all(|mean| mean.abs() < 1e-5), "{mean:?}");
        assert!(variance.iter().all(|variance| (variance - 4.0).abs() < 1e-4), "{variance:?}");
    }
}

/// Statistics are taken once, unless somebody asks for others.
#[test]
fn normalization_keeps_what_it_took() {
    let (train, test) = data();
    let model = Sequential::new((32, 32, 3))
        .add_named("norm", Normalization::new())
        .add(Flatten::new())
        .add(Dense::new(10).activation(Activation::Softmax));
    let mut model = compiled(model, ACCURACY);
    model.fit(&train, Fit::new()).unwrap();
    let first = statistics(&model, "norm");
    model.fit(&test, Fit::new()).unwrap();
    assert_eq!(statistics(&model, "norm"), first);
    model.adapt(&test).unwrap();
    assert_ne!(statistics(&model, "norm"), first);
    assert_eq!(statistics(&model, "norm")[2], [60.0]);
}
