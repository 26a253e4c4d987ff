//! From when to when each value and each gradient is needed, and the memory that follows.

use lenslet_kernels::Kernels;

use super::{Lifetime, Mode, Stage};
use crate::memory::{Allotment, Place};
use crate::program::{Op, Program, Step, Value};

/// A value or gradient that needs a place.
#[derive(Clone, Debug)]
struct Need {
    len: usize,
    time: Lifetime,
    /// Whether it lasts from one stage to another, or longer than an image's turn.
    shared: bool,
}

/// The needs of all values and of their gradients; `None` for those that need no place.
pub(super) struct Lifetimes {
    values: Vec<Option<Need>>,
    gradients: Vec<Option<Need>>,
}

impl Lifetimes {
    pub(super) fn new<K: Kernels>(program: &Program<K>, stages: &[Stage], mode: Mode) -> Self {
        let clock = Clock::new(program, stages);
        let mut values = vec![None; program.lens.len()];
        let mut gradients = vec![None; program.lens.len()];
        for (i, step) in program.steps.iter().enumerate() {
            for value in step.inputs().chain([step.output]) {
                clock.touch(&mut values[value], program.lens[value], i, clock.forward(i));
            }
        }
        let last = program.last();
        clock.touch(&mut values[last], program.lens[last], clock.steps, clock.steps);
        if mode == Mode::Train {
            for (i, step) in program.steps.iter().enumerate() {
                for value in gradients_of(program, step) {
                    let time = clock.backward(i);
                    clock.touch(&mut gradients[value], program.lens[value], i, time);
                }
            }
            if program.wanted[last] {
                let need = &mut gradients[last];
                clock.touch(need, program.lens[last], clock.steps, clock.steps);
            }
            let passing = passing(program);
            for (need, passing) in values.iter_mut().zip(passing) {
                // The backward pass reads it.
                if let Some(need) = need.as_mut().filter(|_| !passing) {
                    (need.time.end, need.shared) = (usize::MAX, true);
                }
            }
        }
        // The output is there when all is done.
        if let Some(need) = &mut values[last] {
            (need.time.end, need.shared) = (usize::MAX, true);
        }
        Self { values, gradients }
    }

    /// Gives each a place that nobody else has at the same time: first those of longest life, of
    /// equal ones the earliest.
    pub(super) fn place(self, image: &mut Allotment, local: &mut Allotment) -> [Vec<Place>; 2] {
        let count = self.values.len();
        let all: Vec<_> = self.values.into_iter().chain(self.gradients).collect();
        let mut places = vec![Place::EMPTY; all.len()];
        for shared in [true, false] {
            let store = if shared { &mut *image } else { &mut *local };
            let mut order: Vec<(usize, &Need)> = (all.iter().enumerate())
                .filter_map(|(i, need)| Some((i, need.as_ref().filter(|n| n.shared == shared)?)))
                .collect();
            order.sort_by_key(|(_, need)| (need.time.end != usize::MAX, need.time.start));
            let mut taken: Vec<(Place, &Lifetime)> = Vec::new();
            for (i, need) in order {
                let beside = taken
                    .iter()
                    .filter(|(_, time)| time.start < need.time.end && need.time.start < time.end);
                let place = store.place_beside(need.len, beside.map(|(place, _)| *place));
                taken.push((place, &need.time));
                places[i] = place;
            }
        }
        let gradients = places.split_off(count);
        [places, gradients]
    }
}

/// The order of all that happens in a step.
struct Clock {
    /// Number of the program's steps: the loss's time.
    steps: usize,
    /// For each step, the first and the last that run together with it.
    together: Vec<(usize, usize)>,
    back_together: Vec<(usize, usize)>,
    stage: Vec<usize>,
    batch_wise: Vec<bool>,
}

impl Clock {
    fn new<K: Kernels>(program: &Program<K>, stages: &[Stage]) -> Self {
        let steps = program.steps.len();
        let alone = |i| (i, i);
        let (mut together, mut back): (Vec<_>, Vec<_>) =
            ((0..steps).map(alone).collect(), (0..steps).map(alone).collect());
        for (i, block) in program.blocks.iter().enumerate() {
            let Some(block) = block else { continue };
            let ends = [(&mut together, block.end(i)), (&mut back, block.backward_end(i))];
            for (together, end) in ends {
                together[i..end].fill((i, end - 1));
            }
        }
        let mut stage: Vec<_> = (stages.iter().enumerate())
            .flat_map(|(index, stage)| stage.steps().map(move |_| index))
            .collect();
        // The loss belongs to the last one.
        stage.push(stages.len() - 1);
        let batch_wise = program.steps.iter().map(Step::is_batch_wise).chain([false]).collect();
        Self { steps, together, back_together: back, stage, batch_wise }
    }

    /// A step's time in the forward pass.
    fn forward(&self, step: usize) -> Lifetime {
        let (first, last) = self.together[step];
        first..last + 1
    }

    /// Its time in the backward pass.
    fn backward(&self, step: usize) -> Lifetime {
        let (first, last) = self.back_together[step];
        2 * self.steps - last..2 * self.steps - first + 1
    }

    /// Something is needed at this time, in the stage of this step.
    fn touch(&self, need: &mut Option<Need>, len: usize, step: usize, time: impl IntoLifetime) {
        let (time, stage) = (time.lifetime(), self.stage[step]);
        let batch_wise = self.batch_wise[step];
        let need = need.get_or_insert_with(|| Need { len, time: time.clone(), shared: batch_wise });
        need.shared |= batch_wise || self.stage_of(&need.time) != stage;
        need.time = need.time.start.min(time.start)..need.time.end.max(time.end);
    }

    /// The stage in which a time begins.
    fn stage_of(&self, time: &Lifetime) -> usize {
        let step = if time.start <= self.steps { time.start } else { 2 * self.steps - time.start };
        self.stage[step]
    }
}

trait IntoLifetime {
    fn lifetime(&self) -> Lifetime;
}

impl IntoLifetime for Lifetime {
    fn lifetime(&self) -> Lifetime {
        self.clone()
    }
}

impl IntoLifetime for usize {
    fn lifetime(&self) -> Lifetime {
        *self..*self + 1
    }
}

/// The gradients that a step's part of the backward pass reads or writes.
fn gradients_of<K: Kernels>(program: &Program<K>, step: &Step<K>) -> Vec<Value> {
    let mut all = match step.op {
        // It is what the normalisation left that goes back through the moments.
        Op::Moments { norm } => {
            let [x, _, y] = program.norms[norm].values;
            vec![x, y]
        }
        Op::Normalize { norm } => {
            let [_, moments, y] = program.norms[norm].values;
            vec![moments, y]
        }
        _ => step.inputs().chain([step.output]).collect(),
    };
    all.retain(|&value| program.wanted[value]);
    all
}

/// Values that a block leaves to its end alone: the backward pass does not read them.
fn passing<K: Kernels>(program: &Program<K>) -> Vec<bool> {
    let mut passing = vec![false; program.lens.len()];
    for (step, block) in program.steps.iter().zip(&program.blocks) {
        passing[step.output] |= block.is_some_and(|block| block.rectified);
    }
    passing
}
