//! The fit loop.

use std::time::{Duration, Instant};

use lenslet_data::Dataset;
use lenslet_engine::{Engine, Tally};

use super::Fit;
use crate::evaluation::tally;
use crate::feed::{Batch, feed};
use crate::{
    Checkpoint, Epoch, Flow, History, Keeper, Memory, Moment, Observer, Plan, Position, Progress,
    TrainError,
};

/// A training under way.
pub(crate) struct Course<'a> {
    pub(crate) fit: Fit<'a>,
    pub(crate) engine: &'a mut dyn Engine,
    pub(crate) data: &'a Dataset,
    /// Whether accuracy is told.
    pub(crate) counted: bool,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) keeper: &'a mut dyn Keeper,
    position: Position,
    history: Vec<Epoch>,
    /// Whether a callback has ended it.
    ended: bool,
    /// The start of the position's clock: when it began, less what passed before a break.
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
        counted: bool,
        observer: &'a mut dyn Observer,
        keeper: &'a mut dyn Keeper,
    ) -> Self {
        Self {
            fit,
            engine,
            data,
            counted,
            observer,
            keeper,
            position: Position::start_of(1),
            history: Vec::new(),
            ended: false,
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
            accuracy: self.counted,
        })?;
        if let Some(checkpoint) = from {
            self.go_back_to(checkpoint)?;
        }
        let mut stopped = false;
        while !(stopped || self.ended) && self.position.epoch <= self.fit.epochs {
            self.clock = Clock::after(self.position.elapsed);
            let broken_off = self.steps_of_epoch()? == Flow::Stop;
            stopped = if broken_off { self.break_off()? } else { self.end_epoch()? };
        }
        self.engine.finish();
        self.observer.end(self.engine)?;
        let stopped = stopped || self.history.len() < self.fit.epochs;
        Ok(History { epochs: self.history, stopped })
    }

    /// Everything is as it was at that checkpoint.
    fn go_back_to(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        checkpoint.check(self.steps())?;
        let Checkpoint { state, position, history, mut memory, ended } = checkpoint;
        self.engine.load_state(&state)?;
        self.observer.recall(&history, &mut memory)?;
        (self.position, self.history, self.ended) = (position, history, ended);
        Ok(())
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
        let tally = self.engine.train_step(&batch.pixels, &batch.labels)?;
        position.step += 1;
        if !tally.loss.is_finite() || !self.engine.all_finite() {
            return Err(TrainError::Diverged {
                loss: tally.mean_loss(),
                bad: self.engine.not_finite(),
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
        let record = self.record(None);
        self.history.push(record);
        Ok(true)
    }

    /// What follows the last step of an epoch. Whether somebody from outside wants an end.
    fn end_epoch(&mut self) -> Result<bool, TrainError> {
        let validation = self.fit.validation.map(|data| tally(self.engine, data)).transpose()?;
        self.position.elapsed = self.clock.elapsed();
        let (progress, record) = (self.progress(), self.record(validation));
        self.history.push(record);
        let outside = self.observer.epoch(&progress, &record);
        self.ended = self.observer.steer(&record, self.engine)? == Flow::Stop;
        self.position = Position::start_of(record.epoch + 1);
        self.keep_if_due(Moment::Epoch)?;
        Ok(outside == Flow::Stop)
    }

    fn keep_if_due(&mut self, moment: Moment) -> Result<(), TrainError> {
        if !self.keeper.due(moment) {
            return Ok(());
        }
        let mut memory = Memory::default();
        self.observer.remember(&mut memory);
        self.keeper.keep(Checkpoint {
            state: self.engine.state(),
            position: self.position,
            history: self.history.clone(),
            memory,
            ended: self.ended,
        })
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

    fn record(&self, validation: Option<Tally>) -> Epoch {
        let Position { epoch, sums, learning_rate, elapsed, .. } = self.position;
        Epoch {
            epoch,
            loss: sums.mean_loss(),
            accuracy: self.counted.then_some(sums.accuracy()),
            val_loss: validation.map(|t| t.mean_loss()),
            val_accuracy: validation.filter(|_| self.counted).map(|t| t.accuracy()),
            learning_rate,
            seconds: elapsed.as_secs_f64(),
        }
    }
}
