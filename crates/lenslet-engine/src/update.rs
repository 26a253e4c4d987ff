//! The optimiser's step.
//!
//! What looks at one number at a time is one pass over parameters, gradients and moments, for dense
//! layers' kernels in the backward pass itself. What needs a whole gradient first (clipping by a
//! norm, accumulation, LAMB, Muon) is done when all of it is there.

mod rule;
mod stretches;

use std::ops::Range;

use lenslet_kernels::{
    Kernels, MOMENTS, Moments, NewtonSchulz, Real, Rule, SgdStep, Team, Update, orthogonalize,
};
use lenslet_model::{Algorithm, Lamb, Muon, Network, Optimizer};

use crate::cpu::Cpu;
use crate::memory::{Buffer, buffer};
use crate::numbers::Numbers;
use crate::profile::Phase;
use crate::program::Program;
use stretches::{Stretch, Stretches, Way};

/// How parameters are updated, fixed when the engine is made.
pub(crate) struct Updater<R> {
    pub(crate) optimizer: Optimizer,
    stretches: Stretches,
    slots: Slots,
    /// Working memory.
    scratch: Buffer<R>,
}

/// What the moments' buffers hold, in order: the algorithm's own, the parameters' average, the sum
/// of gradients.
#[derive(Clone, Copy)]
struct Slots {
    own: usize,
    average: bool,
    /// How many of the parameters, the first ones, are trainable.
    trainable: usize,
}

/// The update of the next step, for any stretch.
#[derive(Clone, Copy)]
pub(crate) struct Next {
    plain: Update,
    decay: f64,
    learning_rate: f64,
    /// Updates until then and this one.
    t: u64,
}

impl Next {
    fn of(&self, stretch: &Stretch) -> Update {
        Update { decay: if stretch.decays { self.decay } else { 0.0 }, ..self.plain }
    }
}

impl<R: Real> Updater<R> {
    pub(crate) fn new<K: Kernels>(
        network: &Network,
        program: &Program<K>,
        optimizer: Optimizer,
    ) -> Self {
        let stretches = Stretches::new(network, program, &optimizer);
        let accumulates = optimizer.gradient_accumulation_steps.is_some();
        let (all, average) = (optimizer.moments().len(), optimizer.use_ema);
        let own = all - usize::from(average) - usize::from(accumulates);
        assert!(own < MOMENTS, "the kernels take fewer moments");
        let slots = Slots { own, average, trainable: network.trainable_count() };
        let scratch = buffer(stretches.scratch_len());
        Self { optimizer, stretches, slots, scratch }
    }

    /// The learning rate of step `step`, counted from 0.
    pub(crate) fn learning_rate(&self, numbers: &Numbers<R>) -> f64 {
        self.optimizer.learning_rate_at(numbers.steps) * numbers.rate_scale
    }

    /// The update of the next step.
    pub(crate) fn next(&self, numbers: &Numbers<R>) -> Next {
        let optimizer = &self.optimizer;
        let learning_rate = self.learning_rate(numbers);
        let updates = numbers.steps / optimizer.gradient_accumulation_steps.unwrap_or(1);
        // The first average is of the parameters after one step alone.
        let share = if updates == 0 { 0.0 } else { optimizer.ema_momentum };
        let rule = rule::rule(&optimizer.algorithm, learning_rate, updates + 1);
        let plain = Update {
            clip: optimizer.clipvalue.unwrap_or(f64::INFINITY),
            average: optimizer.use_ema.then_some(share),
            ..Update::from(rule)
        };
        let decay = optimizer.decay() * learning_rate;
        Next { plain, decay, learning_rate, t: updates + 1 }
    }

    /// Whether dense layers' kernels are updated in the backward pass.
    pub(crate) fn updates_during_backward(&self) -> bool {
        !self.stretches.during.is_empty()
    }

    /// The update of a dense layer's kernel, and its moments, if it is done in the backward pass.
    pub(crate) fn during<'a>(
        &self,
        next: Next,
        kernel: &Range<usize>,
        buffers: &'a mut [Buffer<R>],
    ) -> Option<(Update, Moments<'a, R>)> {
        let stretch = self.stretches.during(kernel)?;
        Some((next.of(stretch), self.slots.moments(buffers, kernel)))
    }
}

impl Slots {
    /// The same stretch of every moment; empty ones for those that there are not.
    fn moments<'a, R>(self, buffers: &'a mut [Buffer<R>], range: &Range<usize>) -> Moments<'a, R> {
        let (own, rest) = buffers.split_at_mut(self.own);
        let mut moments: Moments<'_, R> = [(); MOMENTS].map(|()| &mut [][..]);
        for (moment, buffer) in moments.iter_mut().zip(own) {
            *moment = &mut buffer[range.clone()];
        }
        if self.average {
            moments[MOMENTS - 1] = &mut rest[0][range.clone()];
        }
        moments
    }
}

/// What an update works with.
struct Work<'a, K: Kernels> {
    kernels: &'a K,
    team: &'a Team,
    slots: Slots,
    next: Next,
    numbers: &'a mut Numbers<K::Real>,
    scratch: &'a mut [K::Real],
}

impl<K: Kernels> Cpu<K> {
    /// Changes the parameters by the gradients: `all` of them, or all but those that the backward
    /// pass has changed. Ends the step.
    pub(crate) fn update(&mut self, next: Next, all: bool) {
        let begun = self.clock.now();
        let Updater { optimizer, stretches, slots, scratch } = &mut self.updater;
        let numbers = &mut self.numbers;
        let mut work = Work {
            kernels: &self.kernels,
            team: &self.team,
            slots: *slots,
            next,
            numbers,
            scratch,
        };
        match work.gathered(optimizer) {
            Some(scale) => {
                work.next.plain.scale = scale;
                let during = if all { &stretches.during[..] } else { &[] };
                for stretch in stretches.after.iter().chain(during) {
                    work.stretch(optimizer, stretch);
                }
                work.numbers.moved();
            }
            None => work.average(),
        }
        work.overwrite(optimizer);
        self.notes.add(self.clock, begun, None, Phase::Update, None);
        self.numbers.steps += 1;
    }

    /// The moving average takes the place of the parameters, where there is one.
    pub(crate) fn take_average(&mut self) {
        let Slots { own, average, trainable } = self.updater.slots;
        let Numbers { parameters, moments, steps, .. } = &mut self.numbers;
        // Without a step there is none yet, nor where parameters alone were loaded.
        if average && *steps > 0 && !moments[own].is_empty() {
            parameters[..trainable].copy_from_slice(&moments[own][..trainable]);
            self.numbers.changed();
        }
    }
}

impl<K: Kernels> Work<'_, K> {
    /// What all gradients are to be multiplied by; `None` where this step only adds them up.
    fn gathered(&mut self, optimizer: &Optimizer) -> Option<f64> {
        let mut scale = 1.0;
        if let Some(every) = optimizer.gradient_accumulation_steps {
            let Numbers { gradients, moments, steps, .. } = &mut *self.numbers;
            let sum = moments.last_mut().expect("there is a sum of gradients");
            let trainable = ..self.slots.trainable;
            let (gradients, sum) = (&mut gradients[trainable], &mut sum[trainable]);
            if !(*steps + 1).is_multiple_of(every) {
                self.kernels.combine(self.team, 1.0, gradients, 1.0, sum);
                return None;
            }
            self.kernels.combine(self.team, 1.0, sum, 1.0, gradients);
            sum.fill(K::Real::ZERO);
            scale = 1.0 / every as f64;
        }
        if let Some(most) = optimizer.global_clipnorm {
            let norm = self.norm(0..self.slots.trainable) * scale;
            // As in Keras, an infinite norm leaves nothing to go by.
            scale *= if norm.is_finite() { most / norm.max(most) } else { f64::NAN };
        }
        Some(scale)
    }

    fn norm(&self, range: Range<usize>) -> f64 {
        self.kernels.sum_of_squares(self.team, &self.numbers.gradients[range]).sqrt()
    }

    fn stretch(&mut self, optimizer: &Optimizer, stretch: &Stretch) {
        let mut update = self.next.of(stretch);
        if let Some(most) = optimizer.clipnorm {
            let norm = self.norm(stretch.range.clone()) * update.scale;
            update.scale *= most / norm.max(most);
        }
        match (&stretch.way, &optimizer.algorithm) {
            (Way::Lamb, Algorithm::Lamb(lamb)) => {
                self.limit(&mut update, &stretch.range);
                self.lamb(lamb, &mut update, &stretch.range);
            }
            (Way::Muon(shape), Algorithm::Muon(muon)) => {
                self.limit(&mut update, &stretch.range);
                self.muon(muon, *shape, &mut update, &stretch.range);
            }
            _ => {}
        }
        let range = stretch.range.clone();
        let Numbers { parameters, gradients, moments, finite, .. } = &mut *self.numbers;
        let moments = self.slots.moments(moments, &range);
        let (p, g) = (&mut parameters[range.clone()], &gradients[range]);
        let all_finite = self.kernels.update(self.team, update, p, g, moments);
        *finite = finite.map(|before| before && all_finite);
    }

    /// Scales and clips gradients at once, which the update need not do any more.
    fn limit(&mut self, update: &mut Update, range: &Range<usize>) {
        if update.scale != 1.0 || update.clip != f64::INFINITY {
            let gradients = &mut self.numbers.gradients[range.clone()];
            self.kernels.limit(self.team, update.scale, update.clip, gradients);
            (update.scale, update.clip) = (1.0, f64::INFINITY);
        }
    }

    /// Gradients become the direction; the update goes there, by as much as the trust ratio says.
    fn lamb(&mut self, lamb: &Lamb, update: &mut Update, range: &Range<usize>) {
        let Numbers { parameters, gradients, moments, .. } = &mut *self.numbers;
        let (p, g) = (&parameters[range.clone()], &mut gradients[range.clone()]);
        let [m, v, ..] = self.slots.moments(moments, range);
        self.kernels.lamb_direction(self.team, rule::lamb(lamb, self.next.t), g, m, v);
        let norm = |x: &[K::Real]| self.kernels.sum_of_squares(self.team, x).sqrt();
        // The ratio is that of the parameters after their decay.
        let (own, other) = (norm(p) * (1.0 - update.decay), norm(g));
        let ratio = if own > 0.0 && other > 0.0 { own / other } else { 1.0 };
        update.rule = Rule::Sgd(SgdStep::plain(self.next.learning_rate * ratio));
    }

    /// Gradients become the orthogonal matrix next to the momentum, along which the update goes.
    fn muon(
        &mut self,
        muon: &Muon,
        shape: NewtonSchulz,
        update: &mut Update,
        range: &Range<usize>,
    ) {
        let Numbers { gradients, moments, .. } = &mut *self.numbers;
        let g = &mut gradients[range.clone()];
        let [m, ..] = self.slots.moments(moments, range);
        let combine = |a, x: &[K::Real], b, y: &mut [K::Real]| {
            self.kernels.combine(self.team, a, x, b, y);
        };
        combine(1.0, g, muon.momentum, m);
        if muon.nesterov {
            combine(muon.momentum, m, 1.0, g);
        } else {
            combine(1.0, m, 0.0, g);
        }
        let scratch = &mut self.scratch[..shape.scratch_len()];
        orthogonalize(self.kernels, self.team, shape, g, scratch);
        let length = muon.rms_rate * (shape.rows.max(shape.columns) as f64).sqrt();
        update.rule = Rule::Sgd(SgdStep::plain(self.next.learning_rate * length));
    }

    /// Averages parameters that did not change in this step, as Keras does.
    fn average(&mut self) {
        if let Some(share) = self.next.plain.average {
            let Numbers { parameters, moments, .. } = &mut *self.numbers;
            let trainable = ..self.slots.trainable;
            let (p, average) = (&parameters[trainable], &mut moments[self.slots.own][trainable]);
            self.kernels.combine(self.team, 1.0 - share, p, share, average);
        }
    }

    /// The average takes the parameters' place every so many updates.
    fn overwrite(&mut self, optimizer: &Optimizer) {
        let Some(every) = optimizer.ema_overwrite_frequency else { return };
        if self.next.t.is_multiple_of(every) {
            let Numbers { parameters, moments, .. } = &mut *self.numbers;
            let trainable = ..self.slots.trainable;
            parameters[trainable].copy_from_slice(&moments[self.slots.own][trainable]);
            self.numbers.moved();
        }
    }
}
