//! What happens where numbers stop being numbers.

use lenslet_data::Dataset;
use lenslet_data::synthetic::Synthetic;
use lenslet_engine::Options;
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{MeanSquaredError, SGD, Sequential};
use lenslet_train::{
    Checkpoint, Compile, Fit, History, Keeper, Model, Moment, Observer, OnNan, TrainError,
};

const EPOCHS: usize = 2;

fn data() -> Dataset {
    Synthetic { train: 200, test: 0, ..Synthetic::default() }.generate().unwrap().train
}

/// A line through bright pictures: from a certain rate on, each step is larger than the one before.
fn model(rate: f64) -> Model {
    let network = Sequential::new((32, 32, 3)).add(Flatten::new()).add(Dense::new(10));
    let options = Options { threads: 1, ..Options::default() };
    network.compile_with(SGD::new(rate), MeanSquaredError::default(), &[], options).unwrap()
}

fn fit(on_nan: OnNan) -> Fit<'static> {
    Fit::new().epochs(EPOCHS).batch_size(1).on_nan(on_nan)
}

/// Keeps every checkpoint, and the last at the beginning of an epoch.
#[derive(Default)]
struct All {
    checkpoints: Vec<Checkpoint>,
    epoch_start: Option<Checkpoint>,
}

impl Keeper for All {
    fn due(&mut self, _moment: Moment) -> bool {
        true
    }

    fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.checkpoints.push(checkpoint);
        Ok(())
    }

    fn epoch_start(&mut self) -> Result<Option<Checkpoint>, TrainError> {
        Ok(self.epoch_start.clone())
    }
}

#[derive(Default)]
struct Count(Vec<usize>);

impl Observer for Count {
    fn rolled_back(&mut self, why: &TrainError, times: usize) {
        assert!(matches!(why, TrainError::Diverged { .. }));
        self.0.push(times);
    }
}

/// A rate that is too large until it was halved twice.
const TOO_LARGE: f64 = 0.02;

fn train(from: Option<Checkpoint>, all: &mut All) -> (Vec<u32>, History, Vec<usize>) {
    let mut model = model(TOO_LARGE);
    let mut count = Count::default();
    let fit = fit(OnNan::Rollback);
    let mut history = model.fit_kept(&data(), fit, from, all, &mut count).unwrap();
    history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    (model.weights().iter().map(|x| x.to_bits()).collect(), history, count.0)
}

#[test]
fn training_stops_at_that_step_unless_it_is_told_to_go_back() {
    let mut all = All::default();
    let error = model(TOO_LARGE).fit_kept(&data(), fit(OnNan::Stop), None, &mut all, &mut ());
    let Err(TrainError::Diverged { epoch, step, .. }) = error else { panic!("{error:?}") };
    assert_eq!((epoch, step), (1, all.checkpoints.len() + 1));
    let last = all.checkpoints.pop().unwrap();
    assert!(last.state.parameters.iter().all(|x| x.is_finite()), "the last one is good");
}

#[test]
fn it_goes_back_to_where_the_epoch_began_with_half_the_rate() {
    let (_, history, rolled_back) = train(None, &mut All::default());
    assert!(!rolled_back.is_empty() && rolled_back.len() <= 3, "{rolled_back:?}");
    assert_eq!(history.epochs.len(), EPOCHS);
    let rate = TOO_LARGE / 2f64.powi(rolled_back.len() as i32);
    assert_eq!(history.learning_rate(), [rate; EPOCHS]);
}

#[test]
fn a_break_changes_nothing_of_that() {
    let mut all = All::default();
    let (weights, history, _) = train(None, &mut all);
    let mut epoch_start = None;
    for (index, checkpoint) in all.checkpoints.into_iter().enumerate() {
        if checkpoint.position.step == 0 {
            epoch_start = Some(checkpoint.clone());
        }
        if index % 17 == 0 || checkpoint.position.step == 0 {
            let mut all = All { epoch_start: epoch_start.clone(), ..All::default() };
            let (other_weights, other_history, _) = train(Some(checkpoint), &mut all);
            assert!(weights == other_weights && history == other_history, "from {index}");
        }
    }
}

#[test]
fn three_times_are_enough() {
    let mut count = Count::default();
    let fit = fit(OnNan::Rollback);
    let error = model(1e30).fit_kept(&data(), fit, None, &mut (), &mut count).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, .. }));
    assert_eq!(count.0, [1, 2, 3]);
}
