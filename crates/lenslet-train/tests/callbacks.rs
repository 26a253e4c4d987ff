//! Callbacks: Keras's rules, on epochs that are made up and on a training.

use lenslet_data::Dataset;
use lenslet_data::synthetic::Synthetic;
use lenslet_engine::{Cpu, Engine, Options};
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{Activation, Adam, Loss, Metric, SGD, Sequential};
use lenslet_train::{
    Compile, EarlyStopping, Epoch, Fit, Flow, MetricValues, Model, ModelCheckpoint, Observer,
    Observers, Plan, Quantity, ReduceLROnPlateau, SaveWhen,
};

const PLAN: Plan<'_> = Plan {
    epochs: 100,
    steps: 1,
    validation: true,
    metrics: &[Metric::Accuracy, Metric::ExpectedCalibrationError],
};

/// An engine with three weights.
fn engine() -> Cpu {
    let model = Sequential::new((1, 1, 1)).add(Flatten::new()).add(Dense::new(2));
    let options = Options { threads: 1, ..Options::default() };
    Cpu::new(model.build().unwrap(), Loss::default(), SGD::new(0.1).into(), options).unwrap()
}

fn epoch(epoch: usize, val_loss: f64) -> Epoch {
    Epoch {
        epoch,
        loss: 1.0,
        accuracy: Some(0.5),
        val_loss: Some(val_loss),
        val_accuracy: Some(1.0 - val_loss),
        metrics: MetricValues::default(),
        val_metrics: MetricValues::from_iter([(Metric::ExpectedCalibrationError, val_loss)]),
        learning_rate: 0.1,
        seconds: 1.0,
    }
}

/// Goes through epochs with these validation losses, the first weight being the epoch's number.
/// Returns the epoch that ended it, the first weight that stays, and the learning rates after each.
fn run(observer: &mut dyn Observer, losses: &[f64]) -> (Option<usize>, f32, Vec<f64>) {
    let mut engine = engine();
    observer.begin(&PLAN).unwrap();
    let (mut ended, mut rates) = (None, Vec::new());
    for (i, &loss) in losses.iter().enumerate() {
        engine.parameters_mut()[0] = (i + 1) as f32;
        let flow = observer.steer(&epoch(i + 1, loss), &mut engine).unwrap();
        rates.push((engine.learning_rate() * 1e9).round() / 1e9);
        if flow == Flow::Stop {
            ended = Some(i + 1);
            break;
        }
    }
    observer.end(&mut engine).unwrap();
    (ended, engine.parameters()[0], rates)
}

#[test]
fn early_stopping_is_keras() {
    let better_then_worse = [0.9, 0.5, 0.6, 0.55, 0.7, 0.4];
    let with = |patience, min_delta, monitor| {
        EarlyStopping::new(patience).min_delta(min_delta).monitor(monitor)
    };
    let val_loss = Quantity::ValLoss;
    for (mut stopping, losses, ended) in [
        (with(0, 0.0, val_loss), &better_then_worse[..], Some(3)),
        (with(2, 0.0, val_loss), &better_then_worse, Some(4)),
        (with(3, 0.0, val_loss), &better_then_worse, Some(5)),
        (with(4, 0.0, val_loss), &better_then_worse, None),
        (with(2, 0.0, Quantity::ValAccuracy), &better_then_worse, Some(4)),
        // What is better where there is less of it.
        (
            with(2, 0.0, Quantity::Val(Metric::ExpectedCalibrationError)),
            &better_then_worse,
            Some(4),
        ),
        // From 0.9 on nothing is better by more than a half.
        (with(2, 0.5, val_loss), &better_then_worse, Some(3)),
        // Never in the first epoch.
        (with(1, 0.0, val_loss), &[f64::NAN, 0.5, f64::NAN], Some(3)),
        (with(2, 0.0, val_loss), &[0.5, f64::NAN, 0.4, 0.5, f64::NAN], Some(5)),
    ] {
        let (found, ..) = run(&mut stopping, losses);
        assert_eq!(found, ended, "{stopping:?}");
    }
}

#[test]
fn early_stopping_restores_the_best_weights_where_it_is_told_to() {
    let losses = [0.9, 0.5, 0.6, 0.7];
    let mut stopping = EarlyStopping::new(2);
    assert_eq!(run(&mut stopping, &losses).1, 4.0, "the last weights stay");
    stopping.restore_best_weights = true;
    assert_eq!(run(&mut stopping, &losses).1, 2.0);
    assert_eq!(stopping.best_epoch(), Some(2));
    // Also where the epochs run out first.
    assert_eq!(run(&mut stopping, &losses[..3]).1, 2.0);
}

#[test]
fn early_stopping_may_begin_later() {
    let late = EarlyStopping::new(0).start_from_epoch(2);
    assert_eq!(run(&mut late.clone(), &[0.1, 0.2, 0.9, 0.8, 0.85]).0, Some(5));
}

#[test]
fn learning_rates_fall_on_a_plateau() {
    let plateau = |change: fn(&mut ReduceLROnPlateau)| {
        let mut callback = ReduceLROnPlateau::new(2);
        change(&mut callback);
        callback
    };
    let flat = [0.5; 7];
    for (mut callback, losses, rates) in [
        (plateau(|_| {}), &flat[..], [0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.0001]),
        (plateau(|c| c.factor = 0.5), &flat, [0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125]),
        (plateau(|c| c.cooldown = 2), &flat, [0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001]),
        (plateau(|c| c.min_lr = 0.02), &flat, [0.1, 0.1, 0.02, 0.02, 0.02, 0.02, 0.02]),
        // A fall of less than min_delta is none.
        (
            plateau(|_| {}),
            &[0.5, 0.49999, 0.49998, 0.3, 0.2, 0.1, 0.0],
            [0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01],
        ),
    ] {
        assert_eq!(run(&mut callback, losses).2, rates, "{callback:?}");
    }
}

#[test]
fn checkpoints_are_saved_when_they_are_due() {
    let losses = [0.9, 0.5, 0.6, 0.4, 0.4];
    for (when, due) in [
        (SaveWhen::Best(Quantity::ValLoss), &[1, 2, 4][..]),
        (SaveWhen::Last, &[1, 2, 3, 4, 5]),
        (SaveWhen::Every(2), &[2, 4]),
    ] {
        let mut saved = Vec::new();
        let mut checkpoint = ModelCheckpoint::new(when, |state, epoch| {
            assert_eq!(state.parameters[0], epoch.epoch as f32);
            saved.push(epoch.epoch);
            Ok(())
        });
        run(&mut checkpoint, &losses);
        drop(checkpoint);
        assert_eq!(saved, due, "{when:?}");
    }
    let mut failing = ModelCheckpoint::new(SaveWhen::Last, |_, _| Err("the disk is full".into()));
    let refusal = failing.steer(&epoch(1, 0.5), &mut engine()).unwrap_err();
    assert_eq!(refusal.to_string(), "the disk is full");
}

#[test]
fn what_a_run_does_not_give_is_refused_before_it_begins() {
    let stopping = |monitor| EarlyStopping::new(0).monitor(monitor);
    let reduce = || ReduceLROnPlateau::new(10);
    let no_validation = Plan { validation: false, ..PLAN };
    let no_accuracy = Plan { metrics: &[], ..PLAN };
    let save = |when| ModelCheckpoint::new(when, |_, _| Ok(()));
    let mut cases: [(Box<dyn Observer>, Plan<'_>, &str); 11] = [
        (Box::new(stopping(Quantity::ValLoss)), no_validation, "no validation data"),
        (Box::new(stopping(Quantity::ValAccuracy)), no_accuracy, "accuracy is no metric"),
        (Box::new(stopping(Quantity::Accuracy)), no_accuracy, "monitors accuracy"),
        (
            Box::new(stopping(Quantity::Val(Metric::ExpectedCalibrationError))),
            no_accuracy,
            "monitors val_expected_calibration_error, but expected_calibration_error is no metric",
        ),
        (Box::new(EarlyStopping::new(0).min_delta(-0.1)), PLAN, "min_delta = -0.1 is out of range"),
        (Box::new(reduce()), no_validation, "ReduceLROnPlateau monitors val_loss"),
        (Box::new(reduce().factor(1.0)), PLAN, "factor = 1 is out of"),
        (Box::new(reduce().factor(0.0)), PLAN, "factor = 0 is out of"),
        (Box::new(reduce().min_lr(-1.0)), PLAN, "min_lr = -1"),
        (Box::new(save(SaveWhen::Every(0))), PLAN, "every 0 epochs"),
        (Box::new(save(SaveWhen::Best(Quantity::ValLoss))), no_validation, "ModelCheckpoint"),
    ];
    for (observer, plan, words) in &mut cases {
        let message = observer.begin(plan).unwrap_err().to_string();
        assert!(message.contains(*words), "{message}");
        assert!(observer.begin(&PLAN).is_ok() || *plan == PLAN, "{message}");
    }
    let message = "val_los".parse::<Quantity>().unwrap_err();
    assert!(message.contains("did you mean `val_loss`?"), "{message}");
}

fn data() -> (Dataset, Dataset) {
    let split = Synthetic { train: 100, test: 50, ..Synthetic::default() }.generate().unwrap();
    (split.train, split.test)
}

fn model(optimizer: impl Into<lenslet_model::Optimizer>) -> Model {
    let layers = Sequential::new((32, 32, 3))
        .add(Flatten::new())
        .add(Dense::new(10).activation(Activation::Softmax));
    layers.compile(optimizer, Loss::default(), &[Metric::Accuracy]).unwrap()
}

#[test]
fn a_fit_is_steered_by_all_its_observers() {
    let (train, test) = data();
    let mut best = Vec::new();
    let mut checkpoint = ModelCheckpoint::new(SaveWhen::Best(Quantity::ValLoss), |state, _| {
        best = state.parameters.clone();
        Ok(())
    });
    // No loss is ever better by a thousand.
    let mut stopping = EarlyStopping::new(2).min_delta(1000.0).restore_best_weights();
    let mut reduce = ReduceLROnPlateau::new(1).min_delta(1000.0);
    let mut observers = Observers(vec![&mut checkpoint, &mut stopping, &mut reduce]);
    let mut model = model(Adam::default());
    let fit = Fit::new().epochs(9).validation(&test);
    let history = model.fit_observed(&train, fit, &mut observers).unwrap();
    assert!(history.stopped);
    assert_eq!(history.epochs.len(), 3, "the first, and two that are no better");
    let rates = history.learning_rate();
    assert!((rates[2] - 1e-4).abs() < 1e-12 && rates[0] == 1e-3, "{rates:?}");
    let restored = model.evaluate(&test).unwrap().loss;
    assert_eq!(restored, history.val_loss()[0], "the weights of the first epoch are back");
    drop(checkpoint);
    assert!(!best.is_empty());
}

#[test]
fn a_callback_that_fails_ends_the_training() {
    let (train, _) = data();
    let mut failing = ModelCheckpoint::new(SaveWhen::Last, |_, _| Err("no room".into()));
    let refusal = model(Adam::default()).fit_observed(&train, Fit::new(), &mut failing);
    assert_eq!(refusal.unwrap_err().to_string(), "no room");
    let refusal =
        model(Adam::default()).fit_observed(&train, Fit::new(), &mut EarlyStopping::default());
    assert!(refusal.unwrap_err().to_string().contains("no validation data"));
}
