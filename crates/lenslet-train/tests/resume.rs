//! A training that was broken off ends as one that never was, to the last bit.

use std::mem::take;

use lenslet_data::Dataset;
use lenslet_data::synthetic::Synthetic;
use lenslet_engine::Options;
use lenslet_kernels::Isa;
use lenslet_model::layers::{
    AveragePool2D, BatchNormalization, Conv2D, Dense, Dropout, Flatten, GaussianNoise,
};
use lenslet_model::{
    Activation, Adam, Constant, CosineDecay, Metric, Muon, Optimizer, SGD, Schedule, Sequential,
    SparseCategoricalCrossentropy,
};
use lenslet_train::{
    Checkpoint, Compile, EarlyStopping, Fit, Flow, History, Keeper, Model, ModelCheckpoint, Moment,
    Observer, Observers, Progress, Quantity, ReduceLROnPlateau, SaveWhen, TrainError,
};

const EPOCHS: usize = 4;

fn data() -> (Dataset, Dataset) {
    // Four steps of 20 samples in an epoch; the last one has 10.
    let split = Synthetic { train: 70, test: 30, ..Synthetic::default() }.generate().unwrap();
    (split.train, split.test)
}

/// With everything that has a state, or draws random numbers.
fn network() -> Sequential {
    Sequential::new((32, 32, 3))
        .add(AveragePool2D::new(4))
        .add(GaussianNoise::new(0.1))
        .add(Conv2D::new(8, 3).activation(Activation::Relu))
        .add(BatchNormalization::new())
        .add(Dropout::new(0.3))
        .add(Flatten::new())
        .add(Dense::new(24).activation(Activation::Relu))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Activation::Softmax))
}

fn optimizers() -> Vec<Optimizer> {
    let schedule: Schedule = CosineDecay::new(12).into();
    let adam = Optimizer {
        use_ema: true,
        ema_momentum: 0.9,
        ema_overwrite_frequency: Some(2),
        gradient_accumulation_steps: Some(3),
        ..Adam::default().into()
    };
    vec![
        Optimizer { schedule: Some(schedule.clone().warmup(5)), ..adam },
        // Its dense kernels are updated on the way back.
        Optimizer { schedule: Some(Constant {}.into()), ..Adam::default().into() },
        Optimizer { global_clipnorm: Some(0.5), ..Muon::default().into() },
        Optimizer { schedule: Some(schedule), ..SGD::new(0.05).momentum(0.9).into() },
    ]
}

/// On the instruction set of `LENSLET_ISA`, if it names one: the library reads no environment.
fn compiled(optimizer: &Optimizer, threads: usize) -> Model {
    let name = std::env::var("LENSLET_ISA").ok().filter(|name| !name.is_empty());
    let isa = name.map(|name| name.parse::<Isa>().unwrap_or_else(|error| panic!("{error}")));
    let options = Options { isa, threads, ..Options::default() };
    let loss = SparseCategoricalCrossentropy::default();
    let metrics = [Metric::Accuracy, Metric::F1Macro, Metric::RocAuc];
    network().compile_with(optimizer.clone(), loss, &metrics, options).unwrap()
}

/// Keeps every checkpoint that there can be.
#[derive(Default)]
struct All(Vec<(Moment, Checkpoint)>, Option<Moment>, Option<Checkpoint>);

impl Keeper for All {
    fn due(&mut self, moment: Moment) -> bool {
        self.1 = Some(moment);
        true
    }

    fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.0.push((self.1.unwrap(), checkpoint));
        Ok(())
    }

    fn epoch_start(&mut self) -> Result<Option<Checkpoint>, TrainError> {
        Ok(self.2.clone())
    }
}

/// What a training ends with.
#[derive(Debug, PartialEq)]
struct End {
    weights: Vec<u32>,
    history: History,
    best_epoch: Option<usize>,
    saved: Vec<usize>,
}

/// Breaks off at that step of that epoch.
struct BreakOff(Option<(usize, usize)>);

impl Observer for BreakOff {
    fn step(&mut self, progress: &Progress) -> Flow {
        let here = Some((progress.epoch, progress.step));
        if here == self.0 { Flow::Stop } else { Flow::Continue }
    }
}

/// What early stopping takes for better: with steps that do nothing, nothing.
fn min_delta(optimizer: &Optimizer) -> f64 {
    if optimizer.learning_rate() < 1e-6 { 1000.0 } else { 1e-3 }
}

fn train(
    optimizer: &Optimizer,
    threads: usize,
    from: Option<Checkpoint>,
    break_off: Option<(usize, usize)>,
) -> (End, All) {
    let (train, test) = data();
    let mut model = compiled(optimizer, threads);
    let mut saved = Vec::new();
    let mut stopping = EarlyStopping::new(2).min_delta(min_delta(optimizer)).restore_best_weights();
    let mut reduce = ReduceLROnPlateau::new(1).factor(0.5).monitor(Quantity::Accuracy);
    let mut best = ModelCheckpoint::new(SaveWhen::Best(Quantity::ValAccuracy), |_, epoch| {
        saved.push(epoch.epoch);
        Ok(())
    });
    let mut break_off = BreakOff(break_off);
    let mut observers = Observers(vec![&mut break_off, &mut stopping, &mut reduce, &mut best]);
    let fit = Fit::new().epochs(EPOCHS).batch_size(20).validation(&test);
    let mut all = All::default();
    let history = model.fit_kept(&train, fit, from, &mut all, &mut observers).unwrap();
    drop(best);
    let weights = model.weights().iter().map(|x| x.to_bits()).collect();
    let mut end = End { weights, history, best_epoch: stopping.best_epoch(), saved };
    end.history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    (end, all)
}

#[test]
fn it_ends_with_the_same_bits_from_any_checkpoint_and_with_any_number_of_threads() {
    for optimizer in optimizers() {
        let (expected, all) = train(&optimizer, 2, None, None);
        assert!(all.0.len() >= 2 * 5, "every step and every epoch");
        for (index, (moment, checkpoint)) in all.0.into_iter().enumerate() {
            let done = checkpoint.history.len();
            let (mut end, _) = train(&optimizer, 1 + index % 3, Some(checkpoint), None);
            let mut expected_saves = expected.saved.clone();
            expected_saves.retain(|&epoch| epoch > done);
            assert_eq!(take(&mut end.saved), expected_saves, "{}: {index}", optimizer.name());
            end.saved = expected.saved.clone();
            assert!(end == expected, "{} from checkpoint {index}, {moment:?}", optimizer.name());
        }
    }
}

#[test]
fn a_training_that_was_broken_off_can_be_broken_off_again() {
    let optimizer = &optimizers()[0];
    let (expected, _) = train(optimizer, 1, None, None);
    let mut from = None;
    for place in [(1, 2), (1, 4), (2, 1), (2, 3)] {
        let (end, mut all) = train(optimizer, 1, from, Some(place));
        assert!(end.history.stopped && end.history.epochs.len() == place.0, "{place:?}");
        let (moment, checkpoint) = all.0.pop().unwrap();
        let position = checkpoint.position;
        assert_eq!((moment, position.epoch, position.step), (Moment::Stop, place.0, place.1));
        from = Some(checkpoint);
    }
    let (end, _) = train(optimizer, 1, from, None);
    assert_eq!((end.weights, end.history), (expected.weights, expected.history));
}

#[test]
fn a_training_that_early_stopping_has_ended_is_over() {
    let optimizer: Optimizer = SGD::new(1e-9).into();
    let (expected, mut all) = train(&optimizer, 1, None, None);
    assert_eq!((expected.history.stopped, expected.history.epochs.len()), (true, 3));
    let (_, last) = all.0.pop().unwrap();
    assert!(last.ended);
    let (end, all) = train(&optimizer, 1, Some(last), None);
    assert!(all.0.is_empty(), "not a step");
    assert_eq!((end.weights, end.history), (expected.weights, expected.history));
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let (train, _) = data();
    let optimizer = &optimizers()[1];
    let mut all = All::default();
    compiled(optimizer, 1)
        .fit_kept(&train, Fit::new().batch_size(10), None, &mut all, &mut ())
        .unwrap();
    let (_, checkpoint) = all.0.swap_remove(5);
    let fit = Fit::new().batch_size(20);
    let refused = compiled(optimizer, 1).fit_kept(&train, fit, Some(checkpoint), &mut (), &mut ());
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("epoch 1, step 6") && message.contains("4 steps"), "{message}");
}
