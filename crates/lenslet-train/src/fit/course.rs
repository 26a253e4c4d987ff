//! The fit loop.

use std::time::{Duration, Instant};

use lenslet_data::Dataset;
use lenslet_engine::{Engine, State, Tally};
use lenslet_model::Metric;

use super::seen::Seen;
use super::{Fit, OnNan};
use crate::diagnosis::diagnose;
use crate::evaluation::{need_outputs, tally, values};
use crate::feed::{Batch, feed};
use crate::targets::targets;
use crate::{
    Checkpoint, Epoch, Flow, History, Keeper, Memory, MetricValues, Moment, Observer, Plan,
    Position, Progress, TrainError,
};

/// A training under way.
pub(crate) struct Course<'a> {
    pub(crate) fit: Fit<'a>,
    pub(crate) engine: &'a mut dyn Engine,
    pub(crate) data: &'a Dataset,
    pub(crate) metrics: &'a [Metric],
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) keeper: &'a mut dyn Keeper,
    position: Position,
    /// What the steps of the epoch gave.
    seen: Seen,
    history: Vec<Epoch>,
    /// Whether a callback has ended it.
    ended: bool,
    /// How often it went back.
    rollbacks: usize,
    /// Where the epoch began, where it can go back.
    safe: Option<Checkpoint>,
    clock: Clock,
}

/// Time since an epoch began, breaks left out.
#[derive(Clone, Copy)]
struct Clock {
    before: Duration,
    start: Instant,
}

impl Clock {
    fn after(before: Duration) -> Self {
        Self { before, start: Instant::now() }
    }

    fn elapsed(self) -> Duration {
        self.before + self.start.elapsed()
    }
}

impl<'a> Course<'a> {
    /// Before the first step.
    pub(crate) fn new(
        fit: Fit<'a>,
        engine: &'a mut dyn Engine,
        data: &'a Dataset,
        metrics: &'a [Metric],
        observer: &'a mut dyn Observer,
        keeper: &'a mut dyn Keeper,
    ) -> Self {
        Self {
            fit,
            engine,
            data,
            metrics,
            observer,
            keeper,
            position: Position::start_of(1),
            seen: Seen::default(),
            history: Vec::new(),
            ended: false,
            rollbacks: 0,
            safe: None,
            clock: Clock::after(Duration::ZERO),
        }
    }

    /// Trains, from `from` on or from the beginning.
    pub(crate) fn run(mut self, from: Option<Checkpoint>) -> Result<History, TrainError> {
        self.fit.check()?;
        self.observer.begin(&Plan {
            epochs: self.fit.epochs,
            steps: self.steps(),
            validation: self.fit.validation.is_some(),
            metrics: self.metrics,
        })?;
        self.make_safe();
        if let Some(checkpoint) = from {
            self.go_on_from(checkpoint)?;
        }
        let mut stopped = false;
        while !(stopped || self.ended) && self.position.epoch <= self.fit.epochs {
            self.make_safe();
            self.clock = Clock::after(self.position.elapsed);
            stopped = match self.steps_of_epoch() {
                Ok(Flow::Stop) => self.break_off()?,
                Ok(Flow::Continue) => self.end_epoch()?,
                Err(error) => self.roll_back(error)?,
            };
        }
        self.engine.finish();
        self.observer.end(self.engine)?;
        let stopped = stopped || self.history.len() < self.fit.epochs;
        Ok(History { epochs: self.history, stopped })
    }

    /// Everything is as it was at that checkpoint.
    fn go_on_from(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        checkpoint.check(self.steps())?;
        let Checkpoint { state, position, history, mut memory, ended, rollbacks } = checkpoint;
        self.engine.load_state(&state)?;
        self.seen = Seen::recall(&mut memory);
        self.observer.recall(&history, &mut memory)?;
        if self.safe.as_ref().is_some_and(|safe| safe.position.epoch != position.epoch) {
            self.safe = None;
        }
        (self.position, self.history) = (position, history);
        (self.ended, self.rollbacks) = (ended, rollbacks);
        Ok(())
    }

    /// Keeps where an epoch begins, if it does here and the training may want to go back.
    fn make_safe(&mut self) {
        if self.fit.on_nan == OnNan::Rollback && self.position.step == 0 {
            let spare = self.safe.take().map(|safe| safe.state);
            self.safe = Some(self.checkpoint(spare));
        }
    }

    /// Goes back to where the epoch began after a step that left no numbers, if it still may. Not to
    /// a checkpoint in between: when those are made is up to a clock, which decides no result.
    fn roll_back(&mut self, error: TrainError) -> Result<bool, TrainError> {
        let diverged = matches!(error, TrainError::Diverged { .. });
        let may = self.fit.on_nan == OnNan::Rollback && self.rollbacks < OnNan::MOST_ROLLBACKS;
        if !(diverged && may) {
            return Err(error);
        }
        let safe = match self.safe.take() {
            Some(safe) => Some(safe),
            None => self.keeper.epoch_start()?,
        };
        let Some(mut safe) = safe.filter(|safe| safe.position.epoch == self.position.epoch) else {
            return Err(error);
        };
        safe.state.rate_scale = self.engine.state().rate_scale / 2.0;
        safe.rollbacks = self.rollbacks + 1;
        self.observer.rolled_back(&error, safe.rollbacks);
        self.go_on_from(safe)?;
        Ok(false)
    }

    /// Steps in an epoch.
    fn steps(&self) -> usize {
        self.data.len().div_ceil(self.fit.batch_size)
    }

    /// What is left of a pass over the data.
    fn steps_of_epoch(&mut self) -> Result<Flow, TrainError> {
        let order = self.fit.order(self.position.epoch, self.data.len());
        let done = (self.position.step * self.fit.batch_size).min(order.len());
        feed(self.data, &order[done..], self.fit.batch_size, |batch| self.step(batch))
    }

    fn step(&mut self, batch: &Batch) -> Result<Flow, TrainError> {
        let position = &mut self.position;
        position.learning_rate = self.engine.learning_rate();
        let outputs = self.seen.rows(self.metrics, self.data);
        let targets = targets(&batch.labels);
        let tally = self.engine.train_and_tell(&batch.pixels, targets, outputs)?;
        position.step += 1;
        let finite = tally.loss.is_finite();
        if !finite || !self.engine.all_finite() {
            return Err(TrainError::Diverged {
                loss: tally.mean_loss(),
                bad: diagnose(self.engine, finite, &batch.pixels, batch.labels.len()),
                epoch: position.epoch,
                step: position.step,
                learning_rate: position.learning_rate,
            });
        }
        position.sums.add(tally);
        position.elapsed = self.clock.elapsed();
        let flow = self.observer.step(&self.progress());
        if flow == Flow::Continue {
            self.keep_if_due(Moment::Step)?;
        }
        Ok(flow)
    }

    /// What is kept of an epoch that an observer broke off.
    fn break_off(&mut self) -> Result<bool, TrainError> {
        self.keep_if_due(Moment::Stop)?;
        let record = self.record(None, MetricValues::default());
        self.history.push(record);
        Ok(true)
    }

    /// What follows the last step of an epoch. Whether somebody from outside ends the training early.
    fn end_epoch(&mut self) -> Result<bool, TrainError> {
        let (validation, scores) = self.validate()?;
        self.position.elapsed = self.clock.elapsed();
        let (progress, record) = (self.progress(), self.record(validation, scores));
        self.history.push(record.clone());
        let outside = self.observer.epoch(&progress, &record);
        self.ended = self.observer.steer(&record, self.engine)? == Flow::Stop;
        self.seen.clear();
        self.position = Position::start_of(record.epoch + 1);
        self.keep_if_due(Moment::Epoch)?;
        Ok(outside == Flow::Stop && record.epoch < self.fit.epochs)
    }

    /// Loss, accuracy and other metrics on the validation data, if there are any.
    fn validate(&mut self) -> Result<(Option<Tally>, MetricValues), TrainError> {
        let Some(data) = self.fit.validation else { return Ok((None, MetricValues::default())) };
        let mut outputs = need_outputs(self.metrics).then(Vec::new);
        let tally = tally(self.engine, data, outputs.as_mut())?;
        let of = |outputs| values(outputs, data.labels(), data.classes(), self.metrics);
        Ok((Some(tally), outputs.as_deref().map(of).unwrap_or_default()))
    }

    fn keep_if_due(&mut self, moment: Moment) -> Result<(), TrainError> {
        if !self.keeper.due(moment) {
            return Ok(());
        }
        let spare = self.keeper.spare();
        let checkpoint = self.checkpoint(spare);
        self.keeper.keep(checkpoint)
    }

    /// Where the training is, made in the memory of a spare state.
    fn checkpoint(&self, spare: Option<State>) -> Checkpoint {
        let mut state = spare.unwrap_or_default();
        self.engine.state_into(&mut state);
        let mut memory = Memory::default();
        self.observer.remember(&mut memory);
        self.seen.remember(&mut memory);
        Checkpoint {
            state,
            position: self.position,
            history: self.history.clone(),
            memory,
            ended: self.ended,
            rollbacks: self.rollbacks,
        }
    }

    fn progress(&self) -> Progress {
        let Position { epoch, step, sums, learning_rate, elapsed } = self.position;
        Progress {
            epoch,
            epochs: self.fit.epochs,
            step,
            steps: self.steps(),
            elapsed,
            loss: sums.mean_loss(),
            accuracy: sums.accuracy(),
            learning_rate,
        }
    }

    /// The metrics over the samples that the epoch has trained on.
    fn training_metrics(&self) -> MetricValues {
        if !need_outputs(self.metrics) {
            return MetricValues::default();
        }
        let order = self.fit.order(self.position.epoch, self.data.len());
        let done = (self.position.step * self.fit.batch_size).min(order.len());
        self.seen.values(self.metrics, self.data, &order[..done])
    }

    fn record(&self, validation: Option<Tally>, val_metrics: MetricValues) -> Epoch {
        let counted = self.metrics.contains(&Metric::Accuracy);
        let Position { epoch, sums, learning_rate, elapsed, .. } = self.position;
        Epoch {
            epoch,
            loss: sums.mean_loss(),
            accuracy: counted.then_some(sums.accuracy()),
            val_loss: validation.map(|t| t.mean_loss()),
            val_accuracy: validation.filter(|_| counted).map(|t| t.accuracy()),
            metrics: self.training_metrics(),
            val_metrics,
            learning_rate,
            seconds: elapsed.as_secs_f64(),
        }
    }
}
